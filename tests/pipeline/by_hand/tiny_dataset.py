"""Datasets small enough to be computed by hand."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from pipeline.dataset import Dataset, _assemble
from pipeline.events import Events

Event = tuple[int, int, str, float]
"""User row, post row, verb, day."""

VIEW, LIKE, INSPIRE = 0.2, 0.8, 1.0 - 1e-6  # the strength of a pair with this one verb


def tiny_dataset(
    events: Sequence[Event],
    *,
    posts: int = 5,
    users: int = 4,
    post_ids: Sequence[int] | None = None,
    user_ids: Sequence[int] | None = None,
    created_days: Sequence[float] | None = None,
    categories: Sequence[int | None] | None = None,
    text: Sequence[Sequence[float]] | None = None,
) -> Dataset:
    """A dataset of these events; ids are 1 + row, every post is of day 0 and category 1 unless said otherwise."""
    ids = np.array(post_ids if post_ids is not None else range(1, posts + 1), dtype=np.int64)
    people = np.array(user_ids if user_ids is not None else range(1, users + 1), dtype=np.int64)
    rows = sorted(events, key=lambda event: (event[3], event[0], event[1], event[2]))
    embeddings = np.array(text if text is not None else np.eye(len(ids)), dtype=np.float32)
    interactions = pd.DataFrame(
        {
            "user_id": people[[user for user, *_ in rows]] if rows else np.zeros(0, dtype=np.int64),
            "post_id": ids[[post for _, post, *_ in rows]] if rows else np.zeros(0, dtype=np.int64),
            "verb": pd.Series([verb for *_, verb, _ in rows], dtype="str"),
            "at": moments([day for *_, day in rows]),
            "rating_percent": pd.array([None] * len(rows), dtype="Int16"),
        }
    )
    return _assemble(
        posts=pd.DataFrame(
            {
                "post_id": ids,
                "category_id": pd.array(categories if categories is not None else [1] * len(ids), dtype="Int32"),
                "created_at": moments(created_days if created_days is not None else [0.0] * len(ids)),
                "summary_text": [f"post {number}" for number in ids],
            }
        ),
        users=pd.DataFrame({"user_id": people, "username": [f"user {number}" for number in people]}),
        text=embeddings,
        mood_text=embeddings,
        events=Events.of_frame(interactions, user_ids=people, post_ids=ids),
    )


def moments(days: Sequence[float]) -> "pd.Series[pd.Timestamp]":
    """Days since 1970 as the tables hold them, to the millisecond."""
    milliseconds = pd.Series([round(day * 86_400_000) for day in days], dtype="int64")
    return pd.to_datetime(milliseconds, unit="ms", utc=True).astype("datetime64[ms, UTC]")
