"""Replace a file in one step: a reader, and a crash at any moment, meets the whole old file or the whole new one.

The order is what survives a power cut: the new file's bytes reach the disk, then its name, then the directory's entry.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def whole_file(path: Path, *, mode: int | None = None) -> Iterator[Path]:
    """Give the block a temporary path in the same directory; what it holds afterwards takes the place of ``path``.

    With ``mode`` the temporary file exists from the start and is never readable to more than the mode says. If the
    block raises, ``path`` stays as it was and the temporary file is removed.
    """
    temporary = path.with_name(f".{path.name}.incomplete")
    temporary.unlink(missing_ok=True)
    try:
        if mode is not None:
            os.close(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode))
            temporary.chmod(mode)  # whatever the umask took away
        yield temporary
        _sync(temporary)
        temporary.replace(path)
        _sync(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def write_whole_text(path: Path, text: str) -> None:
    """Replace ``path`` with a UTF-8 text file."""
    with whole_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def replace_together(names: Iterable[str], *, source: Path, target: Path) -> None:
    """Replace files in ``target`` by complete, synced ones from ``source``, in the order of the names."""
    target.mkdir(parents=True, exist_ok=True)
    for name in names:
        (source / name).replace(target / name)
    _sync(target)


def _sync(path: Path) -> None:
    """Wait until a file's bytes, or a directory's entries, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
