"""The months that are replayed: each has a moment up to which the model learns, and a window that is ranked."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.dataset import SHORTEST_CLOCK_DAYS, Dataset
from pipeline.evaluation import EvaluationError
from pipeline.splits import TEST_DAYS, month_starts

DEFAULT_MONTHS = 6


@dataclass(frozen=True, slots=True)
class Month:
    """Methods learn from before ``split_day``; moments from ``split_day`` to before ``end_day`` (since 1970) count."""

    split_day: float
    end_day: float


def rolling_months(dataset: Dataset, *, count: int = DEFAULT_MONTHS) -> tuple[Month, ...]:
    """The newest months, oldest first: the last 35 days, and windows of 35 days that each begin 30.4 days earlier.

    Fewer than ``count`` if less than 28 days of interactions lie before the split. EvaluationError without timestamps,
    and if there is not one month.
    """
    if not dataset.is_timed:
        raise EvaluationError(
            "the interactions have an order but no timestamps, so nothing says what was known at a moment: "
            "--live needs timestamps, run `moodfeed evaluate` without it"
        )
    days = dataset.event_days
    starts = reversed(month_starts(dataset, months=count))
    months = tuple(Month(day, day + TEST_DAYS) for day in starts)
    if not months:
        raise EvaluationError(
            f"the interactions span {_span(days):.0f} days: --live replays {TEST_DAYS:g} days and learns from at least "
            f"{SHORTEST_CLOCK_DAYS:g} days before them; fetch more data, or run `moodfeed evaluate` without --live"
        )
    return months


def _span(days: NDArray[np.float64]) -> float:
    return float(np.ptp(days)) if len(days) else 0.0
