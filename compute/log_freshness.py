"""Measures how soon log entries take effect, as an upper bound by this process's clock.

The log does not say when an entry was written, and the clock of the machine that wrote it may be wrong. What a look at
the log finds for the first time was written after the look before began, so its age is at most the time since then.
That is too much by the pause between two looks (log_tail.py), and by nothing else.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable

from rpc.weighted_histogram import WeightedHistogram
from store.log_entries import Entry, InteractionRecorded, PostDeleted, PostsEmbedded, PostsServed, PostUpserted

BUCKETS = (0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 0.75, 1, 2, 5, 10, 30, 60, 300)
_KINDS: dict[type[Entry], str] = {
    InteractionRecorded: "interaction",
    PostsServed: "served",
    PostUpserted: "post",
    PostDeleted: "post",
    PostsEmbedded: "embeddings",
}
_OTHER = "other"
VISIBLE = WeightedHistogram(
    "moodfeed_log_entry_visible_seconds",
    "Upper bound of the time from writing a log entry until this process's responses include it.",
    buckets=BUCKETS,
    label="kind",
    values=sorted({*_KINDS.values(), _OTHER}),
)


class LogFreshness:
    """The ages of the entries that polls of one log find; for one thread."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """``clock`` gives seconds that never run backwards."""
        self._clock = clock
        self._began: float | None = None
        self._before: float | None = None  # when the last whole look before this one began
        self._known = 0  # the position up to which entries were found

    def begin(self) -> None:
        """A look begins."""
        self._began = self._clock()

    @property
    def written_after(self) -> float | None:
        """What this look finds for the first time was written later than this moment; None at the first look."""
        return self._before

    def found(self, entries: Iterable[Entry], position: int) -> None:
        """Entries up to a position count from now on."""
        if self._before is not None:
            kinds = Counter(_KINDS.get(type(entry), _OTHER) for entry in entries if entry.position > self._known)
            age = self._clock() - self._before
            for kind, count in kinds.items():
                VISIBLE.observe(age, times=count, value=kind)
        self._known = max(self._known, position)

    def end(self) -> None:
        """The look has found all that there was."""
        self._before = self._began
