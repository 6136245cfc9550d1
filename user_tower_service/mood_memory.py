"""The embeddings of the moods that were asked for last, and those of new moods, several at once."""

import threading
from collections import OrderedDict
from collections.abc import Sequence

from bundle.embedding_space import Vector
from mood_encoder.runtime import TextEncoder


class MoodMemory:
    """TextEncoder words by ``text_encoder``, and remembers the last ``size`` of them; for several threads.

    It knows nothing of what holds it: a cycle would keep the memory of a dropped bundle.
    """

    def __init__(self, text_encoder: TextEncoder, size: int) -> None:
        self._text_encoder = text_encoder
        self._size = size
        self._lock = threading.Lock()
        self._vectors: OrderedDict[str, Vector] = OrderedDict()

    def encode(self, words: Sequence[str]) -> list[Vector]:
        """Unit vectors [text dimension] in the order of ``words``; those not remembered are encoded together."""
        found: dict[str, Vector] = {}
        with self._lock:
            for word in words:
                if word in self._vectors:
                    self._vectors.move_to_end(word)
                    found[word] = self._vectors[word]
        new = [word for word in dict.fromkeys(words) if word not in found]
        if new:
            vectors = self._text_encoder.encode(new)
            vectors.setflags(write=False)  # they are shared by everyone with these moods
            found |= zip(new, vectors, strict=True)
            with self._lock:
                self._vectors |= {word: found[word].copy() if len(new) > 1 else found[word] for word in new}
                while len(self._vectors) > self._size:
                    self._vectors.popitem(last=False)
        return [found[word] for word in words]
