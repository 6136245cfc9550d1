"""The store over SQL: the port's methods, each a transaction or a read."""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Self

from sqlalchemy import Engine, or_, select
from typing_extensions import override

from store import personal_data
from store.departures import read_departures, read_merged_names
from store.engine import LONGEST_WAIT, SQLITE, lift_time_limits, reading, snapshot
from store.filing import Filing
from store.head import read_head
from store.histories import read_histories
from store.interactions import Interaction, NewInteraction, Recorded, RecordResult, check_text
from store.lasting_rows import read_decisions, read_served
from store.log_entries import Entries, EntryKind, PostsServed
from store.log_rows import LOG_ROWS, entries_of, interaction_of, rows_after, served_of, unpack_post_ids
from store.opening import engine_of
from store.people import Claim, PersonExport, PersonHistory
from store.port import LARGEST_LIMIT, Store
from store.position_reader import PositionReader
from store.recording import KeyedRow, ShownPosts, keyed_rows, record_rows
from store.schema import LOG, PEOPLE
from store.sql_posts import SqlPosts, SqlRules
from store.sql_writer import SqlWriter
from store.versions import create_or_check
from store.write_turns import WriteTurns

_MOST_TOGETHER = 5000  # rows of one transaction
_PART = 10_000  # rows that one transaction of `expire` looks at
_POLL_SECONDS = 0.02  # how often a reader that waits looks for what other processes wrote


def open_store(
    url: str, *, password_file: Path | None = None, pool_size: int = 8, longest_wait: float = LONGEST_WAIT
) -> "SqlStore":
    """Open the store of a URL and create its tables if there are none.

    ``longest_wait`` is how many seconds a call waits for a connection, or for the lock that another process holds.

    StoreUrlError, StoreVersionError, or StoreUnavailableError if the database cannot be reached now.
    """
    engine = engine_of(url, password_file=password_file, pool_size=pool_size, longest_wait=longest_wait)
    try:
        create_or_check(engine)
        return SqlStore(engine)
    except BaseException:
        engine.dispose()
        raise


class SqlStore(SqlPosts, SqlRules, Store):
    """A ``Store`` over SQLite or PostgreSQL; ``engine`` is of ``store.engine.connect``, with tables of this version."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        super().__init__(SqlWriter(engine))
        self._turns: WriteTurns[Sequence[KeyedRow | ShownPosts], Recorded] = WriteTurns(
            self._write_together, size=len, most=_MOST_TOGETHER, turn=self._writer.turn
        )
        self._filing = Filing(self._writer)
        self._positions = PositionReader(engine) if engine.dialect.name == SQLITE else None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @override
    def close(self) -> None:
        self._filing.stop()
        self._writer.close()
        if self._positions is not None:
            self._positions.close()
        self.engine.dispose()

    @override
    def record(self, interactions: Sequence[NewInteraction]) -> Recorded:
        if not interactions:
            return Recorded(self.position(), ())
        return self._turns.submit(keyed_rows(interactions, self._writer.hashes))

    @override
    def remember_served(
        self, username: str, post_ids: Sequence[int], *, shown_at_ms: int, feed_id: str | None = None
    ) -> int:
        check_text("username", username)
        return self._turns.submit([ShownPosts(username, tuple(post_ids), shown_at_ms, feed_id)]).position

    @override
    def claim_served(
        self, username: str, post_ids: Sequence[int], *, shown_at_ms: int, feed_id: str, read_up_to: int
    ) -> Claim:
        check_text("username", username)
        check_text("feed_id", feed_id)
        shown = ShownPosts(username, tuple(post_ids), shown_at_ms, feed_id, read_up_to)
        recorded = self._turns.submit([shown])
        return Claim(recorded.position, is_taken=recorded.results[0] is RecordResult.DUPLICATE)

    def _write_together(self, batches: Sequence[Sequence[KeyedRow | ShownPosts]]) -> Sequence[Recorded]:
        rows = [row for batch in batches for row in batch]
        before, recent = self._writer.hashes, self._writer.recent
        if not recent.is_begun:  # they may be many: nobody waits for the log meanwhile
            with reading(self.engine) as connection:
                lift_time_limits(connection)
                recent.catch_up(connection, read_head(connection))
        with self._writer.transaction() as (connection, head):
            if self._writer.hashes is not before:  # the store was restored: the keys are of the hashes from before it
                anew = iter(keyed_rows([row.row for row in rows if isinstance(row, KeyedRow)], self._writer.hashes))
                rows = [next(anew) if isinstance(row, KeyedRow) else row for row in rows]
            written = record_rows(connection, rows, head, recent)
            filed = recent.file_part(connection, head) if recent.is_behind else head
        if filed is not head:
            recent.filed(head, filed)
        recent.recorded(written.events, written.position)
        if recent.is_due:
            self._filing.soon()
        rest: Iterator[RecordResult] = iter(written.results)
        return [Recorded(written.position, tuple(islice(rest, len(batch)))) for batch in batches]

    @override
    def position(self) -> int:
        if self._positions is not None:
            return self._positions.read()
        with reading(self.engine) as connection:
            return read_head(connection).position

    @override
    def wait_for(self, position: int, *, timeout: float) -> int:
        deadline = time.monotonic() + timeout
        while (reached := self.position()) < position and (left := deadline - time.monotonic()) > 0:
            with self._writer.written:
                self._writer.written.wait(min(left, _POLL_SECONDS))
        return reached

    @override
    def entries_after(self, position: int, *, limit: int = 10_000) -> Entries:
        if not 1 <= limit <= LARGEST_LIMIT:
            raise ValueError(f"limit: must be 1 to {LARGEST_LIMIT}, not {limit}")
        with snapshot(self.engine) as connection:
            head = read_head(connection)
            self._writer.notice_restore(connection, head)
            rows = rows_after(connection, position, limit=limit)
            entries = entries_of(connection, rows)
        return Entries(entries, rows[-1].position if len(rows) == limit else max(head.position, position))

    @override
    def events_up_to(self, position: int, *, after: int = 0, batch: int = 10_000) -> Iterator[tuple[Interaction, ...]]:
        while True:
            with reading(self.engine) as connection:
                rows = connection.execute(
                    LOG_ROWS.where(
                        LOG.c.position > after,
                        LOG.c.position <= position,
                        LOG.c.kind == EntryKind.INTERACTION,
                        LOG.c.verb.is_not(None),
                        or_(LOG.c.taken_back_at.is_(None), LOG.c.taken_back_at > position),
                    )
                    .order_by(LOG.c.position)
                    .limit(batch)
                ).all()
            if not rows:
                return
            yield tuple(interaction_of(row) for row in rows)
            after = rows[-1].position

    @override
    def decisions(self, *, up_to: int) -> tuple[Interaction, ...]:
        with snapshot(self.engine) as connection:
            lift_time_limits(connection)
            return read_decisions(connection, up_to)

    @override
    def all_served(self, *, up_to: int, since_ms: int) -> tuple[PostsServed, ...]:
        with snapshot(self.engine) as connection:
            lift_time_limits(connection)
            return read_served(connection, up_to, since_ms)

    @override
    def history(self, username: str, *, up_to: int | None = None, after: int = 0) -> PersonHistory | None:
        return self.histories([username], up_to=up_to, after=after).get(username)

    @override
    def histories(
        self, usernames: Iterable[str], *, up_to: int | None = None, after: int = 0
    ) -> Mapping[str, PersonHistory]:
        with snapshot(self.engine) as connection:
            head = read_head(connection)
            self._writer.notice_restore(connection, head)
            up_to = head.position if up_to is None else up_to
            return read_histories(connection, usernames, self._writer.hashes, up_to=up_to, after=after)

    @override
    def served(self, username: str, *, since_ms: int, up_to: int | None = None) -> frozenset[int]:
        query = (
            select(LOG.c.body)
            .join(PEOPLE, PEOPLE.c.id == LOG.c.person)
            .where(PEOPLE.c.username == username, LOG.c.kind == EntryKind.SERVED, LOG.c.moment >= since_ms)
        )
        with reading(self.engine) as connection:
            bodies = connection.execute(query if up_to is None else query.where(LOG.c.since <= up_to))
            return frozenset(post_id for (body,) in bodies for post_id in unpack_post_ids(bytes(body)))

    @override
    def served_pages(self, username: str, *, since_ms: int) -> tuple[PostsServed, ...]:
        query = LOG_ROWS.where(
            PEOPLE.c.username == username, LOG.c.kind == EntryKind.SERVED, LOG.c.moment >= since_ms
        ).order_by(LOG.c.position)
        with reading(self.engine) as connection:
            return tuple(map(served_of, connection.execute(query)))

    @override
    def person_key(self, username: str) -> bytes:
        return self._writer.hashes.person(username)

    @override
    def departures(self) -> Mapping[bytes, int]:
        with reading(self.engine) as connection:
            return read_departures(connection)

    @override
    def merged_names(self) -> Mapping[str, str]:
        with reading(self.engine) as connection:
            return read_merged_names(connection)

    @override
    def export_person(self, username: str) -> PersonExport | None:
        with snapshot(self.engine) as connection:
            return personal_data.export_person(connection, username)

    @override
    def delete_person(self, username: str) -> int:
        with self._writer.in_turn() as (connection, _):
            return personal_data.delete_person(connection, username, self._writer.hashes)

    @override
    def merge_people(self, merged: str, *, into: str) -> int:
        check_text("username", into)
        if merged == into:
            raise ValueError("a person cannot be merged into themselves: name two people")
        with self._writer.in_turn() as (connection, _):
            return personal_data.merge_people(connection, merged, into=into, hashes=self._writer.hashes)

    @override
    def expire(self, *, before_ms: int) -> int:
        deleted, after = 0, 0
        while True:
            with self._writer.in_turn() as (connection, _):
                up_to = personal_data.end_of_part(connection, after, _PART)
                if up_to is None:
                    return deleted
                deleted += personal_data.expire_part(
                    connection, after=after, up_to=up_to, before_ms=before_ms, is_announced=deleted > 0
                )
            after = up_to
