"""An event counts once, whether its key is filed or stands in the log alone, whoever recorded and filed it."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select

from store.backup import back_up, restore
from store.engine import reading
from store.errors import StoreUnavailableError
from store.head import read_head
from store.interactions import RecordResult
from store.schema import EVENT_KEYS
from store.sql_store import SqlStore, open_store
from store.status import store_status
from tests.store.rows import did, record, took_back

ACCEPTED, DUPLICATE = RecordResult.ACCEPTED, RecordResult.DUPLICATE
MOST = 64


@pytest.fixture(autouse=True)
def few_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("store.recent_events.FILING_BEGINS_AT", MOST)


@pytest.fixture
def other(url: str, store: SqlStore) -> Iterator[SqlStore]:
    """The same store, as another process has it open."""
    with open_store(url) as opened:
        yield opened


def filed(store: SqlStore) -> int:
    with reading(store.engine) as connection:
        return connection.execute(select(func.count(EVENT_KEYS.c.event_key))).scalar_one()


def wait_until_filed(store: SqlStore, count: int) -> None:
    deadline = time.monotonic() + 60
    while filed(store) < count:
        assert time.monotonic() < deadline
        time.sleep(0.005)


def file_one_part(store: SqlStore) -> None:
    recent = store._writer.recent
    with store._writer.turn:
        with store._writer.transaction() as (connection, before):
            head = recent.file_part(connection, before)
        recent.filed(before, head)


def unfiled_positions(store: SqlStore) -> int:
    with reading(store.engine) as connection:
        head = read_head(connection)
    return head.position - head.filed_up_to


def events(first: int, end: int) -> list:
    return [did(f"event {number}", f"person {number % 7}") for number in range(first, end)]


def event_ids(store: SqlStore) -> int:
    contents = store_status(store.engine).contents
    assert contents is not None
    return contents.event_ids


def test_few_events_are_known_by_the_log_alone(store: SqlStore, other: SqlStore) -> None:
    record(store, *events(0, MOST // 2))
    assert other.record(events(0, MOST // 2)).results == (DUPLICATE,) * (MOST // 2)
    assert filed(store) == 0
    assert event_ids(store) == MOST // 2


def test_many_events_are_filed_and_stay_known_to_every_process(store: SqlStore, other: SqlStore, url: str) -> None:
    for first in range(0, 6 * MOST, 16):
        record((store, other)[first // 16 % 2], *events(first, first + 16))
    wait_until_filed(store, 3 * MOST)
    assert event_ids(store) == 6 * MOST
    for opened in (store, other):
        assert opened.record(events(0, 6 * MOST)).results == (DUPLICATE,) * (6 * MOST)
    with open_store(url) as new:
        assert new.record([*events(0, 6 * MOST), did("new", "ana")]).results == (DUPLICATE,) * (6 * MOST) + (ACCEPTED,)
    assert event_ids(store) == 6 * MOST + 1


def test_what_one_process_has_begun_to_file_another_one_ends(store: SqlStore, other: SqlStore, monkeypatch) -> None:
    monkeypatch.setattr("store.filing.Filing.soon", lambda _filing: None)  # as if the process died right then
    record(store, *events(0, 2 * MOST))
    file_one_part(store)
    assert 0 < filed(store) < 2 * MOST
    assert event_ids(store) == 2 * MOST
    monkeypatch.undo()
    monkeypatch.setattr("store.recent_events.FILING_BEGINS_AT", MOST)
    record(other, *events(2 * MOST, 6 * MOST))
    wait_until_filed(store, 2 * MOST)
    for opened in (store, other):
        assert opened.record(events(0, 6 * MOST)).results == (DUPLICATE,) * (6 * MOST)
    with reading(store.engine) as connection:
        assert read_head(connection).filed_up_to >= 2 * MOST


def test_what_is_refused_is_no_recorded_event(store: SqlStore, monkeypatch) -> None:
    record(store, did("1", "ana"))

    def fail(*_: object) -> None:
        raise StoreUnavailableError("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr("store.recording.move_head", fail)
        with pytest.raises(StoreUnavailableError):
            record(store, did("2", "ana"))
    assert store.record([did("2", "ana"), did("1", "ana")]).results == (ACCEPTED, DUPLICATE)


@pytest.mark.parametrize("recorded", [3, 3 * MOST])
def test_events_of_deleted_and_expired_rows_stay_known(store: SqlStore, other: SqlStore, recorded: int) -> None:
    record(store, *events(0, recorded))
    store.delete_person("person 0")
    other.expire(before_ms=5000)
    assert list(store.events_up_to(store.position())) == []
    for opened in (store, other):
        assert opened.record(events(0, recorded)).results == (DUPLICATE,) * recorded
    assert event_ids(store) == recorded


def test_an_event_that_is_not_filed_can_be_taken_back_also_by_who_was_merged(store: SqlStore, other: SqlStore) -> None:
    record(store, did("1", "ana"), did("2", "ana"), took_back("3", "bo", "2"))
    record(other, took_back("4", "ana", "1"))
    assert [len(part) for part in store.events_up_to(store.position())] == [1]
    other.merge_people("bo", into="ana")
    assert list(store.events_up_to(store.position())) == []


def test_a_part_that_cannot_be_filed_now_is_filed_later(store: SqlStore, monkeypatch) -> None:
    failures = []

    def fail(*_: object) -> None:
        failures.append(1)
        raise StoreUnavailableError("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr("store.recent_events.write_filed", fail)
        record(store, *events(0, 2 * MOST))
        deadline = time.monotonic() + 60
        while not failures:
            assert time.monotonic() < deadline
            time.sleep(0.005)
    assert store.record(events(0, 2 * MOST)).results == (DUPLICATE,) * (2 * MOST)
    record(store, *events(2 * MOST, 4 * MOST))
    wait_until_filed(store, MOST)
    assert event_ids(store) == 4 * MOST


def test_a_writer_files_by_itself_what_a_thread_without_a_turn_leaves(store: SqlStore, monkeypatch) -> None:
    monkeypatch.setattr("store.filing.Filing.soon", lambda _filing: None)
    for event in events(0, 5 * MOST):
        record(store, event)
    assert len(store._writer.recent) < 3 * MOST
    assert filed(store) > 2 * MOST
    assert event_ids(store) == 5 * MOST
    assert store.record(events(0, 5 * MOST)).results == (DUPLICATE,) * (5 * MOST)


def test_a_backup_of_what_is_filed_in_part_knows_every_event(store: SqlStore, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("store.filing.Filing.soon", lambda _filing: None)
    record(store, *events(0, 2 * MOST))
    file_one_part(store)
    assert 0 < filed(store) < 2 * MOST
    back_up(store.engine, tmp_path / "backup")
    record(store, *events(2 * MOST, 3 * MOST))
    restore(store.engine, tmp_path / "backup", replace=True)
    results = store.record(events(0, 3 * MOST)).results
    assert results == (DUPLICATE,) * (2 * MOST) + (ACCEPTED,) * MOST


def test_processes_that_end_early_leave_no_more_and_more_events_unfiled(store: SqlStore, url: str, monkeypatch) -> None:
    monkeypatch.setattr("store.filing.Filing.soon", lambda _filing: None)  # they end before a thread has a turn
    record(store, *events(0, MOST))
    for number in range(MOST, 2 * MOST):
        with open_store(url) as life:
            record(life, *events(number, number + 1))
    assert event_ids(store) == 2 * MOST
    assert event_ids(store) - filed(store) < 1.5 * MOST


def test_rows_without_events_do_not_make_the_first_write_of_a_process_read_ever_more(store: SqlStore) -> None:
    for number in range(8 * MOST + 8):
        store.remember_served("ana", [number], shown_at_ms=1, feed_id=f"{number}")
    deadline = time.monotonic() + 60
    while unfiled_positions(store) > 8 * MOST:
        assert time.monotonic() < deadline
        store.remember_served("ana", [1], shown_at_ms=1, feed_id="more")
        time.sleep(0.005)
