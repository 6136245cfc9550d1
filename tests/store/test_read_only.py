"""A SQLite store that this user may not write: it can be looked at and backed up, and a writer names the file."""

import ctypes
import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

from store.sql_store import open_store
from tests.store.rows import did, record


def obey_permissions() -> None:
    """Give up root's right to write where nobody may; anybody else has it not."""
    for capability in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
        ctypes.CDLL(None).prctl(24, capability, 0, 0, 0)


WHAT_TO_DO = "give this user the permission to write the file and its directory, or name another store"
PROGRAM = """
import sys
from pathlib import Path
from store.backup import back_up
from store.errors import StoreUnavailableError
from store.opening import opened
from store.sql_store import SqlStore, open_store
from store.status import store_status
url, backup = sys.argv[1:]
with opened(url, only_reads=True) as engine:
    found = store_status(engine)
    print(found.contents.interactions, url in found.database)
    with SqlStore(engine) as store:
        print(store.position())
    print(back_up(engine, Path(backup)))
try:
    open_store(url)
except StoreUnavailableError as error:
    print(error)
"""


@pytest.mark.parametrize("is_open", [False, True])
def test_a_store_that_may_not_be_written_is_read_and_backed_up(tmp_path: Path, is_open: bool) -> None:
    directory = tmp_path / "mine"
    path = directory / "store.sqlite"
    store = open_store(f"sqlite:///{path}")
    record(store, did("1", "ana"), did("2", "bo"))
    if not is_open:
        store.close()
    before = hashlib.sha256(path.read_bytes()).digest()
    for file in directory.iterdir():
        file.chmod(0o400)
    directory.chmod(0o500)
    try:
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, f"sqlite:///{path}", tmp_path / "backup"],
            capture_output=True,
            text=True,
            check=False,
            preexec_fn=obey_permissions,
        )
    finally:
        directory.chmod(0o700)
        for file in directory.iterdir():
            file.chmod(0o600)
    if is_open:
        store.close()
    assert done.stderr == ""
    assert done.stdout.splitlines() == [
        "2 True",
        "2",
        "2",
        f"{path} cannot be written: {WHAT_TO_DO}",
    ]
    assert is_open or hashlib.sha256(path.read_bytes()).digest() == before
    with open_store(f"sqlite:///{tmp_path}/backup") as copy:
        assert copy.position() == 2
