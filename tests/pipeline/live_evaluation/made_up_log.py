"""Logs of a few people and posts, with ratings, in whole minutes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bundle.verbs import VERBS
from pipeline.dataset import Dataset, _assemble
from pipeline.events import Events
from tests.pipeline.by_hand.tiny_dataset import moments

MINUTE = 1 / 1440  # days


def day_of(minute: float) -> float:
    """Days since 1970, rounded as those of the tables are."""
    return minute * 60_000 / 86_400_000


@dataclass(frozen=True, slots=True)
class Met:
    """One event: rows of a user and a post, and the minutes since 1970; ``percent`` is for ratings."""

    user: int
    post: int
    minute: int
    verb: str = "view"
    percent: int = 50


def made_up_log(
    events: Sequence[Met],
    *,
    posts: int = 5,
    users: int = 4,
    created_minutes: Sequence[int] | None = None,
    categories: Sequence[int] | None = None,
) -> Dataset:
    """A dataset of these events; ids are 1 + row, every post is of minute 0 and category 1 unless said otherwise."""
    rows = sorted(events, key=lambda event: (event.minute, event.user, event.post, event.verb))
    ids = np.arange(1, posts + 1)
    text = np.eye(posts, 8, dtype=np.float32)
    days = np.array([day_of(event.minute) for event in rows], dtype=np.float64)
    return _assemble(
        posts=pd.DataFrame(
            {
                "post_id": ids,
                "category_id": pd.array(categories if categories is not None else [1] * posts, dtype="Int32"),
                "created_at": moments([minute * MINUTE for minute in created_minutes or [0] * posts]),
                "summary_text": [f"post {number % 2} {number}" for number in ids],
            }
        ),
        users=pd.DataFrame({"user_id": np.arange(1, users + 1), "username": [f"user {row}" for row in range(users)]}),
        text=text,
        mood_text=text,
        events=Events(
            user_rows=np.array([event.user for event in rows], dtype=np.int32),
            post_rows=np.array([event.post for event in rows], dtype=np.int32),
            verbs=np.array([VERBS.index(event.verb) for event in rows], dtype=np.int8),
            rating_percents=np.array([event.percent if event.verb == "rating" else 0 for event in rows], dtype=np.int8),
            days=days,
        ),
    )
