"""The numeric features of chosen posts at any time; the cost depends on those posts, not on the catalogue."""

import numpy as np
from numpy.typing import NDArray

from two_tower.features import TREND_DAYS, PastTotals


class PastPopularity:
    """Answers as ``features.numeric_features`` does, for chosen posts.

    ``event_rows`` (row of the post) and ``event_days`` [events] ascend by time. Each post's events are kept in one
    slice, so that those before a moment are counted by a search. Beside each event stands the freshness of its post
    just after it, from which that at any moment up to the next event follows by decay.
    """

    def __init__(
        self,
        *,
        event_rows: NDArray[np.integer],
        event_days: NDArray[np.float64],
        created_days: NDArray[np.float64],
        category_rows: NDArray[np.integer],
        category_count: int,
    ) -> None:
        self._created_days = created_days
        self._category_rows = category_rows
        self._category_count = category_count
        self._event_days = event_days
        self._event_categories = category_rows[event_rows].astype(np.min_scalar_type(category_count))
        self._order = np.argsort(event_rows, kind="stable").astype(np.int32)  # by post, then by time
        counts = np.bincount(event_rows, minlength=len(created_days))
        self._offsets = np.concatenate([[0], np.cumsum(counts)])
        self._days = event_days[self._order]
        self._freshness = _freshness_after_each(self._days, self._offsets)
        self._totals: dict[float, PastTotals] = {}

    def features(self, day: float, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """float32 [rows, len(NUMERIC_FEATURES)] at a moment, from the events before it."""
        totals = self._totals_at(day)
        firsts = self._offsets[rows]
        ends = self._ends_before(rows, totals.before)
        freshness = np.zeros(len(rows))
        is_met = ends > firsts
        newest = ends[is_met] - 1
        freshness[is_met] = self._freshness[newest] * np.exp((self._days[newest] - day) / TREND_DAYS)
        return totals.features(
            counts=[ends - self._ends_before(rows, start) for start in totals.starts],
            freshness=freshness,
            created_days=self._created_days[rows],
            category_rows=self._category_rows[rows],
        )

    def _totals_at(self, day: float) -> PastTotals:
        if day not in self._totals:
            self._totals[day] = PastTotals.at(
                day,
                event_days=self._event_days,
                event_categories=self._event_categories,
                category_count=self._category_count,
            )
        return self._totals[day]

    def _ends_before(self, rows: NDArray[np.int64], event: int) -> NDArray[np.int64]:
        """The end of the part of each post's slice that comes before an event: int64 [rows]."""
        return first_at_least(self._order, self._offsets[rows], self._offsets[rows + 1], event)


def first_at_least(
    values: NDArray[np.generic],
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
    bound: float | NDArray[np.float64],
) -> NDArray[np.int64]:
    """The first position in each slice ``starts[i]:ends[i]`` of ``values`` with a value of at least ``bound``.

    ``bound`` is one number or one a slice. Values ascend within a slice. If all are less, it is the slice's end.
    """
    low, high = starts.copy(), ends.copy()
    while (is_open := low < high).any():
        middle = (low + high) // 2
        is_less = is_open & (values[np.minimum(middle, len(values) - 1)] < bound)
        low = np.where(is_less, middle + 1, low)
        high = np.where(is_open & ~is_less, middle, high)
    return low


def _freshness_after_each(days: NDArray[np.float64], offsets: NDArray[np.int64]) -> NDArray[np.float64]:
    """The sum of all decayed events of a slice up to each of its events: float64 [events].

    A sum over the newest n events and one over the n before them give one over 2 n, so a slice of n events takes
    log2(n) passes. Unlike differences of sums from the start, this loses no digits over many years.
    """
    freshness = np.ones(len(days))
    number = np.arange(len(days)) - np.repeat(offsets[:-1], np.diff(offsets))  # of an event in its slice
    later, span = np.flatnonzero(number >= 1), 1
    while len(later):
        decay = np.exp((days[later - span] - days[later]) / TREND_DAYS)
        freshness[later] += freshness[later - span] * decay
        span *= 2
        later = later[number[later] >= span]
    return freshness
