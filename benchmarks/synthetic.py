"""Generates a bundle of any size from a seed: random unit vectors and histories, untrained towers, a real BERT."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file

from bundle import file_names
from bundle.blend import Blend
from bundle.canary_embeddings import CanaryEmbeddings
from bundle.directory import point_current_at, write_bundle
from bundle.index_posts import UNKNOWN_MOMENT, Category, IndexPosts
from bundle.known_users import HistoryPosts, KnownUsers
from bundle.manifest import Manifest
from bundle.post_steps import PostSteps
from bundle.post_trends import PostTrends
from bundle.served_posts import PostTable
from mood_encoder.encoder_files import default_encoder_directory, encoder_files
from mood_encoder.mood_reader import fitted_reader
from mood_encoder.mood_space_file import write_mood_space
from mood_encoder.torch_encoder import TorchEncoder
from pipeline.convert_encoder import write_served_encoder
from two_tower.features import NUMERIC_FEATURES
from two_tower.model import PostTower, UserTower
from two_tower.tower_config import TowerConfig
from two_tower.tower_files import write_words

BY_TOWER_ALONE = Blend()
TEXT_DIMENSION = 384
TOWER_DIMENSION = 64
_HISTORY_POSTS = 10_000
_HISTORY = (3, 30)  # range of the number of posts in a user's history
_WORDS = ("a", "the", "video")
_RANDOM_AT_ONCE = 50_000


@dataclass(frozen=True, slots=True)
class Size:
    """The size of a bundle; posts outside the measured categories share one more, large category."""

    posts: int
    users: int
    categories: int  # those that are measured
    category_posts: int


def write_synthetic_bundle(root: Path, size: Size, *, seed: int = 0, blend: Blend = BY_TOWER_ALONE) -> Path:
    """Write a bundle and make it current; the same size and seed give the same posts and users."""
    random = np.random.default_rng(seed)
    config = TowerConfig(
        text_dimension=TEXT_DIMENSION,
        post_count=min(size.posts, _HISTORY_POSTS),
        category_count=size.categories + 2,
        word_count=len(_WORDS),
        tower_dimension=TOWER_DIMENSION,
    )
    index = _index(random, size)
    history_ids = np.sort(index.post_ids)[: config.post_count]
    torch.manual_seed(seed)
    user_tower, post_tower = UserTower(config), PostTower(config)

    def write_files(directory: Path) -> None:
        index.write(directory)
        PostTrends(np.random.default_rng(seed).exponential(5.0, size.posts), 1_700_000_000_000).write(directory)
        PostSteps.none(size.posts).write(directory)
        _users(random, size, history_ids).write(directory)
        HistoryPosts(history_ids, _unit_rows(random, len(history_ids), config.representation_dimension)).write(
            directory
        )
        CanaryEmbeddings(np.zeros((0, TOWER_DIMENSION), np.float32), np.zeros((0, TEXT_DIMENSION), np.float32)).write(
            directory
        )
        save_file(user_tower.state_dict(), directory / file_names.USER_TOWER)
        known = {
            "known.numeric": torch.zeros(len(history_ids), len(NUMERIC_FEATURES)),
            "known.category_rows": torch.zeros(len(history_ids), dtype=torch.int64),
            "known.category_ids": torch.arange(1, size.categories + 2),
            "known.is_new": torch.zeros(len(history_ids), dtype=torch.bool),
        }
        save_file(post_tower.state_dict() | known, directory / file_names.POST_TOWER)
        write_words(_WORDS, directory)
        mood_encoder = directory / file_names.MOOD_ENCODER
        mood_encoder.mkdir()
        for file in encoder_files(default_encoder_directory()):
            shutil.copyfile(file, mood_encoder / file.name)
        bert = TorchEncoder(mood_encoder)
        write_served_encoder(mood_encoder, full=bert)
        write_mood_space(fitted_reader(bert).space, directory)

    manifest = Manifest(
        tower_dimension=TOWER_DIMENSION,
        text_dimension=TEXT_DIMENSION,
        max_tokens=128,
        user_weight=0.1,
        tower=config.as_facts(),
        counts={"posts": size.posts, "users": size.users},
        offline_metrics={},
        library_versions={},
        canaries=(),
        blend=blend,
    )
    directory = write_bundle(root, manifest, write_files=write_files, sidecar={})
    point_current_at(root, directory.name)
    return directory


def _index(random: np.random.Generator, size: Size) -> IndexPosts:
    measured = size.categories * size.category_posts
    if measured > size.posts:
        raise ValueError(f"{size.categories} categories of {size.category_posts} need more than {size.posts} posts")
    category_ids = np.concatenate(
        [
            np.repeat(np.arange(1, size.categories + 1), size.category_posts),
            np.full(size.posts - measured, size.categories + 1),
        ]
    ).astype(np.int32)
    post_ids = np.arange(1, size.posts + 1, dtype=np.int64)
    return IndexPosts(
        post_ids=post_ids,
        category_ids=category_ids,
        tower_embeddings=_unit_rows(random, size.posts, TOWER_DIMENSION),
        text_embeddings=_unit_rows(random, size.posts, TEXT_DIMENSION).astype(np.float16),
        popularity=random.random(size.posts, dtype=np.float32),
        created_ms=np.full(size.posts, UNKNOWN_MOMENT),
        posts=PostTable.from_columns(
            post_ids,
            category_ids,
            {
                "video_link": (f"https://video.example/{post_id}.mp4" for post_id in post_ids),
                "title": (f"What happens in video number {post_id}" for post_id in post_ids),
                "thumbnail_url": (f"https://video.example/{post_id}.jpg" for post_id in post_ids),
                "owner_username": (f"owner{post_id % 1000}" for post_id in post_ids),
                "external_id": [""] * size.posts,
                "language": [""] * size.posts,
            },
        ),
        categories=tuple(Category(int(number), f"category {number}") for number in np.unique(category_ids)),
    )


def _users(random: np.random.Generator, size: Size, history_ids: NDArray[np.int64]) -> KnownUsers:
    lengths = random.integers(*_HISTORY, size=size.users)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    events = int(offsets[-1])
    days = -random.random(events, dtype=np.float32)
    order = np.lexsort((days, np.repeat(np.arange(size.users), lengths)))  # each history oldest first
    return KnownUsers(
        user_ids=np.arange(1, size.users + 1, dtype=np.int64),
        usernames=tuple(f"user{number}" for number in range(size.users)),
        offsets=offsets,
        post_ids=random.choice(history_ids, size=events),
        verbs=random.integers(0, 4, size=events).astype(np.int8),
        strengths=random.random(events, dtype=np.float32),
        days=days[order],
    )


def _unit_rows(random: np.random.Generator, rows: int, dimension: int) -> NDArray[np.float32]:
    vectors = np.empty((rows, dimension), dtype=np.float32)
    for start in range(0, rows, _RANDOM_AT_ONCE):
        piece = random.standard_normal((min(_RANDOM_AT_ONCE, rows - start), dimension), dtype=np.float32)
        vectors[start : start + len(piece)] = piece / np.linalg.norm(piece, axis=1, keepdims=True)
    return vectors
