"""An LRU cache of mood embeddings, which encodes the moods that it does not hold in one batch."""

import threading
from collections.abc import Sequence

from cachetools import LRUCache

from bundle.embedding_space import Vector
from mood_encoder.runtime import TextEncoder


class MoodMemory:
    """Encodes words with ``text_encoder`` and remembers the last ``size`` of them; safe to call from several threads.

    It holds no reference to its owner: a cycle would keep a dropped bundle in memory.
    """

    def __init__(self, text_encoder: TextEncoder, size: int) -> None:
        self.text_encoder = text_encoder
        self._lock = threading.Lock()  # an LRUCache reorders itself when it is read
        self._vectors: LRUCache[str, Vector] = LRUCache(size)

    def encode(self, words: Sequence[str]) -> list[Vector]:
        """Read-only unit vectors [text dimension] in the order of ``words``; unknown words are encoded together."""
        found: dict[str, Vector] = {}
        with self._lock:
            for word in words:
                if word in self._vectors:
                    found[word] = self._vectors[word]
        new = [word for word in dict.fromkeys(words) if word not in found]
        if new:
            vectors = self.text_encoder.encode(new)
            vectors.setflags(write=False)  # all requests with the same mood share them
            found |= zip(new, vectors, strict=True)
            with self._lock:
                for word in new if self._vectors.maxsize else ():  # a cache without room refuses a value
                    # A row of a batch would keep the whole batch in memory.
                    self._vectors[word] = found[word].copy() if len(new) > 1 else found[word]
        return [found[word] for word in words]
