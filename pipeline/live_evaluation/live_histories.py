"""People's histories as they were at given moments, strengths and all."""

import numpy as np
from numpy.typing import NDArray

from bundle.verbs import VERBS
from pipeline.events import Events
from pipeline.live_evaluation.co_visits import ranges
from pipeline.pairs import Pairs, RatingPrior
from two_tower.past_popularity import first_at_least

_RATING = VERBS.index("rating")


class LiveHistories:
    """Gives the pairs of a person as scored from nothing but the events before a moment."""

    def __init__(self, events: Events, *, user_count: int, post_count: int) -> None:
        self._post_count = post_count
        self._by_user = events.where(np.argsort(events.user_rows, kind="stable"))  # by user, then by time
        self._offsets = np.concatenate([[0], np.cumsum(np.bincount(events.user_rows, minlength=user_count))])
        is_rating = events.verbs == _RATING
        percents = events.rating_percents[is_rating].astype(np.int64)
        self._rating_days = events.days[is_rating]
        self._sums, self._squares = (np.concatenate([[0], np.cumsum(each)]) for each in (percents, percents**2))

    def at(
        self, user_rows: NDArray[np.integer], days: NDArray[np.float64], *, crowd_days: NDArray[np.float64]
    ) -> Pairs:
        """The pairs of the i-th user before the i-th day as those of user row i; all [moments].

        A person's ratings are relative to everybody's before ``crowd_days``, too.
        """
        starts = self._offsets[user_rows]
        ends = first_at_least(self._by_user.days, starts, self._offsets[user_rows + 1], days)
        chosen = ranges(starts, ends)
        events = self._by_user.where(chosen)
        return Pairs.of(
            Events(
                user_rows=np.repeat(np.arange(len(days), dtype=np.int32), ends - starts),
                post_rows=events.post_rows,
                verbs=events.verbs,
                rating_percents=events.rating_percents,
                days=events.days,
                is_skip=events.is_skip,
            ),
            user_count=len(days),
            post_count=self._post_count,
            prior=self._prior(crowd_days),
        )

    def _prior(self, days: NDArray[np.float64]) -> RatingPrior:
        """That of everybody's ratings before each day; zeros before the first."""
        counts = np.searchsorted(self._rating_days, days)
        means = self._sums[counts] / np.maximum(counts, 1)
        return RatingPrior(means, np.maximum(self._squares[counts] / np.maximum(counts, 1) - means**2, 0))
