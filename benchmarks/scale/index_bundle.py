"""Writes a bundle of any size that a post index can serve: random unit vectors, many categories of unequal size."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bundle.blend import Blend
from bundle.canary_embeddings import CanaryEmbeddings
from bundle.directory import point_current_at, write_bundle
from bundle.index_posts import UNKNOWN_MOMENT, Category, IndexPosts
from bundle.manifest import Manifest
from bundle.post_steps import PostSteps
from bundle.post_trends import PostTrends
from bundle.served_posts import TEXT_FIELDS, PostTable

CATEGORIES = 200
USER_WEIGHT = 0.1
BLEND = Blend(
    popularity=1.0, tower=1.5, tower_history=3.0, lasting=0.6, category=1.0, followers=0.3, order=0.3, floor=0.05
)
_NOON = 1_767_225_600_000
_AT_ONCE = 50_000  # vectors
_LINK, _OWNER = "https://video.example/{:09d}.mp4", "owner{:05d}"
_OWNERS = 10_000


def write_index_bundle(root: Path, posts: int, *, tower: int, text: int, seed: int = 0) -> Path:
    """Write a bundle of so many posts, with vectors of these dimensions, and make it current."""
    random = np.random.default_rng(seed)
    index = _index(random, posts, tower=tower, text=text)

    def write_files(directory: Path) -> None:
        index.write(directory)
        met = np.round(random.exponential(2.0, posts)) * (random.random(posts) < 0.2)
        PostTrends(met, _NOON, lasting=met.astype(np.float32)).write(directory)
        PostSteps.none(posts).write(directory)
        CanaryEmbeddings(np.zeros((0, tower), np.float32), np.zeros((0, text), np.float32)).write(directory)

    manifest = Manifest(
        tower_dimension=tower,
        text_dimension=text,
        max_tokens=128,
        user_weight=USER_WEIGHT,
        tower={},
        counts={"posts": posts},
        offline_metrics={},
        library_versions={},
        canaries=(),
        blend=BLEND,
    )
    directory = write_bundle(root, manifest, write_files=write_files, sidecar={})
    point_current_at(root, directory.name)
    return directory


def sizes_of_categories(posts: int) -> NDArray[np.int64]:
    """How many posts each category has: the largest about 17 %, by Zipf's law; int64 [CATEGORIES]."""
    shares = 1 / np.arange(1, CATEGORIES + 1)
    edges = np.round(posts * np.cumsum(shares) / shares.sum()).astype(np.int64)
    sizes = np.diff(edges, prepend=0)
    return np.random.default_rng(1).permutation(sizes)  # ids say nothing about sizes


def _index(random: np.random.Generator, posts: int, *, tower: int, text: int) -> IndexPosts:
    category_ids = np.repeat(np.arange(1, CATEGORIES + 1), sizes_of_categories(posts)).astype(np.int32)
    post_ids = np.arange(1, posts + 1, dtype=np.int64)
    return IndexPosts(
        post_ids=post_ids,
        category_ids=category_ids,
        tower_embeddings=_unit_rows(random, np.empty((posts, tower), np.float32)),
        text_embeddings=_unit_rows(random, np.empty((posts, text), np.float16)),
        popularity=random.random(posts, dtype=np.float32),
        created_ms=np.full(posts, UNKNOWN_MOMENT),
        posts=made_table(post_ids, category_ids),
        categories=tuple(Category(int(number), f"category {number}") for number in np.unique(category_ids)),
    )


def _unit_rows(random: np.random.Generator, vectors: NDArray[np.floating]) -> NDArray[np.floating]:  # filled in place
    for start in range(0, len(vectors), _AT_ONCE):
        block = vectors[start : start + _AT_ONCE]
        drawn = random.standard_normal(block.shape, dtype=np.float32)
        block[:] = drawn / np.linalg.norm(drawn, axis=1, keepdims=True)
    return vectors


def made_table(post_ids: NDArray[np.int64], category_ids: NDArray[np.int32]) -> PostTable:
    """Posts with a link and an owner of fixed length each: no object for each text is made."""
    link, owner = _digits(_LINK, post_ids, digits=9), _digits(_OWNER, post_ids % _OWNERS, digits=5)
    text = np.concatenate([link, owner], axis=1)
    lengths = np.zeros(len(TEXT_FIELDS), dtype=np.int64)
    lengths[TEXT_FIELDS.index("video_link")] = link.shape[1]
    lengths[TEXT_FIELDS.index("owner_username")] = owner.shape[1]
    offsets = np.zeros(len(TEXT_FIELDS) * len(post_ids) + 1, dtype=np.int64)
    np.cumsum(np.tile(lengths, len(post_ids)), out=offsets[1:])
    return PostTable(post_ids, category_ids, offsets, text.ravel())


def _digits(pattern: str, numbers: NDArray[np.int64], *, digits: int) -> NDArray[np.uint8]:
    """The UTF-8 of the pattern with each number in it: uint8 [numbers, bytes]."""
    example = np.frombuffer(pattern.format(0).encode(), dtype=np.uint8)
    texts = np.tile(example, (len(numbers), 1))
    first = pattern.index("{")
    for place in range(digits):
        texts[:, first + place] = ord("0") + numbers // 10 ** (digits - 1 - place) % 10
    return texts
