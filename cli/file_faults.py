"""Faults of the disk in one line: a directory that may not be written, a file in place of a directory, a full disk."""

import errno
import os
import re
import sqlite3
from pathlib import Path

from safetensors import SafetensorError

_WHAT_TO_DO = {
    errno.EACCES: "give this user the permission, or choose another directory",
    errno.EPERM: "give this user the permission, or choose another directory",
    errno.EROFS: "choose a directory on a disk that can be written",
    errno.ENOTDIR: "a part of the path is a file; choose another path, or move the file away",
    errno.EEXIST: "there is a file where a directory is needed; choose another path, or move the file away",
    errno.EISDIR: "there is a directory where a file is needed; choose another path, or move the directory away",
    errno.ENOSPC: "free some space, or choose another disk",
    errno.EDQUOT: "free some space, or choose another disk",
    errno.ENAMETOOLONG: "choose a shorter path",
}
_FULL = {errno.ENOSPC, errno.EDQUOT}
_REFUSED = {errno.EACCES, errno.EPERM, errno.EROFS, *_FULL}
_OF_SAFETENSORS = re.compile(r'\(os error (\d+)\)(?: at path "(.*)")?')


def fault_of_a_file(error: BaseException) -> str | None:
    """The path, the fault and what to do; None for an error that is not of a file."""
    if isinstance(error, OSError) and error.filename:
        path = os.fsdecode(error.filename) if isinstance(error.filename, str | bytes | os.PathLike) else error.filename
        return _said(str(path), error.errno, error.strerror)
    if isinstance(error, OSError) and error.errno in _FULL:
        return f"what is printed or written: {error.strerror}; {_WHAT_TO_DO[error.errno]}"
    if isinstance(error, SafetensorError) and (found := _OF_SAFETENSORS.search(str(error))):
        number = int(found[1])  # it makes no OSError of what the disk said
        return _said(found[2] or "a file of arrays", number, os.strerror(number))
    if isinstance(error, sqlite3.OperationalError):
        return f"{error}: choose another directory with --data, or give this user the permission to write there"
    return None


def directory_or_absent(path: Path) -> Path:
    """The path of a directory that is there or can be made; NotADirectoryError if a part of the path is a file."""
    if _file_in(path):
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), os.fspath(path))
    return path


def refuse_unwritable(*paths: Path) -> None:
    """OSError if a file or a directory that a long stage writes at its end cannot be written: before the work is done.

    A path that is not there yet is judged by the nearest directory above it.
    """
    for path in paths:
        place = next(part for part in (path.absolute(), *path.absolute().parents) if part.exists())
        if not os.access(place, os.W_OK):
            number = errno.EROFS if os.statvfs(place).f_flag & os.ST_RDONLY else errno.EACCES
            raise OSError(number, os.strerror(number), os.fspath(place))


def _said(path: str, number: int | None, reason: str | None) -> str:
    advice = _WHAT_TO_DO.get(number or 0)
    if number in _REFUSED and not os.path.lexists(path) and Path(path).parent.is_dir():
        path = os.fspath(Path(path).parent)  # the directory refuses: the file's name may be a temporary one
    place = _file_in(Path(path)) if number in {errno.ENOTDIR, errno.EEXIST} else None
    return f"{path}: {reason}" + (f" ({place} is a file)" if place else "") + (f"; {advice}" if advice else "")


def _file_in(path: Path) -> Path | None:
    """The part of a path that is a file."""
    return next((part for part in (path, *path.parents) if part.is_file()), None)
