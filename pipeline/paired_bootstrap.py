"""Means over the cases of several splits, with intervals that resample people within each split.

A case is one person in one split. Every column is resampled with the same people, so that the difference of two columns
is a paired one (Efron 1979).
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from pipeline.ranking import RESAMPLES, TAILS, Estimate, NotANumberError

_DECIMALS = 12  # a sum of 1s may be 1 and the last bit


@dataclass(frozen=True, slots=True)
class Difference:
    """A difference of two means of a metric, -1..1, and its 95 % paired bootstrap interval."""

    mean: float
    low: float
    high: float

    def __post_init__(self) -> None:
        """NotANumberError for a value outside the range, which a NaN is too."""
        for value in (self.mean, self.low, self.high):
            if not -1 <= value <= 1:
                raise NotANumberError(f"a difference of two metrics is {value}, must be in -1..1: the ranks are wrong")

    @classmethod
    def of(cls, mean: float, draws: NDArray[np.float64]) -> Self:
        """The mean, and the interval that its resamples give."""
        low, high = np.quantile(draws, TAILS)
        return cls(*(round(float(value), _DECIMALS) for value in (mean, low, high)))

    @property
    def standing(self) -> str:
        """Where the first stands beside the second: ahead, behind, or level if the interval holds 0."""
        return "ahead" if self.low > 0 else "behind" if self.high < 0 else "level"


@dataclass(frozen=True, slots=True)
class Resampled:
    """The means of some columns: ``means`` float64 [columns], ``draws`` float64 [resamples, columns]."""

    means: NDArray[np.float64]
    draws: NDArray[np.float64]

    def estimate(self, column: int) -> Estimate:
        """The mean of a column and its interval."""
        low, high = np.quantile(self.draws[:, column], TAILS)
        return Estimate(float(self.means[column]), float(low), float(high))

    def difference(self, column: int, other: int) -> Difference:
        """The mean of a column less that of another one, over the same people in each draw."""
        draws = self.draws[:, column] - self.draws[:, other]
        return Difference.of(self.means[column] - self.means[other], draws)


def resample(values: NDArray[np.float64], splits: NDArray[np.integer]) -> Resampled:
    """Seeded resamples of the cases within their splits; all cases weigh alike.

    ``values`` float64 [cases, columns], ``splits`` [cases] the number of each case's split. Without cases every mean
    is 0. The same values give the same draws.
    """
    columns = values.shape[1]
    if not len(values):
        return Resampled(np.zeros(columns), np.zeros((1, columns)))
    random = np.random.default_rng(0)
    sums = np.zeros((RESAMPLES, columns))
    for split in np.unique(splits):
        own = values[splits == split]
        for draw in range(RESAMPLES):
            times = np.bincount(random.integers(len(own), size=len(own)), minlength=len(own))
            sums[draw] += times @ own
    return Resampled(values.mean(axis=0), sums / len(values))
