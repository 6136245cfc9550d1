"""`moodfeed store`: look at the store, migrate its tables, vacuum it, back it up and restore it."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table

from cli.pipeline_commands import DataOption
from cli.progress import console
from cli.stack import STORE_FILE
from cli.terminal_text import plain

if TYPE_CHECKING:  # the command starts without SQLAlchemy
    from sqlalchemy import Engine

    from store.status import StoreStatus

app = typer.Typer(
    name="store",
    help="Maintain the store of interactions, posts and rules: status, migrate, vacuum, backup, restore.",
    no_args_is_help=True,
)

StoreOption = Annotated[
    str | None,
    typer.Option(
        "--store",
        metavar="URL",
        envvar="MOODFEED_STORE_URL",
        help="sqlite:///PATH, or postgresql+psycopg://USER@HOST/DATABASE; by default store.sqlite below --data.",
        show_default=False,
    ),
]
PasswordOption = Annotated[
    Path | None,
    typer.Option(
        "--password-file",
        envvar="MOODFEED_STORE_PASSWORD_FILE",
        help="File that holds the password of the PostgreSQL user.",
        show_default=False,
    ),
]


@app.command()
def status(store: StoreOption = None, password_file: PasswordOption = None, data: DataOption = Path("data")) -> None:
    """Show where the store is, the version of its tables, and how much it holds. Creates nothing."""
    from store.status import store_status
    from store.versions import refuse_other_versions

    with existing(_url(store, data), password_file, only_reads=True) as engine:
        found = store_status(engine)
    console.print(_status_table(found))
    refuse_other_versions(found.version)


@app.command()
def migrate(store: StoreOption = None, password_file: PasswordOption = None, data: DataOption = Path("data")) -> None:
    """Create the tables, or bring older ones to this program's version, in one transaction. Make a backup first."""
    from store.opening import opened
    from store.schema import SCHEMA_VERSION
    from store.versions import VersionState
    from store.versions import migrate as migrate_tables

    with opened(_url(store, data), password_file=password_file) as engine:
        before = migrate_tables(engine)
    match before.state:
        case VersionState.CURRENT:
            _say(f"The tables already have version {SCHEMA_VERSION}.")
        case VersionState.EMPTY:
            _say(f"Created the tables, version {SCHEMA_VERSION}.")
        case _:
            _say(f"Migrated the tables from version {before.revision} to {SCHEMA_VERSION}.")


@app.command()
def vacuum(store: StoreOption = None, password_file: PasswordOption = None, data: DataOption = Path("data")) -> None:
    """Release the space of deleted rows. A SQLite file then holds no byte of them; writers wait meanwhile."""
    from store.status import vacuum as vacuum_tables
    from store.versions import refuse_other_versions, tables_version

    with existing(_url(store, data), password_file) as engine:
        refuse_other_versions(tables_version(engine))
        vacuum_tables(engine)
    _say("Vacuumed. Earlier backups still hold the deleted rows.")


@app.command()
def backup(
    file: Annotated[Path, typer.Argument(help="File to write, one SQLite file for either database.")],
    store: StoreOption = None,
    data: DataOption = Path("data"),
    password_file: PasswordOption = None,
) -> None:
    """Write all rows, as of one moment, to a file; services keep running. An existing file is replaced at the end."""
    from pipeline.whole_files import whole_file
    from store.backup import back_up

    with (
        existing(_url(store, data), password_file, only_reads=True) as engine,
        whole_file(file, mode=0o600) as temporary,
    ):
        position = back_up(engine, temporary)  # into the empty file, which only its owner may read
    _say(f"Backed up to {file}: the log up to position {position}.")


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(help="File that `moodfeed store backup` wrote, of either database.")],
    store: StoreOption = None,
    data: DataOption = Path("data"),
    password_file: PasswordOption = None,
    replace: Annotated[bool, typer.Option("--replace", help="Discard everything that the store holds now.")] = False,
) -> None:
    """Restore a backup in one transaction. Refuses a store that holds rows, unless --replace is given."""
    from store.backup import restore as restore_rows
    from store.opening import opened
    from store.versions import create_or_check

    with opened(_url(store, data), password_file=password_file) as engine:
        create_or_check(engine)
        position = restore_rows(engine, file, replace=replace)
    _say(f"Restored {file}. The log continues after position {position}.")


def _url(store: str | None, data: Path) -> str:
    """The store that is named, else the one that `moodfeed run` and `serve` keep below a directory of data."""
    return store or f"sqlite:///{data.absolute() / STORE_FILE}"


@contextmanager
def existing(url: str, password_file: Path | None, *, only_reads: bool = False) -> "Iterator[Engine]":
    """The database of a URL; a SQLite file must be there already, and may be read-only if the block ``only_reads``."""
    from store.engine import SQLITE, parse_url, sqlite_path
    from store.errors import StoreUnavailableError
    from store.opening import opened

    parsed = parse_url(url)
    if parsed.drivername == SQLITE and not sqlite_path(parsed).exists():
        raise StoreUnavailableError(
            f"{sqlite_path(parsed)}: there is no store yet: start the services, or run `moodfeed store migrate`"
        )
    with opened(url, password_file=password_file, only_reads=only_reads) as engine:
        yield engine


def _status_table(found: "StoreStatus") -> Table:
    table = Table(box=SIMPLE_HEAD, show_header=False)
    table.add_row("store", plain(found.database))
    table.add_row("tables", f"version {found.version.revision or 'none'}, {found.version.state.value}")
    if (held := found.contents) is None:
        return table
    table.add_row("position", f"{held.position:,}")
    table.add_row("people", f"{held.people:,}")
    table.add_row("interactions", f"{held.interactions:,}")
    if held.oldest_ms is not None and held.newest_ms is not None:
        table.add_row("from, to", f"{_moment(held.oldest_ms)}, {_moment(held.newest_ms)}")
    table.add_row("feeds whose posts are remembered", f"{held.served:,}")
    table.add_row("event ids ever recorded", f"{held.event_ids:,}")
    table.add_row("names deleted or merged", f"{held.departed_names:,}")
    table.add_row("live posts", f"{held.posts:,}")
    table.add_row("live posts without embeddings", f"{held.posts_without_embeddings:,}")
    table.add_row("deleted posts", f"{held.deleted_posts:,}")
    table.add_row("rules", f"{held.rules:,}")
    table.add_row("size", f"{held.size_bytes / 2**20:,.1f} MiB")
    return table


def _moment(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _say(text: str) -> None:
    console.print(plain(text), soft_wrap=True, highlight=False, markup=False)
