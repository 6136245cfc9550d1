"""The position of the log, and the lock that gives positions in the order of the commits."""

from dataclasses import dataclass

from sqlalchemy import Connection, select, update

from store.schema import LOG_HEAD


@dataclass(frozen=True, slots=True)
class Head:
    """Where the log stands, and the position of the last restore (0 if there was none)."""

    position: int
    restored_at: int


def read_head(connection: Connection) -> Head:
    """Where the log stands; whoever sees a position can read every smaller one."""
    return _head(connection, locked=False)


def lock_head(connection: Connection) -> Head:
    """Where the log stands; nobody else gives positions until the transaction ends.

    This closes the gap between a number and its commit: numbers are given while the row is locked, the lock is held
    until the commit, so a smaller number never becomes visible after a larger one. SQLite has one writer anyway.
    """
    return _head(connection, locked=True)


def move_head(connection: Connection, position: int) -> None:
    """Set the log's position, in a transaction that has locked it."""
    connection.execute(update(LOG_HEAD).values(position=position))


_HEAD = select(LOG_HEAD.c.position, LOG_HEAD.c.restored_at)  # made once: a reader of the tail asks often
_LOCKED_HEAD = _HEAD.with_for_update()


def _head(connection: Connection, *, locked: bool) -> Head:
    row = connection.execute(_LOCKED_HEAD if locked else _HEAD).one()
    return Head(row.position, row.restored_at)
