"""Progress on the screen: a moving bar in a terminal, its last state elsewhere."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

if TYPE_CHECKING:  # the command starts without torch
    from pipeline.trained_towers import EpochReport

console = Console()
error_console = Console(stderr=True)


@contextmanager
def printing_to_stderr() -> Iterator[None]:
    """Print to stderr what the block prints: stdout is for its result alone."""
    before = console.file
    console.file = sys.stderr
    try:
        yield
    finally:
        console.file = before


@contextmanager
def progress_bar(description: str, *, total: int | None = None) -> Iterator[Callable[[int, str], None]]:
    """Show a bar while the block runs; the block gets a function to call with (steps done so far, a short note)."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[note]}"),
    )
    with Progress(*columns, console=console, transient=False) as progress:
        task = progress.add_task(description, total=total, note="")

        def advance(done: int, note: str = "") -> None:
            progress.update(task, completed=done, note=note)

        yield advance
        if total is not None:
            progress.update(task, completed=total)


@dataclass(frozen=True, slots=True)
class TrainingBar:
    """A bar over the epochs of a training, and a printed line after each."""

    progress: Progress
    task: TaskID

    def on_batch(self, done: float, loss: float, name: str = "") -> None:
        """Show the epochs done so far, the loss of the last batch, and the name of what is trained."""
        self.progress.update(self.task, completed=done, note=f"loss {loss:.4f} {name}".rstrip())

    def on_epoch(self, report: "EpochReport") -> None:
        """Print the losses and the validation metrics of an epoch."""
        self.progress.update(self.task, completed=report.epoch)
        self.progress.console.print(
            f"epoch {report.epoch}: training loss {report.training_loss:.4f}, validation loss "
            f"{report.validation_loss:.4f}, Recall@10 {report.validation_recall_at_10:.4f}, "
            f"NDCG@10 {report.validation_ndcg_at_10:.4f}",
            highlight=False,
        )

    def note(self, text: str) -> None:
        """Show what is being done after the training."""
        self.progress.update(self.task, note=text)


@contextmanager
def training_bar(description: str, *, epochs: int) -> Iterator[TrainingBar]:
    """Show the progress of a training while the block runs; early stopping may end it before all epochs."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:.1f}/{task.total} epochs"),
        TimeElapsedColumn(),
        TextColumn("{task.fields[note]}"),
    )
    with Progress(*columns, console=console) as progress:
        yield TrainingBar(progress, progress.add_task(description, total=epochs, note=""))
