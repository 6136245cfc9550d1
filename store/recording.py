"""How rows are recorded: each once by its event id, with the retractions that concern them, in one transaction."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, update

from store.bulk_rows import insert_rows, rows_where_in
from store.event_keys import KeyedHash
from store.head import Head, move_head
from store.interactions import NewInteraction, RecordResult
from store.log_entries import EntryKind
from store.log_rows import pack_post_ids
from store.recent_events import RecentEvents
from store.schema import LOG, PEOPLE, RETRACTIONS
from store.served_claims import ShownPage, feed_of, shown_since

_Row = tuple[object, ...]  # in the order of the table's columns
_INTERACTION = int(EntryKind.INTERACTION)
_TAKE_BACK = (
    update(LOG)
    .where(LOG.c.position == bindparam("at"), LOG.c.taken_back_at.is_(None))
    .values(taken_back_at=bindparam("by"))
)


class KeyedRow(NamedTuple):
    """A row to record with the keys of its event ids, which are computed before the log is locked."""

    row: NewInteraction
    event_key: bytes
    retracted_key: bytes | None


def keyed_rows(rows: Sequence[NewInteraction], hashes: KeyedHash) -> list[KeyedRow]:
    """The rows with their keys."""
    return [
        KeyedRow(row, hashes.event(row.event_id), None if row.retracts is None else hashes.event(row.retracts))
        for row in rows
    ]


@dataclass(frozen=True, slots=True)
class ShownPosts:
    """What a person was shown, to be remembered.

    If ``read_up_to`` is not None, another feed must not have shown any of the posts after that position.
    """

    username: str
    post_ids: tuple[int, ...]
    shown_at_ms: int
    feed_id: str | None
    read_up_to: int | None = None


def person_ids(connection: Connection, usernames: Collection[str]) -> dict[str, int]:
    """The numbers of those people that the store knows."""
    rows = rows_where_in(connection, (PEOPLE.c.username, PEOPLE.c.id), PEOPLE.c.username, usernames)
    return {row[0]: row[1] for row in rows}


class Written(NamedTuple):
    """What became of the rows, the events that are new (key and position), and the position after them."""

    results: list[RecordResult]
    events: list[tuple[bytes, int]]
    position: int


def record_rows(
    connection: Connection, rows: Sequence[KeyedRow | ShownPosts], head: Head, recent: RecentEvents
) -> Written:
    """Write what is new among the rows after ``head``, which is locked; ``recent`` is told after the commit."""
    recent.catch_up(connection, head)
    batch = _Batch.begin(connection, rows, head.position, recent)
    results = [batch.add(row) if isinstance(row, KeyedRow) else batch.show(row) for row in rows]
    batch.write(connection)
    return Written(results, batch.new_events, batch.head)


@dataclass(slots=True)
class _Target:
    """An event that may be taken back: whose it is, and whether it still counts."""

    position: int
    person: int
    counts: bool


@dataclass(slots=True)
class _Batch:
    """What is known before a batch, and what it adds."""

    head: int
    people: dict[str, int]
    known: set[bytes]  # event keys
    wanted: frozenset[bytes]  # event keys that rows of the batch take back
    targets: dict[bytes, _Target]  # of the wanted ones
    retracted: set[tuple[bytes, int]]  # event key and person
    shown: dict[int, list[ShownPage]]  # by person: what those who claim posts may not know of
    new_people: list[_Row] = field(default_factory=list)
    new_events: list[tuple[bytes, int]] = field(default_factory=list)
    new_retractions: list[_Row] = field(default_factory=list)
    log: list[_Row] = field(default_factory=list)
    taken_back: list[dict[str, int]] = field(default_factory=list)  # parameters of _TAKE_BACK

    @classmethod
    def begin(
        cls,
        connection: Connection,
        rows: Sequence[KeyedRow | ShownPosts],
        head: int,
        recent: RecentEvents,
    ) -> "_Batch":
        keyed = [row for row in rows if isinstance(row, KeyedRow)]
        shown = [row for row in rows if isinstance(row, ShownPosts)]
        keys = {row.event_key for row in keyed}
        wanted = frozenset(row.retracted_key for row in keyed if row.retracted_key is not None)
        positions = recent.positions(connection, keys | wanted)
        people = person_ids(connection, {*(row.row.username for row in keyed), *(row.username for row in shown)})
        return cls(
            head=head,
            people=people,
            known=keys & positions.keys(),
            wanted=wanted,
            targets=_targets(connection, {key: positions[key] for key in wanted & positions.keys()}),
            retracted=_retracted(connection, keys | wanted),
            shown=_shown(connection, shown, people),
        )

    def add(self, keyed: KeyedRow) -> RecordResult:
        row, event_key, retracted_key = keyed
        if event_key in self.known:
            return RecordResult.DUPLICATE
        self.known.add(event_key)
        self.head += 1
        head, person = self.head, self._person(row.username)
        self.new_events.append((event_key, head))
        came_too_late = (event_key, person) in self.retracted
        self.log.append(
            (
                head,
                _INTERACTION,
                person,
                head,
                row.occurred_at_ms,
                None if row.verb is None else int(row.verb),
                row.post_id,
                row.external_id,
                row.watched_share,
                row.rating_percent,
                row.event_id,
                row.feed_id,
                None if retracted_key is None else self._take_back(retracted_key, person),
                head if came_too_late else None,
                event_key,
            )
        )
        if event_key in self.wanted and row.verb is not None:
            self.targets[event_key] = _Target(head, person, counts=not came_too_late)
        return RecordResult.ACCEPTED

    def show(self, shown: ShownPosts) -> RecordResult:
        """DUPLICATE if another feed has shown one of the posts since this one looked."""
        if shown.read_up_to is not None and self._is_taken(shown, shown.read_up_to):
            return RecordResult.DUPLICATE
        self.head += 1
        person = self._person(shown.username)
        values = {
            "position": self.head,
            "kind": int(EntryKind.SERVED),
            "person": person,
            "since": self.head,
            "moment": shown.shown_at_ms,
            "feed_id": shown.feed_id,
            "body": pack_post_ids(shown.post_ids),
        }
        self.log.append(tuple(values.get(column.name) for column in LOG.columns))
        page = ShownPage(self.head, feed_of(shown.feed_id), frozenset(shown.post_ids))
        self.shown.setdefault(person, []).append(page)
        return RecordResult.ACCEPTED

    def _is_taken(self, shown: ShownPosts, read_up_to: int) -> bool:
        return any(
            page.since > read_up_to
            and page.feed != feed_of(shown.feed_id)
            and not page.post_ids.isdisjoint(shown.post_ids)
            for page in self.shown.get(self.people.get(shown.username, 0), ())
        )

    def _person(self, username: str) -> int:
        if username not in self.people:
            self.people[username] = self.head
            self.new_people.append((self.head, username))
        return self.people[username]

    def _take_back(self, key: bytes, person: int) -> int | None:
        """The position of the event that the row at the head takes back, if there is one."""
        if (key, person) not in self.retracted:
            self.retracted.add((key, person))
            self.new_retractions.append((key, person, self.head))
        target = self.targets.get(key)
        if target is None or target.person != person or not target.counts:
            return None
        target.counts = False
        self.taken_back.append({"at": target.position, "by": self.head})
        return target.position

    def write(self, connection: Connection) -> None:
        if not self.log:
            return
        insert_rows(connection, PEOPLE, self.new_people)
        insert_rows(connection, LOG, self.log)
        insert_rows(connection, RETRACTIONS, self.new_retractions)
        if self.taken_back:
            connection.execute(_TAKE_BACK, self.taken_back)
        move_head(connection, self.head)


def _targets(connection: Connection, positions: dict[bytes, int]) -> dict[bytes, _Target]:
    """Those of the events that still stand in the log and are interactions."""
    columns = (LOG.c.position, LOG.c.person, LOG.c.verb, LOG.c.taken_back_at)
    found = {
        position: _Target(position, person, counts=by is None)
        for position, person, verb, by in rows_where_in(connection, columns, LOG.c.position, positions.values())
        if verb is not None
    }
    return {key: found[position] for key, position in positions.items() if position in found}


def _shown(connection: Connection, rows: Sequence[ShownPosts], people: dict[str, int]) -> dict[int, list[ShownPage]]:
    """What the people of these rows have been shown since the earliest position that one of their rows has read."""
    earliest: dict[int, int] = {}
    for row in rows:
        person = people.get(row.username)
        if person is not None and row.read_up_to is not None:
            earliest[person] = min(row.read_up_to, earliest.get(person, row.read_up_to))
    return {person: shown_since(connection, person, position) for person, position in earliest.items()}


def _retracted(connection: Connection, keys: Collection[bytes]) -> set[tuple[bytes, int]]:
    """Which of the events have been taken back by whom."""
    columns = (RETRACTIONS.c.event_key, RETRACTIONS.c.person)
    return {(bytes(key), person) for key, person in rows_where_in(connection, columns, RETRACTIONS.c.event_key, keys)}
