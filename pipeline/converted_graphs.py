"""Keep the graphs that an encoder was converted to: the conversion takes ten seconds, and a build needs two of them.

An entry is a directory named by what it was made from, and complete or absent. Losing one costs time, never a result.
"""

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import mkdtemp

from pipeline.most_recent import forget_least_recent, note_use

VARIABLE = "MOODFEED_CACHE_DIRECTORY"

_CHECKSUMS = "sha256sums"
_MOST_ENTRIES = 8  # the default encoder's two take 115 MB


def kept_graph(key: str, make: Callable[[Path], None]) -> Path | None:
    """The directory of the files that ``make`` writes into the directory it is given, made now unless it was before.

    ``key`` is a hexadecimal digest of everything that the files follow from. Returns None where nothing can be kept;
    the caller then makes the files elsewhere. Errors of ``make`` are its own, and nothing is kept of them.
    """
    root = _root()
    if root is None:
        return None
    entry = root / key
    if _is_whole(entry):
        with suppress(OSError):
            note_use(entry)
        return entry
    try:
        root.mkdir(parents=True, exist_ok=True)
        scratch = Path(mkdtemp(dir=root, prefix=".incomplete-"))
    except OSError:
        return None
    try:
        make(scratch)
        return _keep(scratch, entry)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _keep(scratch: Path, entry: Path) -> Path | None:
    """Give a complete directory its name; None if the disk refuses."""
    try:
        sums = "".join(f"{_digest(file)}  {file.name}\n" for file in sorted(scratch.iterdir()))
        (scratch / _CHECKSUMS).write_text(sums, encoding="utf-8")
        if entry.exists() and not _is_whole(entry):
            shutil.rmtree(entry)
        with suppress(OSError):  # another process may have been first
            scratch.rename(entry)
    except OSError:
        return None
    with suppress(OSError):
        note_use(entry)
        forget_least_recent(_entries(entry.parent), most=_MOST_ENTRIES, used_now=entry)
    return entry if _is_whole(entry) else None


def _is_whole(entry: Path) -> bool:
    try:
        lines = (entry / _CHECKSUMS).read_text(encoding="utf-8").splitlines()
        return bool(lines) and all(_digest(entry / name) == sha for sha, name in (line.split("  ") for line in lines))
    except (OSError, ValueError):
        return False


def _digest(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _entries(root: Path) -> Iterator[Path]:
    """The whole entries; who reads one that is removed at this moment converts again."""
    return (item for item in root.iterdir() if not item.name.startswith("."))


def _root() -> Path | None:
    """Where entries lie: below MOODFEED_CACHE_DIRECTORY, $XDG_CACHE_HOME/moodfeed or ~/.cache/moodfeed."""
    named = os.environ.get(VARIABLE)
    if named:
        return Path(named) / "encoders"
    shared = os.environ.get("XDG_CACHE_HOME")
    try:
        return (Path(shared) if shared else Path.home() / ".cache") / "moodfeed" / "encoders"
    except RuntimeError:  # a user without a home
        return None
