"""Each user's posts in order of first interaction, with one strength each: the rule of score.py on arrays."""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from bundle.verbs import VERBS
from pipeline.events import Events
from pipeline.scratch import IN_MEMORY, ROWS_AT_ONCE, Scratch, counts_of, even_ranges
from two_tower.interaction_strengths import RATING_SPREAD, SHRINKAGE, SKIP_STRENGTH, STRENGTHS

_MOST_CERTAIN = 1 - 1e-6
_RATING = VERBS.index("rating")


@dataclass(frozen=True, slots=True)
class RatingPrior:
    """What a user's few ratings are shrunk to: means and variances of rating percents, float64 [users] each."""

    means: NDArray[np.float64]
    variances: NDArray[np.float64]

    @classmethod
    def of(cls, events: Events, *, user_count: int) -> Self:
        """The mean and the variance of all ratings, the same for every user."""
        percents = events.rating_percents[events.verbs == _RATING]
        if not len(percents):
            return cls(np.zeros(user_count), np.zeros(user_count))
        return cls(np.full(user_count, percents.mean()), np.full(user_count, percents.var()))


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
    def of(
        cls,
        events: Events,
        *,
        user_count: int,
        post_count: int,
        prior: RatingPrior | None = None,
        scratch: Scratch = IN_MEMORY,
        at_once: int = ROWS_AT_ONCE,
    ) -> Self:
        """Score the events as ``score.score_frame`` does; the ``prior`` is by default that of all their ratings.

        Of many events, those of about ``at_once`` are scored together, so that memory is bounded but for the result.
        """
        prior = prior or RatingPrior.of(events, user_count=user_count)
        ranges = list(even_ranges(counts_of(events.user_rows, user_count, at_once), at_once))
        if len(ranges) == 1:
            return cls._of_users(events, users=(0, user_count), post_count=post_count, prior=prior)
        users, posts = scratch.empty(len(events), np.int32), scratch.empty(len(events), np.int32)
        verbs, strengths = scratch.empty(len(events), np.int8), scratch.empty(len(events), np.float32)
        days = scratch.empty(len(events), np.float64)
        offsets = np.zeros(user_count + 1, dtype=np.int64)
        done = 0
        for first, end in ranges:
            chosen = np.flatnonzero((events.user_rows >= first) & (events.user_rows < end))
            some = cls._of_users(events.where(chosen), users=(first, end), post_count=post_count, prior=prior)
            rows = slice(done, done + len(some))
            users[rows], posts[rows], days[rows] = some.user_rows, some.post_rows, some.days
            verbs[rows], strengths[rows] = some.verbs, some.strengths
            offsets[first + 1 : end + 1] = done + some.offsets[1:]
            done += len(some)
            scratch.let_go()
        return cls(users[:done], posts[:done], verbs[:done], strengths[:done], days[:done], offsets)

    @classmethod
    def _of_users(cls, events: Events, *, users: tuple[int, int], post_count: int, prior: RatingPrior) -> Self:
        """The pairs of a range of users, whose events are all of ``events``; their offsets count from 0."""
        first, end = users
        events = replace(events, user_rows=events.user_rows - np.int32(first))
        prior = RatingPrior(prior.means[first:end], prior.variances[first:end])
        verb_ranks = np.argsort(np.argsort(VERBS))  # of equally strong verbs the last by name is a pair's verb
        keys = events.user_rows.astype(np.int64) * post_count + events.post_rows
        keys = keys * len(VERBS) + verb_ranks[events.verbs]
        order = np.argsort(keys, kind="stable")
        keys = keys[order]

        # One row for each pair and verb
        starts = _starts(keys)
        strengths = _reduce(np.maximum, event_strengths(events, user_count=end - first, prior=prior)[order], starts)
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
            user_rows=(user_rows[order] + first).astype(np.int32),
            post_rows=post_rows[order].astype(np.int32),
            verbs=np.argsort(VERBS).astype(np.int8)[ranks[order]],
            strengths=np.clip(1 - np.exp(doubts[order]), 0, 1).astype(np.float32),
            days=days[order],
            offsets=np.concatenate([[0], np.cumsum(np.bincount(user_rows, minlength=end - first))]),
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
    prior = prior or RatingPrior.of(events, user_count=user_count)
    means = (np.bincount(users, percents, minlength=user_count) + SHRINKAGE * prior.means) / shrunk_counts
    distances = percents - means[users]
    squares = np.bincount(users, distances**2, minlength=user_count)
    deviations = np.sqrt((squares + SHRINKAGE * prior.variances) / shrunk_counts)
    strengths[is_rating] += RATING_SPREAD * np.tanh(distances / np.maximum(deviations, 1.0)[users])
    return strengths


def _starts(keys: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where each run of equal keys begins."""
    return np.flatnonzero(np.diff(keys, prepend=-1))


def _reduce(by: np.ufunc, values: NDArray[np.generic], starts: NDArray[np.int64]) -> NDArray:  # type: ignore[type-arg]
    return by.reduceat(values, starts) if len(starts) else values[:0]
