"""A recording layer over the calls that decide what a power cut leaves: syncs and renames, in their order."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

Call = tuple[str, Path] | tuple[str, Path, Path]
"""("sync", path) or ("rename", from, to)."""


@contextmanager
def recorded_disk() -> Iterator[list[Call]]:
    """Hear every os.fsync, os.rename and os.replace of the block; each still happens."""
    calls: list[Call] = []
    sync, rename, replace = os.fsync, os.rename, os.replace

    def recorded_sync(descriptor: int) -> None:
        calls.append(("sync", Path(f"/proc/self/fd/{descriptor}").readlink()))
        sync(descriptor)

    def recorded_rename(source: Path, target: Path) -> None:
        calls.append(("rename", Path(source), Path(target)))
        rename(source, target)

    def recorded_replace(source: Path, target: Path) -> None:
        calls.append(("rename", Path(source), Path(target)))
        replace(source, target)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", recorded_sync)
        patch.setattr(os, "rename", recorded_rename)
        patch.setattr(os, "replace", recorded_replace)
        yield calls
