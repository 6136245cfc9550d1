"""Follows the log of the store, and keeps in memory what people did beyond the bundles."""

from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from itertools import takewhile

from prometheus_client import Gauge

from compute.log_tail import ENTRIES_AT_ONCE, FIRST_READ_SECONDS, LogTail
from rpc import wall_clock
from store.log_entries import (
    Entries,
    Entry,
    InteractionRecorded,
    InteractionsExpired,
    PeopleMerged,
    PersonDeleted,
    PostsServed,
    StoreRestored,
)
from store.port import Store
from user_tower_service.live_people import EarlierEvent, LiveEvent, LivePerson, PersonView, view_of
from user_tower_service.shown_posts import ShownPage

DEFAULT_SERVED_HOURS = 24.0
_KEPT_LONGER_MS = 3_600_000  # for the later pages of feeds whose first page still counted it
_MOST_CHANGES = 100_000  # of which it is remembered who changed

LIVE_PEOPLE = Gauge("moodfeed_live_people", "People with live interactions in memory.")


@dataclass(frozen=True, slots=True)
class Changes:
    """Who has changed since a position, up to ``position``; ``is_everybody`` if that is not known, or is anybody."""

    position: int
    usernames: frozenset[str] = frozenset()
    is_everybody: bool = False


class LiveLog:
    """The people of the store, in memory; every method may be called from several threads, and only two of them wait.

    ``open_store`` is as of LogTail: a process serves without its store.
    """

    def __init__(
        self,
        open_store: Callable[[], Store],
        *,
        served_hours: float = DEFAULT_SERVED_HOURS,
        now_ms: Callable[[], int] = wall_clock.now_ms,
    ) -> None:
        """What people were shown is remembered for ``served_hours``. ``now_ms`` reads milliseconds since 1970."""
        self.tail = LogTail(open_store)
        self.tail.add(self)
        self._has_read = False  # to the end of the log
        self._served_ms = round(served_hours * 3_600_000)
        self.now_ms = now_ms
        self._people: dict[str, LivePerson] = {}
        self._departed: dict[bytes, int] = {}  # the key of a name -> the position of its last departure
        self._changed: deque[tuple[int, str]] = deque()
        self._forgotten_changes = 0  # the position up to which it is not known who changed
        self._position = 0
        self._nobody = PersonView(0)  # of whom nothing is known
        self._moved = self.tail.moved
        LIVE_PEOPLE.set_function(lambda: len(self._people))

    def followed(self, *, first_read_seconds: float = FIRST_READ_SECONDS) -> AbstractContextManager[None]:
        """While the block runs, a thread follows the log. Waits until it has been read once, or could not be."""
        return self.tail.followed(first_read_seconds=first_read_seconds)

    @property
    def store(self) -> Store:
        """The store; StoreUnavailableError while it could not be opened yet."""
        return self.tail.store

    @property
    def position(self) -> int:
        """The position up to which the log has been read."""
        return self._position

    def served_since(self) -> int:
        """The moment, in milliseconds since 1970, from which on what people were shown is remembered."""
        return self.now_ms() - self._served_ms

    def _kept_since(self) -> int:
        return self.served_since() - _KEPT_LONGER_MS

    def view(self, username: str, *, as_of: int | None = None) -> PersonView:
        """What is known about a person beyond the bundle, as of a position or as of now."""
        now = self._position  # before the person: what is read later does not count yet
        person = self._people.get(username)
        departed_at = self._departed.get(self.store.person_key(username), 0) if self._departed else 0
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
        for entry in entries.entries:
            if isinstance(entry, StoreRestored) and self._has_read:
                self._read_anew(store, entry.position)
            self._apply(store, entry)
        with self._moved:
            self._position = entries.position
        self._has_read |= len(entries.entries) < ENTRIES_AT_ONCE

    def _read_anew(self, store: Store, up_to: int) -> None:
        """Forget everybody, and read what a backup has put in the place of the rows up to a position."""
        self._people.clear()
        self._departed.clear()
        position = 0
        while position < up_to and not self.tail.is_stopped:
            entries = store.entries_after(position, limit=ENTRIES_AT_ONCE)
            for entry in entries.entries:
                if entry.position < up_to:
                    self._apply(store, entry)
            position = entries.position
        self._note_change_of_anybody(up_to)

    def _apply(self, store: Store, entry: Entry) -> None:
        match entry:
            case InteractionRecorded():
                self._record(entry)
                self._note_change(entry.position, entry.username)
            case PostsServed():
                self._remember(entry)
            case PersonDeleted():
                self._departed[entry.person_key] = entry.position
                self._drop(store, entry.person_key)
                self._note_change_of_anybody(entry.position)
            case PeopleMerged():
                self._departed[entry.merged_key] = entry.position
                self._drop(store, entry.merged_key)
                if entry.into is not None:
                    self._read_person(store, entry.into, entry.position)
                self._note_change_of_anybody(entry.position)
            case InteractionsExpired():
                for person in self._people.values():
                    person.touched_at = entry.position
                    person.events = [event for event in person.events if event.moment >= entry.before_ms]
                    person.shown = [page for page in person.shown if page.moment >= entry.before_ms]
                self._note_change_of_anybody(entry.position)

    def _record(self, entry: InteractionRecorded) -> None:
        person = self._people.get(entry.username)
        if person is None:
            person = self._people[entry.username] = LivePerson()
        person.touched_at = entry.position
        if entry.interaction is not None and (not person.events or person.events[-1].position < entry.position):
            person.events.append(LiveEvent.of(entry.interaction))
        if entry.takes_back is None:
            return
        taken = entry.takes_back
        for index, event in enumerate(person.events):
            if event.position == taken.position:
                person.events[index] = replace(event, taken_back_at=entry.position)
                return
        person.taken_back.append(EarlierEvent(taken.position, entry.position, taken.verb, taken.post_id))

    def _remember(self, entry: PostsServed) -> None:
        oldest = self._kept_since()
        if entry.shown_at_ms < oldest:
            return
        person = self._people.get(entry.username)
        if person is None:
            person = self._people[entry.username] = LivePerson()
        if person.shown and person.shown[-1].position >= entry.position:  # read with the person, at a merge
            return
        person.touched_at = entry.position
        if person.shown and person.shown[0].moment < oldest:
            person.shown = [page for page in person.shown if page.moment >= oldest]
        person.shown.append(ShownPage.of(entry))
        self._note_change(entry.position, entry.username)

    def _read_person(self, store: Store, username: str, position: int) -> None:
        history = store.history(username)
        if history is None:
            self._people.pop(username, None)
            return
        known = {event.position: event for event in map(LiveEvent.of, history.interactions)}
        before = self._people.get(username, LivePerson())
        gone = [event for event in before.events if event.position not in known and event.taken_back_at is not None]
        self._people[username] = LivePerson(
            touched_at=position,
            events=sorted([*known.values(), *gone], key=lambda event: event.position),
            taken_back=before.taken_back,
            merged=history.merged,
            shown=[ShownPage.of(page) for page in store.served_pages(username, since_ms=self._kept_since())],
        )

    def _drop(self, store: Store, key: bytes) -> None:
        for username in [name for name in self._people if store.person_key(name) == key]:
            del self._people[username]

    def _note_change(self, position: int, username: str) -> None:
        with self._moved:
            self._changed.append((position, username))
            if len(self._changed) > _MOST_CHANGES:
                self._forgotten_changes, _ = self._changed.popleft()

    def _note_change_of_anybody(self, position: int) -> None:
        with self._moved:
            self._changed.clear()
            self._forgotten_changes = position
