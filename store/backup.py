"""Backups: one SQLite file with all tables, whichever database it was made of, which restores into either."""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import Connection, Engine, Table, create_engine, delete, select, update
from sqlalchemy.exc import DatabaseError
from sqlalchemy.pool import NullPool

from store.bulk_rows import insert_rows
from store.engine import SQLITE, connect, lift_time_limits, reading, snapshot, sqlite_driver, sqlite_url, writing
from store.errors import BackupError, StoreUnavailableError, StoreVersionError
from store.head import lock_head, read_head
from store.log_entries import EntryKind
from store.schema import LOG, LOG_HEAD, METADATA
from store.versions import VersionState, migrate, refuse_other_versions, tables_version

POSITION_GAP = 10**12
"""How far a restore moves the log on: nobody who has read rows that it replaced takes new ones for them."""
_PART = 10_000  # rows


def back_up(engine: Engine, path: Path) -> int:
    """Write a backup of a store as it is at one moment, while others read and write; gives the log's position.

    ``path`` must be absent or empty. A caller gives a temporary name and renames it, so that half a backup has no name.
    BackupError if the file cannot be written; StoreVersionError if the tables have another version.
    """
    refuse_other_versions(tables_version(engine))
    if engine.dialect.name == SQLITE:
        _copy_file(engine, path)
    else:
        _copy_rows_to_file(engine, path)
    with closing(sqlite3.connect(path)) as file:
        file.execute("PRAGMA journal_mode = DELETE")  # all of it in one file
        return int(file.execute("SELECT position FROM head").fetchone()[0])


def restore(engine: Engine, path: Path, *, replace: bool) -> int:
    """Make a store hold what a backup holds, in one transaction; gives the log's position afterwards.

    BackupError if the file is no backup, or if the store holds anything and not ``replace``; StoreVersionError if
    the tables have another version, or a newer release made the backup. Processes that have the store open go on:
    they learn of it from the log.
    """
    refuse_other_versions(tables_version(engine))
    with _rows_of(path) as source, reading(source) as rows, writing(engine) as connection:
        lift_time_limits(connection)
        before, backed_up = lock_head(connection).position, read_head(rows)
        if before > 0 and not replace:
            raise BackupError("the store is not empty: pass --replace to discard what it holds")
        for table in METADATA.sorted_tables:
            if table is not LOG_HEAD:
                connection.execute(delete(table))
                _copy_table(rows, connection, table)
        position = max(before, backed_up.position) + POSITION_GAP
        connection.execute(LOG.insert().values(position=position, kind=EntryKind.RESTORED))
        restored = backed_up._replace(position=position, restored_at=position)
        connection.execute(update(LOG_HEAD).values(restored._asdict()))
    return position


def _copy_file(engine: Engine, path: Path) -> None:
    with sqlite_driver(engine) as source, closing(sqlite3.connect(path)) as target:
        try:
            source.backup(target)
        except sqlite3.Error as error:
            raise BackupError(f"{path}: the backup cannot be written ({error})") from error


def _copy_rows_to_file(engine: Engine, path: Path) -> None:
    target = connect(sqlite_url(path))
    try:
        migrate(target)
        with snapshot(engine) as rows, writing(target) as connection:
            lift_time_limits(rows)
            for table in METADATA.sorted_tables:
                connection.execute(delete(table))
                _copy_table(rows, connection, table)
    except StoreUnavailableError as error:
        raise BackupError(f"{path}: the backup cannot be written: {error}") from error
    finally:
        target.dispose()


def _copy_table(source: Connection, target: Connection, table: Table) -> None:
    streamed = source.execution_options(stream_results=True, yield_per=_PART).execute(select(table))
    for part in streamed.partitions():
        insert_rows(target, table, [tuple(row) for row in part])


@contextmanager
def _rows_of(path: Path) -> Iterator[Engine]:
    """A backup in tables of this version; an older one is migrated in a temporary copy beside it."""
    if not path.is_file():
        raise BackupError(f"{path}: there is no such file")
    engine = _reading_only(path)
    try:
        version = tables_version(engine)
        with engine.connect() as connection:
            found = str(connection.exec_driver_sql("PRAGMA quick_check").scalar())
    except (StoreVersionError, StoreUnavailableError, DatabaseError) as error:
        raise BackupError(f"{path}: is not a complete backup of a store: use another file") from error
    if found != "ok":
        raise BackupError(f"{path}: the backup is damaged ({found}): use another one")
    if version.state is VersionState.EMPTY:
        raise BackupError(f"{path}: is not a backup of a store: it has none of the store's tables")
    if version.state is not VersionState.OLDER:
        refuse_other_versions(version)
        yield engine
        return
    with TemporaryDirectory(prefix=".restore-", dir=path.parent) as directory:
        copy = connect(sqlite_url(Path(shutil.copy(path, directory))))
        try:
            migrate(copy)
            yield copy
        finally:
            copy.dispose()


def _reading_only(path: Path) -> Engine:
    uri = f"{path.resolve().as_uri()}?mode=ro"
    return create_engine(
        "sqlite://", creator=lambda: sqlite3.connect(uri, uri=True), poolclass=NullPool, hide_parameters=True
    )
