"""Means over a person's cases, then over people, then over months, with intervals that resample people within months.

Every column is resampled with the same people, so that the difference of two columns is a paired one (Efron 1979).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.live_evaluation.sessions import Moments
from pipeline.paired_bootstrap import Difference
from pipeline.ranking import RESAMPLES, TAILS, Estimate

Column = tuple[int, int, int]
"""The places of a method, a variant and a metric."""

GROUPS: dict[str, Callable[[Moments], NDArray[np.bool_]]] = {
    "all": lambda moments: np.ones(len(moments), dtype=np.bool_),
    "new": lambda moments: moments.is_new,
    "with a history": lambda moments: ~moments.is_new,
    "first of a session": lambda moments: moments.is_first,
    "later in a session": lambda moments: ~moments.is_first,
}
"""The moments of each group: bool [moments]."""
SESSION_GROUPS = ("all", "new", "with a history")  # a session's start is always its first moment


@dataclass(frozen=True, slots=True)
class Averages:
    """Means float64 [methods, variants, metrics] over the months that have cases, and 1,000 resamples of them.

    ``by_month`` holds the means of each month, NaN for one without cases; ``people`` sums up those of all months.
    """

    means: NDArray[np.float64]
    draws: NDArray[np.float64]
    by_month: NDArray[np.float64]
    people: int
    cases: int

    def estimate(self, column: Column) -> Estimate:
        """The mean of a column and its interval."""
        low, high = np.quantile(self._drawn(column), TAILS)
        return Estimate(float(self.means[column]), float(low), float(high))

    def difference(self, column: Column, other: Column) -> Difference:
        """The mean of a column less that of another one, over the same people in each draw."""
        return Difference.of(self.means[column] - self.means[other], self._drawn(column) - self._drawn(other))

    def _drawn(self, column: Column) -> NDArray[np.float64]:
        method, variant, metric = column
        return self.draws[:, method, variant, metric]


def average(months: Sequence[tuple[Moments, NDArray[np.float64]]], group: str) -> Averages | None:
    """The averages of a group from each month's values [moments, methods, variants, metrics]; None without cases.

    A moment with NaN is no case. The same values give the same draws.
    """
    random = np.random.default_rng(0)
    by_month, draws, people, cases = [], [], 0, 0
    for moments, values in months:
        is_case = GROUPS[group](moments) & ~np.isnan(values).any(axis=(1, 2, 3))
        own = person_means(moments.user_rows[is_case], values[is_case])
        if not len(own):
            by_month.append(np.full(values.shape[1:], np.nan))
            continue
        times = random.multinomial(len(own), np.full(len(own), 1 / len(own)), size=RESAMPLES)
        by_month.append(own.mean(axis=0))
        draws.append((times @ own.reshape(len(own), -1)).reshape(RESAMPLES, *own.shape[1:]) / len(own))
        people, cases = people + len(own), cases + int(is_case.sum())
    if not draws:
        return None
    return Averages(
        means=np.nanmean(by_month, axis=0),
        draws=np.mean(draws, axis=0),
        by_month=np.stack(by_month),
        people=people,
        cases=cases,
    )


def person_means(user_rows: NDArray[np.int64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The mean of each person's cases, ascending by row: [cases, ...] to [people, ...]."""
    users, person_of, counts = np.unique(user_rows, return_inverse=True, return_counts=True)
    sums = np.zeros((len(users), *values.shape[1:]))
    np.add.at(sums, person_of, values)
    return sums / counts.reshape(-1, *[1] * (values.ndim - 1))
