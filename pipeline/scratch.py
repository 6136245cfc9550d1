"""Arrays that may be larger than memory: the large ones lie in files without a name, which end with the arrays."""

import mmap
import os
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryFile
from typing import TypeVar
from weakref import WeakSet

import numpy as np
from numpy.typing import NDArray

LARGE_BYTES = 32 * 2**20  # of an array that lies in a file
ROWS_AT_ONCE = 4_000_000  # of what is computed over all events in pieces; a piece takes about half a gigabyte
_STATM = Path("/proc/self/statm")
Value = TypeVar("Value", bound=np.generic)


class ScratchError(Exception):
    """There is no room for a large array: names the directory and what to do."""


class Scratch:
    """Makes arrays: small ones in memory, large ones in files of a directory; without one, all in memory.

    A page of such a file is in memory once it is used, until ``let_go``, or until the system needs the memory.
    """

    def __init__(self, directory: Path | None = None, *, large_bytes: int = LARGE_BYTES) -> None:
        self._directory = directory
        self._large_bytes = large_bytes
        self._maps: WeakSet[mmap.mmap] = WeakSet()

    def empty(self, count: int, dtype: type[Value]) -> NDArray[Value]:
        """An array [count] whose values are arbitrary; ScratchError if the disk has no room for it."""
        size = count * np.dtype(dtype).itemsize
        if self._directory is None or size < self._large_bytes:
            return np.empty(count, dtype=dtype)
        try:
            with TemporaryFile(dir=self._directory) as file:
                os.posix_fallocate(file.fileno(), 0, size)  # a full disk would end the process at a later write
                mapped = mmap.mmap(file.fileno(), size)
        except OSError as error:
            raise ScratchError(
                f"{self._directory} cannot hold {size / 2**30:.1f} GiB of intermediate data ({error.strerror}): "
                "make room, or choose another directory with --data"
            ) from error
        self._maps.add(mapped)
        return np.frombuffer(mapped, dtype=dtype, count=count)

    def let_go(self, *, if_over: int = 0) -> bool:
        """Return the pages of the large arrays to the system, which keeps what is in them.

        With ``if_over``, only if more bytes of mapped files than that are in the memory of this process. Returns
        whether pages were returned.
        """
        maps = list(self._maps)
        if not maps or (if_over and _mapped_bytes() <= if_over):
            return False
        for mapped in maps:
            mapped.madvise(mmap.MADV_DONTNEED)
        return True


IN_MEMORY = Scratch()


def _mapped_bytes() -> float:
    """The pages of files in this process's memory; infinitely many where the system does not say."""
    try:
        return int(_STATM.read_text(encoding="ascii").split()[2]) * mmap.PAGESIZE
    except OSError:
        return float("inf")


def pieces(count: int, at_once: int = ROWS_AT_ONCE) -> Iterator[slice]:
    """Slices that cover ``range(count)``, none of them empty."""
    for start in range(0, count, at_once):
        yield slice(start, min(start + at_once, count))


def counts_of(rows: NDArray[np.integer], count: int, at_once: int = ROWS_AT_ONCE) -> NDArray[np.int64]:
    """How often each of ``range(count)`` occurs in ``rows``: int64 [count]."""
    counts = np.zeros(count, dtype=np.int64)
    for piece in pieces(len(rows), at_once):
        counts += np.bincount(rows[piece], minlength=count)
    return counts


def even_ranges(counts: NDArray[np.integer], at_once: int = ROWS_AT_ONCE) -> Iterator[tuple[int, int]]:
    """Ranges of rows, first and behind the last, whose ``counts`` sum up to about ``at_once`` each.

    They cover all rows; one that counts more than that alone is in one range. There is one range at least.
    """
    ends = np.cumsum(counts)
    total = int(ends[-1]) if len(ends) else 0
    cuts = np.searchsorted(ends, np.arange(at_once, total, at_once)) + 1
    bounds = np.unique([0, *cuts.tolist(), len(counts)]).tolist()
    yield from pairwise(bounds) if len(bounds) > 1 else [(0, 0)]
