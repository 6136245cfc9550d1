"""The order by user of bundle.blend at a moment of the past; the index computes the same from the log."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from bundle.blend import LAST_POSTS, Blend

Numbers = NDArray[np.float64]


@dataclass(frozen=True)  # without slots, for the cached properties
class CrowdShares:
    """What people meet at a moment: ``trends`` and ``lasting`` [posts] are counts, ``category_rows`` int64 [posts]."""

    blend: Blend
    trends: NDArray[np.float64]
    lasting: NDArray[np.floating]
    category_rows: NDArray[np.int64]

    @cached_property
    def shares(self) -> Numbers:
        """Each post's share, float64 [posts]."""
        return self.blend.shares(self.trends, self.lasting)

    @cached_property
    def category_shares(self) -> Numbers:
        """Each category's share, float64 [categories], above 0 for one that has a post."""
        return np.bincount(self.category_rows, weights=self.shares).astype(np.float64)

    @cached_property
    def _log_shares(self) -> Numbers:
        return np.log(self.shares)

    def numbers(
        self,
        tower_scores: NDArray[np.floating],
        history: NDArray[np.integer],
        next_shares: Numbers | None = None,
    ) -> Numbers:
        """What orders all posts for a person, float64 [posts].

        ``history`` holds the rows of the posts that the person has met, newest last, and ``next_shares`` [posts] what
        is expected to follow in a session. A person without a history gets the crowd's order alone.
        """
        weight = self.blend.tower_weight(len(history))
        if self.blend.popularity == 0:
            return np.asarray(weight * tower_scores, dtype=np.float64)
        if not len(history):
            return np.asarray(self.blend.popularity * self._log_shares)
        shares = np.where(self.category_shares > 0, self.category_shares, 1.0)  # of a category without posts: unused
        lifts = self.blend.lifts(self.category_rows[history[-LAST_POSTS:]].tolist(), shares)
        logarithms = self._log_shares + np.log(lifts)[self.category_rows]
        if next_shares is not None:
            rows = np.flatnonzero(next_shares)
            logarithms[rows] = np.log(np.exp(logarithms[rows]) + next_shares[rows])
        return np.asarray(self.blend.popularity * logarithms + weight * tower_scores)
