"""A disk that fills up refuses writes by name, loses nothing, and the store goes on once there is space."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from store.backup import back_up
from store.errors import BackupError, StoreUnavailableError
from store.sql_store import SqlStore, open_store
from tests.store.rows import did, record

FULL = "the store's disk is full, so nothing was recorded"


@contextmanager
def mounted(directory: Path, size: str) -> Iterator[Path]:
    directory.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", directory]
    if shutil.which("mount") is None or subprocess.run(command, capture_output=True, check=False).returncode != 0:
        pytest.skip("mounting a tmpfs is not permitted here: needs root")
    try:
        yield directory
    finally:
        subprocess.run(["umount", "--lazy", directory], check=True)


def record_until_refused(store: SqlStore, name: str) -> tuple[set[str], str]:
    """The acknowledged event ids, and what the refusal said."""
    kept: set[str] = set()
    for batch in range(10_000):
        ids = [f"{name}:{batch}:{row}" for row in range(50)]
        try:
            record(store, *(did(event_id, "ana") for event_id in ids))
        except StoreUnavailableError as error:
            return kept, str(error)
        kept |= set(ids)
    raise AssertionError("the disk never filled up")


def kept_ids(store: SqlStore) -> set[str]:
    return {item.event_id for batch in store.events_up_to(store.position()) for item in batch}


def test_a_full_disk_refuses_writes_and_keeps_what_it_acknowledged(tmp_path: Path) -> None:
    with mounted(tmp_path / "disk", "1m") as disk:
        url = f"sqlite:///{disk}/store.sqlite"
        ballast = disk / "ballast"
        ballast.write_bytes(bytes(256 * 1024))
        with open_store(url) as store:
            kept, said = record_until_refused(store, "first")
            assert said.startswith(FULL)
            assert kept_ids(store) == kept  # readers go on
            ballast.unlink()
            more, said = record_until_refused(store, "second")
            assert more
            assert said.startswith(FULL)
        with open_store(url) as store:
            assert kept_ids(store) == kept | more


def test_a_store_that_is_full_in_its_first_page_says_so(tmp_path: Path) -> None:
    with mounted(tmp_path / "disk", "16k") as disk, pytest.raises(StoreUnavailableError, match="disk"):
        open_store(f"sqlite:///{disk}/store.sqlite")


def test_a_backup_that_finds_no_space_says_so(store: SqlStore, tmp_path: Path) -> None:
    record(store, *(did(str(number), f"person {number}") for number in range(2000)))
    with mounted(tmp_path / "disk", "100k") as disk, pytest.raises(BackupError, match="full"):
        back_up(store.engine, disk / "backup")
