"""Progress on the screen: a bar in a terminal, one line a step elsewhere."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

console = Console()
error_console = Console(stderr=True)


@contextmanager
def progress_bar(description: str, *, total: int | None = None) -> Iterator[Callable[[int, str], None]]:
    """Show a bar while the block runs; the block calls what it is given with (steps done so far, a short note)."""
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
