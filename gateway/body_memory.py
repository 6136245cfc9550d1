"""How many bytes of bodies may be held while they come: a client that sends slowly holds no more than it sent."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rpc.admission import REFUSED, TooManyRequestsError

MOST_BYTES = 128 * 1024 * 1024


class BodyMemory:
    """Counts the bytes of the bodies that are being read; for one event loop."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._held = 0

    @contextmanager
    def reading(self, method: str) -> Iterator[Callable[[int], None]]:
        """Gives what counts further bytes until the block ends; it raises TooManyRequestsError beyond the limit."""
        own = 0

        def grow(count: int) -> None:
            nonlocal own
            if self._held + count > self._most_bytes:
                REFUSED.labels(method).inc()
                raise TooManyRequestsError("too many bodies are being sent: try again later")
            own += count
            self._held += count

        try:
            yield grow
        finally:
            self._held -= own
