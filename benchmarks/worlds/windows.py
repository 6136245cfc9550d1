"""The six test windows, what is to be foretold in them, and how well a ranking foretells it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.worlds.records import DAY_S, Floats, Integers, Records

WINDOW_DAYS = 35.0
_SPLITS, _DAYS_BETWEEN = 6, 30.4
TOP = 10
DISCOUNTS = 1 / np.log2(np.arange(TOP) + 2)


@dataclass(frozen=True, slots=True)
class Window:
    """One split and the 35 days after it. ``past`` and ``test`` [pairs] tell on which side of the split a pair is.

    ``people`` [people] are rows of users with a target, ``has_history`` [people] those with a pair before the split.
    ``targets`` and ``candidates`` bool [people, posts].
    """

    split: float
    past: NDArray[np.bool_]
    test: NDArray[np.bool_]
    people: Integers
    has_history: NDArray[np.bool_]
    targets: NDArray[np.bool_]
    candidates: NDArray[np.bool_]
    ties: Integers  # posts, best first, by the last 60 days, then by all time, then at random


def six_windows(records: Records) -> tuple[Window, ...]:
    """The last 35 days, and five windows that begin 30.4 days apart before it; the oldest first."""
    last = float(records.events.seconds.max()) - WINDOW_DAYS * DAY_S
    return tuple(_window(records, last - number * _DAYS_BETWEEN * DAY_S) for number in reversed(range(_SPLITS)))


def _window(records: Records, split: float) -> Window:
    pairs, posts = records.pairs, len(records.created)
    past = pairs.seconds < split
    test = ~past & (pairs.seconds <= split + WINDOW_DAYS * DAY_S)
    people = np.unique(pairs.users[test])
    rows = np.full(len(records.is_admin), -1)
    rows[people] = np.arange(len(people))
    targets = np.zeros((len(people), posts), dtype=bool)
    targets[rows[pairs.users[test]], pairs.posts[test]] = True
    candidates = np.repeat((records.created < split)[None], len(people), axis=0)
    known = past & (rows[pairs.users] >= 0)
    candidates[rows[pairs.users[known]], pairs.posts[known]] = False
    month = counts_of_days(records, split, 30)
    two_months = counts_of_days(records, split, 60)
    always = counts_of_days(records, split, 10_000)
    fixed = np.random.default_rng(0).random(posts)
    return Window(
        split,
        past,
        test,
        people,
        np.isin(people, pairs.users[past]),
        targets,
        candidates,
        np.lexsort((fixed, -always, -two_months, -month)),
    )


def counts_of_days(records: Records, moment: float, days: float) -> Floats:
    """How many people met each post in the days before a moment: [posts]."""
    ages = moment - records.pairs.seconds
    return _counts(records, ((ages > 0) & (ages <= days * DAY_S)).astype(np.float64))


def trend(records: Records, moment: float, days: float) -> Floats:
    """The sum of exp(-age / days) over the pairs before a moment: [posts]."""
    ages = (moment - records.pairs.seconds) / DAY_S
    return _counts(records, np.where(ages > 0, np.exp(-np.maximum(ages, 0) / days), 0.0))


def _counts(records: Records, weights: Floats) -> Floats:
    return np.bincount(records.pairs.posts, weights, minlength=len(records.created)).astype(np.float64)


def ndcg_of_people(window: Window, scores: NDArray[np.floating]) -> Floats:
    """NDCG@10 of each person: [people]; ``scores`` [people, posts], or [posts] if all get one order."""
    columns = np.where(window.candidates, np.broadcast_to(scores, window.candidates.shape), -np.inf)[:, window.ties]
    best = np.argsort(-columns, axis=1, kind="stable")[:, :TOP]
    posts = window.ties[best]
    sound = np.take_along_axis(columns, best, axis=1) > -np.inf
    hits = np.take_along_axis(window.targets, posts, axis=1) & sound
    wanted = np.minimum(window.targets.sum(axis=1), TOP)
    return np.asarray((hits @ DISCOUNTS[: hits.shape[1]]) / np.cumsum(DISCOUNTS)[wanted - 1])


def mean_of_windows(values: list[Floats]) -> float:
    """The mean of the windows' means; a window without anybody does not count."""
    return float(np.mean([each.mean() for each in values if len(each)]))
