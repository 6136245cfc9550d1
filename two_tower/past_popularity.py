"""The numeric features of chosen posts at any time; the cost depends on those posts, not on the catalogue."""

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from two_tower.features import TREND_DAYS, PastTotals

_EVENTS_AT_ONCE = 4_000_000  # a piece takes about a quarter of a gigabyte


class MakeArray(Protocol):
    """Makes an array [count] of arbitrary values."""

    def __call__(self, count: int, dtype: Any, /) -> NDArray[Any]:
        """The array."""


class PastPopularity:
    """Answers as ``features.numeric_features`` does, for chosen posts.

    ``event_rows`` (row of the post) and ``event_days`` [events] ascend by time. Each post's events are kept in one
    slice, so that those before a moment are counted by a search. Beside each event stands the freshness of its post
    just after it, from which that at any moment up to the next event follows by decay.

    ``empty`` makes the three arrays of [events], which together hold 13 to 14 bytes an event. They are filled for about
    ``at_once`` events at a time, and ``let_go`` is called after each time.
    """

    def __init__(
        self,
        *,
        event_rows: NDArray[np.integer],
        event_days: NDArray[np.float64],
        created_days: NDArray[np.float64],
        category_rows: NDArray[np.integer],
        category_count: int,
        empty: MakeArray = np.empty,
        let_go: Callable[[], object] = lambda: None,
        at_once: int = _EVENTS_AT_ONCE,
    ) -> None:
        self._created_days = created_days
        self._category_rows = category_rows
        self._category_count = category_count
        self._event_days = event_days
        self._let_go = let_go
        small_categories = category_rows.astype(np.min_scalar_type(category_count))
        self._event_categories = empty(len(event_rows), small_categories.dtype)
        counts = np.zeros(len(created_days), dtype=np.int64)
        for start in range(0, len(event_rows), at_once):
            piece = event_rows[start : start + at_once]
            self._event_categories[start : start + at_once] = small_categories[piece]
            counts += np.bincount(piece, minlength=len(created_days))
        self._offsets = np.concatenate([[0], np.cumsum(counts)])
        self._order = empty(len(event_rows), np.dtype(np.int32))  # by post, then by time
        self._freshness = empty(len(event_rows), np.dtype(np.float64))
        for first, end in _ranges(self._offsets, at_once):
            chosen = np.flatnonzero((event_rows >= first) & (event_rows < end))
            chosen = chosen[np.argsort(event_rows[chosen], kind="stable")]
            own = slice(self._offsets[first], self._offsets[end])
            self._order[own] = chosen
            self._freshness[own] = _freshness_after_each(event_days[chosen], self._offsets[first : end + 1] - own.start)
            let_go()
        self._totals: dict[float, PastTotals] = {}

    def features(self, day: float, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """float32 [rows, len(NUMERIC_FEATURES)] at a moment, from the events before it."""
        totals = self._totals_at(day)
        firsts = self._offsets[rows]
        ends = self._ends_before(rows, totals.before)
        freshness = np.zeros(len(rows))
        is_met = ends > firsts
        newest = ends[is_met] - 1
        freshness[is_met] = self._freshness[newest] * np.exp((self._event_days[self._order[newest]] - day) / TREND_DAYS)
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
            self._let_go()  # all events were read
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


def _ranges(offsets: NDArray[np.int64], at_once: int) -> Iterator[tuple[int, int]]:
    """Ranges of posts that cover all, with about so many events each; one with more is in a range with few others."""
    cuts = np.searchsorted(offsets[1:], np.arange(at_once, offsets[-1], at_once)) + 1
    bounds = np.unique([0, *cuts.tolist(), len(offsets) - 1]).tolist()
    yield from pairwise(bounds)


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
