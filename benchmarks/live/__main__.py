"""`python -m benchmarks.live`: measure the figures of the living feed, and write each to a file of its own."""

import os
import signal
import subprocess
import sys
import time
import traceback
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from benchmarks.live.bench import Bench
from benchmarks.live.figures import FIGURES
from benchmarks.live.results import Figure, Found, LeftOutError
from benchmarks.machine import describe_machine

FAILED = "failed"
ROOT = Path(__file__).parents[2]
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


def say(text: str) -> None:
    """Print a line of progress with the time of day."""
    sys.stdout.write(f"{datetime.now(UTC):%H:%M:%S} {text}\n")
    sys.stdout.flush()


@app.command()
def main(
    only: Annotated[
        list[str] | None, typer.Option(help=f"Figure to measure; may be repeated: {', '.join(FIGURES)}.")
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Sizes of a test: the numbers say nothing.")] = False,
    output: Annotated[
        Path | None, typer.Option(help="Directory of the results, a file each; by default data/bench-live.")
    ] = None,
    microlens: Annotated[Path, typer.Option(help="Workspace of the imported MicroLens data.")] = Path("data/microlens"),
    train: Annotated[bool, typer.Option("--train", help="Train what a figure needs, half an hour.")] = False,
) -> None:
    """Measure the figures of the living feed. The exit code is 1 if one of them failed.

    A figure that failed, or that cannot be measured here, is written with the reason.
    """
    unknown = sorted(set(only or ()) - set(FIGURES))
    if unknown:
        raise typer.BadParameter(f"there is no figure {unknown[0]!r}; there are {', '.join(FIGURES)}")
    origin = describe_origin()
    output = output or Path("data/bench-live-quick" if quick else "data/bench-live")
    has_failed = False
    with TemporaryDirectory(prefix="moodfeed-bundles-") as bundles:
        for name in only or FIGURES:
            say(f"== {name}: {FIGURES[name].title}")
            with TemporaryDirectory(prefix=f"moodfeed-{name}-") as scratch:
                Path(scratch).chmod(0o755)  # PostgreSQL runs as another user than root
                bench = Bench(
                    Path(scratch), Path(bundles), is_quick=quick, say=say, microlens=microlens, may_train=train
                )
                figure = measured(name, bench, origin)
            figure.write(output)
            has_failed |= figure.left_out.startswith(FAILED)
            for line in figure.found.lines if figure.found else ():
                verdict = {None: "", True: " met", False: " MISSED"}[line.is_met]
                say(f"   {line.what}: {line.value:.4g} {line.unit}{verdict}{f' ({line.note})' if line.note else ''}")
    if has_failed:
        raise typer.Exit(1)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a figure comes from: the machine in words, and the commit."""

    machine: str
    commit: str


def describe_origin() -> Origin:
    """The machine and the commit that a measurement of now has."""
    return Origin(_machine(), _commit())


def measured(name: str, bench: Bench, origin: Origin) -> Figure:
    """Measure a figure; one that fails, or cannot be measured here, has the reason instead of its lines."""
    started, load = time.monotonic(), os.getloadavg()[0]
    found: Found | None = None
    left_out = ""
    try:
        found = FIGURES[name].measure(bench)
    except LeftOutError as error:
        left_out = str(error)
        bench.say(f"left out: {left_out}")
    except Exception as error:  # noqa: BLE001 - the others are measured all the same, and the page says it
        left_out = f"{FAILED}: {type(error).__name__}: {error}"[:500]
        bench.say("".join(traceback.format_exception(error)))
    return Figure(
        name=name,
        title=FIGURES[name].title,
        machine=origin.machine,
        commit=origin.commit,
        measured_at=f"{datetime.now(UTC):%Y-%m-%d %H:%M}",
        load_average=round(load, 1),
        seconds=round(time.monotonic() - started, 1),
        is_quick=bench.is_quick,
        left_out=left_out,
        found=found,
    )


def _machine() -> str:
    machine = describe_machine()
    return f"{machine.processor}, {machine.cores} cores, {machine.memory_gib} GiB, {machine.system}"


def _commit() -> str:
    """The commit, with a + if files differ from it; "unknown" outside a checkout."""
    try:
        commit, changes = (
            subprocess.run(["git", *words], cwd=ROOT, check=True, capture_output=True, encoding="utf-8").stdout  # noqa: S607
            for words in (("rev-parse", "--short", "HEAD"), ("status", "--porcelain", "--untracked-files=no"))
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return commit.strip() + ("+" if changes.strip() else "")


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that what was started is stopped
    app(prog_name="python -m benchmarks.live")
