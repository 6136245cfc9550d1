"""Follows the log of the store, and keeps in memory what people did beyond the bundles."""

import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import takewhile

import structlog
from prometheus_client import Counter, Gauge

from rpc import wall_clock
from store.errors import StoreUnavailableError
from store.log_entries import Entry, StoreRestored
from store.port import Store
from user_tower_service.live_people import LivePerson, PersonView, view_of
from user_tower_service.live_state import LiveState

POLL_SECONDS = 0.02
"""How often the log is looked at for what other processes wrote."""

RETRY_SECONDS = 0.25
FIRST_READ_SECONDS = 600.0
LEASE_SECONDS = 600.0
DEFAULT_SERVED_HOURS = 24.0
_KEPT_LONGER_MS = 3_600_000  # for the later pages of feeds whose first page still counted it
_ENTRIES_AT_ONCE = 10_000
_MOST_CHANGES = 100_000  # of which it is remembered who changed

POSITION = Gauge("moodfeed_log_position", "The position of the log up to which this process has read it.")
LIVE_PEOPLE = Gauge("moodfeed_live_people", "People with live interactions in memory.")
READ_FAILURES = Counter("moodfeed_log_read_failures_total", "Reads of the log that failed.")

_log = structlog.get_logger("user_tower_service.live_log")


@dataclass(frozen=True, slots=True)
class Changes:
    """Who has changed since a position, up to ``position``; ``is_everybody`` if that is not known, or is anybody."""

    position: int
    usernames: frozenset[str] = frozenset()
    is_everybody: bool = False


@dataclass(frozen=True, slots=True, weakref_slot=True, eq=False)
class Lease:
    """What a bundle holds, so that the log keeps what came after ``position``."""

    position: int


class LiveLog:
    """The people of the store, in memory; every method may be called from several threads, and only two of them wait.

    ``open_store`` is called by the thread that follows the log, again and again until the store can be opened, so that
    a process serves without its store.
    """

    def __init__(
        self,
        open_store: Callable[[], Store],
        *,
        begin_after: int = 0,
        served_hours: float = DEFAULT_SERVED_HOURS,
        now_ms: Callable[[], int] = wall_clock.now_ms,
    ) -> None:
        """``begin_after`` is the position of the oldest bundle that will be held.

        What people were shown is remembered for ``served_hours``. ``now_ms`` reads milliseconds since 1970.
        """
        self._open_store = open_store
        self._served_ms = round(served_hours * 3_600_000)
        self.now_ms = now_ms
        self._store: Store | None = None
        self._state = LiveState(begin_after, shown_since=self._kept_since)
        self._has_begun = self._has_read = False
        self._leases: weakref.WeakSet[Lease] = weakref.WeakSet()
        self._changed: deque[tuple[int, str]] = deque()
        self._forgotten_changes = 0  # the position up to which it is not known who changed
        self._position = begin_after
        self._nobody = PersonView(0)  # of whom nothing is known
        self._moved = threading.Condition()
        self._asked = 0  # how often the log has been asked to be read at once
        self._answered = 0  # the last of them that has been read for
        self._is_failing = False
        self._is_followed = self._is_stopped = False
        self._named_position = 0  # of a bundle, that the log has not reached
        LIVE_PEOPLE.set_function(lambda: len(self._state.people))

    @contextmanager
    def followed(self, *, first_read_seconds: float = FIRST_READ_SECONDS) -> Iterator[None]:
        """While the block runs, a thread follows the log. Waits until it has been read once, or could not be."""
        thread = threading.Thread(target=self._follow, name="log", daemon=True)
        with self._moved:
            self._asked += 1
            self._is_followed = True
            thread.start()
            self._moved.wait_for(lambda: self._answered or self._is_failing, first_read_seconds)
        try:
            yield
        finally:
            with self._moved:
                self._is_stopped, self._is_followed = True, False
                self._moved.notify_all()
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
    def position(self) -> int:
        """The position up to which the log has been read."""
        return self._position

    def lease(self, position: int, *, seconds: float = LEASE_SECONDS) -> Lease:
        """Have everything after a position for as long as the lease is held, as a bundle of that position needs it.

        Waits until it has been read, at most ``seconds``; not while the log cannot be read.
        """
        lease = Lease(position)
        with self._moved:
            self._leases.add(lease)
            if self._state.base > position and not (self._has_begun or self._is_followed):
                self._state = LiveState(position, shown_since=self._kept_since)
                self._position = position
            self._moved.wait_for(
                lambda: self._state.base <= position or self._is_failing or not self._is_followed, seconds
            )
        return lease

    def served_since(self) -> int:
        """The moment, in milliseconds since 1970, from which on what people were shown is remembered."""
        return self.now_ms() - self._served_ms

    def _kept_since(self) -> int:
        return self.served_since() - _KEPT_LONGER_MS

    def view(self, username: str, *, as_of: int | None = None) -> PersonView:
        """What is known about a person beyond the bundle, as of a position or as of now."""
        now = self._position  # before the person: what is read later does not count yet
        state = self._state
        person = state.people.get(username)
        departed_at = state.departed.get(self.store.person_key(username), 0) if state.departed else 0
        if person is None and not departed_at:
            position = now if as_of is None else min(as_of, now)
            nobody = self._nobody
            if nobody.position != position or nobody.read_up_to != now:
                self._nobody = nobody = PersonView(position, read_up_to=now)
            return nobody
        return view_of(person or LivePerson(), departed_at=departed_at, now=now, as_of=as_of)

    def reach(self, position: int, *, seconds: float) -> bool:
        """Have the log read up to a position; False if it does not hold it, or that takes more than ``seconds``."""
        if self._position >= position:
            return True
        with self._moved:
            if self._is_failing:
                return False
            self._asked += 1
            asked = self._asked
            self._moved.notify_all()
            self._moved.wait_for(
                lambda: self._position >= position or self._answered >= asked or self._is_failing, seconds
            )
            return self._position >= position

    def changes_after(self, position: int, *, seconds: float) -> Changes:
        """Who has changed since a position; waits up to ``seconds`` for a change if nobody has."""
        with self._moved:
            self._moved.wait_for(lambda: self._position > position or self._is_stopped, seconds)
            now = self._position
            if position < self._forgotten_changes or position > now:
                return Changes(now, is_everybody=True)
            newest_first = takewhile(lambda change: change[0] > position, reversed(self._changed))
            return Changes(now, frozenset(username for _, username in newest_first))

    def _follow(self) -> None:
        while not self._is_stopped:
            try:
                if self._store is None:
                    self._store = self._open_store()
                asked = self._asked
                if asked > self._answered or self._store.position() > self._position:
                    self._read_all(self._store)
                self._follow_the_bundles(self._store)
            except Exception as error:  # noqa: BLE001 - the thread must outlive whatever a store does
                self._note_failure(error)
                self._pause(RETRY_SECONDS)
            else:
                self._note_answer(asked)
                self._pause(POLL_SECONDS)

    def _read_all(self, store: Store) -> None:
        if not self._has_begun:
            self._state.begin(store)
            self._has_begun = True
        while not self._is_stopped:
            entries = store.entries_after(self._position, limit=_ENTRIES_AT_ONCE)
            for entry in entries.entries:
                if isinstance(entry, StoreRestored) and self._has_read:
                    self._read_anew(store, self._state.base, entry.position)
                self._take_in(store, entry)
            with self._moved:
                self._position = entries.position
                self._moved.notify_all()
            POSITION.set(entries.position)
            if len(entries.entries) < _ENTRIES_AT_ONCE:
                self._has_read = True
                return

    def _read_anew(self, store: Store, base: int, up_to: int) -> None:
        """Read the log again from a base up to a position; until that is done, the state of before answers."""
        state = LiveState(base, shown_since=self._kept_since)
        state.begin(store)
        position = base
        while position < up_to and not self._is_stopped:
            entries = store.entries_after(position, limit=_ENTRIES_AT_ONCE)
            for entry in entries.entries:
                if entry.position <= up_to:
                    state.apply(store, entry)
            position = entries.position
        self._state = state
        self._note_change_of_anybody(up_to)

    def _follow_the_bundles(self, store: Store) -> None:
        """Begin where the oldest held bundle ends: read again what it lacks, or let go of what it holds."""
        with self._moved:
            wanted = min((lease.position for lease in self._leases), default=self._state.base)
        if wanted == self._state.base:
            return
        if wanted < self._state.base:
            self._read_anew(store, wanted, self._position)
        elif wanted <= self._position:
            self._state.let_go(wanted)
        elif wanted != self._named_position:
            self._named_position = wanted
            _log.error("bundle is ahead of the store", bundle=wanted, store=self._position)
        with self._moved:
            self._moved.notify_all()

    def _take_in(self, store: Store, entry: Entry) -> None:
        username = self._state.apply(store, entry)
        if username is None:
            self._note_change_of_anybody(entry.position)
        elif username:
            self._note_change(entry.position, username)

    def _note_change(self, position: int, username: str) -> None:
        with self._moved:
            self._changed.append((position, username))
            if len(self._changed) > _MOST_CHANGES:
                self._forgotten_changes, _ = self._changed.popleft()

    def _note_change_of_anybody(self, position: int) -> None:
        with self._moved:
            self._changed.clear()
            self._forgotten_changes = position

    def _note_failure(self, error: Exception) -> None:
        READ_FAILURES.inc()
        is_foreseen = isinstance(error, StoreUnavailableError)
        with self._moved:
            if not self._is_failing:
                _log.error("log cannot be read", reason=str(error), exc_info=None if is_foreseen else error)
            self._is_failing = True
            self._moved.notify_all()

    def _note_answer(self, asked: int) -> None:
        with self._moved:
            if self._is_failing:
                _log.info("log is read again", position=self._position)
            self._is_failing = False
            self._answered = asked
            self._moved.notify_all()

    def _pause(self, seconds: float) -> None:
        """Wait, at most until a position is asked for or the block ends; a failing store is left alone."""
        deadline = time.monotonic() + seconds
        with self._moved:
            self._moved.wait_for(
                lambda: self._is_stopped or (self._asked > self._answered and not self._is_failing),
                deadline - time.monotonic(),
            )
