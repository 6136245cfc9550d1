"""Share one mood encoder among bundles with the same encoder files: a new model seldom has a new BERT."""

import threading
from weakref import WeakValueDictionary

from bundle.directory import Bundle
from bundle.file_names import MOOD_ENCODER
from mood_encoder.mood_reader import MoodReader
from mood_encoder.mood_space_file import read_mood_space
from mood_encoder.runtime import Runtime
from user_tower_service.mood_memory import MoodMemory
from user_tower_service.runtime import read_mood_encoder

_Identity = tuple[int, tuple[tuple[str, str], ...]]


class MoodMemories:
    """Reads mood encoders; a bundle with the same encoder files gets the one already in memory.

    The encoder is nine tenths of what a bundle needs in memory. Sharing it halves the memory of two bundles, lets a
    swap load and free next to nothing, and keeps the moods that were encoded before the swap. A mood encoder goes when
    the last bundle that uses it goes.
    """

    def __init__(self, size: int, *, runtime: Runtime) -> None:
        """Each encoder remembers the last ``size`` moods."""
        self._size = size
        self._runtime = runtime
        self._lock = threading.Lock()  # two bundles at once must not read the same encoder twice
        self._memories: WeakValueDictionary[_Identity, MoodMemory] = WeakValueDictionary()

    def of(self, bundle: Bundle) -> MoodMemory:
        """The mood encoder of a bundle; BundleError as in read_mood_encoder."""
        identity = _identity(bundle)
        with self._lock:
            memory = self._memories.get(identity)
            if memory is None:
                memory = MoodMemory(
                    MoodReader(read_mood_encoder(bundle, self._runtime), read_mood_space(bundle)), self._size
                )
                self._memories[identity] = memory
            return memory


def _identity(bundle: Bundle) -> _Identity:
    """All that determines the output of a bundle's mood encoder: the contents of its files and the maximum length."""
    files = sorted(
        (name, entry.sha256) for name, entry in bundle.manifest.files.items() if name.startswith(MOOD_ENCODER)
    )
    return bundle.manifest.max_tokens, tuple(files)
