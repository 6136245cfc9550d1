"""One process at a time replaces what a data directory holds."""

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_held: set[Path] = set()
_CANNOT_LOCK = {errno.EBADF, errno.ENOLCK, errno.EOPNOTSUPP}
"""What file systems say that lock no directory, such as NFS."""


class BusyDirectoryError(Exception):
    """Another process is writing to a directory: names it, and says what to do."""


@contextmanager
def only_writer(directory: Path) -> Iterator[None]:
    """Hold a directory, which is made, until the block ends; BusyDirectoryError if another process holds it.

    The kernel lets go of it when the process ends, however it ends. A block within such a block holds it too. Where the
    file system locks no directory, nobody is refused.
    """
    directory.mkdir(parents=True, exist_ok=True)
    with only_writer_if_there(directory):
        yield


@contextmanager
def only_writer_if_there(directory: Path) -> Iterator[None]:
    """Hold a directory as ``only_writer`` does; one that is not there is not made, and holds nothing to replace."""
    if not directory.is_dir():
        yield
        return
    place = directory.resolve()
    if place in _held:
        yield
        return
    descriptor = os.open(place, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BusyDirectoryError(
                f"another moodfeed process is writing to {directory}: wait until it ends, or choose another directory "
                "with --data"
            ) from None
        except OSError as error:
            if error.errno not in _CANNOT_LOCK:
                raise
        _held.add(place)
        try:
            yield
        finally:
            _held.discard(place)
    finally:
        os.close(descriptor)
