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


def busy_log(*, days: int = 100, people: int = 24, posts: int = 20) -> Dataset:
    """A seeded log of sessions over some days, enough to train for a second and to replay a month or two."""
    random = np.random.default_rng(5)
    created = np.sort(random.integers(0, days * 1440, size=posts)).tolist()
    created[0] = 0
    events = []
    for user in range(people):
        for start in random.integers(0, days * 1440, size=4):
            count = sum(minute < start for minute in created)
            first = int(random.integers(count))
            events += [Met(user, (first + step) % count, int(start) + 3 * step) for step in range(4)]
    return made_up_log(
        events,
        posts=posts,
        users=people,
        created_minutes=created,
        categories=[1 + post % 2 for post in range(posts)],
    )
