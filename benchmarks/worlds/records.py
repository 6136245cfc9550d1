"""The rows of an upstream's endpoints as arrays: what happened, in order, without what the product made of it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

DAY_S = 86_400.0
_SESSION_GAP_S = 1800.0
_MOMENT_KEYS = ("viewed_at", "liked_at", "inspired_at", "rated_at")
VIEW, LIKE, INSPIRE, RATING = range(4)

RowsOf = Iterable[Mapping[str, Any]]
Integers = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Events:
    """All sound events by time. ``users`` and ``posts`` are rows; ``seconds`` since 1970; ``ratings`` 0 if none."""

    users: Integers
    posts: Integers
    seconds: Floats
    verbs: Integers
    ratings: Integers


@dataclass(frozen=True, slots=True)
class Pairs:
    """The first time that each person meets each post, by any verb, by time.

    ``sessions`` numbers the sessions: pairs of a person that are less than 30 minutes apart.
    """

    users: Integers
    posts: Integers
    seconds: Floats
    sessions: Integers

    def __len__(self) -> int:
        return len(self.users)


@dataclass(frozen=True, slots=True)
class Records:
    """One world. Posts are in post order (by id); ``categories`` holds 0 where a post has none.

    ``steps`` [steps, 2]: rows of ``pairs`` that follow each other in a session.
    """

    created: Floats  # seconds since 1970, [posts]
    categories: Integers
    owners: Integers
    texts: tuple[str, ...]
    post_names: Integers  # the owner's username as a number shared with user_names
    user_names: Integers
    is_admin: NDArray[np.bool_]  # [users]
    events: Events
    pairs: Pairs
    steps: Integers

    @property
    def pair_days(self) -> Integers:
        """The day of each pair, counted from the first day with a pair: [pairs]."""
        days = (self.pairs.seconds // DAY_S).astype(np.int64)
        return np.asarray(days - days.min())


def read_records(*, events: tuple[RowsOf, RowsOf, RowsOf, RowsOf], posts: RowsOf, users: RowsOf) -> Records:
    """Read the rows of the endpoints; ``events`` are views, likes, inspires and ratings.

    Rows that name no known post or user, and rows whose time cannot be read, are left out.
    """
    sound_posts = sorted((row for row in posts if isinstance(row["created_at"], int)), key=lambda row: int(row["id"]))
    all_users = list(users)
    post_rows = {int(row["id"]): number for number, row in enumerate(sound_posts)}
    user_rows = {int(row["id"]): number for number, row in enumerate(all_users)}
    names: dict[str, int] = {}
    post_names = np.array([names.setdefault(str(row["username"]), len(names)) for row in sound_posts])
    user_names = np.array([names.setdefault(str(row["username"]), len(names)) for row in all_users])
    read = _read_events(events, post_rows, user_rows)
    pairs = _first_meetings(read, len(sound_posts))
    return Records(
        created=np.array([row["created_at"] / 1000 for row in sound_posts]),
        categories=np.array([row["category"]["id"] if row["category"] else 0 for row in sound_posts]),
        owners=np.unique(post_names, return_inverse=True)[1],
        texts=tuple(f"{row['title']} {_words_of(row['post_summary'])}" for row in sound_posts),
        post_names=post_names,
        user_names=user_names,
        is_admin=np.array([row["role"] == "A" for row in all_users]),
        events=read,
        pairs=pairs,
        steps=_steps(pairs),
    )


def _read_events(tables: Iterable[RowsOf], post_rows: dict[int, int], user_rows: dict[int, int]) -> Events:
    found = []
    for verb, (rows, key) in enumerate(zip(tables, _MOMENT_KEYS, strict=True)):
        for row in rows:
            user, post = user_rows.get(row["user_id"]), post_rows.get(row["post_id"])
            if user is not None and post is not None and not row[key].startswith("0000"):
                found.append((user, post, _seconds_of(row[key]), verb, row.get("rating_percent", 0)))
    columns = np.array(found, dtype=np.float64)
    columns = columns[np.argsort(columns[:, 2], kind="stable")]
    whole = columns.astype(np.int64)
    return Events(whole[:, 0], whole[:, 1], columns[:, 2], whole[:, 3], whole[:, 4])


def _seconds_of(text: str) -> float:
    return datetime.fromisoformat(f"{text}+00:00").timestamp()


def _first_meetings(events: Events, posts: int) -> Pairs:
    _, first = np.unique(events.users * posts + events.posts, return_index=True)
    first = np.sort(first)
    users, seconds = events.users[first], events.seconds[first]
    order = np.lexsort((np.arange(len(first)), users))
    starts = np.ones(len(first), dtype=bool)
    starts[1:] = (np.diff(users[order]) != 0) | (np.diff(seconds[order]) >= _SESSION_GAP_S)
    sessions = np.empty(len(first), dtype=np.int64)
    sessions[order] = np.cumsum(starts) - 1
    return Pairs(users, events.posts[first], seconds, sessions)


def _steps(pairs: Pairs) -> Integers:
    order = np.lexsort((np.arange(len(pairs)), pairs.sessions))
    same = np.diff(pairs.sessions[order]) == 0
    return np.stack([order[:-1][same], order[1:][same]], axis=1)


def _words_of(value: object) -> str:
    """All words of a summary: texts, and the keys of flags."""
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping):
        return " ".join(str(key) if inner is True else _words_of(inner) for key, inner in value.items())
    if isinstance(value, list | tuple):
        return " ".join(map(_words_of, value))
    return ""
