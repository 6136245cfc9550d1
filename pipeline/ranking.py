"""Rank the full catalogue for every test user and measure the ranks of the targets; no sampled negatives.

A target's rank counts the candidates with a higher score. Those with an equal score count by the split's order of ties;
where it has none, all of them count, so that no method gains from the order of the catalogue.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.dataset import Dataset
from pipeline.splits import Split

CUTOFF = 10
MISSED = 2**62  # the rank of a target that cannot be shown: beyond any cutoff
_USERS_AT_ONCE = 512
_TARGETS_AT_ONCE = 256
RESAMPLES = 1000  # of the people, for a bootstrap interval
_CONFIDENCE = 0.95
TAILS = ((1 - _CONFIDENCE) / 2, (1 + _CONFIDENCE) / 2)  # the quantiles that bound the interval
_ROUNDING = 1e-9

Scores = NDArray[np.float32]  # [users, posts]
Recommender = Callable[[Dataset, NDArray[np.int64]], Scores]
"""Scores of all posts for the users of the given rows, whose histories the given dataset holds."""


class NotANumberError(ValueError):
    """A score is not a number, or a metric is not in 0..1: names it. No such value is ever ranked or reported."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean over test users and its 95 % bootstrap confidence interval, each 0..1; NotANumberError otherwise."""

    mean: float
    low: float
    high: float

    def __post_init__(self) -> None:
        """Check the range, which a NaN is not in either."""
        for name in ("mean", "low", "high"):
            check_metric(name, getattr(self, name))


@dataclass(frozen=True, slots=True)
class TargetRanks:
    """The rank of each target: one row for each test user and target, ascending by user.

    ``users`` int64 (position in the split's ``user_rows``), ``posts`` int64 (row), ``ranks`` int64 (0 = first among all
    candidates), ``category_ranks`` int64 (the same among the candidates of the target's category, -1 if it has none),
    ``categories`` int64 (row of the target's category, 0 = none).
    """

    users: NDArray[np.int64]
    posts: NDArray[np.int64]
    ranks: NDArray[np.int64]
    category_ranks: NDArray[np.int64]
    categories: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class PerUser:
    """One value for each test user, float64 [users]."""

    recall: NDArray[np.float64]
    ndcg: NDArray[np.float64]
    hit: NDArray[np.float64]


def check_metric(name: str, value: float) -> None:
    """NotANumberError if a metric is not in 0..1."""
    if not -_ROUNDING <= value <= 1 + _ROUNDING:
        raise NotANumberError(f"{name} is {value} and must be from 0 to 1: the scores or their ranks are wrong")


def rank_targets(split: Split, recommender: Recommender, *, candidates: NDArray[np.bool_] | None = None) -> TargetRanks:
    """Rank the candidates (default: the split's) that a user's shown history does not hold; [targets] in each field.

    The rank of a target that is not a candidate is MISSED.
    """
    candidates = split.candidates if candidates is None else candidates
    target_counts = np.array([len(targets) for targets in split.targets], dtype=np.int64)
    users = np.repeat(np.arange(len(split.user_rows)), target_counts)
    posts = np.concatenate([*split.targets, np.zeros(0, dtype=np.int64)])
    starts = np.concatenate([[0], np.cumsum(target_counts)])
    ranks, category_ranks = np.zeros(len(posts), dtype=np.int64), np.full(len(posts), -1)
    for first in range(0, len(split.user_rows), _USERS_AT_ONCE):
        user_rows = split.user_rows[first : first + _USERS_AT_ONCE]
        scores = scores_of_unseen(recommender, split.shown, user_rows, candidates=candidates)
        for start in range(starts[first], starts[first + len(user_rows)], _TARGETS_AT_ONCE):
            piece = slice(start, min(start + _TARGETS_AT_ONCE, starts[first + len(user_rows)]))
            ranks[piece], category_ranks[piece] = _places(
                scores[users[piece] - first], posts[piece], ties=split.ties, categories=split.shown.category_rows
            )
    if candidates is not None:
        is_missed = ~candidates[posts]
        ranks[is_missed] = MISSED
        category_ranks[is_missed & (category_ranks >= 0)] = MISSED
    categories = split.shown.category_rows[posts]
    return TargetRanks(users=users, posts=posts, ranks=ranks, category_ranks=category_ranks, categories=categories)


def _places(
    scores: Scores, posts: NDArray[np.int64], *, ties: NDArray[np.int64] | None, categories: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The places of ``posts`` [targets] in the rows of ``scores`` [targets, posts]: among all, and in its category."""
    own = np.arange(len(posts))
    wanted = scores[own, posts][:, None]
    is_before = (
        scores >= wanted if ties is None else (scores > wanted) | ((scores == wanted) & (ties < ties[posts, None]))
    )
    is_before[own, posts] = False
    of_target = categories[posts]
    is_same = categories == of_target[:, None]
    return is_before.sum(axis=1), np.where(of_target > 0, (is_before & is_same).sum(axis=1), -1)


def measure(ranks: TargetRanks, *, in_category: bool = False) -> PerUser:
    """Metrics of each test user at a cutoff of 10; ``in_category`` leaves out users without a target in a category.

    Recall is the share of the targets that a page of ten can hold. In category, each category of a user's targets has
    a page of its own.
    """
    keep = ranks.category_ranks >= 0 if in_category else np.ones(len(ranks.users), dtype=np.bool_)
    users, user_of = np.unique(ranks.users[keep], return_inverse=True)
    found = (ranks.category_ranks if in_category else ranks.ranks)[keep]
    page_numbers = user_of * (ranks.categories.max(initial=0) + 1) + ranks.categories[keep] * in_category
    pages, counts = np.unique(page_numbers, return_counts=True)
    page_users = pages // (ranks.categories.max(initial=0) + 1)
    can_be_shown = np.minimum(counts, CUTOFF)  # of each page
    best = np.concatenate([[0], np.cumsum(1 / np.log2(np.arange(CUTOFF) + 2.0))])
    is_hit = found < CUTOFF
    hits = np.bincount(user_of, weights=is_hit, minlength=len(users))
    gains = np.bincount(user_of, weights=np.where(is_hit, 1 / np.log2(found + 2.0), 0), minlength=len(users))
    return PerUser(
        recall=hits / np.bincount(page_users, weights=can_be_shown, minlength=len(users)),
        ndcg=gains / np.bincount(page_users, weights=best[can_be_shown], minlength=len(users)),
        hit=(hits > 0).astype(np.float64),
    )


def estimate(values: NDArray[np.float64]) -> Estimate:
    """Mean and seeded percentile bootstrap interval (Efron 1979): the same values give the same interval."""
    if not len(values):
        return Estimate(0.0, 0.0, 0.0)
    random = np.random.default_rng(0)
    means = [values[random.integers(len(values), size=len(values))].mean() for _ in range(RESAMPLES)]
    low, high = np.quantile(means, TAILS)
    return Estimate(float(values.mean()), float(low), float(high))


def top_feeds(
    recommender: Recommender,
    dataset: Dataset,
    user_rows: NDArray[np.int64],
    *,
    candidates: NDArray[np.bool_] | None = None,
    ties: NDArray[np.int64] | None = None,
) -> NDArray[np.int64]:
    """The first ten unseen posts of each user, best first: int64 [users, 10], fewer in a smaller catalogue.

    Equal scores stand in the order ``ties``, or in a seeded random one, so no method gains from the catalogue's order.
    A user with fewer than ten unseen candidates gets others in the last places.
    """
    order_of_ties = np.random.default_rng(0).permutation(len(dataset.post_ids)) if ties is None else np.argsort(ties)
    length = min(CUTOFF, len(order_of_ties))
    pieces = [np.zeros((0, length), dtype=np.int64)]
    for first in range(0, len(user_rows), _USERS_AT_ONCE):
        rows = user_rows[first : first + _USERS_AT_ONCE]
        scores = -scores_of_unseen(recommender, dataset, rows, candidates=candidates)[:, order_of_ties]
        pieces.append(order_of_ties[_first_places(scores, length)])
    return np.concatenate(pieces)


def _first_places(costs: Scores, length: int) -> NDArray[np.int64]:
    """The columns of the ``length`` lowest costs of each row, ascending; of equal ones the first columns come first."""
    bound = np.partition(costs, length - 1, axis=1)[:, length - 1 : length]
    is_chosen = costs <= bound
    tied = np.flatnonzero(is_chosen.sum(axis=1) > length)
    if len(tied):
        is_equal = costs[tied] == bound[tied]
        left = length - (costs[tied] < bound[tied]).sum(axis=1, keepdims=True)
        is_chosen[tied] &= ~is_equal | (np.cumsum(is_equal, axis=1, dtype=np.int32) <= left)
    chosen = np.nonzero(is_chosen)[1].reshape(len(costs), length)
    order = np.argsort(np.take_along_axis(costs, chosen, axis=1), axis=1, kind="stable")
    return np.take_along_axis(chosen, order, axis=1)


def scores_of_unseen(
    recommender: Recommender,
    dataset: Dataset,
    user_rows: NDArray[np.int64],
    *,
    candidates: NDArray[np.bool_] | None = None,
) -> Scores:
    """Scores, with minus infinity for posts that the user has met and for those that are not candidates.

    NotANumberError for a score that is NaN: every comparison with NaN is false, so such a target would rank first.
    """
    scores = np.array(recommender(dataset, user_rows), dtype=np.float32)
    if np.isnan(scores).any():
        user, post = np.argwhere(np.isnan(scores))[0]
        raise NotANumberError(
            f"the score of post {dataset.post_ids[post]} for user {dataset.user_ids[user_rows[user]]} is not a number: "
            "train again, with a lower learning rate if that does not help"
        )
    pairs = dataset.pairs
    lengths = pairs.offsets[user_rows + 1] - pairs.offsets[user_rows]
    owners = np.repeat(np.arange(len(user_rows)), lengths)
    within = np.arange(len(owners)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    scores[owners, pairs.post_rows[pairs.offsets[user_rows][owners] + within]] = -np.inf
    if candidates is not None:
        scores[:, ~candidates] = -np.inf
    return scores
