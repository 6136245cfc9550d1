"""How often everybody met each post up to a moment, counted in the order of time."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.dataset import Dataset
from pipeline.popularity import BEGINNING_DAYS, LASTING_DAYS, first_posts, halves

SHORT_TREND_DAYS = 3.0
TREND_DAYS = 7.0
_MONTH_DAYS, _TWO_MONTHS_DAYS = 30.0, 60.0


@dataclass(frozen=True, slots=True)
class CrowdCounts:
    """Counts of the people who met each post before ``day``, float64 [posts] each.

    ``month``: those who first met it in the last 30 days; ``people``: all; ``short_trend`` and ``trend``: all, one of 3
    or 7 days ago counting 1/e. ``lasting``: as pipeline.popularity.lasting_popularity. ``tie_places`` int64 [posts]
    orders posts with equal scores: more people in 30 days, then in 60, then ever, then a fixed random order.
    """

    day: float
    month: NDArray[np.float64]
    people: NDArray[np.float64]
    short_trend: NDArray[np.float64]
    trend: NDArray[np.float64]
    lasting: NDArray[np.float64]
    tie_places: NDArray[np.int64]


class DecayedCounts:
    """The sum over a post's meetings before a moment, one ``decay_days`` old counting 1/e.

    Moments must ascend: each call adds the meetings since the last one. ``rows`` (of posts) and ``days`` [meetings]
    ascend by time. An infinite ``decay_days`` counts without decay.
    """

    def __init__(
        self, rows: NDArray[np.integer], days: NDArray[np.float64], *, decay_days: float, post_count: int
    ) -> None:
        self._rows, self._days, self._decay_days = rows, days, decay_days
        self._counts = np.zeros(post_count)
        self._counted = 0
        self._day = -np.inf

    def at(self, day: float) -> NDArray[np.float64]:
        """The counts just before a day, float64 [posts]; ValueError for a day before that of the last call."""
        if day < self._day:
            raise ValueError(f"day {day} is before day {self._day}: counts only move forward")
        end = int(np.searchsorted(self._days, day))
        if self._counted:
            self._counts *= np.exp((self._day - day) / self._decay_days)
        new = slice(self._counted, end)
        np.add.at(self._counts, self._rows[new], np.exp((self._days[new] - day) / self._decay_days))
        self._day, self._counted = day, end
        return self._counts.copy()


class Crowd:
    """Counts everybody's meetings up to ascending moments."""

    def __init__(self, dataset: Dataset) -> None:
        order = np.argsort(dataset.pairs.days, kind="stable")
        self._rows, self._days = dataset.pairs.post_rows[order], dataset.pairs.days[order]
        self._post_count = len(dataset.post_ids)
        self._people, self._short_trend, self._trend = (
            DecayedCounts(self._rows, self._days, decay_days=days, post_count=self._post_count)
            for days in (np.inf, SHORT_TREND_DAYS, TREND_DAYS)
        )
        self._slow = DecayedCounts(self._rows, self._days, decay_days=LASTING_DAYS, post_count=self._post_count)
        is_first = first_posts(dataset)[order]
        self._first = DecayedCounts(
            self._rows[is_first], self._days[is_first], decay_days=BEGINNING_DAYS, post_count=self._post_count
        )
        self._chance = np.random.default_rng(0).permutation(self._post_count)
        self._last: CrowdCounts | None = None

    def at(self, day: float) -> CrowdCounts:
        """The counts just before a day, which is not before that of the last call."""
        if self._last is None or self._last.day != day:
            month, people = self._window(day, _MONTH_DAYS), self._people.at(day)
            order = np.lexsort((self._chance, -people, -self._window(day, _TWO_MONTHS_DAYS), -month))
            places = np.empty(self._post_count, dtype=np.int64)
            places[order] = np.arange(self._post_count)
            self._last = CrowdCounts(
                day=day,
                month=month,
                people=people,
                short_trend=self._short_trend.at(day),
                trend=self._trend.at(day),
                lasting=halves(self._slow.at(day), self._first.at(day)),
                tie_places=places,
            )
        return self._last

    def _window(self, day: float, length: float) -> NDArray[np.float64]:
        first, end = np.searchsorted(self._days, [day - length, day])
        return np.bincount(self._rows[first:end], minlength=self._post_count).astype(np.float64)
