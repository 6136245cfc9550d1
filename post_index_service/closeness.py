"""How close a mood is to every post of a small category, remembered for moods that are asked for again.

The mood's part of a ranking is the same for all users. Of a mood that comes for the second time in a category it is
computed once for all posts there, exactly; from then on such a search reads one number a post where it read a text.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass

import numpy as np

from bundle.embedding_space import Vector
from post_index_service.codes import Rows, Scores

MOST_VALUES = 4_000_000
"""Numbers that are remembered at most, of 4 bytes each."""
_MOST_MET = 10_000  # moods and categories that were asked for once

_Key = tuple[Hashable, bytes]


@dataclass(frozen=True, slots=True)
class Closeness:
    """The inner products of one mood with all rows of a slice, as ranking.InnerProduct gives them."""

    scores: Scores
    largest: float  # of their absolute values
    weight: float = 1.0

    def of(self, rows: Rows) -> Scores:
        """Those of the given rows."""
        return self.scores[rows]


class RememberedCloseness:
    """The last moods that were asked for more than once; may be called from several threads."""

    def __init__(self, most_values: int = MOST_VALUES) -> None:
        self._most_values = most_values
        self._values = 0
        self._met: OrderedDict[int, None] = OrderedDict()  # hashes of keys: two alike cost a computation, no more
        self._known: OrderedDict[_Key, Closeness] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, mood: Vector, place: Hashable, compute: Callable[[], Scores]) -> Closeness | None:
        """What is remembered of a mood in a slice of posts, or was just computed; None at the first time."""
        key = (place, mood.tobytes())
        with self._lock:
            known = self._known.get(key)
            if known is not None:
                self._known.move_to_end(key)
                return known
            if self._is_new(hash(key)):
                return None
        scores = compute()
        known = Closeness(scores, float(np.abs(scores).max()))
        with self._lock:
            self._keep(key, known)
        return known

    def _is_new(self, digest: int) -> bool:
        is_new = digest not in self._met
        self._met[digest] = None
        self._met.move_to_end(digest)
        if len(self._met) > _MOST_MET:
            self._met.popitem(last=False)
        return is_new

    def _keep(self, key: _Key, closeness: Closeness) -> None:
        """Two threads may have computed the same: the later one stays."""
        replaced = self._known.pop(key, None)
        self._known[key] = closeness
        self._values += len(closeness.scores) - (0 if replaced is None else len(replaced.scores))
        while self._values > self._most_values:
            _, oldest = self._known.popitem(last=False)
            self._values -= len(oldest.scores)
