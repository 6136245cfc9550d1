"""The closeness of a mood to every post of a small slice, remembered for moods that are asked for again.

The closeness does not depend on the user. When a mood comes for the second time in a slice, its closeness to all posts
there is computed, exactly; every later search reads one number a post where it would read a text embedding.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from cachetools import LRUCache

from bundle.embedding_space import Vector
from post_index_service.codes import Rows, Scores

MOST_VALUES = 4_000_000
"""The most numbers that are remembered, of 4 bytes each."""
_MOST_MET = 10_000  # moods that were asked for once, each in a slice

_Key = tuple[tuple[int, int], bytes]


@dataclass(frozen=True, slots=True)
class Closeness:
    """The inner products of one mood with all rows of a slice, as ranking.InnerProduct computes them."""

    scores: Scores
    largest: float  # the largest absolute value of them
    weight: float = 1.0

    @property
    def reach(self) -> float:
        """1, also where no row is as close."""
        return 1.0

    def of(self, rows: Rows) -> Scores:
        """The inner products of the given rows."""
        return self.scores[rows]


class RememberedCloseness:
    """Remembers the moods that were asked for more than once most recently; may be called from several threads."""

    def __init__(self, most_values: int = MOST_VALUES) -> None:
        self._met: LRUCache[int, None] = LRUCache(_MOST_MET)  # hashes of keys: a collision costs one computation
        self._known: LRUCache[_Key, Closeness] = LRUCache(most_values, lambda closeness: len(closeness.scores))
        self._lock = threading.Lock()  # cachetools leaves locking to its callers

    def of(self, mood: Vector, span: tuple[int, int], compute: Callable[[], Scores]) -> Closeness | None:
        """The closeness of a mood to a slice (start, length); None if the mood comes there for the first time.

        ``compute`` is called, without a lock, when the closeness is not remembered; two threads may both call it.
        """
        key = (span, mood.tobytes())
        with self._lock:
            known = self._known.get(key)
            if known is not None:
                return known
            if self._is_new(hash(key)):
                return None
        scores = compute()
        known = Closeness(scores, float(np.abs(scores).max()))
        with self._lock:
            self._known[key] = known
        return known

    def _is_new(self, digest: int) -> bool:
        is_new = digest not in self._met
        self._met[digest] = None
        return is_new
