"""What people did beyond the bundles, in memory: entries of the log are applied, and what all bundles hold is let go.

A bundle that was made with the log up to a position needs what came after it. So the state begins at a base, the
position of the oldest bundle that is held. What no bundle ever holds stays whatever the base is: which posts do not
interest a person, and what they were shown.
"""

from collections.abc import Callable
from dataclasses import replace

from store.log_entries import (
    Entry,
    InteractionRecorded,
    InteractionsExpired,
    PeopleMerged,
    PersonDeleted,
    PostDeleted,
    PostsEmbedded,
    PostsServed,
    PostUpserted,
)
from store.port import Store
from user_tower_service.live_people import EarlierEvent, LiveEvent, LivePerson, without_what_bundles_hold
from user_tower_service.live_posts import LivePosts
from user_tower_service.shown_posts import ShownPage


class LiveState:
    """The people of the log after ``base``. One thread changes it, many read ``people`` and ``departed``."""

    def __init__(self, base: int, *, shown_since: Callable[[], int]) -> None:
        """``shown_since`` gives the moment from which on what people were shown is kept, in ms since 1970."""
        self.base = base
        self.people: dict[str, LivePerson] = {}
        self.posts = LivePosts()
        self.departed: dict[bytes, int] = {}  # the key of a name -> the position of its last departure
        self._shown_since = shown_since

    def begin(self, store: Store) -> None:
        """Read what stays of the log up to the base."""
        if not self.base:
            return
        self.posts.begin(store)
        for interaction in store.decisions(up_to=self.base):
            person = self._person(interaction.username, interaction.since)
            person.events.append(LiveEvent.of(interaction))
        for entry in store.all_served(up_to=self.base, since_ms=self._shown_since()):
            self._person(entry.username, entry.since).shown.append(ShownPage.of(entry))

    def apply(self, store: Store, entry: Entry) -> str | None:
        """Take in the next entry; gives the name of the person who has changed, None if that may be anybody.

        An entry that changes nobody gives an empty name.
        """
        changed: str | None = ""
        match entry:
            case InteractionRecorded():
                self._record(entry)
                changed = entry.username
            case PostsServed():
                changed = entry.username if self._remember(entry) else ""
            case PersonDeleted():
                self.departed[entry.person_key] = entry.position
                self._drop(store, entry.person_key)
                changed = None
            case PeopleMerged():
                self.departed[entry.merged_key] = entry.position
                self._drop(store, entry.merged_key)
                if entry.into is not None:
                    self._read_person(store, entry.into, entry.position)
                changed = None
            case InteractionsExpired():
                for person in self.people.values():
                    person.touched_at = entry.position
                    person.events = [event for event in person.events if event.moment >= entry.before_ms]
                    person.shown = [page for page in person.shown if page.moment >= entry.before_ms]
                changed = None
            case PostUpserted() | PostDeleted() | PostsEmbedded():
                changed = None if self.posts.apply(entry) else ""
        return changed

    def let_go(self, base: int) -> None:
        """Forget what every bundle made with the log up to ``base`` or further holds."""
        self.base = base
        oldest = self._shown_since()
        for username, person in list(self.people.items()):
            if not without_what_bundles_hold(person, base, shown_since=oldest):
                del self.people[username]
        events = (event for person in self.people.values() for event in person.events)
        self.posts.let_go(base, met=((event.post_id, event.external_id) for event in events))
        self.departed = {key: position for key, position in self.departed.items() if position > base}

    def _person(self, username: str, position: int) -> LivePerson:
        person = self.people.get(username)
        if person is None:
            person = self.people[username] = LivePerson()
        person.touched_at = max(position, person.touched_at)
        return person

    def _record(self, entry: InteractionRecorded) -> None:
        person = self._person(entry.username, entry.position)
        if entry.interaction is not None:
            self.posts.note_meeting(entry.interaction.post_id, entry.interaction.external_id)
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

    def _remember(self, entry: PostsServed) -> bool:
        oldest = self._shown_since()
        if entry.shown_at_ms < oldest:
            return False
        person = self._person(entry.username, entry.position)
        if person.shown and person.shown[-1].position >= entry.position:  # read with the person, at a merge
            return False
        if person.shown and person.shown[0].moment < oldest:
            person.shown = [page for page in person.shown if page.moment >= oldest]
        person.shown.append(ShownPage.of(entry))
        return True

    def _read_person(self, store: Store, username: str, position: int) -> None:
        whole, later = store.history(username), store.history(username, after=self.base)
        if whole is None or later is None:
            self.people.pop(username, None)
            return
        known = {event.position: event for event in map(LiveEvent.of, whole.interactions)}
        before = self.people.get(username, LivePerson())
        gone = [event for event in before.events if event.position not in known and event.taken_back_at is not None]
        earlier = {taken.position: taken for taken in before.taken_back}
        for taken in later.taken_back:
            if taken.taken_back_at is not None:
                event = EarlierEvent(taken.position, taken.taken_back_at, taken.verb, taken.post_id)
                earlier.setdefault(taken.position, event)
        person = LivePerson(
            touched_at=position,
            events=sorted([*known.values(), *gone], key=lambda event: event.position),
            taken_back=list(earlier.values()),
            merged=later.merged,
            shown=[ShownPage.of(page) for page in store.served_pages(username, since_ms=self._shown_since())],
        )
        without_what_bundles_hold(person, self.base, shown_since=self._shown_since())
        self.people[username] = person

    def _drop(self, store: Store, key: bytes) -> None:
        for username in [name for name in self.people if store.person_key(name) == key]:
            del self.people[username]
