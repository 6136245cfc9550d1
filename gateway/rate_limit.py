"""Rate limits: a token bucket for each name."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(slots=True)
class _Bucket:
    requests: float
    moment: float


class RateLimit:
    """Up to ``burst`` requests at once, refilled at ``requests_per_second``, for each name. Thread-safe."""

    def __init__(self, *, requests_per_second: float, burst: int, now: Callable[[], float] = time.monotonic) -> None:
        """``now`` is a monotonic clock, in seconds."""
        self._requests_per_second = requests_per_second
        self._burst = burst
        self._now = now
        self._lock = threading.Lock()
        self._buckets: dict[str, _Bucket] = {}

    def take(self, name: str) -> float:
        """Take one request of ``name`` and return 0.0, or take none and return the seconds until one is available."""
        with self._lock:
            now = self._now()
            bucket = self._buckets.setdefault(name, _Bucket(self._burst, now))
            refilled = bucket.requests + (now - bucket.moment) * self._requests_per_second
            bucket.requests, bucket.moment = min(self._burst, refilled), now
            if bucket.requests < 1:
                return (1 - bucket.requests) / self._requests_per_second
            bucket.requests -= 1
            return 0.0

    def charge(self, name: str, requests: int) -> None:
        """Take further requests of a ``name`` that has just been admitted, also those that are not there yet."""
        with self._lock:
            self._buckets[name].requests -= requests
