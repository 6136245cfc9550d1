"""What a method knows at a moment: of everybody's interactions up to when, and of the person's up to when."""

from enum import StrEnum

import numpy as np
from numpy.typing import NDArray


class Variant(StrEnum):
    """How old a method's knowledge is; a post made later than its knowledge of everybody cannot be ranked by it.

    Frozen at the month's split, renewed each midnight (UTC) with or without the person's history up to the moment, or
    everything up to the moment. What happens at the moment itself is never known.
    """

    FROZEN = "frozen"
    DAILY = "daily"
    DAILY_LIVE_HISTORY = "daily, live history"
    LIVE = "live"

    def crowd_days(self, days: NDArray[np.float64], split_day: float) -> NDArray[np.float64]:
        """For each moment, the day before which everybody's interactions and new posts are known: float64 [moments]."""
        match self:
            case Variant.FROZEN:
                return np.full(len(days), split_day)
            case Variant.DAILY | Variant.DAILY_LIVE_HISTORY:
                return np.maximum(np.floor(days), split_day)
            case Variant.LIVE:
                return days

    def person_days(self, days: NDArray[np.float64], split_day: float) -> NDArray[np.float64]:
        """For each moment, the day before which the person's own interactions are known: float64 [moments]."""
        return days if self is Variant.DAILY_LIVE_HISTORY else self.crowd_days(days, split_day)
