"""The one place of serving that reads the wall clock: for what outlives a process, and for what people are told.

The wall clock may jump. Whatever measures time within a process uses the monotonic clock.
"""

import time


def now_ms() -> int:
    """Milliseconds since 1970, UTC."""
    return time.time_ns() // 1_000_000
