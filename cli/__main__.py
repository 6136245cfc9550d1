"""The `moodfeed` command: its subcommands, and expected errors as one line each."""

import io
import sys
from importlib.metadata import version
from typing import Annotated, NoReturn

import typer

from cli import (
    bundle_commands,
    feed_commands,
    forget_command,
    import_command,
    like_command,
    pipeline_commands,
    report_command,
    run_command,
    sample_api_command,
    serve_command,
    store_commands,
    trust_commands,
    validate_command,
)
from cli.progress import error_console
from cli.stack import StackError
from cli.stop_signals import StoppedError
from cli.terminal_text import plain
from rpc.environment import tidy_environment

app = typer.Typer(
    help="Personal feeds of short videos: run the offline pipeline, serve feeds, and ask for them.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
PANELS = {
    "Serve and ask": (
        run_command.run,
        serve_command.serve,
        feed_commands.feed,
        feed_commands.users,
        like_command.like,
    ),
    "Make a bundle": (
        pipeline_commands.build,
        pipeline_commands.fetch,
        pipeline_commands.clean,
        import_command.import_data,
        validate_command.validate,
        pipeline_commands.score,
        pipeline_commands.embed,
        pipeline_commands.train,
        pipeline_commands.evaluate,
        pipeline_commands.export,
    ),
    "Choose the bundle": (
        bundle_commands.publish,
        bundle_commands.rollback,
        bundle_commands.bundles,
        report_command.report,
        forget_command.forget,
    ),
    "Measure": (pipeline_commands.ablate, pipeline_commands.cold_start),
    "Trust and trying out": (
        trust_commands.make_certificates,
        trust_commands.make_token,
        sample_api_command.sample_api,
        run_command.ensure_bundle,
    ),
}
for panel, commands in PANELS.items():
    for command in commands:
        name = "import" if command is import_command.import_data else None  # a keyword of Python
        app.command(name, rich_help_panel=panel)(command)
app.add_typer(store_commands.app, rich_help_panel="The store")


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"moodfeed {version('moodfeed')}")
        raise typer.Exit


@app.callback()
def _options(
    shown: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    pass


def main() -> None:
    """Run a subcommand. Exit codes: 0 success, 1 an expected error in one line, 2 wrong usage, 130 Ctrl-C, 143 SIGTERM.

    Training saves its state before it exits with 143; other commands end by the signal itself or as after Ctrl-C.
    """
    tidy_environment()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A terminal keeps its own encoding; a file or a pipe gets UTF-8 in every locale.
            stream.reconfigure(encoding=None if stream.isatty() else "utf-8", errors="replace")
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(130)
    except StoppedError as stopped:
        error_console.print(plain(str(stopped)), highlight=False, soft_wrap=True)
        sys.exit(stopped.exit_code)
    except StackError as error:  # first, because a second Ctrl-C ends at once
        _end_with(error)
    except Exception as error:
        from cli.errors import EXPECTED_ERRORS  # noqa: PLC0415 - it knows every stage, so it imports torch

        if isinstance(error, EXPECTED_ERRORS):
            _end_with(error)
        if isinstance(error, OSError) and error.filename:  # a full disk, a directory that may not be written
            _end_with(f"{error.filename}: {error.strerror}")
        raise


def _end_with(error: Exception | str) -> NoReturn:
    error_console.print("[bold red]error:[/bold red]", plain(str(error)), highlight=False, soft_wrap=True)
    sys.exit(1)


if __name__ == "__main__":
    main()
