"""Follows the log of the store in a thread, and hands what it reads to those in the process who keep it in memory."""

import threading
import time
import weakref
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Protocol

import structlog
from prometheus_client import Counter, Gauge

from compute.log_freshness import LogFreshness
from store.errors import StoreUnavailableError
from store.log_entries import Entries
from store.port import Store

POLL_SECONDS = 0.05
"""How often the log is looked at for what other processes wrote."""
IDLE_POLL_SECONDS = 0.25
IDLE_AFTER_SECONDS = 5.0
"""Polls are less frequent after this time without writes or requests, because each poll wakes the processor."""
REST_SECONDS = 0.1
"""How long a reader of many small writes rests after each read: a read of a few rows costs as much as one of many."""

RETRY_SECONDS = 0.25
FIRST_READ_SECONDS = 600.0
NOTE_SECONDS = 5.0
"""How often a long read says how far it has come."""
ENTRIES_AT_ONCE = 10_000

POSITION = Gauge("moodfeed_log_position", "The position of the log up to which this process has read it.")
READ_FAILURES = Counter("moodfeed_log_read_failures_total", "Reads of the log that failed.")

_log = structlog.get_logger("compute.log_tail")


class LogReader(Protocol):
    """Keeps what it reads of the log."""

    @property
    def position(self) -> int:
        """The position up to which it has read."""

    def read(self, entries: Entries) -> None:
        """Take in the entries after its own position, and stand where they end.

        Fewer than ENTRIES_AT_ONCE end the log. Called by one thread alone, and again with the same entries if it fails.
        """


class LogTail:
    """The tail of one log; every method may be called from several threads.

    ``open_store`` is called by the thread that follows the log, again and again until the store can be opened, so that
    a process serves without its store. Readers who stand far behind keep no others waiting.
    """

    def __init__(
        self,
        open_store: Callable[[], Store],
        *,
        after_each_round: Callable[[Store], None] | None = None,
        rest_seconds: float = POLL_SECONDS,
    ) -> None:
        """``after_each_round`` is called by that thread as well, also where there was nothing to read.

        After a read that found something the log is left alone for ``rest_seconds``, unless a position is asked for.
        """
        self.moved = threading.Condition()
        """Notified when a reader has moved, when the log cannot be read, and at the end."""
        self.is_stopped = True
        """Whether nobody follows the log: not yet, or no more."""
        self.is_failing = False
        """Whether the log could not be read when it was tried last."""
        self._open_store = open_store
        self._after_each_round = after_each_round
        self._rest_seconds = rest_seconds
        self._store: Store | None = None
        self._readers: tuple[weakref.ref[LogReader], ...] = ()
        self._asked = 0  # how often the log has been asked to be read at once
        self._answered = 0  # the last of them that has been read for
        self._freshness = LogFreshness()
        self._busy_at = time.monotonic()  # when something was written or asked for last

    @contextmanager
    def followed(self, *, first_read_seconds: float = FIRST_READ_SECONDS) -> Iterator[None]:
        """While the block runs, a thread follows the log. Waits until it has been read once, or could not be."""
        thread = threading.Thread(target=self._follow, name="log", daemon=True)
        with self.moved:
            self.is_stopped = False
            self._asked += 1
            thread.start()
            self.moved.wait_for(lambda: self._answered or self.is_failing, first_read_seconds)
        try:
            yield
        finally:
            with self.moved:
                self.is_stopped = True
                self.moved.notify_all()
            thread.join()
            if self._store is not None:
                self._store.close()

    @property
    def store(self) -> Store:
        """The store; StoreUnavailableError while it could not be opened yet."""
        if self._store is None:
            raise StoreUnavailableError("the store could not be opened yet")
        return self._store

    @property
    def written_after(self) -> float | None:
        """While readers read: a moment, of ``time.monotonic``, before which nothing was written that is new now.

        None at the first look at the log.
        """
        return self._freshness.written_after

    def add(self, reader: LogReader) -> None:
        """Let a reader read on from its position, for as long as somebody else holds it."""
        with self.moved:
            self._readers = (*(known for known in self._readers if known() is not None), weakref.ref(reader))

    def read_up(self, reader: LogReader, *, seconds: float = FIRST_READ_SECONDS) -> None:
        """Wait until a reader has read all that the log holds now; do not wait if nobody follows it, or can read it."""
        self.reach(reader, 2**63, seconds=seconds)

    def reach(self, reader: LogReader, position: int, *, seconds: float) -> bool:
        """Have a reader read up to a position; False if the log does not hold it, or it takes over ``seconds``."""
        if reader.position >= position:
            return True
        with self.moved:
            if self.is_failing or self.is_stopped:
                return False
            self._asked += 1
            asked = self._asked
            self.moved.notify_all()
            self.moved.wait_for(
                lambda: reader.position >= position or self._answered >= asked or self.is_failing or self.is_stopped,
                seconds,
            )
            return reader.position >= position

    def _follow(self) -> None:
        while not self.is_stopped:
            try:
                if self._store is None:
                    self._store = self._open_store()
                self._freshness.begin()
                asked, has_news = self._asked, self._has_news(self._store)
                if has_news or asked > self._answered:
                    self._busy_at = time.monotonic()
                    self._read_all(self._store)
                self._freshness.end()
                if self._after_each_round:
                    self._after_each_round(self._store)
            except Exception as error:  # noqa: BLE001 - the thread must outlive whatever a store does
                self._note_failure(error)
                self._pause(RETRY_SECONDS)
            else:
                self._note_answer(asked)
                self._pause(self._rest_seconds if has_news else self._until_next_look())

    def _until_next_look(self) -> float:
        is_idle = time.monotonic() - self._busy_at > IDLE_AFTER_SECONDS
        return IDLE_POLL_SECONDS if is_idle else POLL_SECONDS

    def _has_news(self, store: Store) -> bool:
        positions = self._readers_by_position()
        return bool(positions) and store.position() > min(positions)

    def _read_all(self, store: Store) -> None:
        is_at_the_end, noted_at = False, time.monotonic()
        while not (is_at_the_end or self.is_stopped):
            is_at_the_end = True
            positions = self._readers_by_position()
            failures: list[Exception] = []
            for position in sorted(positions, reverse=True):
                entries = store.entries_after(position, limit=ENTRIES_AT_ONCE)
                for reader in positions[position]:
                    try:
                        reader.read(entries)
                    except Exception as error:  # noqa: BLE001 - the others read on
                        failures.append(error)
                if not failures:
                    self._freshness.found(entries.entries, entries.position)
                with self.moved:
                    self.moved.notify_all()
                is_at_the_end &= len(entries.entries) < ENTRIES_AT_ONCE
                POSITION.set(max(entries.position, *positions))
            if failures:
                raise failures[0]
            if not is_at_the_end and time.monotonic() - noted_at >= NOTE_SECONDS:
                noted_at = time.monotonic()
                _log.info("log is being read", read=min(self._readers_by_position()), newest=store.position())

    def _readers_by_position(self) -> Mapping[int, Sequence[LogReader]]:
        found: dict[int, list[LogReader]] = defaultdict(list)
        for reference in self._readers:
            if (reader := reference()) is not None:
                found[reader.position].append(reader)
        return found

    def _note_failure(self, error: Exception) -> None:
        READ_FAILURES.inc()
        is_foreseen = isinstance(error, StoreUnavailableError)
        with self.moved:
            if not self.is_failing:
                _log.error("log cannot be read", reason=str(error), exc_info=None if is_foreseen else error)
            self.is_failing = True
            self.moved.notify_all()

    def _note_answer(self, asked: int) -> None:
        with self.moved:
            if self._answered == asked and not self.is_failing:  # nobody waits for a round that was not asked for
                return
            if self.is_failing:
                _log.info("log is read again")
            self.is_failing = False
            self._answered = asked
            self.moved.notify_all()

    def _pause(self, seconds: float) -> None:
        """Wait, at most until a position is asked for or the block ends; a failing store is left alone."""
        deadline = time.monotonic() + seconds
        with self.moved:
            self.moved.wait_for(
                lambda: self.is_stopped or (self._asked > self._answered and not self.is_failing),
                deadline - time.monotonic(),
            )
