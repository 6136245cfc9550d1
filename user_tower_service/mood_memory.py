"""An LRU cache of moods in the text space, which encodes the moods that it does not hold in one batch."""

import threading
import time
from collections.abc import Sequence

from cachetools import LRUCache

from bundle.embedding_space import Vector
from mood_encoder.mood_reader import MoodReader

_REMEMBERED_TEXTS = 2_000  # of posts, 1.5 KB each: two bundles that are held share them
_PAUSE_SECONDS = 0.001


class MoodMemory:
    """Reads moods with ``reader`` and remembers the last ``size`` of them; safe to call from several threads.

    It holds no reference to its owner: a cycle would keep a dropped bundle in memory.
    """

    def __init__(self, reader: MoodReader, size: int) -> None:
        self.reader = reader
        self.text_encoder = reader.encoder
        self._lock = threading.Lock()  # an LRUCache reorders itself when it is read
        self._vectors: LRUCache[str, Vector | None] = LRUCache(size)
        self._texts: LRUCache[str, Vector] = LRUCache(_REMEMBERED_TEXTS)

    def encode(self, moods: Sequence[str]) -> list[Vector | None]:
        """Read-only unit vectors [text dimension] in the order of ``moods``; None of what says nothing about a mood.

        Moods that are not remembered are encoded together.
        """
        found: dict[str, Vector | None] = {}
        with self._lock:
            for mood in moods:
                if mood in self._vectors:
                    found[mood] = self._vectors[mood]
        new = [mood for mood in dict.fromkeys(moods) if mood not in found]
        if new:
            for mood, meant in zip(new, self.reader.read(new), strict=True):
                if meant.vector is not None:
                    meant.vector.setflags(write=False)  # all requests with the same mood share it
                found[mood] = meant.vector
            with self._lock:
                for mood in new if self._vectors.maxsize else ():  # a cache without room refuses a value
                    self._vectors[mood] = found[mood]
        return [found[mood] for mood in moods]

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
