"""Progress on the screen: a moving bar in a terminal, lines elsewhere (progress_lines)."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from cli.progress_lines import ProgressLines, ticking

if TYPE_CHECKING:  # the command starts without torch
    from pipeline.trained_towers import EpochReport

console = Console()
error_console = Console(stderr=True)


class Update(Protocol):
    """Reports the progress of a piece of work."""

    def __call__(self, done: float | None = None, note: str | None = None, *, total: float | None = None) -> None:
        """Set the total done so far, the current activity and the total to do; None leaves a value unchanged."""


@contextmanager
def printing_to_stderr() -> Iterator[None]:
    """Print to stderr what the block prints: stdout is for its result alone."""
    console.file = sys.stderr
    try:
        yield
    finally:
        console.file = None  # type: ignore[assignment] # whatever sys.stdout is at the time of printing


@contextmanager
def progress_bar(description: str, *, unit: str = "", total: float | None = None) -> Iterator[Update]:
    """Show the progress of the block while it runs."""
    count = MofNCompleteColumn() if total is None else TextColumn("{task.completed:.1f}/{task.total:g} " + unit)
    with _shown(description, unit=unit, total=total, count=count) as update:
        yield update


@contextmanager
def working(description: str) -> Iterator[Callable[[str], None]]:
    """Show that the block is running; it gets a function that shows its current activity."""
    if console.is_terminal:
        with console.status(description) as status:
            yield lambda note: status.update(f"{description}: {note}")
        return
    lines = ProgressLines(description, write=print_line)
    with ticking(lines):
        yield lambda note: lines.update(note=note)


@dataclass(frozen=True, slots=True)
class TrainingBar:
    """The progress of a training over its epochs, and a printed line after each."""

    update: Update

    def on_batch(self, done: float, loss: float, name: str = "") -> None:
        """Show the epochs done so far, the loss of the last batch, and the name of what is trained."""
        self.update(done, f"loss {loss:.4f} {name}".rstrip())

    def on_resume(self, epoch: int, steps_done: int, steps: int) -> None:
        """Print where an interrupted training resumes."""
        _print_resumption(epoch, steps_done, steps)

    def on_epoch(self, report: "EpochReport") -> None:
        """Print the losses and the validation metrics of an epoch."""
        self.update(report.epoch)
        validated = (
            f"validation loss {report.validation_loss:.4f}, Recall@10 {report.validation_recall_at_10:.4f}, "
            f"NDCG@10 {report.validation_ndcg_at_10:.4f}"
            if report.validated
            else "nothing held back to validate on"
        )
        console.print(
            f"epoch {report.epoch}: training loss {report.training_loss:.4f}, {validated}",
            highlight=False,
            soft_wrap=True,
        )

    def note(self, text: str) -> None:
        """Show what is being done after the training."""
        self.update(note=text)


@dataclass(slots=True)
class MonthsBar:
    """The progress of an evaluation: a training for each month, and a printed line before each."""

    update: Update
    epochs: int
    _months_done: int = 0

    def on_month(self, number: int, count: int, label: str) -> None:
        """Print which month is judged now; ``label`` is its date, empty where the only split has none."""
        self._months_done = number - 1
        self.update(self._months_done * self.epochs, "", total=count * self.epochs)
        if label:
            console.print(f"month {number} of {count}: learn from before {label}", highlight=False)

    def on_batch(self, done: float, loss: float) -> None:
        """Show the epochs done so far in all months, and the loss of the last batch."""
        self.update(self._months_done * self.epochs + done, f"loss {loss:.4f}")

    def on_resume(self, epoch: int, steps_done: int, steps: int) -> None:
        """Print where an interrupted training resumes."""
        _print_resumption(epoch, steps_done, steps)

    def note(self, text: str) -> None:
        """Show which method ranks after the training."""
        self.update(note=text)


@contextmanager
def months_bar(description: str, *, epochs: int) -> Iterator[MonthsBar]:
    """Show the progress of an evaluation while the block runs."""
    with progress_bar(description, unit="epochs", total=epochs) as update:
        yield MonthsBar(update, epochs)


@contextmanager
def training_bar(description: str, *, epochs: int) -> Iterator[TrainingBar]:
    """Show the progress of a training while the block runs; early stopping may end it before all epochs."""
    with progress_bar(description, unit="epochs", total=epochs) as update:
        yield TrainingBar(update)


@contextmanager
def _shown(description: str, *, unit: str, total: float | None, count: ProgressColumn) -> Iterator[Update]:
    if not console.is_terminal:
        lines = ProgressLines(description, write=print_line, unit=unit, total=total)
        with ticking(lines):
            yield lines.update
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        count,
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
    )
    with Progress(*columns, console=console) as progress:
        task = progress.add_task(description, total=total, note="")

        def update(done: float | None = None, note: str | None = None, *, total: float | None = None) -> None:
            if note is not None:
                progress.update(task, note=note)
            progress.update(task, completed=done, total=total)  # None leaves a field as it is

        yield update


def _print_resumption(epoch: int, steps_done: int, steps: int) -> None:
    where = f"after step {steps_done} of {steps}" if steps_done else "from its start"
    console.print(f"Resuming the interrupted training in epoch {epoch}, {where}.", highlight=False)


def print_line(line: str) -> None:
    """Print a line as it is, however long."""
    console.print(line, highlight=False, markup=False, soft_wrap=True)
