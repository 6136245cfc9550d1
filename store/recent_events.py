"""Which events were recorded: a table of keys in their order, and the newest events, which only the log holds yet.

Keys are random, so 500 new ones change nearly 500 pages of a table that has them in order. So a new event is written
to the log alone, its key beside it. Each writer keeps the keys of those rows in memory. With each batch it also files
some of them: all that begin with the same bits, which lie on neighbouring pages of the table.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, exists, select

from store.bulk_rows import insert_unknown_rows, rows_where_in
from store.driver_sql import driver_rows
from store.head import Head
from store.log_entries import EntryKind
from store.schema import EVENT_KEYS, LOG

MOST = 2**17
"""From how many events on they are filed: the more, the fewer pages a batch changes; one takes some 150 bytes."""
_PARTS = 256  # of the keys, by their first byte
_PACE = 1.125  # events that are filed for each that is recorded: filing ends before as many are new
_NEWER = (
    f"SELECT body, position FROM {LOG.name} "  # noqa: S608 - the name of our table
    f"WHERE position > ? AND kind = {int(EntryKind.INTERACTION)} ORDER BY position"
)

_KeyAt = tuple[bytes, int]  # the key of an event, and its position


@dataclass(frozen=True, slots=True)
class Filed:
    """What a transaction has filed: the parts, of the events up to a position, and the head that says so."""

    head: Head
    parts: range
    up_to: int
    owed: float


class RecentEvents:
    """The keys of the events that no table of keys holds yet, as one process knows them; for one thread at a time.

    It follows the log: what a transaction has written counts here once it is committed.
    """

    def __init__(self) -> None:
        self._forget()

    def _forget(self, restored_at: int = 0) -> None:
        self._parts: list[dict[bytes, int]] = [{} for _ in range(_PARTS)]
        self._without: list[int] = [0] * _PARTS  # of each part: no event up to here is in it any more
        self._filed_up_to = self._read_up_to = 0
        self._restored_at = restored_at
        self._owed = 0.0  # events to be filed, for what was recorded

    def __len__(self) -> int:
        return sum(map(len, self._parts))

    def catch_up(self, connection: Connection, head: Head) -> None:
        """Learn what other processes have recorded and filed, in a transaction that has locked the log."""
        if head.restored_at != self._restored_at:
            self._forget(head.restored_at)
        self._drop_filed(head.filed_up_to)
        after = max(self._read_up_to, head.filed_up_to)
        if head.position > after:
            for key, position in driver_rows(connection, _NEWER, (after,)):
                self._parts[key[0]][bytes(key)] = position
        self._read_up_to = head.position

    def positions(self, connection: Connection, keys: Collection[bytes]) -> dict[bytes, int]:
        """At which positions events of these keys were recorded, of those that were."""
        parts = self._parts
        found = {key: parts[key[0]][key] for key in keys if key in parts[key[0]]}
        columns = (EVENT_KEYS.c.event_key, EVENT_KEYS.c.position)
        others = [key for key in keys if key not in found] if found else keys
        for key, position in rows_where_in(connection, columns, EVENT_KEYS.c.event_key, others):
            found[bytes(key)] = position
        return found

    def file_some(self, connection: Connection, head: Head, recorded: int) -> Filed:
        """Write some of the events to the table of keys, for as many as are recorded in the same transaction."""
        if head.filing_up_to == head.filed_up_to:
            if len(self) < MOST:
                return Filed(head, range(0), 0, 0.0)
            head = head._replace(filing_up_to=self._read_up_to, filed_parts=0)
        up_to, first, owed = head.filing_up_to, head.filed_parts, self._owed + _PACE * recorded
        rows: list[_KeyAt] = []
        end = first
        while end < _PARTS and len(rows) < owed:
            rows += sorted(event for event in self._parts[end].items() if event[1] <= up_to)
            end += 1
        insert_unknown_rows(connection, EVENT_KEYS, rows)
        is_whole = end == _PARTS
        head = head._replace(filed_up_to=up_to if is_whole else head.filed_up_to, filed_parts=end)
        return Filed(head, range(first, end), up_to, 0.0 if is_whole else owed - len(rows))

    def commit(self, events: Sequence[_KeyAt], filed: Filed) -> None:
        """Take over what was recorded and filed, once its transaction is committed."""
        for event in events:
            self._parts[event[0][0]][event[0]] = event[1]
        self._read_up_to = filed.head.position
        for part in filed.parts:
            self._drop(part, filed.up_to)
        self._drop_filed(filed.head.filed_up_to)
        self._owed = filed.owed

    def _drop_filed(self, up_to: int) -> None:
        """Forget what is filed up to a position, also by other processes."""
        if up_to == self._filed_up_to:
            return
        self._filed_up_to = up_to
        for part in range(_PARTS):
            if self._without[part] < up_to:
                self._drop(part, up_to)

    def _drop(self, part: int, up_to: int) -> None:
        self._parts[part] = {key: position for key, position in self._parts[part].items() if position > up_to}
        self._without[part] = up_to


def is_recent(head: Head) -> tuple[ColumnElement[bool], ...]:
    """Of which rows of the log the event is not filed."""
    is_filed = exists().where(EVENT_KEYS.c.event_key == LOG.c.body)
    return (LOG.c.position > head.filed_up_to, LOG.c.kind == EntryKind.INTERACTION, ~is_filed)


def file_events(connection: Connection, head: Head, *where: ColumnElement[bool]) -> None:
    """File the events of some rows of the log before these rows are deleted, or read by the table of keys."""
    rows = select(LOG.c.body, LOG.c.position).where(*is_recent(head), *where)
    connection.execute(EVENT_KEYS.insert().from_select(["event_key", "position"], rows))
