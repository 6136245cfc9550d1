"""The `moodfeed` command: signals and expected errors as one line each.

The subcommands are imported where they run, so that Ctrl-C during the import is not a traceback.
"""

import io
import os
import signal
import sys
from pathlib import Path
from typing import NoReturn

from cli.errors import is_expected
from cli.file_faults import fault_of_a_file
from cli.stop_signals import StoppedError, StopRequest, interrupting_stop_signals


def main() -> None:
    """Run a subcommand. Exit codes: 0 success, 1 an expected error in one line, 2 wrong usage, 130 Ctrl-C, 143 SIGTERM.

    A command that a signal ends says so in one line. Training saves its state first.
    """
    _open_closed_streams()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A terminal keeps its own encoding; a file or a pipe gets UTF-8 in every locale.
            stream.reconfigure(encoding=None if stream.isatty() else "utf-8", errors="replace")
    _refuse_a_deleted_directory()
    try:
        with interrupting_stop_signals() as stop:
            _run_subcommand(stop)
    except StoppedError as stopped:
        print(stopped, file=sys.stderr)
        sys.exit(stopped.exit_code)
    except KeyboardInterrupt:  # in the moment before the subcommand, or after it
        sys.exit(128 + signal.SIGINT)
    except Exception as error:
        if reason := fault_of_a_file(error):
            _end_with(reason)
        if is_expected(error):
            _end_with(error)
        raise


def _open_closed_streams() -> None:
    """Give a standard stream that the shell closed (``>&-``) the null device: a file would take its number."""
    for descriptor, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        if getattr(sys, name) is None:
            file = Path(os.devnull).open(mode, encoding="utf-8")  # noqa: SIM115 - until the process ends
            if file.fileno() != descriptor:
                os.dup2(file.fileno(), descriptor)
            setattr(sys, name, file)


def _refuse_a_deleted_directory() -> None:
    """End with one line where the working directory is gone: no relative path means anything, and MKL aborts."""
    try:
        Path.cwd()
    except FileNotFoundError:
        _end_with("the current directory has been deleted: change into another one, and run the command again")


def _run_subcommand(stop: StopRequest) -> None:
    """Run the subcommand; StoppedError if a signal ended it, whatever its libraries made of that."""
    try:
        if stop.is_made():
            raise KeyboardInterrupt  # noqa: TRY301 - it came while the handlers were being set
        from cli.subcommands import app
        from rpc.environment import tidy_environment

        tidy_environment()
        app()
    except StoppedError:
        raise
    except BaseException as error:
        if stop.is_made() and not (isinstance(error, SystemExit) and not error.code):
            name = signal.Signals(stop.signal_number).name
            raise StoppedError(
                f"stopped by {name}: nothing is half-written; the same command does it again", stop.signal_number
            ) from None
        if isinstance(error, KeyboardInterrupt):
            sys.exit(128 + signal.SIGINT)
        raise


def _end_with(error: Exception | str) -> NoReturn:
    from cli.progress import error_console
    from cli.terminal_text import plain

    error_console.print("[bold red]error:[/bold red]", plain(str(error)), highlight=False, soft_wrap=True)
    sys.exit(1)


if __name__ == "__main__":
    main()
