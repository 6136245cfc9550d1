"""Ctrl-C and SIGTERM as a request to stop at the next safe point; a second signal stops at once."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any


class StoppedError(Exception):
    """A signal stopped the work; the message says how to resume. The exit code is 128 plus the signal's number."""

    def __init__(self, message: str, signal_number: int) -> None:
        super().__init__(message)
        self.exit_code = 128 + signal_number


class StopRequest:
    """Whether a signal has asked to stop."""

    def __init__(self) -> None:
        self.signal_number = 0

    def is_made(self) -> bool:
        """Whether to stop at the next safe point."""
        return self.signal_number != 0


@contextmanager
def interrupting_stop_signals() -> Iterator[StopRequest]:
    """Raise KeyboardInterrupt at SIGINT and SIGTERM while the block runs, and record which of them it was.

    A library may turn the exception into one of its own, so whatever ends the block, ask the record. A signal from
    before the block begins is in the record alone. Ignored signals stay ignored.
    """
    request = StopRequest()
    has_begun = False

    def interrupt(signal_number: int, restore: Callable[[], None]) -> None:  # noqa: ARG001
        request.signal_number = signal_number
        if has_begun:
            raise KeyboardInterrupt

    with _handled_by(interrupt):
        has_begun = True
        yield request


@contextmanager
def stop_request() -> Iterator[StopRequest]:
    """Record the first SIGINT or SIGTERM while the block runs; the previous handlers get the second one.

    Ignored signals stay ignored. Outside the main thread, no signal can be recorded.
    """
    request = StopRequest()

    def note(signal_number: int, restore: Callable[[], None]) -> None:
        request.signal_number = signal_number
        restore()

    with _handled_by(note):
        yield request


@contextmanager
def _handled_by(handler: Callable[[int, Callable[[], None]], None]) -> Iterator[None]:
    """Handle the stop signals that are not ignored while the block runs.

    A signal may come between any two lines, also before the block has begun. The handler gets the signal's number, and
    what restores the previous handlers. Outside the main thread, no signal can be handled.
    """
    before: dict[int, Any] = {}
    is_restored = False

    def restore() -> None:
        nonlocal is_restored
        is_restored = True
        for number, previous in before.items():
            signal.signal(number, previous)

    def handle(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        handler(number, restore)

    try:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                if not is_restored and (previous := signal.getsignal(number)) is not signal.SIG_IGN:
                    before[number] = previous
                    signal.signal(number, handle)
            if is_restored:  # by a signal that came while a later one's handler was being set
                restore()
        yield
    finally:
        restore()
