"""What glibc does with the memory of a dropped bundle; other C libraries are left as they are."""

import ctypes

_MMAP_THRESHOLD = -3  # the name M_MMAP_THRESHOLD of mallopt(3)
_LARGE_BLOCK_BYTES = 1 << 20


def map_large_blocks() -> None:
    """Give each block of a megabyte or more pages of its own, which go back to the system when the block is freed.

    By default glibc raises the size from which it does so to that of the largest block freed so far. After the first
    swap the weights of a model then lie between small blocks that live on, and swaps leave up to 30 MB behind. A
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
