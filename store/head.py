"""The position of the log, and the lock that gives positions in the order of the commits."""

from typing import NamedTuple

from sqlalchemy import Connection

from store.driver_sql import driver_rows, run_in_driver
from store.engine import SQLITE
from store.schema import LOG_HEAD

_COLUMNS = "position, restored_at, filed_up_to, filing_up_to, filed_parts"
_READ = f"SELECT {_COLUMNS} FROM {LOG_HEAD.name}"  # noqa: S608 - the name of our table
_MOVE = f"UPDATE {LOG_HEAD.name} SET position = ?"  # noqa: S608
_FILE = f"UPDATE {LOG_HEAD.name} SET filed_up_to = ?, filing_up_to = ?, filed_parts = ?"  # noqa: S608


class Head(NamedTuple):
    """The one row of the table ``head``."""

    position: int
    restored_at: int  # the position of the last restore, 0 if there was none
    filed_up_to: int  # the events up to here are in the table of keys (store.recent_events)
    filing_up_to: int  # some parts of those up to here are, too
    filed_parts: int  # how many


def read_head(connection: Connection) -> Head:
    """Where the log stands; whoever sees a position can read every smaller one."""
    return Head(*driver_rows(connection, _READ)[0])


def lock_head(connection: Connection) -> Head:
    """Where the log stands; nobody else gives positions until the transaction ends.

    This closes the gap between a number and its commit: numbers are given while the row is locked, the lock is held
    until the commit, so a smaller number never becomes visible after a larger one. SQLite has one writer anyway.
    """
    locked = _READ if connection.dialect.name == SQLITE else f"{_READ} FOR UPDATE"
    return Head(*driver_rows(connection, locked)[0])


def move_head(connection: Connection, position: int) -> None:
    """Set the log's position, in a transaction that has locked it."""
    run_in_driver(connection, _MOVE, (position,))


def write_filed(connection: Connection, head: Head) -> None:
    """Set what is filed, in a transaction that has locked the head."""
    run_in_driver(connection, _FILE, (head.filed_up_to, head.filing_up_to, head.filed_parts))
