"""Follows the log of the store, and keeps in memory what people did beyond the bundles."""

import weakref
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

import structlog
from prometheus_client import Gauge

from compute.log_tail import ENTRIES_AT_ONCE, FIRST_READ_SECONDS, LogTail
from rpc import wall_clock
from store.log_entries import Entries, Entry, StoreRestored
from store.port import Store
from user_tower_service.live_people import LivePerson, PersonView, view_of
from user_tower_service.live_posts import LivePosts
from user_tower_service.live_state import LiveState
from user_tower_service.post_encoding import PostEncoding

LEASE_SECONDS = 600.0
DEFAULT_SERVED_HOURS = 24.0
_KEPT_LONGER_MS = 3_600_000  # for the later pages of feeds whose first page still counted it
_MOST_CHANGES = 100_000  # of which it is remembered who changed

LIVE_PEOPLE = Gauge("moodfeed_live_people", "People with live interactions in memory.")

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

    ``open_store`` is as of LogTail: a process serves without its store.
    """

    def __init__(
        self,
        open_store: Callable[[], Store],
        *,
        begin_after: int = 0,
        served_hours: float = DEFAULT_SERVED_HOURS,
        now_ms: Callable[[], int] = wall_clock.now_ms,
        bundles: Path | None = None,
    ) -> None:
        """``begin_after`` is the position of the oldest bundle that will be held, ``bundles`` their directory.

        What people were shown is remembered for ``served_hours``. ``now_ms`` reads milliseconds since 1970.
        """
        self.tail = LogTail(open_store, after_each_round=self._follow_the_bundles)
        self.tail.add(self)
        self.encoding = PostEncoding(lambda: self.tail.store, bundles=bundles)
        """Encodes the live posts for the bundles that are held."""
        self._served_ms = round(served_hours * 3_600_000)
        self.now_ms = now_ms
        self._state = LiveState(begin_after, shown_since=self._kept_since)
        self._has_begun = self._has_read = False
        self._leases: weakref.WeakSet[Lease] = weakref.WeakSet()
        self._changed: deque[tuple[int, str]] = deque()
        self._forgotten_changes = 0  # the position up to which it is not known who changed
        self._position = begin_after
        self._nobody = PersonView(0)  # of whom nothing is known
        self._moved = self.tail.moved
        self._named_position = 0  # of a bundle, that the log has not reached
        LIVE_PEOPLE.set_function(lambda: len(self._state.people))

    @contextmanager
    def followed(self, *, first_read_seconds: float = FIRST_READ_SECONDS) -> Iterator[None]:
        """While the block runs, a thread follows the log, and one encodes posts.

        Waits until the log has been read once, or could not be.
        """
        with self.tail.followed(first_read_seconds=first_read_seconds), self.encoding.running():
            yield

    @property
    def posts(self) -> LivePosts:
        """The live posts that have embeddings."""
        return self._state.posts

    @property
    def store(self) -> Store:
        """The store; StoreUnavailableError while it could not be opened yet."""
        return self.tail.store

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
            if self._state.base > position and not self._has_begun and self.tail.is_stopped:
                self._state = LiveState(position, shown_since=self._kept_since)
                self._position = position
            self._moved.wait_for(
                lambda: self._state.base <= position or self.tail.is_failing or self.tail.is_stopped, seconds
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
        return self.tail.reach(self, position, seconds=seconds)

    def changes_after(self, position: int, *, seconds: float) -> Changes:
        """Who has changed since a position; waits up to ``seconds`` for a change if nobody has."""
        with self._moved:
            self._moved.wait_for(lambda: self._position > position or self.tail.is_stopped, seconds)
            now = self._position
            if position < self._forgotten_changes or position > now:
                return Changes(now, is_everybody=True)
            newest_first = takewhile(lambda change: change[0] > position, reversed(self._changed))
            return Changes(now, frozenset(username for _, username in newest_first))

    def read(self, entries: Entries) -> None:
        """Apply the entries, as the tail hands them over."""
        store = self.tail.store
        if not self._has_begun:
            self._state.begin(store)
            self._has_begun = True
        for entry in entries.entries:
            if isinstance(entry, StoreRestored) and self._has_read:
                self._read_anew(store, self._state.base, entry.position)
            self._take_in(store, entry)
            self.encoding.take_in(entry)
        with self._moved:
            self._position = entries.position
        self._has_read |= len(entries.entries) < ENTRIES_AT_ONCE

    def _read_anew(self, store: Store, base: int, up_to: int) -> None:
        """Read the log again from a base up to a position; until that is done, the state of before answers."""
        state = LiveState(base, shown_since=self._kept_since)
        state.begin(store)
        position = base
        while position < up_to and not self.tail.is_stopped:
            entries = store.entries_after(position, limit=ENTRIES_AT_ONCE)
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
