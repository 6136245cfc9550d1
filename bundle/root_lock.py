"""The lock of a directory of bundles: whoever changes it holds it from the first file to the last link.

So changes never interleave, and the leftovers of a crash can be told from the files of a running writer.
"""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bundle.manifest import BundleError

LOCK_NAME = ".lock"


@contextmanager
def locked(root: Path, *, on_wait: Callable[[], None] | None = None) -> Iterator[None]:
    """Hold the root's lock while the block runs; if another process holds it, call ``on_wait`` and wait.

    The lock ends with the process, even if it crashes. Every OSError in the block, such as that of a full disk, becomes
    a BundleError that names the root.
    """
    try:
        root.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(root / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if on_wait:
                    on_wait()
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)
    except OSError as error:
        raise BundleError(root, f"cannot be written ({reason_of(error)}): `current` is unchanged") from error


def reason_of(error: Exception) -> str:
    """What the system says of an error, or the error's own words."""
    return error.strerror if isinstance(error, OSError) and error.strerror else str(error)
