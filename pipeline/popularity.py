"""How popular each post is with everybody: people in a window, trends, and what newcomers met.

Every function counts pairs: the first time that a person meets a post, by any verb. The newest moment is the end of the
data that it is given, so nothing later than that can change a count. Without timestamps every window is all of it.
"""

import numpy as np
from numpy.typing import NDArray

from pipeline.dataset import Dataset

ALL_TIME = float("inf")
TIE_WINDOWS_DAYS = (30.0, 60.0, ALL_TIME)
LASTING_DAYS, BEGINNING_DAYS = 60.0, 45.0
_FIRST_POSTS = 10  # of each person

Counts = NDArray[np.float64]  # [posts]


def people_who_met(past: Dataset, *, days: float = ALL_TIME) -> Counts:
    """The number of people who first met each post in the last ``days``: float64 [posts]."""
    return _weighted(past, _is_recent(past, days).astype(np.float64))


def trend(past: Dataset, *, days: float) -> Counts:
    """The people who met each post, one of ``days`` ago counting 1/e: the sum of exp(-age / days); float64 [posts]."""
    if not past.is_timed:
        return people_who_met(past)
    return _weighted(past, np.exp((past.pairs.days - past.end_day) / days))


def people_on_their_first_day(past: Dataset, *, days: float) -> Counts:
    """The people who met each post in the last ``days`` and within a day of their own first pair; float64 [posts]."""
    pairs = past.pairs
    if not len(pairs):
        return people_who_met(past)
    first_days = pairs.days[pairs.offsets[pairs.user_rows]]  # a user's pairs ascend by day
    return _weighted(past, (_is_recent(past, days) & (pairs.days < first_days + 1)).astype(np.float64))


def lasting_popularity(past: Dataset) -> Counts:
    """What people met over a long time, float64 [posts] with a sum of 1, or of 0 without interactions.

    Half of it is the trend of 60 days, half a trend of 45 days over the first ten posts that each person met.
    """
    if not len(past.pairs):
        return people_who_met(past)
    age = past.end_day - past.pairs.days if past.is_timed else np.zeros(len(past.pairs))
    slow = _weighted(past, np.exp(-age / LASTING_DAYS))
    return halves(slow, _weighted(past, np.exp(-age / BEGINNING_DAYS) * first_posts(past)))


def first_posts(past: Dataset) -> NDArray[np.bool_]:
    """Whether each pair is one of the first ten of its person: bool [pairs]."""
    return np.arange(len(past.pairs)) - past.pairs.offsets[past.pairs.user_rows] < _FIRST_POSTS


def halves(slow: Counts, first: Counts) -> Counts:
    """Half of each count's shares; zeros where there is nothing to share."""
    return np.asarray(slow / max(slow.sum(), 1e-300) / 2 + first / max(first.sum(), 1e-300) / 2)


def tie_order(past: Dataset) -> NDArray[np.int64]:
    """The place of each post among posts with equal scores: int64 [posts], a permutation.

    More people in the last 30 days come first; then more in 60 days, then more ever, then a fixed random order.
    """
    chance = np.random.default_rng(0).permutation(len(past.post_ids))
    order = np.lexsort((chance, *(-people_who_met(past, days=days) for days in reversed(TIE_WINDOWS_DAYS))))
    places = np.empty(len(order), dtype=np.int64)
    places[order] = np.arange(len(order))
    return places


def _is_recent(past: Dataset, days: float) -> NDArray[np.bool_]:
    if not past.is_timed:
        return np.ones(len(past.pairs), dtype=np.bool_)
    return past.pairs.days >= past.end_day - days


def _weighted(past: Dataset, weights: NDArray[np.float64]) -> Counts:
    counts = np.bincount(past.pairs.post_rows, weights=weights, minlength=len(past.post_ids))
    return counts.astype(np.float64)  # int64 without pairs
