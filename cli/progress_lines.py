"""Progress as lines, for logs and pipes: at least one every half minute, with an estimate of the time left."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

EVERY_SECONDS = 20.0
_LOOKED_AT_EVERY_SECONDS = 5.0


class ProgressLines:
    """Writes the progress of a piece of work as a line, ``EVERY_SECONDS`` after the previous one.

    ``unit`` names what is counted; without it, lines give only the time. ``clock`` returns seconds.
    """

    def __init__(
        self,
        description: str,
        *,
        write: Callable[[str], None],
        unit: str = "",
        total: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._description = description
        self._write = write
        self._unit = unit
        self._total = total
        self._clock = clock
        self._started = self._last_line = clock()
        self._first: tuple[float, float] | None = None  # when the first count came, and what it was
        self._done: float | None = None
        self._note = ""

    def update(self, done: float | None = None, note: str | None = None, *, total: float | None = None) -> None:
        """Set the total done so far, the current activity and the total to do; None leaves a value unchanged."""
        if done is not None:
            self._done = done
            self._first = self._first or (self._clock(), done)
        self._note = self._note if note is None else note
        self._total = self._total if total is None else total
        self.tick()

    def tick(self) -> None:
        """Write a line if one is due."""
        if self._clock() - self._last_line >= EVERY_SECONDS:
            self._last_line = self._clock()
            self._write(self._line())

    def finish(self) -> None:
        """Write how long it has taken."""
        self._write(f"{self._description}: done in {in_words(self._clock() - self._started)}")

    def _line(self) -> str:
        parts = []
        if self._done is not None and self._unit:
            of_total = f" of {self._total:.10g}" if self._total else ""
            parts.append(f"{round(self._done, 2):.10g}{of_total} {self._unit}".rstrip())
        parts.append(f"{in_words(self._clock() - self._started)} so far")
        left = self._seconds_left()
        if left is not None:
            parts.append(f"about {in_words(left)} left")
        if self._note:
            parts.append(self._note)
        return f"{self._description}: {', '.join(parts)}"

    def _seconds_left(self) -> float | None:
        """An estimate from the pace since the first count, because a resumed run starts above zero."""
        if not self._total or self._done is None or self._first is None:
            return None
        began, first = self._first
        done = self._done - first
        return (self._clock() - began) / done * max(self._total - self._done, 0.0) if done > 0 else None


@contextmanager
def ticking(lines: ProgressLines) -> Iterator[None]:
    """Write lines while the block runs, also if it does not report progress; then write how long it took."""
    is_over = threading.Event()

    def tick() -> None:
        while not is_over.wait(_LOOKED_AT_EVERY_SECONDS):
            lines.tick()

    thread = threading.Thread(target=tick, daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()
    lines.finish()


def in_words(seconds: float) -> str:
    """A duration in two units at most: 40 s, 2 min 5 s, 1 h 12 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
