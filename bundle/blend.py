"""How a feed by user is ordered where the data has a clock: living popularity first, then what the towers add.

    number(post) = popularity * log(base(post) + next(post)) + tower * n / (n + tower_history) * <user, post>

``base`` is the post's share of what people meet, times how much more than the crowd the person meets of its category;
it sums to 1. ``next`` counts inside a session alone: how often the post followed the person's newest one. The index
computes it over the counts of the log; the pipeline over those of a moment of the past. Both use this file.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LAST_POSTS = 10
"""So many of a person's newest posts say which categories they meet."""
SESSION_MS = 30 * 60 * 1000
"""A person whose newest interaction is less than this ago is in a session."""
FOLLOWER_SHRINKAGE = 5.0
"""So many steps from a post that went elsewhere are added to those that were seen."""

Shares = NDArray[np.float64]
"""[posts], each at least 0: parts of 1, of all that people meet."""


@dataclass(frozen=True, slots=True)
class Blend:
    """The weights of the order by user; each at least 0 and finite. The default is the order by the tower alone.

    ``popularity``: of the logarithm of what is expected; if it is 0, nothing but the tower counts. ``tower``: of the
    inner product, for a person with a long history; ``tower_history``: the number of posts in a history at which it
    counts half. ``lasting``: of the lasting popularity beside the trend. ``category``: of so many posts that the crowd
    met, beside a person's last ten. ``followers`` and ``order``: of what followed the newest post, and of the order in
    which the posts of a category are served. ``floor``: the share of all that is spread evenly over the posts.
    """

    popularity: float = 0.0
    tower: float = 1.0
    tower_history: float = 0.0
    lasting: float = 0.0
    category: float = 1.0
    followers: float = 0.0
    order: float = 0.0
    floor: float = 0.05

    def complaint(self) -> str:
        """What is wrong with the weights, for an error; empty if nothing is."""
        for name in self.__slots__:
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= 0):
                return f"{name} is {value}, not a finite number of at least 0"
        if not 0 < self.floor < 1:
            return f"floor is {self.floor}, not between 0 and 1"
        return "" if self.category > 0 else "category is 0: a category that the person has not met would never be shown"

    def tower_weight(self, history_length: int) -> float:
        """The weight of the inner product for a person who has met so many posts."""
        if self.popularity == 0:
            return self.tower
        return self.tower * history_length / (history_length + self.tower_history) if history_length else 0.0

    def shares(self, trends: NDArray[np.float64], lasting: NDArray[np.floating]) -> Shares:
        """Each post's share of what people meet, float64 [posts]; both counts are at least 0.

        If one of them is nothing, the other counts alone; if both are, all posts have the same share.
        """
        count = max(len(trends), 1)
        parts = [(1.0, np.asarray(trends, dtype=np.float64)), (self.lasting, np.asarray(lasting, dtype=np.float64))]
        counted = [(weight, counts / counts.sum()) for weight, counts in parts if weight and counts.sum() > 0]
        if not counted:
            return np.full(len(trends), 1 / count)
        total = sum(weight for weight, _ in counted)
        mixed = sum((weight / total * part for weight, part in counted), start=np.zeros(len(trends)))
        return np.asarray((1 - self.floor) * mixed + self.floor / count)

    def share_of_new(self, trends: NDArray[np.float64], *, trend_total: float, count: int) -> Shares:
        """The same for posts that the bundle lacks, which has ``count`` posts with trends of ``trend_total`` in all."""
        living = trends / (trend_total * (1 + self.lasting)) if trend_total > 0 else np.zeros(len(trends))
        return np.asarray((1 - self.floor) * living + self.floor / max(count, 1))

    def lift(self, met: int, of_last: int, share: float) -> float:
        """How much more than the crowd a person meets of a category, of which they met ``met`` of their last posts.

        ``share`` is the category's share of what people meet, above 0.
        """
        return float(self._lift(np.asarray(met), of_last, np.asarray(share)))

    def _lift(self, met: NDArray[np.integer], of_last: int, shares: NDArray[np.float64]) -> NDArray[np.float64]:
        return (met + self.category * shares) / ((of_last + self.category) * shares)

    def lifts(self, last_categories: Sequence[int], category_shares: NDArray[np.float64]) -> NDArray[np.float64]:
        """The lifts of all categories for a person's last posts; float64 [categories], all shares above 0."""
        last = np.asarray(last_categories[-LAST_POSTS:], dtype=np.int64)
        met = np.bincount(last, minlength=len(category_shares))
        return np.asarray(self._lift(met, len(last), category_shares))

    def next_shares(self, follower_counts: NDArray[np.floating], order_shares: NDArray[np.floating]) -> Shares:
        """What is expected of each post as the next one: how often it followed, and how often steps go as far to it.

        ``follower_counts`` [posts] counts steps from the person's newest post, ``order_shares`` [posts] is the share of
        all steps that go as far in the order of its category.
        """
        total = float(follower_counts.sum()) + FOLLOWER_SHRINKAGE
        return np.asarray(self.followers * follower_counts / total + self.order * order_shares)


def in_session(clock_ms: int, newest_at_ms: int) -> bool:
    """Whether a person whose newest interaction was at a moment, 0 if it is not known, is in a session now."""
    return newest_at_ms > 0 and clock_ms - newest_at_ms < SESSION_MS
