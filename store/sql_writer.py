"""Whoever writes to a database: one at a time in a process, each in a transaction that has locked the log."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, select

from store.checkpoints import Checkpoints
from store.engine import SQLITE, reading, writing
from store.event_keys import KeyedHash
from store.head import Head, lock_head, read_head
from store.recent_events import RecentEvents
from store.schema import FACTS
from store.versions import KEY_FACT


class SqlWriter:
    """The write transactions of one process, and what its keyed hashes are since the last restore."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.turn = threading.Lock()
        self.written = threading.Condition()
        """Notified after each write of this process."""
        with reading(engine) as connection:
            self._restored_at = read_head(connection).restored_at
            self.hashes = _keyed_hash(connection)
        self.recent = RecentEvents()
        self._checkpoints = Checkpoints(engine) if engine.dialect.name == SQLITE else None

    def close(self) -> None:
        """Stop what runs beside the writers."""
        if self._checkpoints is not None:
            self._checkpoints.stop()

    @contextmanager
    def transaction(self) -> Iterator[tuple[Connection, Head]]:
        """A transaction that has locked the log, for a caller that holds ``turn``."""
        with writing(self.engine) as connection:
            head = lock_head(connection)
            self.notice_restore(connection, head)
            yield connection, head
        with self.written:
            self.written.notify_all()
        if self._checkpoints is not None:
            self._checkpoints.soon()

    @contextmanager
    def in_turn(self) -> Iterator[tuple[Connection, Head]]:
        """The same for a caller that waits for its turn."""
        with self.turn, self.transaction() as opened:
            yield opened

    def notice_restore(self, connection: Connection, head: Head) -> None:
        """Take the keyed hashes of a store that was restored since it was last looked at."""
        if head.restored_at != self._restored_at:
            self.hashes, self._restored_at = _keyed_hash(connection), head.restored_at


def _keyed_hash(connection: Connection) -> KeyedHash:
    secret = connection.execute(select(FACTS.c.content).where(FACTS.c.name == KEY_FACT)).scalar_one()
    return KeyedHash(bytes(secret))
