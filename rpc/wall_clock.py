"""The one place of serving that reads the wall clock: for what outlives a process, and for what people are told.

The wall clock may jump. Whatever measures time within a process uses the monotonic clock.
"""

import time


def now_ms() -> int:
    """Milliseconds since 1970, UTC."""
    return time.time_ns() // 1_000_000


def now_ns() -> int:
    """Nanoseconds since 1970, UTC."""
    return time.time_ns()


class SteadyClock:
    """The time of day when it was made, going on with the monotonic clock: what is measured with it cannot jump."""

    def __init__(self) -> None:
        self._offset_ms = now_ms() - _monotonic_ms()

    def now_ms(self) -> int:
        """Milliseconds since 1970, UTC."""
        return self._offset_ms + _monotonic_ms()


def _monotonic_ms() -> int:
    return time.monotonic_ns() // 1_000_000
