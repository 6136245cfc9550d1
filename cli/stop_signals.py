"""Ctrl-C and SIGTERM as a request to stop at the next safe point; a second signal stops at once."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


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
def stop_request() -> Iterator[StopRequest]:
    """Record the first SIGINT or SIGTERM while the block runs; the previous handlers get the second one.

    Ignored signals stay ignored. Outside the main thread, no signal can be recorded.
    """
    request = StopRequest()
    if threading.current_thread() is not threading.main_thread():
        yield request
        return
    numbers = [each for each in (signal.SIGINT, signal.SIGTERM) if signal.getsignal(each) is not signal.SIG_IGN]
    before = {number: signal.getsignal(number) for number in numbers}

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def note(signal_number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        request.signal_number = signal_number
        restore()

    for number in numbers:
        signal.signal(number, note)
    try:
        yield request
    finally:
        restore()
