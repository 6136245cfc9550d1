"""When a failed call is made again, and after how long."""

import random
from dataclasses import dataclass

from moodfeed_client.errors import MoodfeedError, NoStoreError, ThrottledError, UnavailableError


@dataclass(frozen=True, slots=True)
class Retries:
    """At most ``attempts`` of one call, all within its deadline.

    The gateway says how long to wait when it refuses a call. Where it says nothing, the waits are random, around
    ``first_wait_seconds`` doubled with each attempt, up to ``longest_wait_seconds``.
    """

    attempts: int = 5
    first_wait_seconds: float = 0.1
    longest_wait_seconds: float = 2.0

    def __post_init__(self) -> None:
        if self.attempts < 1:
            raise ValueError(f"attempts={self.attempts}: at least 1, which is the call itself")

    def wait_seconds(
        self, error: MoodfeedError, *, attempt: int, seconds_left: float, may_repeat: bool = True
    ) -> float | None:
        """How long to wait after ``attempt``, the first being 1; None if there is to be no other.

        ``may_repeat`` says whether the call may be made again even if it may have taken effect.
        """
        if attempt >= self.attempts:
            return None
        asked = error.retry_after_seconds
        if asked is None:
            if not isinstance(error, UnavailableError) or isinstance(error, NoStoreError) or not may_repeat:
                return None
            wait = min(self.first_wait_seconds * 2.0 ** (attempt - 1), self.longest_wait_seconds)
            wait *= random.uniform(0.5, 1.5)  # noqa: S311 - not a secret
        elif asked < 0 or not isinstance(error, ThrottledError | UnavailableError):
            return None
        else:
            wait = asked
        return wait if wait < seconds_left else None


NO_RETRIES = Retries(attempts=1)
"""Each call is made once."""
