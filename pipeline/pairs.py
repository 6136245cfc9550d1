"""Each user's posts in order of first interaction, with one strength each: the rule of score.py on arrays."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from bundle.verbs import VERBS
from pipeline.events import Events
from two_tower.interaction_strengths import RATING_SPREAD, SHRINKAGE, SKIP_STRENGTH, STRENGTHS

_MOST_CERTAIN = 1 - 1e-6
_RATING = VERBS.index("rating")


@dataclass(frozen=True, slots=True)
class RatingPrior:
    """What a user's few ratings are shrunk to: means and variances of rating percents, float64 [users] each."""

    means: NDArray[np.float64]
    variances: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Pairs:
    """One row for each (user, post) with an interaction, ascending by (user, first time), so that a history is a slice.

    ``user_rows`` and ``post_rows`` int32 [pairs], ``verbs`` int8, ``strengths`` float32 in 0..1, ``days`` float64 (days
    since 1970 of the first interaction), ``offsets`` int64 [users + 1].
    """

    user_rows: NDArray[np.int32]
    post_rows: NDArray[np.int32]
    verbs: NDArray[np.int8]
    strengths: NDArray[np.float32]
    days: NDArray[np.float64]
    offsets: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.user_rows)

    @classmethod
    def of(cls, events: Events, *, user_count: int, post_count: int, prior: RatingPrior | None = None) -> Self:
        """Score the events as ``score.score_frame`` does; the ``prior`` is by default that of all their ratings."""
        verb_ranks = np.argsort(np.argsort(VERBS))  # of equally strong verbs the last by name is a pair's verb
        keys = events.user_rows.astype(np.int64) * post_count + events.post_rows
        keys = keys * len(VERBS) + verb_ranks[events.verbs]
        order = np.argsort(keys, kind="stable")
        keys = keys[order]

        # One row for each pair and verb
        starts = _starts(keys)
        strengths = _reduce(np.maximum, event_strengths(events, user_count=user_count, prior=prior)[order], starts)
        days = _reduce(np.minimum, events.days[order], starts)
        keys = keys[starts]
        ranks = (keys % len(VERBS)).astype(np.int8)
        keys //= len(VERBS)

        # One row for each pair
        starts = _starts(keys)
        doubts = _reduce(np.add, np.log1p(-np.minimum(strengths, _MOST_CERTAIN)), starts)
        strongest = np.repeat(_reduce(np.maximum, strengths, starts), np.diff(starts, append=len(keys)))
        ranks = _reduce(np.maximum, np.where(strengths == strongest, ranks, np.int8(-1)), starts)
        days = _reduce(np.minimum, days, starts)
        user_rows, post_rows = np.divmod(keys[starts], max(post_count, 1))

        # In order of meeting
        order = np.lexsort((days, user_rows))
        return cls(
            user_rows=user_rows[order].astype(np.int32),
            post_rows=post_rows[order].astype(np.int32),
            verbs=np.argsort(VERBS).astype(np.int8)[ranks[order]],
            strengths=np.clip(1 - np.exp(doubts[order]), 0, 1).astype(np.float32),
            days=days[order],
            offsets=np.concatenate([[0], np.cumsum(np.bincount(user_rows, minlength=user_count))]),
        )


def event_strengths(events: Events, *, user_count: int, prior: RatingPrior | None = None) -> NDArray[np.float64]:
    """Strength of each event; that of a rating is relative to the user's other ratings and to the prior."""
    strengths = np.array([STRENGTHS[verb] for verb in VERBS])[events.verbs]
    if events.is_skip is not None:
        strengths[events.is_skip] = SKIP_STRENGTH
    is_rating = events.verbs == _RATING
    if not is_rating.any():
        return strengths
    users, percents = events.user_rows[is_rating], events.rating_percents[is_rating].astype(np.float64)
    shrunk_counts = np.bincount(users, minlength=user_count) + SHRINKAGE
    mean, variance = (percents.mean(), percents.var()) if prior is None else (prior.means, prior.variances)
    means = (np.bincount(users, percents, minlength=user_count) + SHRINKAGE * mean) / shrunk_counts
    distances = percents - means[users]
    squares = np.bincount(users, distances**2, minlength=user_count)
    deviations = np.sqrt((squares + SHRINKAGE * variance) / shrunk_counts)
    strengths[is_rating] += RATING_SPREAD * np.tanh(distances / np.maximum(deviations, 1.0)[users])
    return strengths


def _starts(keys: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where each run of equal keys begins."""
    return np.flatnonzero(np.diff(keys, prepend=-1))


def _reduce(by: np.ufunc, values: NDArray[np.generic], starts: NDArray[np.int64]) -> NDArray:  # type: ignore[type-arg]
    return by.reduceat(values, starts) if len(starts) else values[:0]
