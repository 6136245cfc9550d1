"""Rows of the bundle that are not visible any more, because their posts changed or were taken away."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from post_index_service.codes import Rows


@dataclass(frozen=True, slots=True)
class EndedRows:
    """Rows of the bundle, ascending, that are not visible from ``positions`` on.

    One that ``is_gone`` is of a post that was taken away, and may not be shown on any page any more.
    """

    rows: Rows
    positions: NDArray[np.int64]
    is_gone: NDArray[np.bool_]

    def within(self, span: slice) -> "EndedRows":
        """Those of a slice, relative to its start."""
        if not len(self.rows):
            return self
        first, last = self.rows.searchsorted([span.start, span.stop])
        return EndedRows(self.rows[first:last] - span.start, self.positions[first:last], self.is_gone[first:last])


NONE_ENDED = EndedRows(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.bool_))


class EndingRows:
    """Notes which rows end, for one thread."""

    def __init__(self) -> None:
        self._ended = NONE_ENDED
        self._ends: dict[int, tuple[int, bool]] = {}  # since the last publication
        self._gone: set[int] = set()  # rows that ended before, and are gone now

    def end(self, row: int, *, position: int, is_gone: bool) -> None:
        """Let a row be visible before a position alone, unless it has ended already."""
        if row not in self._ends and not self._has_ended(row):
            self._ends[row] = (position, is_gone)

    def take_away(self, row: int) -> None:
        """Show a row that has ended no more, as of whatever position."""
        if row in self._ends:
            self._ends[row] = (self._ends[row][0], True)
        else:
            self._gone.add(row)

    def published(self) -> EndedRows:
        """All that have ended."""
        if self._ends or self._gone:
            self._ended = self._with_new()
            self._ends, self._gone = {}, set()
        return self._ended

    def _has_ended(self, row: int) -> bool:
        place = int(self._ended.rows.searchsorted(row))
        return place < len(self._ended.rows) and int(self._ended.rows[place]) == row

    def _with_new(self) -> EndedRows:
        ended, new = self._ended, sorted(self._ends)
        places = ended.rows.searchsorted(new)
        rows = np.insert(ended.rows, places, new)
        positions = np.insert(ended.positions, places, [self._ends[row][0] for row in new])
        is_gone = np.insert(ended.is_gone, places, [self._ends[row][1] for row in new])
        if self._gone:
            is_gone[rows.searchsorted(sorted(self._gone))] = True
        return EndedRows(rows, positions, is_gone)
