"""Directories of which those used last are kept."""

import os
import shutil
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path


def note_use(directory: Path) -> None:
    """Make a directory the one that was used last; OSError where its time cannot be written."""
    now = time.time_ns()  # finer than the kernel's own time of a file, which several uses may share
    os.utime(directory, ns=(now, now))


def forget_least_recent(directories: Iterable[Path], *, most: int, used_now: Path) -> None:
    """Remove all but the ``most`` that were used last; ``used_now`` is one of those, whatever the clock says."""
    times: dict[Path, int] = {}
    for directory in directories:
        with suppress(FileNotFoundError):  # another process has removed it meanwhile
            times[directory] = directory.stat().st_mtime_ns
    for directory in sorted(times, key=lambda each: (each == used_now, times[each]), reverse=True)[most:]:
        shutil.rmtree(directory, ignore_errors=True)
