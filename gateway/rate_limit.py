"""How often each caller may ask: a token bucket for each name."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(slots=True)
class _Bucket:
    requests: float
    moment: float


class RateLimit:
    """``burst`` requests at once, refilled with ``requests_per_second``; every name has its own.

    It may be asked from several threads.
    """

    def __init__(self, *, requests_per_second: float, burst: int, now: Callable[[], float] = time.monotonic) -> None:
        """``now`` is a clock in seconds that never goes back."""
        self._requests_per_second = requests_per_second
        self._burst = burst
        self._now = now
        self._lock = threading.Lock()
        self._buckets: dict[str, _Bucket] = {}

    def take(self, name: str) -> float:
        """Take one request of ``name``: 0.0 if it may go ahead, else the seconds until one may, and none is taken."""
        with self._lock:
            now = self._now()
            bucket = self._buckets.setdefault(name, _Bucket(self._burst, now))
            refilled = bucket.requests + (now - bucket.moment) * self._requests_per_second
            bucket.requests, bucket.moment = min(self._burst, refilled), now
            if bucket.requests < 1:
                return (1 - bucket.requests) / self._requests_per_second
            bucket.requests -= 1
            return 0.0
