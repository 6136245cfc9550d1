"""Which post people stepped to from which since the bundle was made, as of any position of the log.

A step goes from a post to the next one that the same person first met, less than half an hour later. What is taken back
stays counted: it fades with the next bundle.
"""

import hashlib
from array import array
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bundle.blend import SESSION_MS

MOST_PEOPLE = 100_000
"""So many people's last posts are known: those who met a post last."""
MOST_STEPS = 1_000_000
"""So many steps are kept, 16 bytes each."""
MOST_STEPS_OF_A_POST = 1_000
"""Of a post, the first so many since the bundle: they say well enough what follows it."""


class LiveSteps:
    """The steps of one bundle's posts; one thread writes, many read. No names are kept, but hashes of them.

    Posts are numbers as post_index_service.trend_counts.RowsOf gives them. What is written only grows, so it is the
    same as of a position whenever it is asked for.
    """

    def __init__(self, *, most_people: int = MOST_PEOPLE, most_steps: int = MOST_STEPS) -> None:
        self._most_people, self._left = most_people, most_steps
        self._last: OrderedDict[int, tuple[int, int]] = OrderedDict()  # post and moment by person, the newest last
        self._steps: dict[int, tuple[array[int], array[int]]] = {}  # positions and followers by post

    def meet(self, username: str, numbers: Sequence[int], *, moment_ms: int, position: int) -> None:
        """A person first meets a post, which has one number or, under an external id, several."""
        person = _person_key(username)
        before = self._last.get(person)
        if before is not None:
            post, then = before
            if moment_ms < then:  # it comes late
                return
            if moment_ms - then < SESSION_MS:
                self._note(post, numbers, position)
        self._last[person] = numbers[-1], moment_ms
        self._last.move_to_end(person)
        if len(self._last) > self._most_people:
            self._last.popitem(last=False)

    def _note(self, post: int, followers: Sequence[int], position: int) -> None:
        positions, known = self._steps.get(post, (None, None))
        if positions is None or known is None:
            positions, known = array("q"), array("q")
            self._steps[post] = positions, known
        for follower in followers:
            if follower != post and self._left and len(positions) < MOST_STEPS_OF_A_POST:
                known.append(follower)
                positions.append(position)  # after its follower: a reader looks at the positions first
                self._left -= 1

    def followers(self, post: int, *, position: int) -> NDArray[np.int64]:
        """The number of a post for each step from ``post`` up to a position."""
        positions, known = self._steps.get(post, (None, None))
        if positions is None or known is None:
            return np.zeros(0, dtype=np.int64)
        return np.array(known[: bisect_right(positions[:], position)], dtype=np.int64)


def _person_key(username: str) -> int:
    return int.from_bytes(hashlib.blake2b(username.encode(), digest_size=8).digest(), "little")
