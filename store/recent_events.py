"""Which events were recorded: a table of keys in their order, and the newest events, which only the log holds yet.

Keys are random, so 500 new ones change nearly 500 pages of a table that has them in order. So an event is written to
the log alone, its key beside it, and each process that records keeps the keys of those rows in memory. Once they are
many, they are filed into the table beside the writers (``store.filing``), part by part: the keys of one part begin
with the same bits, so they lie on neighbouring pages.
"""

from collections.abc import Collection, Sequence

from sqlalchemy import ColumnElement, Connection, exists, select

from store.bulk_rows import insert_unknown_rows, rows_where_in
from store.driver_sql import driver_rows
from store.head import Head, write_filed
from store.log_entries import EntryKind
from store.schema import EVENT_KEYS, LOG

FILING_BEGINS_AT = 2**17
"""Filing begins at this many events. The more, the fewer pages are written; each takes some 150 bytes."""
_FARTHEST = 8
"""Filing also begins 8 * FILING_BEGINS_AT positions after what is filed: a process that starts reads all those rows."""
_PARTS = 256  # of the keys, by their first byte
_PACE = 1.125  # events that are filed for each row that is recorded, so that they do not become ever more
_NEWER = (
    f"SELECT body, position FROM {LOG.name} "  # noqa: S608 - the name of our table
    f"WHERE position > ? AND kind = {int(EntryKind.INTERACTION)} ORDER BY position"
)


class RecentEvents:
    """The keys of the events that are not filed, as one process knows them; for the thread whose turn it is to write.

    What a transaction has written counts here once it is committed: ``recorded`` and ``filed`` are called after it.
    """

    def __init__(self) -> None:
        self._forget(0)

    def _forget(self, restored_at: int) -> None:
        self._restored_at = restored_at
        self._parts: list[dict[bytes, int]] = [{} for _ in range(_PARTS)]  # positions by key
        self._dropped_up_to = [0] * _PARTS  # of each part: the events up to here have been dropped from it
        self._filed_up_to = self._read_up_to = 0
        self._is_filing = False
        self._owed = 0.0  # events to file for those that this process has recorded

    def __len__(self) -> int:
        return sum(map(len, self._parts))

    @property
    def is_begun(self) -> bool:
        """Whether this process has read the newest events."""
        return self._read_up_to > 0

    @property
    def is_due(self) -> bool:
        """Whether this process has recorded so much that it is to file another part."""
        return self._owed > FILING_BEGINS_AT / _PARTS

    @property
    def is_behind(self) -> bool:
        """Whether the thread that files gets no turn among the writers: the next of them files a part itself."""
        return max(self._owed, len(self) - FILING_BEGINS_AT) > FILING_BEGINS_AT / 4

    def catch_up(self, connection: Connection, head: Head) -> None:
        """Learn what other processes have recorded and filed up to a head that is locked, or was just read."""
        if head.restored_at != self._restored_at:
            self._forget(head.restored_at)
        self._drop_filed(head)
        after = max(self._read_up_to, head.filed_up_to)
        if head.position > after:
            for key, position in driver_rows(connection, _NEWER, (after,)):
                self._parts[key[0]][bytes(key)] = position
                self._read_up_to = position
        self._read_up_to = max(self._read_up_to, head.position)

    def positions(self, connection: Connection, keys: Collection[bytes]) -> dict[bytes, int]:
        """At which positions events of these keys were recorded, of those that were."""
        parts = self._parts
        found = {key: parts[key[0]][key] for key in keys if key in parts[key[0]]}
        columns = (EVENT_KEYS.c.event_key, EVENT_KEYS.c.position)
        others = [key for key in keys if key not in found] if found else keys
        for key, position in rows_where_in(connection, columns, EVENT_KEYS.c.event_key, others):
            found[bytes(key)] = position
        return found

    def recorded(self, events: Sequence[tuple[bytes, int]], position: int) -> None:
        """Take over events, key and position, that were recorded up to a position."""
        for key, at in events:
            self._parts[key[0]][key] = at
        written = position - self._read_up_to
        self._read_up_to = position
        if self._is_filing or self._are_many(position):
            # Processes that end before they owe a part must not leave ever more to the next one.
            self._owed = max(self._owed + _PACE * written, len(self) - FILING_BEGINS_AT)

    def file_part(self, connection: Connection, head: Head) -> Head:
        """Write the next part to the table of keys, in a transaction that has locked ``head``; gives the head then."""
        if head.filing_up_to == head.filed_up_to:
            if not self._are_many(head.position):
                return head
            head = head._replace(filing_up_to=head.position, filed_parts=0)
        rows: list[tuple[bytes, int]] = []
        end = head.filed_parts
        while end < _PARTS and len(rows) < FILING_BEGINS_AT / _PARTS:
            rows += sorted(event for event in self._parts[end].items() if event[1] <= head.filing_up_to)
            end += 1
        insert_unknown_rows(connection, EVENT_KEYS, rows)
        filed_up_to = head.filing_up_to if end == _PARTS else head.filed_up_to
        head = head._replace(filed_up_to=filed_up_to, filed_parts=end)
        write_filed(connection, head)
        return head

    def filed(self, before: Head, head: Head) -> None:
        """Forget what was filed between two heads."""
        first = before.filed_parts if before.filing_up_to == head.filing_up_to else 0
        count = len(self)
        for part in range(first, head.filed_parts):
            self._drop(part, head.filing_up_to)
        self._drop_filed(head)
        self._owed = max(self._owed - (count - len(self)), 0.0) if self._is_filing else 0.0

    def _are_many(self, position: int) -> bool:
        is_far = position - self._filed_up_to >= _FARTHEST * FILING_BEGINS_AT
        return is_far or len(self) >= FILING_BEGINS_AT

    def _drop_filed(self, head: Head) -> None:
        self._is_filing = head.filing_up_to > head.filed_up_to
        if head.filed_up_to == self._filed_up_to:
            return
        self._filed_up_to = head.filed_up_to
        for part in range(_PARTS):
            if self._dropped_up_to[part] < head.filed_up_to:  # another process has filed it
                self._drop(part, head.filed_up_to)

    def _drop(self, part: int, up_to: int) -> None:
        self._parts[part] = {key: position for key, position in self._parts[part].items() if position > up_to}
        self._dropped_up_to[part] = up_to


def recent_rows(head: Head) -> tuple[ColumnElement[bool], ...]:
    """Conditions for the rows of the log whose event is not filed."""
    is_filed = exists().where(EVENT_KEYS.c.event_key == LOG.c.body)
    return (LOG.c.position > head.filed_up_to, LOG.c.kind == EntryKind.INTERACTION, ~is_filed)


def file_events(connection: Connection, head: Head, *where: ColumnElement[bool]) -> None:
    """File the events of some rows of the log at once: before the rows are deleted, or looked for in the table."""
    rows = select(LOG.c.body, LOG.c.position).where(*recent_rows(head), *where)
    connection.execute(EVENT_KEYS.insert().from_select(["event_key", "position"], rows))
