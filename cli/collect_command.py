"""`moodfeed collect`: what was recorded in the store to the clean tables, beside the upstream's or imported rows."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.one_writer import only_writer
from cli.pipeline_commands import DataOption
from cli.progress import console, progress_bar
from cli.result_rows import print_rows
from cli.stack import STORE_FILE, STORE_URL
from cli.store_commands import PasswordOption, existing
from pipeline.workspace import Workspace

if TYPE_CHECKING:  # the command starts without pandas and SQLAlchemy
    from pipeline.collect import CollectReport

StoreOption = Annotated[
    str | None,
    typer.Option(
        "--store",
        metavar="URL",
        envvar=STORE_URL,
        help="sqlite:///PATH, or postgresql+psycopg://USER@HOST/DATABASE; by default store.sqlite below --data.",
        show_default=False,
    ),
]


def collect(data: DataOption = Path("data"), store: StoreOption = None, password_file: PasswordOption = None) -> None:
    """Add what was recorded in the store to the clean tables; run it after clean or import, and before score.

    Each run replaces what the last one added. The next bundle records up to which position of the log it goes: the
    services add later entries. People who were deleted from the store are left out.
    """
    workspace = Workspace(data)
    collect_stage(workspace, store or default_store(data), password_file=password_file)


def default_store(data: Path) -> str:
    """The store that `moodfeed run` and `moodfeed serve` use."""
    return f"sqlite:///{(data / STORE_FILE).absolute()}"


def collect_if_there_is_a_store(workspace: Workspace) -> None:
    """Collect from the store that MOODFEED_STORE_URL names, or from the one below the data if there is one."""
    from store.engine import SQLITE, parse_url, sqlite_path

    url = os.environ.get(STORE_URL) or default_store(workspace.directory)
    parsed = parse_url(url)
    if parsed.drivername == SQLITE and not sqlite_path(parsed).exists():
        return
    password_file = os.environ.get("MOODFEED_STORE_PASSWORD_FILE")
    collect_stage(workspace, url, password_file=Path(password_file) if password_file else None)


def collect_stage(workspace: Workspace, url: str, *, password_file: Path | None = None) -> "CollectReport":
    """Store to clean tables."""
    from pipeline.collect import collect as collect_rows
    from store.sql_store import SqlStore
    from store.versions import refuse_other_versions, tables_version

    with only_writer(workspace.directory), existing(url, password_file, only_reads=True) as engine:
        refuse_other_versions(tables_version(engine))
        with SqlStore(engine) as store, progress_bar("collect", unit="interactions") as advance:
            report = collect_rows(workspace, store, progress=advance)
    print_rows("Collected", report.rows())
    if not report.kept:
        console.print("Nothing was collected: the clean tables are unchanged.")
    return report
