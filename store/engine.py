"""Connections to the database that a URL names: what makes a commit durable, and how long a call may wait."""

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, cast

import psycopg
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.pool import ConnectionPoolEntry, NullPool

from store.errors import StoreUnavailableError, StoreUrlError, StoreVersionError

SQLITE, POSTGRESQL = "sqlite", "postgresql+psycopg"
LONGEST_WAIT = 5.0  # seconds for a statement, and by default for a lock or a connection
LONGEST_CONNECT = 2  # seconds; the smallest that libpq takes
_PAUSE = 0.01  # seconds between two attempts
_BEGIN = "begin"  # an execution option: how a transaction of SQLite begins
_WAL_LIMIT = 64 * 2**20  # bytes that the WAL file keeps after a checkpoint
_NOT_A_DATABASE = "the store's file is not a SQLite database: name another file"
_POSTGRESQL_LIMITS = {
    "statement_timeout": int(LONGEST_WAIT * 1000),
    # A writer that is stopped or cut off holds the lock of the log: the server ends its transaction.
    "idle_in_transaction_session_timeout": int(LONGEST_WAIT * 1000),
}


def parse_url(url: str, *, password_file: Path | None = None) -> URL:
    """The URL of a store, with the password of a file; StoreUrlError if it names no supported database."""
    forms = "use sqlite:///PATH or postgresql+psycopg://USER@HOST/DATABASE"
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):  # the latter of a port that is not a number
        raise StoreUrlError(f"the store's URL cannot be read: {forms}") from None
    if parsed.drivername in {"postgres", "postgresql"}:
        parsed = parsed.set(drivername=POSTGRESQL)
    if parsed.drivername not in {SQLITE, POSTGRESQL}:
        raise StoreUrlError(f"the store's URL must not begin with {parsed.drivername}: {forms}")
    if parsed.drivername == SQLITE and (not parsed.database or parsed.database == ":memory:"):
        raise StoreUrlError("the store's URL names no file: use sqlite:///PATH")
    if password_file is None or parsed.drivername == SQLITE:  # a file has no password
        return parsed
    return parsed.set(password=_password(password_file))


def _password(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise StoreUrlError(f"{path}: the store's password cannot be read ({error})") from error


def sqlite_path(url: URL) -> Path:
    """The file of a SQLite store."""
    return Path(url.database or "")


def sqlite_url(path: Path) -> URL:
    """The URL of a SQLite file, whatever characters its name has."""
    return URL.create(SQLITE, database=str(path))


def connect(url: URL, *, pool_size: int = 8, only_reads: bool = False, longest_wait: float = LONGEST_WAIT) -> Engine:
    """An engine for a URL of ``parse_url``; opens no connection yet.

    ``longest_wait`` is how many seconds a call waits for a connection, or for the lock that another process holds.

    With ``only_reads``, a SQLite file that this process may not write is opened for reading; without it, its
    connections raise StoreUnavailableError, which names the file.
    """
    if url.drivername == SQLITE:
        if only_reads and not _may_write(sqlite_path(url)):
            return _reading_only(url)
        engine = create_engine(
            url,
            hide_parameters=True,  # an error's text may be logged
            pool_size=pool_size,
            max_overflow=0,
            pool_use_lifo=True,  # the connection that wrote last still has its pages
            pool_timeout=longest_wait,
            connect_args={"timeout": longest_wait, "isolation_level": None, "check_same_thread": False},
        )
        event.listen(engine, "do_connect", partial(_refuse_unwritable, sqlite_path(url)))
        event.listen(engine, "connect", partial(_prepare_sqlite, longest_wait))
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    limits = {"lock_timeout": int(longest_wait * 1000), **_POSTGRESQL_LIMITS}
    options = " ".join(f"-c {name}={number}" for name, number in limits.items())
    engine = create_engine(
        url,
        hide_parameters=True,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=longest_wait,
        pool_pre_ping=True,
        connect_args={
            "connect_timeout": LONGEST_CONNECT,
            "application_name": "moodfeed",
            "options": options,
            "tcp_user_timeout": int(LONGEST_WAIT * 1000),
        },
    )
    event.listen(engine, "connect", _prepare_postgresql)
    return engine


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A connection whose statements see what is committed; StoreUnavailableError if the database fails."""
    with translated(), engine.connect() as connection:
        yield connection


@contextmanager
def snapshot(engine: Engine) -> Iterator[Connection]:
    """A connection whose statements all see the same moment."""
    with translated(), engine.connect() as connection:
        if engine.dialect.name != SQLITE:
            connection.execution_options(isolation_level="REPEATABLE READ")
        with connection.begin():
            yield connection


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction that is durable once the block has ended; nothing of it is kept if the block raises."""
    with (
        translated(),
        engine.connect() as connection,
        connection.execution_options(**{_BEGIN: "BEGIN IMMEDIATE"}).begin(),
    ):
        yield connection


@contextmanager
def sqlite_driver(engine: Engine) -> Iterator[sqlite3.Connection]:
    """The driver's connection to a SQLite store, in no transaction: for what SQL or SQLAlchemy has no words for."""
    with translated(), engine.connect() as connection:
        yield cast("sqlite3.Connection", connection.connection.driver_connection)


def lift_time_limits(connection: Connection) -> None:
    """Let the statements of this transaction take as long as they need; SQLite has no such limits."""
    if connection.dialect.name != SQLITE:
        connection.exec_driver_sql("SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0")


@contextmanager
def translated() -> Iterator[None]:
    """What the database and its driver raise, as the errors of the store."""
    try:
        yield
    except PoolTimeoutError as error:
        raise StoreUnavailableError("the store is busy: no connection was free in time") from error
    except DBAPIError as error:
        if "file is not a database" in str(error.orig):
            raise StoreVersionError(_NOT_A_DATABASE) from error
        if isinstance(error, OperationalError) or error.connection_invalidated or "malformed" in str(error.orig):
            raise StoreUnavailableError(_words(error.orig)) from error
        raise
    except (psycopg.Error, sqlite3.DatabaseError) as error:  # of calls that go past SQLAlchemy
        if "file is not a database" in str(error):
            raise StoreVersionError(_NOT_A_DATABASE) from error
        if isinstance(error, psycopg.OperationalError | sqlite3.OperationalError) or "malformed" in str(error):
            raise StoreUnavailableError(_words(error)) from error
        raise


def _words(error: BaseException | None) -> str:
    """What the database said, in one line."""
    said = " ".join(str(error).split())
    if "database or disk is full" in said or "No space left on device" in said:
        return f"the store's disk is full, so nothing was recorded ({said}): free some space"
    if "disk I/O error" in said:
        return f"the store's disk fails or is full ({said}): look at the disk"
    if "malformed" in said:
        return f"the store's file is damaged ({said}): restore a backup"
    if "database is locked" in said:
        return "the store is busy: another process holds its write lock"
    return f"the store does not answer ({said})"


def _may_write(path: Path) -> bool:
    """Whether a SQLite file, which may be absent, and the two of its WAL can be written."""
    beside = [path.with_name(path.name + ending) for ending in ("-wal", "-shm")]
    return all(os.access(file if file.exists() else file.parent, os.W_OK) for file in (path, *beside))


def _refuse_unwritable(path: Path, *_connection: object) -> None:
    if path.parent.exists() and not _may_write(path):
        raise StoreUnavailableError(
            f"{path} cannot be written: give this user the permission to write the file and its directory, or name "
            "another store"
        )


def _reading_only(url: URL) -> Engine:
    """Connections that write nothing; without a WAL beside the file nobody has it open, and SQLite needs no lock."""
    path = sqlite_path(url)
    has_wal = path.with_name(f"{path.name}-wal").exists()
    uri = f"{path.resolve().as_uri()}?{'mode=ro' if has_wal else 'immutable=1'}"
    return create_engine(
        url,
        creator=lambda: sqlite3.connect(uri, uri=True, timeout=LONGEST_WAIT, check_same_thread=False),
        poolclass=NullPool,
        hide_parameters=True,
    )


def _prepare_sqlite(longest_wait: float, connection: sqlite3.Connection, _entry: ConnectionPoolEntry) -> None:
    connection.execute(f"PRAGMA busy_timeout = {int(longest_wait * 1000)}")
    _use_wal(connection)
    for pragma in (
        "synchronous = FULL",  # a commit is on the disk before it returns
        "secure_delete = ON",  # what was deleted is overwritten, so no page written later holds it
        f"journal_size_limit = {_WAL_LIMIT}",
        f"wal_autocheckpoint = {_WAL_LIMIT // 4096}",  # Checkpoints does it earlier, beside the writers
        "temp_store = MEMORY",
        "cache_size = -16384",  # KiB; the pages that 500 rows change
    ):
        connection.execute(f"PRAGMA {pragma}")


def _use_wal(connection: sqlite3.Connection) -> None:
    """Turn the journal of the file to WAL. While another process writes, SQLite refuses that without waiting."""
    end = time.monotonic() + LONGEST_WAIT
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > end:
                raise
            time.sleep(_PAUSE)
        else:
            return


def _begin_sqlite(connection: Connection) -> None:
    # The driver begins no transaction of its own (isolation_level None): a writer takes the lock at once, because a
    # reader that turns into a writer fails without waiting.
    driver = cast("sqlite3.Connection", connection.connection.driver_connection)
    driver.execute(connection.get_execution_options().get(_BEGIN, "BEGIN"))


def _prepare_postgresql(connection: Any, _entry: ConnectionPoolEntry) -> None:
    # Whatever waits for a standby is kept; only "off", which loses acknowledged rows in a crash, is turned on.
    connection.execute(
        "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"
    )
    connection.commit()
