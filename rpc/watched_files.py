"""Files that are read again when they change; while their content is bad, the last good content stays in use."""

import threading
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Generic, TypeVar

import structlog

_log = structlog.get_logger("rpc.watched_files")
_Value = TypeVar("_Value")

Stamp = tuple[tuple[int, int, int, int] | None, ...]
"""Identifies the state of some files: equal as long as none of them is written or replaced."""


class FileContentError(Exception):
    """A file cannot be read or has the wrong content; the text names the path and the reason, never the content."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


def read_file(path: Path) -> bytes:
    """Read a whole file; FileContentError with the system's reason if that fails."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise FileContentError(path, error.strerror or "cannot be read") from error


def stamp_of(paths: Iterable[Path]) -> Stamp:
    """The present stamp of the files: one stat call a file, links followed, None for a missing file."""
    return tuple(_stamp_of_one(path) for path in paths)


class WatchedFiles(Generic[_Value]):
    """A value that is read from files; asking for it costs one stat call a file."""

    def __init__(self, paths: Sequence[Path], read: Callable[[], _Value]) -> None:
        """Read the files for the first time; raises what ``read`` raises, a FileContentError."""
        self._paths = tuple(paths)
        self._read = read
        self._lock = threading.Lock()
        self._tried = stamp_of(self._paths)  # before reading, so that a change meanwhile is seen next time
        self._value = read()

    def current(self) -> _Value:
        """The value of the files now, or the last good value if they are bad; each change is logged once."""
        with self._lock:
            stamp = stamp_of(self._paths)
            if stamp != self._tried:
                self._tried = stamp
                try:
                    self._value = self._read()
                except FileContentError as error:
                    _log.warning("changed files refused", reason=str(error))
                else:
                    _log.info("changed files loaded", paths=[str(path) for path in self._paths])
            return self._value


def _stamp_of_one(path: Path) -> tuple[int, int, int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino
