"""Ctrl-C and SIGTERM as a request to stop at the next safe point; a second signal stops at once."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, NoReturn


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

    A library may turn the exception into one of its own, so whatever ends the block, ask the record. Ignored signals
    stay ignored.
    """
    request = StopRequest()

    def interrupt(signal_number: int, frame: FrameType | None) -> NoReturn:  # noqa: ARG001
        request.signal_number = signal_number
        raise KeyboardInterrupt

    with _handled_by(interrupt):
        yield request


@contextmanager
def stop_request() -> Iterator[StopRequest]:
    """Record the first SIGINT or SIGTERM while the block runs; the previous handlers get the second one.

    Ignored signals stay ignored. Outside the main thread, no signal can be recorded.
    """
    request = StopRequest()
    with _handled_by(lambda number, _: note(number)) as restore:

        def note(signal_number: int) -> None:
            request.signal_number = signal_number
            restore()

        yield request


@contextmanager
def _handled_by(handler: Callable[[int, FrameType | None], None]) -> Iterator[Callable[[], None]]:
    """Handle the stop signals that are not ignored while the block runs; it gets what restores the previous handlers.

    Outside the main thread, no signal can be handled.
    """
    before: dict[int, Any] = {}

    def restore() -> None:
        for number, previous in before.items():
            signal.signal(number, previous)

    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):
            if (previous := signal.getsignal(number)) is not signal.SIG_IGN:
                before[number] = previous
                signal.signal(number, handler)
    try:
        yield restore
    finally:
        restore()
