"""Training in several processes: torchrun's agent starts them, starts all again when one is lost, and stops them.

Each of them runs the same command. Its environment says which of them it is, as it does under ``torchrun`` itself.
"""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from cli.progress import console, error_console
from cli.stop_signals import StoppedError

if TYPE_CHECKING:  # a refusal is said before torch is loaded
    from pipeline.ranks import Ranks

RESTARTS = 3
_LOST = 75  # exit code of a process that has lost the others; to start again may help
_STOP_SECONDS = 120  # to finish a step and to save the state
_LOOK_SECONDS = 0.2


class TrainingProcessesError(Exception):
    """The processes did not train to the end: says which of them ended how, and what to do."""


def is_rank() -> bool:
    """Whether torchrun, or ``train_in_processes``, has started this process as one of several."""
    return "RANK" in os.environ and "WORLD_SIZE" in os.environ


def train_in_processes(count: int) -> None:
    """Run the command of this process in ``count`` processes that train together, and wait for them.

    All are started again, up to RESTARTS times, when one of them is lost: training goes on from the last saved state.
    TrainingProcessesError if that does not help. Exit code 1 if one of them refuses, 128 plus the number of the signal
    at SIGINT and SIGTERM, once the state is saved; the processes have said why.
    """
    os.environ.setdefault("LOGLEVEL", "CRITICAL")  # of torchrun's agent
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    from cli.training_agent import AgentStoppedError, run_agent

    try:
        endings = run_agent(
            [sys.executable, "-m", "cli", *sys.argv[1:]],
            count=count,
            restarts=RESTARTS,
            may_help=lambda codes: 1 not in codes,
            look_seconds=_LOOK_SECONDS,
            stop_seconds=_STOP_SECONDS,
        )
    except AgentStoppedError as stopped:
        raise typer.Exit(128 + stopped.signal_number) from None
    if 1 in endings.values():
        raise typer.Exit(1)
    if endings:
        told = ", ".join(f"process {rank} {_ending(code)}" for rank, code in sorted(endings.items()))
        raise TrainingProcessesError(
            f"{told}, after {RESTARTS} new starts: run the same command again to resume from the last saved state"
        )


@contextmanager
def this_rank(device: str) -> Iterator[tuple["Ranks", str, Callable[[], bool]]]:
    """Join the other processes while the block trains; alone, nobody is joined.

    Gives which of them this is, its device, and whether it has been left behind by what started it. Only the first one
    prints, but each says what ends it: a process that has lost the others exits with a code of its own.
    """
    if not is_rank():
        from pipeline.ranks import ALONE

        yield ALONE, device, lambda: False
        return
    from pipeline.ranks import LostRanksError, joined_ranks

    started_by = os.getppid()
    try:
        with joined_ranks(device) as ranks:
            yield ranks, ranks.device, lambda: os.getppid() != started_by
    except LostRanksError as error:
        error_console.quiet = False
        error_console.print(f"process {os.environ['RANK']}: {error}", highlight=False, markup=False, soft_wrap=True)
        raise typer.Exit(_LOST) from None
    except StoppedError as stopped:
        if os.environ["RANK"] == "0":
            raise
        raise typer.Exit(stopped.exit_code) from None


@contextmanager
def printing_once(processes: int) -> Iterator[None]:
    """Print what the block prints in the first of several processes alone; what ends the block may be printed by each.

    What starts ``processes`` of them prints nothing.
    """
    is_quiet = os.environ["RANK"] != "0" if is_rank() else processes > 1
    console.quiet = error_console.quiet = is_quiet
    try:
        yield
    finally:
        console.quiet = error_console.quiet = False


def _ending(code: int) -> str:
    return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"
