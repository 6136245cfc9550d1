"""The orders by trend and by popularity, which no embedding counts in; ties go to the smaller post id.

Rows are counted from the start of the slice.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from post_index_service.codes import Rows, Scores, among_sorted
from post_index_service.filters import Allowed
from post_index_service.ranking import Keys, Ranked
from post_index_service.trends import Epoch

_REMEMBERED_HEAD = 1024
_SMALLEST_REMEMBERED = 4096  # rows of a slice that take longer to sort than to remember


class ByTrend:
    """Ranks the posts of a slice with the largest trend first, and those without any by popularity, float32 [rows].

    The score is the trend, from 0 on. The number that orders is 1 plus the trend, or the popularity, 0..1.
    """

    def __init__(
        self,
        epoch: Epoch,
        span: slice,
        popularity: Scores,
        ids: NDArray[np.int64],
        allowed: Allowed | None = None,
        *,
        largest_elsewhere: float = 0.0,
    ) -> None:
        """``largest_elsewhere`` is the largest trend of posts that are not in the slice and count in the reach."""
        self._epoch, self._span, self._allowed = epoch, span, None
        self._popularity, self._ids = popularity, ids
        key = (span.start, span.stop)
        head = epoch.heads.get(key)
        self._head = self._best(_REMEMBERED_HEAD) if head is None else head
        if head is None and len(ids) > _SMALLEST_REMEMBERED:
            epoch.heads[key] = self._head
        self._largest = max(float(self._trends(self._head[:1]).sum()), largest_elsewhere)
        if allowed is not None:
            self._allowed, self._head = allowed, self._head[allowed.passes(self._head)]

    @property
    def reach(self) -> float:
        """That of the largest trend."""
        return 1 + self._largest

    def first(self, count: int, *, skip: Rows) -> Ranked:
        """The head of the slice without the rows to skip, or more of it if that is not enough."""
        head = self._head
        if count + len(skip) > len(head):
            head = self._best(count + len(skip))
        return self.among(head[~among_sorted(head, skip)][: max(count, 0)])

    def among(self, rows: Rows) -> Ranked:
        """Sort the rows; equal trends by popularity."""
        trends = self._trends(rows)
        order = np.lexsort(trend_keys(trends, self._popularity[rows], self._ids[rows]))
        rows, trends = rows[order], trends[order]
        numbers = trend_numbers(trends, self._popularity[rows])
        return Ranked(rows, trends.astype(np.float32), numbers.astype(np.float32))

    def keys(self, ranked: Ranked) -> Keys:
        """By trend, then by popularity, then by id."""
        return trend_keys(self._trends(ranked.rows), self._popularity[ranked.rows], self._ids[ranked.rows])

    def _best(self, count: int) -> Rows:
        rows = np.arange(len(self._ids)) if self._allowed is None else self._allowed.rows
        if not 0 < count < len(rows):
            return self.among(rows).rows[:count]
        trends = self._trends(rows)
        is_trending = trends > 0
        others = count - int(is_trending.sum())
        if others <= 0:
            return self.among(rows[_are_among_largest(trends, count)]).rows[:count]
        rest = rows[~is_trending]
        rest = rest[_are_among_largest(self._popularity[rest], others)]
        return self.among(np.concatenate([rows[is_trending], rest])).rows[:count]

    def _trends(self, rows: Rows) -> NDArray[np.float64]:
        return self._epoch.trends(rows + self._span.start)


def _are_among_largest(values: NDArray[np.floating], count: int) -> NDArray[np.bool_]:
    """Which of the values, of which there are more than ``count``, are at least the last of the largest ``count``."""
    return np.asarray(values >= np.partition(values, len(values) - count)[len(values) - count])


def trend_keys(trends: NDArray[np.float64], popularity: Scores, ids: NDArray[np.int64]) -> Keys:
    """What posts are sorted by that are ranked by trend."""
    return ids, -popularity, -trends


def trend_numbers(trends: NDArray[np.float64], popularity: Scores) -> NDArray[np.float64]:
    """The numbers that order posts by trend."""
    return np.where(trends > 0, 1 + trends, popularity)


@dataclass(frozen=True, slots=True)
class ByPopularity:
    """Ranks the most popular first; ``popularity`` is float32 [rows]."""

    popularity: Scores
    ids: NDArray[np.int64]
    allowed: Allowed | None = None
    reach = 1.0

    def first(self, count: int, *, skip: Rows) -> Ranked:
        """Sort the rows that are at least as popular as the last one wanted."""
        if self.allowed is None and not len(skip) and 0 < count < len(self.ids):  # no row is copied
            rows = np.flatnonzero(_are_among_largest(self.popularity, count))
        else:
            rows = self._left(skip)
            if 0 < count < len(rows):
                rows = rows[_are_among_largest(self.popularity[rows], count)]
        return self.among(rows).cut(0, count)

    def _left(self, skip: Rows) -> Rows:
        is_left = np.ones(len(self.ids), dtype=np.bool_) if self.allowed is None else self.allowed.mask.copy()
        is_left[skip] = False
        return np.flatnonzero(is_left)

    def among(self, rows: Rows) -> Ranked:
        """Sort the rows by popularity."""
        rows = rows[np.lexsort((self.ids[rows], -self.popularity[rows]))]
        return Ranked(rows, self.popularity[rows], self.popularity[rows])

    def keys(self, ranked: Ranked) -> Keys:
        """By number, then by id."""
        return self.ids[ranked.rows], -ranked.numbers
