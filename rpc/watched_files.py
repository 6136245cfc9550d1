"""Files that are read again when they change; while what they hold is bad, what they held before counts."""

import threading
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Generic, TypeVar

import structlog

_log = structlog.get_logger("rpc.watched_files")
_Value = TypeVar("_Value")

Stamp = tuple[tuple[int, int, int, int] | None, ...]
"""A mark of some files at a moment: equal as long as nobody writes or replaces one of them."""


class FileContentError(Exception):
    """A file cannot be read or does not hold what it should: names the path and the reason, never its content."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


def read_file(path: Path) -> bytes:
    """Read a whole file; FileContentError with the system's own words if that fails."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise FileContentError(path, error.strerror or "cannot be read") from error


def stamp_of(paths: Iterable[Path]) -> Stamp:
    """The stamp of the files now: one stat call a file, links followed, None for a file that is not there."""
    return tuple(_stamp_of_one(path) for path in paths)


class WatchedFiles(Generic[_Value]):
    """A value that some files hold; asking for it costs one stat call a file."""

    def __init__(self, paths: Sequence[Path], read: Callable[[], _Value]) -> None:
        """Read them for the first time; what ``read`` raises (FileContentError) passes."""
        self._paths = tuple(paths)
        self._read = read
        self._lock = threading.Lock()
        self._tried = stamp_of(self._paths)  # before reading: a change meanwhile is seen the next time
        self._value = read()

    def current(self) -> _Value:
        """What the files hold now; what they held before if that is bad, with one warning a change."""
        with self._lock:
            stamp = stamp_of(self._paths)
            if stamp != self._tried:
                self._tried = stamp
                try:
                    self._value = self._read()
                except FileContentError as error:
                    _log.warning("changed file refused, its content before counts on", reason=str(error))
                else:
                    _log.info("changed files read again", paths=[str(path) for path in self._paths])
            return self._value


def _stamp_of_one(path: Path) -> tuple[int, int, int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino
