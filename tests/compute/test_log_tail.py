"""Several readers of one log in one process: each from its own position, none in the way of another."""

import gc
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from compute import log_tail
from compute.log_tail import LogTail
from store.interactions import NewInteraction, Verb
from store.log_entries import Entries
from store.port import Store
from store.sql_store import open_store
from tests.waiting import wait_until


class Reader:
    """Keeps the positions that it has read; fails while ``is_broken``."""

    def __init__(self, position: int = 0, *, is_broken: bool = False) -> None:
        self.position = position
        self.is_broken = is_broken
        self.found: list[int] = []

    def read(self, entries: Entries) -> None:
        if self.is_broken:
            raise ValueError("a fault of this reader")
        self.found += [entry.position for entry in entries.entries]
        self.position = entries.position


def record(store: Store, count: int) -> int:
    start = store.position()
    rows = [
        NewInteraction(event_id=f"{start} {number}", username="ana", occurred_at_ms=1, verb=Verb.LIKE, post_id=1)
        for number in range(count)
    ]
    return store.record(rows).position


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(f"sqlite:///{tmp_path}/store.sqlite") as opened:
        yield opened


@pytest.fixture
def tail(tmp_path: Path) -> LogTail:
    return LogTail(lambda: open_store(f"sqlite:///{tmp_path}/store.sqlite"))


def test_each_reader_reads_on_from_its_own_position(store: Store, tail: LogTail) -> None:
    record(store, 5)
    first, second = Reader(), Reader(3)
    tail.add(first)
    tail.add(second)
    with tail.followed():
        assert (first.found, second.found) == ([1, 2, 3, 4, 5], [4, 5])
        late = Reader(1)
        tail.add(late)
        tail.read_up(late, seconds=30)
        assert late.found == [2, 3, 4, 5]
        assert tail.reach(first, record(store, 1), seconds=30)
        assert (first.found[-1], tail.reach(late, 6, seconds=30), late.found[-1]) == (6, True, 6)


def test_a_log_that_rests_after_a_read_is_read_at_once_when_a_position_is_asked_for(
    store: Store, tmp_path: Path
) -> None:
    resting = LogTail(lambda: open_store(f"sqlite:///{tmp_path}/store.sqlite"), rest_seconds=3600)
    reader = Reader()
    resting.add(reader)
    record(store, 1)
    with resting.followed():
        assert reader.found == [1]
        assert resting.reach(reader, record(store, 2), seconds=30)
        assert reader.found == [1, 2, 3]
        assert resting.reach(reader, record(store, 1), seconds=30)


def test_a_reader_who_is_far_behind_keeps_no_others_waiting(
    store: Store, tail: LogTail, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_tail, "ENTRIES_AT_ONCE", 2)
    record(store, 20)
    seen: list[tuple[int, int]] = []

    class Noting(Reader):
        def read(self, entries: Entries) -> None:
            super().read(entries)
            seen.append((front.position, behind.position))

    front, behind = Noting(20), Noting()
    tail.add(front)
    tail.add(behind)
    record(store, 2)
    with tail.followed():
        tail.read_up(behind, seconds=30)
    assert behind.position == front.position == 22
    assert seen[0] == (22, 0)  # the one in front was first


def test_a_reader_that_fails_keeps_no_others_from_reading_and_reads_when_it_can(store: Store, tail: LogTail) -> None:
    sound, broken = Reader(), Reader(is_broken=True)
    tail.add(broken)
    tail.add(sound)
    with tail.followed():
        record(store, 3)
        with tail.moved:
            assert tail.moved.wait_for(lambda: sound.position == 3, 30)
        assert broken.found == []
        broken.is_broken = False
        with tail.moved:
            assert tail.moved.wait_for(lambda: broken.position == 3, 30)


def test_nobody_waits_for_a_log_that_is_not_followed(store: Store, tail: LogTail) -> None:
    record(store, 1)
    reader = Reader()
    tail.add(reader)
    tail.read_up(reader, seconds=3600)
    assert not tail.reach(reader, 1, seconds=3600)
    with tail.followed():
        assert tail.reach(reader, 1, seconds=30)
    assert not tail.reach(reader, 2, seconds=3600)


def test_a_reader_whom_nobody_holds_is_forgotten(store: Store, tail: LogTail) -> None:
    kept, gone = Reader(), Reader()
    tail.add(gone)
    tail.add(kept)
    del gone
    gc.collect()
    assert [list(readers) for readers in tail._readers_by_position().values()] == [[kept]]


def test_a_long_read_says_how_far_it_has_come(store: Store, tail: LogTail, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_tail, "NOTE_SECONDS", 0)
    monkeypatch.setattr(log_tail, "ENTRIES_AT_ONCE", 2)
    record(store, 5)
    reader = Reader()
    tail.add(reader)
    with capture_logs() as logs, tail.followed():
        assert reader.position == 5
    notes = [(note["read"], note["newest"]) for note in logs if note["event"] == "log is being read"]
    assert notes == [(2, 5), (4, 5)]


def test_a_log_in_which_nothing_happens_is_looked_at_less_often_until_something_does(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[Store] = []
    monkeypatch.setattr(log_tail, "IDLE_AFTER_SECONDS", 0.0)
    monkeypatch.setattr(log_tail, "IDLE_POLL_SECONDS", 3600.0)
    idle = LogTail(lambda: open_store(f"sqlite:///{tmp_path}/store.sqlite"), after_each_round=looks.append)
    reader = Reader()
    idle.add(reader)
    with idle.followed():
        before = len(looks)
        time.sleep(10 * log_tail.POLL_SECONDS)
        assert len(looks) <= before + 1
        monkeypatch.setattr(log_tail, "IDLE_AFTER_SECONDS", 3600.0)
        assert idle.reach(reader, record(store, 1), seconds=30)  # asked for: what comes next is found without asking
        record(store, 1)
        wait_until(lambda: reader.found == [1, 2], what="the log is looked at often again")


def test_what_is_written_after_a_pause_is_read_within_a_second(
    store: Store, tail: LogTail, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_tail, "IDLE_AFTER_SECONDS", 0.0)
    reader = Reader()
    tail.add(reader)
    with tail.followed():
        record(store, 1)
        wait_until(lambda: reader.found == [1], seconds=1.0, what="the log is read")
