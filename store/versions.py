"""The version of the tables: an empty database gets the newest, an older one is migrated when asked."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, text

from store.engine import SQLITE, lift_time_limits, reading, writing
from store.errors import StoreVersionError
from store.schema import FACTS, SCHEMA_VERSION

KEY_FACT = "key"
_VERSION_TABLE = "alembic_version"
_CREATION_LOCK = 7_305_810  # any number that no other program locks in the same PostgreSQL database


class VersionState(Enum):
    """How the tables of a database compare with this program."""

    EMPTY = "empty"
    CURRENT = "current"
    OLDER = "older"
    NEWER = "newer"  # or of another program


@dataclass(frozen=True, slots=True)
class TablesVersion:
    """The version of the tables; ``revision`` is empty if there are none."""

    state: VersionState
    revision: str


def tables_version(engine: Engine) -> TablesVersion:
    """Read the version of the tables that a database holds."""
    with reading(engine) as connection:
        return _read_version(connection)


def create_or_check(engine: Engine) -> None:
    """Create the tables in an empty database; StoreVersionError unless they then have this program's version."""
    if tables_version(engine).state is VersionState.EMPTY:
        _change(engine, unless=lambda version: version.state is not VersionState.EMPTY)
    refuse_other_versions(tables_version(engine))


def migrate(engine: Engine) -> TablesVersion:
    """Bring older tables, or none, to this program's version in one transaction; gives the version from before."""
    before = tables_version(engine)
    if before.state is VersionState.NEWER:
        refuse_other_versions(before)
    if before.state is not VersionState.CURRENT:
        _change(engine, unless=lambda version: version.state in {VersionState.CURRENT, VersionState.NEWER})
    return before


def refuse_other_versions(version: TablesVersion) -> None:
    """StoreVersionError unless the version is this program's."""
    match version.state:
        case VersionState.CURRENT:
            return
        case VersionState.EMPTY:
            raise StoreVersionError("the store has no tables: run `moodfeed store migrate`")
        case VersionState.OLDER:
            raise StoreVersionError(
                f"the store's tables have version {version.revision}, this program reads {SCHEMA_VERSION}: "
                "run `moodfeed store migrate`"
            )
        case VersionState.NEWER:
            raise StoreVersionError(
                f"the store's tables have version {version.revision}, which this program does not know "
                f"(it reads {SCHEMA_VERSION}): run the release that made them, or a newer one"
            )


def _read_version(connection: Connection) -> TablesVersion:
    names = inspect(connection).get_table_names()
    if _VERSION_TABLE not in names:
        if "log" in names:
            raise StoreVersionError("the database contains another program's table `log`: name another database")
        return TablesVersion(VersionState.EMPTY, "")
    revision = str(connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none() or "")
    if revision == SCHEMA_VERSION:
        return TablesVersion(VersionState.CURRENT, revision)
    state = VersionState.OLDER if revision < SCHEMA_VERSION and revision.isdigit() else VersionState.NEWER
    return TablesVersion(state, revision)


def _change(engine: Engine, *, unless: Callable[[TablesVersion], bool]) -> None:
    """Run the migrations while no other process does; nothing if another one has, by then, done it."""
    with writing(engine) as connection:
        if engine.dialect.name != SQLITE:
            lift_time_limits(connection)
            connection.execute(text("SET LOCAL lock_timeout = '60s'"))
            connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": _CREATION_LOCK})
        if unless(_read_version(connection)):
            return
        _run_alembic(connection)
        if connection.execute(FACTS.select().where(FACTS.c.name == KEY_FACT)).first() is None:
            connection.execute(FACTS.insert().values(name=KEY_FACT, content=secrets.token_bytes(32)))


def _run_alembic(connection: Connection) -> None:
    from alembic import command  # noqa: PLC0415 - a process whose tables are there does not need it
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    location = str(Path(__file__).parent / "migrations")
    config.set_main_option("script_location", location.replace("%", "%%"))  # Alembic expands %(name)s
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
