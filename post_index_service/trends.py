"""The trends of one bundle's posts, and the epochs that pages are made of: the counts at one position of the log."""

import threading
import time
from collections.abc import Callable
from functools import cached_property, partial

import numpy as np
from cachetools import LRUCache
from numpy.typing import NDArray

from bundle.post_trends import PostTrends
from compute.log_tail import ENTRIES_AT_ONCE, LogTail
from post_index_service.codes import Rows
from post_index_service.trend_counts import Counted, RowsOf, TrendCounts
from store.log_entries import Entries, InteractionsExpired, PeopleMerged, PersonDeleted, StoreRestored

EPOCH_SECONDS = 60.0
"""For so long first pages are made of the same counts, unless a caller asks for a later position."""

_MOST_REMEMBERED = 4_000_000  # changed posts of all epochs together: 64 MB
_ROOM_OF_AN_EPOCH = 1_000
_MOST_BITS = 900  # of a number that a float can hold, and so many times more
_COUNTED_AT_ONCE = 1_000  # entries, between which pages are made
_LOOKED_AT_ONCE = 65_536  # posts
_PAUSE_OF_RECOUNTS = 10.0  # times as long as the last one took
_CHANGES_OTHERS = (PersonDeleted, PeopleMerged, InteractionsExpired, StoreRestored)


class TrendError(Exception):
    """Trends that cannot be given.

    TrendError
    ├── CountsNotHeldError
    ├── PositionNotReachedError
    └── PostsNotHeldError (live_posts.py)
    """

    def __init__(self, message: str, **metadata: str) -> None:
        super().__init__(message)
        self.metadata = metadata


class CountsNotHeldError(TrendError):
    """The counts as of this position are not remembered."""


class PositionNotReachedError(TrendError):
    """The log does not hold the position that was asked for, or cannot be read up to it now."""


class Epoch:
    """The trend of each post at one position of the log, by the clock of the newest interaction then."""

    def __init__(self, counted: Counted, counts: TrendCounts) -> None:
        self.position = counted.position
        self.clock_ms = counted.clock_ms
        """The moment of the newest interaction that counts, in milliseconds since 1970."""
        self.steps = counts.steps
        """The steps between posts since the bundle, as of this position and of later ones."""
        self.heads: dict[tuple[int, int], Rows] = {}
        """The best rows of slices (start, stop), for those who rank by these trends."""
        unit = counts.weight_of(counted.clock_ms)
        is_float = unit.bit_length() < _MOST_BITS  # else the clock stands more than a decade after the bundle
        self._whole, self._unit = counts.whole, float(unit) if is_float else np.inf
        totals = counted.changed.values()
        trends = (float(total) / self._unit if is_float else total / unit for total in totals)
        rows = np.fromiter(counted.changed.keys(), dtype=np.int64, count=len(totals))
        order = np.argsort(rows)
        self._rows = rows[order].astype(np.int32)
        self._trends = np.fromiter(trends, dtype=np.float64, count=len(totals))[order]

    @property
    def size(self) -> int:
        """The number of posts whose trend is not the bundle's own."""
        return len(self._rows)

    @cached_property
    def largest(self) -> float:
        """The largest trend of a post of the bundle."""
        starts = range(0, len(self._whole), _LOOKED_AT_ONCE)
        ends = (min(start + _LOOKED_AT_ONCE, len(self._whole)) for start in starts)
        return max((float(self.trends(np.arange(*part)).max()) for part in zip(starts, ends, strict=True)), default=0.0)

    def trends(self, rows: Rows) -> NDArray[np.float64]:
        """The trends of posts: float64 [rows]; posts that are not in the bundle have numbers after its rows."""
        count = len(self._whole)
        if len(rows) and rows.max() >= count:
            whole = np.where(rows < count, self._whole.take(rows, mode="clip") if count else 0.0, 0.0)
        else:
            whole = self._whole[rows]
        trends: NDArray[np.float64] = whole / self._unit
        if self.size:
            places = self._rows.searchsorted(rows)
            is_changed = self._rows.take(places, mode="clip") == rows
            trends[is_changed] = self._trends[places[is_changed]]
        return trends


class Trends:
    """Follows the log for one bundle; every method may be called from several threads.

    A deleted, merged or expired interaction cannot be taken out of a sum. The log is then counted anew, beside the
    counts that are in use, and those are replaced at the end.
    """

    def __init__(
        self,
        start: PostTrends,
        rows_of: RowsOf,
        *,
        position: int = 0,
        log: LogTail | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """``start`` counts the log up to ``position``; without a ``log`` it is all that counts."""
        self._begun = partial(TrendCounts, start, rows_of, position=position)
        self._counts = self._begun()
        self._log, self._now = log, now
        self._lock = threading.Lock()
        self._epoch = Epoch(self._counts.now(), self._counts)
        self._cut_at = -np.inf
        self._epochs: LRUCache[int, Epoch] = LRUCache(
            _MOST_REMEMBERED, getsizeof=lambda epoch: min(_ROOM_OF_AN_EPOCH + epoch.size, _MOST_REMEMBERED)
        )
        self._epochs[self._epoch.position] = self._epoch
        self._has_read = False
        self._recount: _Recount | None = None
        self._is_recount_due = False
        self._no_recount_before = -np.inf
        if log is not None:
            log.add(self)

    @property
    def position(self) -> int:
        """The position up to which the log is counted."""
        return self._counts.position

    def epoch(self, *, as_of: int | None = None, at_least: int = 0, seconds: float = 0.0) -> Epoch:
        """The counts of a page, waited for up to ``seconds``: of a first one, or of a later one ``as_of`` the first.

        CountsNotHeldError, and PositionNotReachedError if the log cannot be counted up to ``at_least``.
        """
        if as_of is not None:
            return self._epoch_at(as_of, seconds=seconds)
        if at_least > self.position and not self._reach(at_least, seconds=seconds):
            raise PositionNotReachedError(f"position {at_least} is not reached: counted up to {self.position}")
        with self._lock:
            self._recount_if_due()
            is_old = self._now() - self._cut_at >= EPOCH_SECONDS
            if self._epoch.position < self.position and (is_old or self._epoch.position < at_least):
                self._epoch = self._remembered(self._counts.now())
                self._cut_at = self._now()
            return self._epoch

    def current(self) -> Epoch:
        """The counts that first pages are made of now; it waits for nothing while they are fresh."""
        epoch = self._epoch
        is_fresh = epoch.position == self.position or self._now() - self._cut_at < EPOCH_SECONDS
        return epoch if is_fresh and not self._is_recount_due else self.epoch()

    def _epoch_at(self, position: int, *, seconds: float) -> Epoch:
        if position > self.position:
            self._reach(position, seconds=seconds)
        with self._lock:
            epoch = self._epochs.get(position)
            if epoch is None:
                counted = self._counts.as_of(position)
                if counted is None:
                    raise CountsNotHeldError(f"the counts as of position {position} are not held")
                epoch = self._remembered(counted)
            return epoch

    def _remembered(self, counted: Counted) -> Epoch:
        epoch = self._epochs[counted.position] = Epoch(counted, self._counts)
        return epoch

    def _reach(self, position: int, *, seconds: float) -> bool:
        return self._log is not None and self._log.reach(self, position, seconds=seconds)

    def read(self, entries: Entries) -> None:
        """Count the entries, as the tail hands them over."""
        if self._has_read and any(
            isinstance(entry, _CHANGES_OTHERS) and entry.position > self.position for entry in entries.entries
        ):
            self._is_recount_due = True
        for first in range(0, len(entries.entries), _COUNTED_AT_ONCE):
            part = entries.entries[first : first + _COUNTED_AT_ONCE]
            with self._lock:
                self._counts.read(Entries(part, part[-1].position))
        with self._lock:
            self._counts.read(Entries((), entries.position))
            self._recount_if_due()
        self._has_read |= len(entries.entries) < ENTRIES_AT_ONCE

    def _recount_if_due(self) -> None:
        if self._is_recount_due and self._recount is None and self._log and self._now() >= self._no_recount_before:
            self._is_recount_due = False
            self._recount = _Recount(self, self._begun(), began_at=self._now())
            self._log.add(self._recount)

    def take_over(self, counts: TrendCounts, *, began_at: float) -> None:
        """Go on with counts that have read the log anew up to this position."""
        with self._lock:
            self._counts = counts
            self._recount = None
        self._no_recount_before = self._now() + _PAUSE_OF_RECOUNTS * (self._now() - began_at)


class _Recount:
    """Reads the log from the bundle on, until it has caught up with the trends that it is for."""

    def __init__(self, trends: Trends, counts: TrendCounts, *, began_at: float) -> None:
        self._trends, self._counts, self._began_at = trends, counts, began_at

    @property
    def position(self) -> int:
        """The position up to which the log is counted anew."""
        return self._counts.position

    def read(self, entries: Entries) -> None:
        """Count the entries, as the tail hands them over."""
        self._counts.read(entries)
        if self._counts.position >= self._trends.position:
            self._trends.take_over(self._counts, began_at=self._began_at)
