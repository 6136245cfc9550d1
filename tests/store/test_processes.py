"""Several processes and one store: order, crashes, outages. All processes are real, and so are the signals."""

import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

from store.errors import StoreUnavailableError
from store.interactions import RecordResult
from store.log_entries import InteractionRecorded
from store.recent_events import FILING_BEGINS_AT
from store.sql_store import SqlStore, open_store
from tests.postgresql_server import PostgresqlServer
from tests.store.rows import did, record
from tests.waiting import wait_until

ROOT = Path(__file__).parents[2]


@contextmanager
def writer(
    url: str, name: str, *, batches: int, rows: int, filing_begins_at: int = FILING_BEGINS_AT
) -> Iterator[subprocess.Popen[str]]:
    numbers = map(str, (batches, rows, filing_begins_at))
    command = [sys.executable, "-m", "tests.store.writer_process", url, name, *numbers]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def event_ids(store: SqlStore, *, after: int = 0) -> list[str]:
    return [item.event_id for batch in store.events_up_to(store.position(), after=after) for item in batch]


def test_a_reader_beside_many_writers_skips_nothing_and_sees_nothing_twice(store: SqlStore, url: str) -> None:
    threads, batches, rows = 4, 12, 5
    seen: list[str] = []
    positions: list[int] = []
    is_over = threading.Event()

    def follow() -> None:
        position = 0
        while True:
            ends = is_over.is_set()
            part = store.entries_after(position, limit=7)
            for entry in part.entries:
                assert isinstance(entry, InteractionRecorded)
                assert entry.interaction is not None
                seen.append(entry.interaction.event_id)
                positions.append(entry.position)
            position = part.position
            if ends and not part.entries:
                return

    def write(number: int) -> None:
        with open_store(url, pool_size=1) as own:  # a connection of its own, as another process has
            for batch in range(batches):
                record(own, *(did(f"{number}:{batch}:{row}", f"thread {number}") for row in range(rows)))

    reader = threading.Thread(target=follow)
    reader.start()
    with writer(url, "process", batches=batches, rows=rows) as process:
        writers = [threading.Thread(target=write, args=(number,)) for number in range(threads)]
        for thread in writers:
            thread.start()
        for thread in writers:
            thread.join()
        acknowledged = process.communicate(timeout=60)[0].split()
    is_over.set()
    reader.join()
    names = [f"{number}" for number in range(threads)] + ["process"]
    written = {f"{name}:{batch}:{row}" for name in names for batch in range(batches) for row in range(rows)}
    assert set(acknowledged) <= set(seen) == written
    assert len(seen) == len(written)
    assert positions == list(range(1, len(written) + 1))


@pytest.mark.parametrize("filing_begins_at", [FILING_BEGINS_AT, 64])
def test_of_a_killed_writer_every_acknowledged_row_is_there_once_and_others_go_on(
    store: SqlStore, url: str, filing_begins_at: int
) -> None:
    acknowledged: list[str] = []
    for run in range(3):
        with writer(url, f"run {run}", batches=10_000, rows=20, filing_begins_at=filing_begins_at) as process:
            assert process.stdout is not None
            acknowledged += [process.stdout.readline().strip() for _ in range(60 + run * 20)]
            process.kill()
            acknowledged += process.stdout.read().split("\n")[:-1]
        record(store, did(f"after {run}", "ana"))
    kept = event_ids(store)
    assert len(kept) == len(set(kept))
    assert set(acknowledged) <= set(kept)
    assert len(kept) % 20 == 3  # whole batches, and our own rows
    again = store.record([did(event_id, "somebody") for event_id in acknowledged])
    assert set(again.results) == {RecordResult.DUPLICATE}


def test_a_server_that_is_killed_loses_nothing_and_the_store_recovers_by_itself(postgresql: PostgresqlServer) -> None:
    with postgresql.database() as url, open_store(url) as store:
        acknowledged: list[str] = []
        refusals: list[str] = []
        is_over = threading.Event()

        def write(name: str) -> None:
            number = 0
            while not is_over.is_set():
                event_id = f"{name}:{number}"
                try:
                    record(store, did(event_id, name))
                except StoreUnavailableError as error:
                    refusals.append(str(error))  # and the same row is sent again
                    time.sleep(0.01)
                    continue
                acknowledged.append(event_id)
                number += 1

        writers = [threading.Thread(target=write, args=(name,)) for name in ("ana", "bo")]
        for thread in writers:
            thread.start()
        for _ in range(2):
            reached = len(acknowledged)
            wait_until(lambda reached=reached: len(acknowledged) > reached + 20)
            refused = len(refusals)
            postgresql.kill()
            wait_until(lambda refused=refused: len(refusals) > refused)
            with pytest.raises(StoreUnavailableError, match="does not answer"):
                store.history("ana")
            postgresql.start()
        reached = len(acknowledged)
        wait_until(lambda: len(acknowledged) > reached + 20)
        is_over.set()
        for thread in writers:
            thread.join()
        kept = event_ids(store)
        assert len(kept) == len(set(kept))
        assert set(kept) == set(acknowledged)


def test_a_writer_that_is_locked_out_is_refused_and_keeps_nothing(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/store.sqlite"
    with open_store(url, longest_wait=0.05) as store, open_store(url) as other:
        with other.engine.connect() as connection:
            driver = connection.connection.driver_connection
            assert driver is not None
            driver.execute("BEGIN IMMEDIATE")
            with pytest.raises(StoreUnavailableError, match="busy"):
                record(store, did("1", "ana"))
            assert store.position() == 0  # readers go on
            driver.execute("ROLLBACK")
        assert store.record([did("1", "ana")]).results == (RecordResult.ACCEPTED,)


def test_a_new_file_is_opened_once_another_process_has_written_it(tmp_path: Path, monkeypatch) -> None:
    """SQLite refuses to turn the journal to WAL at once while another process writes, whatever the busy timeout."""
    path, pauses = tmp_path / "store.sqlite", []
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")

        def pause(seconds: float) -> None:
            pauses.append(seconds)
            if len(pauses) == 3:
                other.execute("ROLLBACK")

        monkeypatch.setattr("store.engine.time", SimpleNamespace(monotonic=time.monotonic, sleep=pause))
        with open_store(f"sqlite:///{path}") as store:
            assert store.position() == 0
    assert len(pauses) == 3
