"""The baselines that need no more of a person than the categories of the last posts: what the crowd met."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from pipeline.dataset import Dataset
from pipeline.popularity import people_on_their_first_day, people_who_met, trend
from pipeline.ranking import Recommender, Scores

Method = Callable[[Dataset], Recommender]

_MONTH_DAYS = 30.0
_AFFINITY_PAIRS = 10  # the newest pairs of a person that count
_AFFINITY_PRIOR = 5.0  # pairs that the crowd's shares weigh as much as
_AFFINITY_TREND_DAYS = 14.0


def popularity_of(days: float) -> Method:
    """The people who first met each post in the last ``days``."""
    return lambda past: _same_for_all(people_who_met(past, days=days))


def trend_of(days: float) -> Method:
    """The sum of exp(-age / days) over the people who met each post."""
    return lambda past: _same_for_all(trend(past, days=days))


all_time_popularity = popularity_of(float("inf"))
last_month_popularity = popularity_of(_MONTH_DAYS)


def first_day_popularity(past: Dataset) -> Recommender:
    """What people met on their own first day, in the last 30 days."""
    return _same_for_all(people_on_their_first_day(past, days=_MONTH_DAYS))


def newest_first(past: Dataset) -> Recommender:
    """Time of creation."""
    return _same_for_all(past.created_days)


def random_order(past: Dataset) -> Recommender:
    """A seeded random order for each user."""

    def recommend(_: Dataset, user_rows: NDArray[np.int64]) -> Scores:
        posts = len(past.post_ids)
        return np.stack([np.random.default_rng((0, row)).random(posts, dtype=np.float32) for row in user_rows])

    return recommend


def category_affinity(past: Dataset) -> Recommender:
    """The person's share of a post's category times its trend of 14 days.

    The share is (n_c + k p_c) / (n + k): of the person's last n <= 10 pairs n_c are in the category, p_c is the share
    of all pairs, and k = 5. Posts without a category are one of their own.
    """
    crowd = trend(past, days=_AFFINITY_TREND_DAYS)
    shares = np.bincount(past.category_rows[past.pairs.post_rows], minlength=len(past.category_ids) + 1)
    prior = _AFFINITY_PRIOR * shares / max(shares.sum(), 1)

    def recommend(shown: Dataset, user_rows: NDArray[np.int64]) -> Scores:
        counts = _newest_categories(shown, user_rows)
        affinity = (counts + prior) / (counts.sum(axis=1, keepdims=True) + _AFFINITY_PRIOR)
        return np.asarray(affinity[:, past.category_rows] * crowd, dtype=np.float32)

    return recommend


CROWD_BASELINES: dict[str, Method] = {
    "random": random_order,
    "all-time popularity": all_time_popularity,
    "newest first": newest_first,
    "last-month popularity": last_month_popularity,
}
TIMED_CROWD_BASELINES: dict[str, Method] = {
    "popularity of 7 days": popularity_of(7.0),
    "popularity of 60 days": popularity_of(60.0),
    "trend of 3 days": trend_of(3.0),
    "trend of 7 days": trend_of(7.0),
    "first-day popularity": first_day_popularity,
    "category x trend": category_affinity,
}
"""What needs times; "last-month popularity" is that of 30 days."""


def _newest_categories(shown: Dataset, user_rows: NDArray[np.int64]) -> NDArray[np.float64]:
    """The number of each user's newest pairs in each category: float64 [users, categories]."""
    pairs, categories = shown.pairs, len(shown.category_ids) + 1
    positions = pairs.offsets[user_rows + 1][:, None] - 1 - np.arange(_AFFINITY_PAIRS)
    is_pair = positions >= pairs.offsets[user_rows][:, None]
    users = np.nonzero(is_pair)[0]
    found = shown.category_rows[pairs.post_rows[positions[is_pair]]]
    counts = np.bincount(users * categories + found, minlength=len(user_rows) * categories)
    return counts.reshape(-1, categories).astype(np.float64)


def _same_for_all(scores: NDArray[np.generic]) -> Recommender:
    row = scores.astype(np.float32)
    return lambda _, user_rows: np.broadcast_to(row, (len(user_rows), len(row)))
