"""Which people have changed, as far as the gateway has heard: what it remembers of them is used only if it has."""

import time
from collections.abc import Callable, Collection

LONGEST_SILENCE_SECONDS = 1.0
"""After so long without a word about changes, nothing that is remembered about people is used."""


class _Changes:
    """The position of people's last change; of those that it has forgotten, none has changed after ``floor``."""

    def __init__(self, size: int) -> None:
        self.floor = 0
        self._size = size
        self._positions: dict[str, int] = {}  # in the order of the changes

    def of(self, username: str) -> int:
        """A position that the person has not changed after."""
        return self._positions.get(username, self.floor)

    def note(self, username: str, position: int) -> bool:
        """Take in a change, and forget the oldest one if there are too many; whether it is the person's newest."""
        known = self._positions.pop(username, 0)
        self._positions[username] = max(position, known)
        if len(self._positions) > self._size:
            oldest = next(iter(self._positions))
            self.floor = max(self.floor, self._positions.pop(oldest))
        return position > known

    def forget_all(self, *, at_least: int = 0) -> None:
        """Forget all of them, and have a floor of at least a position."""
        self.floor = max(self.floor, at_least, *self._positions.values())
        self._positions.clear()


class PeopleChanges:
    """What is known of changes; for one event loop.

    ``forget`` is told of everybody who has changed, or None if it may be anybody.
    """

    def __init__(self, *, size: int, now: Callable[[], float] = time.monotonic) -> None:
        """``size`` people's last changes are remembered. ``now`` is a monotonic clock, in seconds."""
        self.position = 0
        self.forget: Callable[[str | None], None] = lambda _: None
        self._now = now
        self._heard_at: float | None = None
        self._has_store = False
        self._changes = _Changes(max(1, size))

    @property
    def is_current(self) -> bool:
        """Whether a change would have been heard within LONGEST_SILENCE_SECONDS."""
        return self._heard_at is not None and self._now() - self._heard_at < LONGEST_SILENCE_SECONDS

    def last_change_of(self, username: str) -> int:
        """A position that the person has not changed after, as far as is known."""
        return self._changes.of(username)

    def hear(self, position: int, usernames: Collection[str], *, is_everybody: bool, has_store: bool) -> None:
        """Take in what a tower tells: these people have changed up to ``position``."""
        if is_everybody or has_store != self._has_store:
            self._has_store = has_store
            self.position = position
            self._changes.forget_all()
            self._changes.floor = position  # also where that is lower: the changes of before may be of another log
            self.forget(None)
        self._change(usernames, position)
        self.position = max(self.position, position)
        self._heard_at = self._now()

    def note_own(self, usernames: Collection[str], position: int) -> None:
        """Take in what was recorded through this gateway, before it is heard of."""
        self._change(usernames, position)

    def note_own_of_anybody(self, position: int) -> None:
        """Take in that a person was deleted or merged through this gateway."""
        self._changes.forget_all(at_least=position)
        self.forget(None)

    def _change(self, usernames: Collection[str], position: int) -> None:
        for username in usernames:
            if self._changes.note(username, position):
                self.forget(username)
