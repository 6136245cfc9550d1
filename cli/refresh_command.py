"""`moodfeed refresh`: the same towers over today's histories, features and posts, once or again and again."""

import re
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from bundle.stored_bundles import DEFAULT_KEEP
from cli.bundle_commands import KeepOption
from cli.collect_command import StoreOption, collect_stage, default_store
from cli.feed_commands import BundlesOption
from cli.file_faults import fault_of_a_file
from cli.first_bundle import sample_data_of
from cli.one_writer import only_writer
from cli.pipeline_commands import DataOption, EncoderOption, InvalidOption, LossesOption
from cli.progress import error_console, print_line
from cli.stop_signals import stop_request
from cli.store_commands import PasswordOption
from cli.terminal_text import plain
from pipeline.workspace import Workspace

_DURATION = re.compile(r"(\d+(?:\.\d+)?)([smh])")
_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0}
_LOOK_SECONDS = 0.2


def seconds_of(text: str) -> float:
    """The seconds of a duration such as 90s, 15m or 1h; at least one second."""
    found = _DURATION.fullmatch(text.strip())
    if found is None or (seconds := float(found[1]) * _UNITS[found[2]]) < 1:
        raise typer.BadParameter(f"{text!r} is not a duration such as 90s, 15m or 1h")
    return seconds


def refresh(
    data: DataOption = Path("data"),
    bundles: BundlesOption = Path("bundles"),
    store: StoreOption = None,
    password_file: PasswordOption = None,
    url: Annotated[
        str | None,
        typer.Option(
            "--url",
            envvar="MOODFEED_UPSTREAM_URL",
            help="Base URL of the upstream API to fetch from; without it, or with imported tables, nothing is fetched.",
            show_default=False,
        ),
    ] = None,
    flic_token: Annotated[
        str,
        typer.Option(
            "--flic-token", envvar="MOODFEED_FLIC_TOKEN", help="Value of the Flic-Token header.", show_default=False
        ),
    ] = "",
    resonance_algorithm: Annotated[
        str,
        typer.Option(
            "--resonance-algorithm",
            envvar="MOODFEED_RESONANCE_ALGORITHM",
            help="Value of the resonance_algorithm parameter.",
            show_default=False,
        ),
    ] = "",
    fetch: Annotated[bool, typer.Option("--fetch/--no-fetch", help="Whether to fetch from --url first.")] = True,
    every: Annotated[
        str | None,
        typer.Option(metavar="DURATION", help="Repeat at this interval, such as 90s, 15m or 1h.", show_default=False),
    ] = None,
    encoder: EncoderOption = None,
    accept_losses: LossesOption = False,
    accept_invalid: InvalidOption = False,
    keep: KeepOption = DEFAULT_KEEP,
) -> None:
    """Publish a bundle of the same towers over today's histories, features and posts; trains nothing.

    Includes what was recorded in the store, live posts too. A round that changes nothing publishes nothing; with
    --every, a round that fails is reported, and the next one tries again.
    """
    seconds = None if every is None else seconds_of(every)
    workspace = workspace_of(data)

    def round_() -> None:
        from cli import refresh_stage
        from cli.data_stages import Upstream

        upstream = Upstream(url, flic_token, resonance_algorithm) if url and fetch else None
        with only_writer(workspace.directory):
            refresh_stage.refresh_stage(
                workspace,
                bundles,
                upstream=upstream,
                collect=lambda: _collect(workspace, store, data, password_file),
                encoder_directory=encoder,
                accept_losses=accept_losses,
                accept_invalid=accept_invalid,
                keep=keep,
            )

    if seconds is None:
        round_()
        return
    while True:
        started = time.monotonic()
        print_line(f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC: refreshing")
        _try(round_)
        took = time.monotonic() - started
        print_line(f"Round finished in {took:.0f} s; the next one starts in {max(seconds - took, 0):.0f} s.")
        if _is_stopped_within(seconds - took):
            print_line("Stopped.")
            return


def workspace_of(data: Path) -> Workspace:
    """The workspace of the tables: that of ``data``, or that of the sample beside it which `moodfeed run` made."""
    from pipeline.tables import POSTS_FILE

    own, sample = Workspace(data), Workspace(sample_data_of(data))
    return sample if not (own.clean / POSTS_FILE).exists() and (sample.clean / POSTS_FILE).exists() else own


def _collect(workspace: Workspace, store: str | None, data: Path, password_file: Path | None) -> None:
    """Collect from the named store, or from the one below the data if it is there."""
    from store.engine import SQLITE, parse_url, sqlite_path

    url = store or default_store(data)
    parsed = parse_url(url)
    if store is None and parsed.drivername == SQLITE and not sqlite_path(parsed).exists():
        return
    collect_stage(workspace, url, password_file=password_file)


def _try(round_: Callable[[], None]) -> None:
    try:
        round_()
    except Exception as error:  # noqa: BLE001 - the next round may succeed
        reason = fault_of_a_file(error) or f"{error}" or type(error).__name__
        error_console.print("[bold red]error:[/bold red]", plain(reason), highlight=False, soft_wrap=True)


def _is_stopped_within(seconds: float) -> bool:
    """Wait; whether SIGTERM or Ctrl-C has ended the waiting."""
    deadline, pause = time.monotonic() + seconds, threading.Event()
    with stop_request() as request:
        while not request.is_made() and (left := deadline - time.monotonic()) > 0:
            pause.wait(min(left, _LOOK_SECONDS))
        return request.is_made()
