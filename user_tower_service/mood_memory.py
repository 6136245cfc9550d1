"""An LRU cache of mood embeddings, which encodes the moods that it does not hold in one batch."""

import threading
import time
from collections.abc import Sequence

from cachetools import LRUCache

from bundle.embedding_space import Vector
from mood_encoder.runtime import TextEncoder

_REMEMBERED_TEXTS = 2_000  # of posts, 1.5 KB each: two bundles that are held share them
_PAUSE_SECONDS = 0.001


class MoodMemory:
    """Encodes words with ``text_encoder`` and remembers the last ``size`` of them; safe to call from several threads.

    It holds no reference to its owner: a cycle would keep a dropped bundle in memory.
    """

    def __init__(self, text_encoder: TextEncoder, size: int) -> None:
        self.text_encoder = text_encoder
        self._lock = threading.Lock()  # an LRUCache reorders itself when it is read
        self._vectors: LRUCache[str, Vector] = LRUCache(size)
        self._texts: LRUCache[str, Vector] = LRUCache(_REMEMBERED_TEXTS)

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

    def encode_text(self, text: str) -> Vector:
        """The read-only unit vector [text dimension] of a post's text, for a thread that may wait.

        Texts are encoded one by one, so that a mood waits for one text at most.
        """
        with self._lock:
            known = self._texts.get(text)
        if known is not None:
            return known
        vector: Vector = self.text_encoder.encode([text])[0]
        vector.setflags(write=False)
        time.sleep(_PAUSE_SECONDS)  # the encoder's lock is not fair: whoever waits for it would wait for several texts
        with self._lock:
            self._texts[text] = vector
        return vector
