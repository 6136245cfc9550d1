"""What a stage is doing: a status line in a terminal; elsewhere a line a phase, and one at least every 20 seconds."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread

from cli.progress import console

SECONDS_BETWEEN_LINES = 20.0


@contextmanager
def phases(stage: str, *, seconds: float = SECONDS_BETWEEN_LINES) -> Iterator[Callable[[str], None]]:
    """Show that a stage runs while the block does; the block gets a function to call with what it does next."""
    if console.is_terminal:
        with console.status(stage) as status:
            yield lambda phase: status.update(f"{stage}: {phase}")
        return
    started, phase, is_over = time.monotonic(), "", Event()

    def say() -> None:
        console.print(f"{stage}{phase}, {time.monotonic() - started:.0f} s", markup=False, highlight=False)

    def tell(words: str) -> None:
        nonlocal phase
        phase = f": {words}"
        say()

    def repeat() -> None:
        while not is_over.wait(seconds):
            say()

    thread = Thread(target=repeat, daemon=True)
    thread.start()
    try:
        yield tell
    finally:
        is_over.set()
        thread.join()
