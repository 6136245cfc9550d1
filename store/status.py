"""What `moodfeed store status` says about a store, and its vacuum."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Engine, func, select

from store.engine import SQLITE, lift_time_limits, reading, snapshot, sqlite_driver
from store.errors import StoreUnavailableError
from store.head import read_head
from store.log_entries import EntryKind
from store.recent_events import recent_rows
from store.schema import DEPARTED_NAMES, EVENT_KEYS, LOG, PEOPLE, POST_EMBEDDINGS, POSTS, RULES
from store.versions import TablesVersion, VersionState, tables_version


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What the tables hold. Moments are in milliseconds since 1970, None without interactions."""

    position: int
    people: int
    interactions: int  # rows of `record` that are still there, retractions among them
    served: int  # answers whose posts are remembered
    event_ids: int
    departed_names: int
    posts: int  # not counting deleted ones
    posts_without_embeddings: int  # for any bundle
    deleted_posts: int
    rules: int
    oldest_ms: int | None
    newest_ms: int | None
    size_bytes: int  # with indexes; of SQLite also the WAL


@dataclass(frozen=True, slots=True)
class StoreStatus:
    """``contents`` is None unless the tables have this program's version."""

    database: str  # without a password
    version: TablesVersion
    contents: Contents | None


def store_status(engine: Engine) -> StoreStatus:
    """Read what a store holds; creates nothing."""
    version = tables_version(engine)
    server = "SQLite" if engine.dialect.name == SQLITE else "PostgreSQL"
    contents = None
    if version.state is VersionState.CURRENT:
        with snapshot(engine) as connection:
            lift_time_limits(connection)
            contents = _contents(connection, engine)
    return StoreStatus(f"{server}, {engine.url.render_as_string(hide_password=True)}", version, contents)


def vacuum(engine: Engine) -> None:
    """Give back the space of deleted rows; of SQLite, write the file anew, so that no byte of them is left in it.

    StoreUnavailableError if others use the file so busily that its WAL cannot be emptied: nothing is lost, try again.
    """
    if engine.dialect.name != SQLITE:
        with reading(engine) as connection:
            unlimited = connection.execution_options(isolation_level="AUTOCOMMIT")
            unlimited.exec_driver_sql("SET statement_timeout = 0")
            unlimited.exec_driver_sql("VACUUM (ANALYZE)")
            unlimited.exec_driver_sql("RESET statement_timeout")
        return
    with sqlite_driver(engine) as driver:
        driver.execute("VACUUM")
        is_busy, *_ = driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    if is_busy:
        raise StoreUnavailableError("the store was rewritten, but other processes still read its WAL: run vacuum again")


def _contents(connection: Connection, engine: Engine) -> Contents:
    head = read_head(connection)
    counts = connection.execute(select(LOG.c.kind, func.count().label("rows")).group_by(LOG.c.kind))
    kinds = {row.kind: row.rows for row in counts}
    posts = _count(connection, POSTS.c.content)  # null in deleted ones
    embedded = connection.execute(select(func.count(POST_EMBEDDINGS.c.post_id.distinct()))).scalar_one()
    oldest, newest = connection.execute(
        select(func.min(LOG.c.moment), func.max(LOG.c.moment)).where(LOG.c.kind == EntryKind.INTERACTION)
    ).one()
    return Contents(
        position=head.position,
        people=_count(connection, PEOPLE.c.id),
        interactions=kinds.get(EntryKind.INTERACTION, 0),
        served=kinds.get(EntryKind.SERVED, 0),
        event_ids=_count(connection, EVENT_KEYS.c.event_key) + _count(connection, LOG.c.position, *recent_rows(head)),
        departed_names=_count(connection, DEPARTED_NAMES.c.person_key),
        posts=posts,
        posts_without_embeddings=posts - embedded,
        deleted_posts=_count(connection, POSTS.c.post_id) - posts,
        rules=_count(connection, RULES.c.name),
        oldest_ms=oldest,
        newest_ms=newest,
        size_bytes=_size(connection, engine),
    )


def _count(connection: Connection, column: Column[Any], *where: ColumnElement[bool]) -> int:
    return int(connection.execute(select(func.count(column)).where(*where)).scalar_one())


def _size(connection: Connection, engine: Engine) -> int:
    if engine.dialect.name != SQLITE:
        return int(connection.exec_driver_sql("SELECT pg_database_size(current_database())").scalar_one())
    files = (Path(f"{engine.url.database}{suffix}") for suffix in ("", "-wal"))
    return sum(path.stat().st_size for path in files if path.exists())
