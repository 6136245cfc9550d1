"""Who deleted which post when, and which answers show a post that was deleted: an appearance.

A deletion is promised to count at once at the gateway that acknowledged it, and everywhere a second later. It holds
until the post is upserted again: from the moment at which that is sent, feeds may show the post.
"""

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

ELSEWHERE_SECONDS = 1.0


@dataclass(slots=True)
class _Deletion:
    gateway: str
    acknowledged: float
    restored: float = float("inf")


@dataclass(slots=True)
class Appearances:
    """Of deleted posts in ``feeds``: at the gateway that deleted them, elsewhere later than promised, and in time.

    ``latest`` is how long after the acknowledgement a feed was asked that showed the post: seconds, elsewhere.
    """

    feeds: int = 0
    here: int = 0
    elsewhere: int = 0
    within: int = 0
    latest: float = 0.0


@dataclass(slots=True)
class DeletionLedger:
    """Every method may be called from several threads; ``clock`` gives the seconds of all moments."""

    clock: Callable[[], float] = time.perf_counter
    deletions: int = 0
    _by_post: dict[int, list[_Deletion]] = field(default_factory=lambda: defaultdict(list))
    _found: dict[str, Appearances] = field(default_factory=lambda: defaultdict(Appearances))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def deleted(self, post_id: int, *, gateway: str) -> None:
        """A gateway has acknowledged that a post is deleted."""
        with self._lock:  # the moment as well, so that an answer to a later question is judged with it
            self.deletions += 1
            self._by_post[post_id].append(_Deletion(gateway, self.clock()))

    def restoring(self, post_id: int) -> None:
        """The post is about to be upserted again."""
        with self._lock:
            for deletion in self._by_post[post_id]:
                deletion.restored = min(deletion.restored, self.clock())

    def judge(self, shown: Iterable[int], *, gateway: str, asked: float, answered: float, phase: str) -> None:
        """Count the posts of an answer that may not be there, under the name of a phase."""
        with self._lock:
            found = self._found[phase]
            found.feeds += 1
            for post_id in shown:
                for deletion in self._by_post.get(post_id, ()):
                    if deletion.acknowledged < asked and answered < deletion.restored:
                        _count(found, deletion, gateway, asked)

    def appearances(self) -> dict[str, Appearances]:
        """What was found, by phase."""
        with self._lock:
            return dict(self._found)


def _count(found: Appearances, deletion: _Deletion, gateway: str, asked: float) -> None:
    since = asked - deletion.acknowledged
    if gateway == deletion.gateway:
        found.here += 1
        return
    found.latest = max(found.latest, since)
    if since > ELSEWHERE_SECONDS:
        found.elsewhere += 1
    else:
        found.within += 1
