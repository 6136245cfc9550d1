"""Make glibc return the memory of a dropped bundle; no effect with other C libraries."""

import ctypes

_MMAP_THRESHOLD = -3  # the name M_MMAP_THRESHOLD of mallopt(3)
_LARGE_BLOCK_BYTES = 1 << 20


def map_large_blocks() -> None:
    """Map each block of a megabyte or more separately, so that its pages return to the system when it is freed.

    By default glibc raises this threshold to the size of the largest block freed so far. After the first swap the
    weights of a model then lie between small blocks that stay in use, and each swap can leave up to 30 MB behind. A
    process that allocates such blocks for every request should not call this: it would pay for fresh pages each time.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_MMAP_THRESHOLD, _LARGE_BLOCK_BYTES)


def give_memory_back() -> None:
    """Return free pages to the system; glibc would keep them."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
