"""How many people met each post, one of a week ago counting 1/e: sums that go on as the log is read.

A person counts once for a post, by their first interaction with it, as in the trends of `moodfeed evaluate --live`.

The sum of a post is a whole number: 2**200 for an interaction at the bundle's newest moment, more for a later one. So
sums are exact: they do not depend on the order of the log, and what is taken back leaves nothing behind. As time passes
all trends shrink alike, which no order of posts depends on.
"""

import math
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush

import numpy as np
from numpy.typing import NDArray

from bundle.post_trends import MOST_PAIRS, TREND_DAYS, PostTrends, pair_key
from post_index_service.live_steps import LiveSteps
from store.interactions import Interaction, Verb
from store.log_entries import Entries, InteractionRecorded, TakenBack

MOST_CHANGES = 100_000
"""So many of the last changes can be undone, to count as of an earlier position."""

_BITS = 200  # so that two years and a half before the bundle still count
_HALVING_MS = TREND_DAYS * 86_400_000 * math.log(2)
_LARGEST_EXPONENT = 4096  # 54 years after the newest moment of the bundle: a wrong time, which does not count
_WITHOUT_A_MOMENT_MS = 1_767_225_600_000  # 2026; weights are relative, so any moment does
_MOST_EVENTS_OF_A_PAIR = 8
_OF_THE_BUNDLE = -1
_COUNTED = frozenset({Verb.VIEW, Verb.LIKE, Verb.INSPIRE, Verb.RATING})

RowsOf = Callable[[int | None, str | None], Sequence[int]]
"""Where the posts with a post id, or else with an external id, are counted: their rows, or numbers after all rows."""


@dataclass(frozen=True, slots=True)
class _Change:
    """What an entry of the log changed: undone by subtracting."""

    position: int
    row: int
    difference: int
    clock_ms_before: int


@dataclass(frozen=True, slots=True)
class Counted:
    """The sums at one position of the log: of ``changed`` rows, all others have those of the bundle."""

    position: int
    clock_ms: int
    changed: Mapping[int, int]


class TrendCounts:
    """The sums of one bundle's posts; for one thread.

    ``position`` is that up to which the log has been read. ``clock_ms`` is the moment of the newest interaction that
    counts, in milliseconds since 1970. ``whole`` float64 [posts] holds the sums of the bundle alone. ``steps`` are
    those between the posts that people first met since.
    """

    def __init__(
        self,
        start: PostTrends,
        rows_of: RowsOf,
        *,
        position: int,
        most_pairs: int = MOST_PAIRS,
        most_changes: int = MOST_CHANGES,
    ) -> None:
        self.position = self._start = position
        self.clock_ms = self._reference_ms = start.newest_moment_ms or _WITHOUT_A_MOMENT_MS
        self.whole: NDArray[np.float64] = np.rint(start.sums * 2.0**_BITS)
        self.steps = LiveSteps()
        self._rows_of = rows_of
        self._most_pairs, self._most_changes = most_pairs, most_changes
        self._changed: dict[int, int] = {}
        # The events of each pair, moment and position; what the bundle counts was at no position of the log.
        self._pairs: OrderedDict[int, tuple[tuple[int, int], ...]] = OrderedDict(
            (key, ((moment, _OF_THE_BUNDLE),))
            for key, moment in zip(start.pair_keys.tolist(), start.pair_moments_ms.tolist(), strict=True)
        )
        self._due: list[tuple[int, int, int, int]] = []  # heap: taken back at, position, pair, row
        self._changes: deque[_Change] = deque()
        self._known_since = position  # changes after it can be undone

    def weight_of(self, moment_ms: int) -> int:
        """What an interaction at a moment adds to the sum of its post; 0 if its time is absurd."""
        exponent = (moment_ms - self._reference_ms) / _HALVING_MS
        whole = math.floor(exponent)
        if whole > _LARGEST_EXPONENT:
            return 0
        mantissa = round(math.pow(2, exponent - whole + _BITS))
        return mantissa << whole if whole >= 0 else mantissa >> min(-whole, 2 * _BITS)

    def read(self, entries: Entries) -> None:
        """Count the entries after ``position``."""
        for entry in entries.entries:
            if entry.position > self.position:
                self._take_back_up_to(entry.position)
                if isinstance(entry, InteractionRecorded):
                    self._count(entry)
                self.position = entry.position
        self._take_back_up_to(entries.position)
        self.position = max(self.position, entries.position)

    def now(self) -> Counted:
        """The sums at ``position``."""
        return Counted(self.position, self.clock_ms, dict(self._changed))

    def as_of(self, position: int) -> Counted | None:
        """The sums at an earlier position; None if the changes since are not remembered any more."""
        if not self._known_since <= position <= self.position:
            return None
        sums, clock_ms = dict(self._changed), self.clock_ms
        for change in reversed(self._changes):
            if change.position <= position:
                break
            self._add(sums, change.row, -change.difference)
            clock_ms = change.clock_ms_before
        return Counted(position, clock_ms, sums)

    def _count(self, entry: InteractionRecorded) -> None:
        done, taken = entry.interaction, entry.takes_back
        if done is not None and done.verb in _COUNTED and done.taken_back_at != done.position:
            first_met = []
            for key, row in self._pairs_of(entry.username, done):
                if key not in self._pairs:
                    first_met.append(row)
                self._meet(key, row, done)
                if done.taken_back_at is not None:  # the log is read from before that
                    heappush(self._due, (done.taken_back_at, done.position, key, row))
            if first_met:
                self.steps.meet(entry.username, first_met, moment_ms=done.occurred_at_ms, position=entry.position)
        if taken is not None and taken.verb in _COUNTED:
            for key, row in self._pairs_of(entry.username, taken):
                self._take_back(key, row, taken.position, at=entry.position)

    def _take_back_up_to(self, position: int) -> None:
        while self._due and self._due[0][0] <= position:
            at, taken, key, row = heappop(self._due)
            self._take_back(key, row, taken, at=at)

    def _pairs_of(self, username: str, event: Interaction | TakenBack) -> Sequence[tuple[int, int]]:
        rows = self._rows_of(event.post_id, event.external_id)
        return [(pair_key(username, row), row) for row in rows]

    def _meet(self, key: int, row: int, done: Interaction) -> None:
        before = self._pairs.get(key, ())
        after = tuple(sorted((*before, (done.occurred_at_ms, done.position))))[:_MOST_EVENTS_OF_A_PAIR]
        self._pairs[key] = after
        if len(self._pairs) > self._most_pairs:
            self._pairs.popitem(last=False)
        self._change(row, before, after, at=done.position)

    def _take_back(self, key: int, row: int, taken: int, *, at: int) -> None:
        before = self._pairs.get(key, ())
        after = tuple(event for event in before if event[1] != taken)
        if after:
            self._pairs[key] = after
        elif before:
            del self._pairs[key]
        self._change(row, before, after, at=at)

    def _change(
        self, row: int, before: Sequence[tuple[int, int]], after: Sequence[tuple[int, int]], *, at: int
    ) -> None:
        """Count the first event of a pair in place of the one that was the first before."""
        difference = sum(self.weight_of(events[0][0]) * sign for events, sign in ((before, -1), (after, 1)) if events)
        if not difference:
            return
        if len(self._changes) == self._most_changes:
            self._known_since = self._changes.popleft().position
        self._changes.append(_Change(at, row, difference, self.clock_ms))
        self._add(self._changed, row, difference)
        if after:
            self.clock_ms = max(self.clock_ms, after[0][0])

    def _add(self, sums: dict[int, int], row: int, difference: int) -> None:
        of_bundle = int(self.whole[row]) if row < len(self.whole) else 0
        total = sums.get(row, of_bundle) + difference
        if total == of_bundle:
            sums.pop(row, None)
        else:
            sums[row] = total
