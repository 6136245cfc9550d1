"""Clean tables and text embeddings of any size, made up at once, for measurements of what comes after them."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from mood_encoder.encoder_files import default_encoder_directory
from mood_encoder.mood_space import fit_mood_space, training_texts
from pipeline.embed import TextEmbeddings, encoder_fingerprint, write_text_embeddings
from pipeline.tables import INTERACTIONS_FILE, POST_COUNTS, POSTS_FILE, USER_COUNTS, USERS_FILE
from pipeline.workspace import Workspace

TEXT_DIMENSION = 384
_DAYS = 365
_FIRST_MOMENT = 1_735_689_600_000  # the start of 2025, in milliseconds
_DAY = 86_400_000
_WORDS_PER_TITLE = 8
_TITLE_WORDS = 30_000
_CATEGORIES = 20
_EVENTS_AT_ONCE = 2_000_000
_VERBS = ("view", "like", "inspire", "rating")
_VERB_SHARES = (0.6, 0.25, 0.05, 0.1)


def write_made_up_workspace(workspace: Workspace, *, posts: int, users: int, events: int, seed: int = 0) -> None:
    """Write posts, people and events of one year; a few posts and people have many events, most have few."""
    random = np.random.default_rng(seed)
    workspace.clean.mkdir(parents=True, exist_ok=True)
    created = np.sort(random.integers(0, _DAYS * _DAY * 2 // 3, posts)) + _FIRST_MOMENT
    pq.write_table(_posts(created, random), workspace.clean / POSTS_FILE)
    pq.write_table(_users(users), workspace.clean / USERS_FILE)
    _write_events(workspace.clean / INTERACTIONS_FILE, created, users=users, events=events, random=random)
    post_ids = np.arange(1, posts + 1)
    write_made_up_text_embeddings(workspace.text_embeddings, post_ids, random)


def _posts(created: NDArray[np.int64], random: np.random.Generator) -> pa.Table:
    count = len(created)
    words = np.minimum(random.zipf(1.3, (count, _WORDS_PER_TITLE)), _TITLE_WORDS)
    titles = pa.array([" ".join(f"w{word}" for word in row) for row in words])
    empty = pa.array([""] * count)
    categories = random.integers(1, _CATEGORIES + 1, count)
    texts = dict.fromkeys(
        ("thumbnail_url", "owner_username", "description", "keywords", "mood_text"), empty
    ) | dict.fromkeys(("title", "content_text", "summary_text"), titles)
    return pa.table(
        {
            "post_id": pa.array(np.arange(1, count + 1)),
            "video_link": pa.array([f"https://example.com/{number}.mp4" for number in range(1, count + 1)]),
            "category_id": pa.array(categories, pa.int32()),
            "category_name": pa.array([f"category {number}" for number in categories]),
            "created_at": pa.array(created, pa.timestamp("ms", "UTC")),
            "average_rating": pa.nulls(count, pa.float64()),
            "is_servable": pa.array(np.ones(count, dtype=np.bool_)),
            **dict.fromkeys(POST_COUNTS, pa.array(np.zeros(count, dtype=np.int64))),
            **texts,
        }
    )


def _users(count: int) -> pa.Table:
    return pa.table(
        {
            "user_id": pa.array(np.arange(1, count + 1)),
            "username": pa.array([f"user{number}" for number in range(1, count + 1)]),
            "is_verified": pa.array(np.zeros(count, dtype=np.bool_)),
            "user_type": pa.array([""] * count),
            **dict.fromkeys(USER_COUNTS, pa.array(np.zeros(count, dtype=np.int64))),
            "answers": pa.array(np.ones(count, dtype=np.bool_)),
        }
    )


def _write_events(
    path: Path, created: NDArray[np.int64], *, users: int, events: int, random: np.random.Generator
) -> None:
    """Events ascending by time, each of a post that exists; written in pieces."""
    moments = np.sort(random.integers(0, _DAYS * _DAY, events)) + _FIRST_MOMENT
    order = random.permutation(users)
    writer = None
    for start in range(0, events, _EVENTS_AT_ONCE):
        at = moments[start : start + _EVENTS_AT_ONCE]
        existing = np.maximum(np.searchsorted(created, at), 1)
        posts = (
            existing - 1 - np.floor(existing * random.random(len(at)) ** 3).astype(np.int64)
        )  # new ones are met most
        people = order[np.floor(users * random.random(len(at)) ** 1.5).astype(np.int64)]
        verbs = random.choice(len(_VERBS), len(at), p=_VERB_SHARES)
        ratings = pa.array(random.integers(1, 101, len(at)), pa.int16(), mask=verbs != _VERBS.index("rating"))
        piece = pa.table(
            {
                "user_id": pa.array(people + 1),
                "post_id": pa.array(np.maximum(posts, 0) + 1),
                "verb": pa.DictionaryArray.from_arrays(pa.array(verbs, pa.int32()), pa.array(_VERBS)).cast(pa.string()),
                "at": pa.array(at, pa.timestamp("ms", "UTC")),
                "rating_percent": ratings,
            }
        )
        writer = writer or pq.ParquetWriter(path, piece.schema)
        writer.write_table(piece)
    if writer:
        writer.close()


def write_made_up_text_embeddings(path: Path, post_ids: NDArray[np.int64], random: np.random.Generator) -> None:
    """Unit vectors that vary in some directions more than in others, in place of what `moodfeed embed` writes.

    They name the default encoder, so that an export accepts them.
    """
    scales = 1 / np.sqrt(1 + np.arange(TEXT_DIMENSION, dtype=np.float32))
    drawn = random.standard_normal((len(post_ids), TEXT_DIMENSION), dtype=np.float32) * scales
    embeddings = np.asarray(drawn / np.linalg.norm(drawn, axis=1, keepdims=True), dtype=np.float32)
    texts, targets = training_texts()
    words = random.standard_normal((len(texts), TEXT_DIMENSION), dtype=np.float32) * scales
    space = fit_mood_space(words / np.linalg.norm(words, axis=1, keepdims=True), targets)
    encoder = encoder_fingerprint(default_encoder_directory())
    write_text_embeddings(path, TextEmbeddings(post_ids, embeddings, embeddings, space, encoder))
