"""Callers that record batches in threads until they are stopped, and send a batch again until it is answered."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from benchmarks.live.clients import ACCEPTED, DUPLICATE, VIEW, Caller, Did, Refusal, RefusedError, calling, results

_PAUSE_SECONDS = 0.02  # before a batch is sent again


@dataclass(slots=True)
class Written:
    """What the answers said.

    ``acknowledged``: the event ids of all rows that were answered ACCEPTED or DUPLICATE; ``sent`` all that were sent;
    ``refused`` counts the refusals; ``others`` the rows with another result; ``seconds`` how long each answer took,
    from when its batch was due if there is a rate; ``slowest_refusal`` and ``lasted``, of
    the whole writing, are in seconds.
    """

    acknowledged: list[str] = field(default_factory=list)
    sent: set[str] = field(default_factory=set)
    duplicates: int = 0
    refused: Counter[Refusal] = field(default_factory=Counter)
    others: int = 0
    seconds: list[float] = field(default_factory=list)
    slowest_refusal: float = 0.0
    lasted: float = 0.0

    @property
    def batches(self) -> int:
        """The number of answered batches."""
        return len(self.seconds)


Rows = Callable[[str, int], Sequence[Did]]
"""The rows of a batch, from the writer's name and the batch's number."""


def rows_of(*, users: int, posts: int, size: int) -> Rows:
    """Batches of views by users of a synthetic bundle; event ids are WRITER:BATCH:ROW."""

    def rows(writer: str, batch: int) -> Sequence[Did]:
        first = batch * size
        return [
            Did(
                event_id=f"{writer}:{batch}:{row}",
                username=f"user{(first + row) * 7919 % users}",
                post_id=1 + (first + row) * 104_729 % posts,
                verb=VIEW,
            )
            for row in range(size)
        ]

    return rows


class Writer(threading.Thread):
    """Records batch after batch through one gateway; with ``every``, one each so many seconds.

    ``pause`` may be set while it runs: seconds after each batch.
    """

    def __init__(self, name: str, address: str, rows: Rows, *, every: float = 0.0) -> None:
        super().__init__(name=name, daemon=True)
        self.written = Written()
        self.pause = 0.0
        self._address, self._rows, self._every = address, rows, every
        self._is_over = threading.Event()

    def stop(self) -> None:
        """Send no other batch; the one that is under way is sent until it is answered, for at most half a minute."""
        self._is_over.set()

    def run(self) -> None:
        """Record until stopped."""
        begun = time.perf_counter()
        with calling(self._address) as caller:
            self._write(caller, begun)
        self.written.lasted = time.perf_counter() - begun

    def _write(self, caller: Caller, begun: float) -> None:
        batch = 0
        while not self._is_over.is_set():
            due = begun + batch * self._every
            if self._every and self._is_over.wait(max(due - time.perf_counter(), 0)):
                return
            self._record(caller, self._rows(self.name, batch), due if self._every else time.perf_counter())
            batch += 1
            self._is_over.wait(self.pause)

    def _record(self, caller: Caller, rows: Sequence[Did], due: float) -> None:
        written = self.written
        written.sent.update(row.event_id for row in rows)
        stopped_at: float | None = None
        while stopped_at is None or time.perf_counter() - stopped_at < 30:
            started = time.perf_counter()
            try:
                found = results(caller.record(rows))
            except RefusedError as error:
                written.refused[error.refusal] += 1
                written.slowest_refusal = max(written.slowest_refusal, time.perf_counter() - started)
                time.sleep(_PAUSE_SECONDS)
                if self._is_over.is_set() and stopped_at is None:
                    stopped_at = time.perf_counter()
                continue
            written.seconds.append(time.perf_counter() - due)
            kept = [row.event_id for row, result in zip(rows, found, strict=True) if result in {ACCEPTED, DUPLICATE}]
            written.acknowledged += kept
            written.duplicates += found.count(DUPLICATE)
            written.others += len(rows) - len(kept)
            return


@contextmanager
def writing(writers: Sequence[Writer]) -> Iterator[None]:
    """Run writers while the block runs."""
    for writer in writers:
        writer.start()
    try:
        yield
    finally:
        for writer in writers:
            writer.stop()
        for writer in writers:
            writer.join()


def together(writers: Sequence[Writer]) -> Written:
    """What all of them were answered."""
    total = Written()
    for writer in writers:
        written = writer.written
        total.acknowledged += written.acknowledged
        total.sent |= written.sent
        total.duplicates += written.duplicates
        total.refused += written.refused
        total.others += written.others
        total.seconds += written.seconds
        total.slowest_refusal = max(total.slowest_refusal, written.slowest_refusal)
    return total
