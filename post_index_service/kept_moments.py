"""How long old forms of posts and rules are kept, for page tokens that see them."""

from collections import deque
from collections.abc import Callable

_MARK_SECONDS = 10.0


def kept_seconds(page_token_minutes: float) -> float:
    """How long old forms of posts and rules are kept: as long as page tokens live, and a minute."""
    return 60 * (page_token_minutes + 1)


DEFAULT_KEPT_SECONDS = kept_seconds(15.0)


class KeptMoments:
    """The positions of the log at moments of the last ``kept_seconds``; ``now`` never runs backwards."""

    def __init__(self, kept_seconds: float, now: Callable[[], float]) -> None:
        self._kept_seconds, self._now = kept_seconds, now
        self._marks: deque[tuple[float, int]] = deque()

    def oldest(self, position: int) -> int | None:
        """Note the position of now; gives the newest one that no page token can ask for any more, if there is one."""
        now = self._now()
        if not self._marks or now - self._marks[-1][0] >= _MARK_SECONDS:
            self._marks.append((now, position))
        while len(self._marks) > 1 and now - self._marks[1][0] >= self._kept_seconds:
            self._marks.popleft()
        since, oldest = self._marks[0]
        return None if now - since < self._kept_seconds else oldest
