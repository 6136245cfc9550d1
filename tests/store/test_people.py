"""A person's data: what is read as of a position, deleted, merged, expired."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from store.interactions import RecordResult
from store.log_entries import InteractionsExpired, PeopleMerged, PersonDeleted
from store.people import MergedName, PersonHistory
from store.sql_store import SqlStore, open_store
from store.status import vacuum
from tests.postgresql_server import PostgresqlServer
from tests.store.rows import did, record, took_back

NAME = "a-name-that-nothing-else-holds"


def history(store: SqlStore, username: str, *, up_to: int | None = None, after: int = 0) -> PersonHistory:
    found = store.history(username, up_to=up_to, after=after)
    assert found is not None
    return found


def events(found: PersonHistory) -> list[str]:
    return [item.event_id for item in found.interactions]


def test_a_history_is_ordered_by_time_and_then_by_position(store: SqlStore) -> None:
    record(store, did("late", "ana", at=9), did("early", "ana", at=1), did("early too", "ana", at=1))
    assert events(history(store, "ana")) == ["early", "early too", "late"]


def test_a_history_as_of_a_position_stays_what_it_was(store: SqlStore) -> None:
    position = record(store, did("1", "ana"), did("2", "ana"))
    before = history(store, "ana", up_to=position)
    record(store, did("3", "ana"), took_back("4", "ana", "1"))
    assert events(history(store, "ana", up_to=position)) == events(before) == ["1", "2"]
    assert events(history(store, "ana")) == ["2", "3"]


def test_beyond_a_bundle_a_history_says_what_is_new_and_what_was_taken_back(store: SqlStore) -> None:
    bundle = record(store, did("1", "ana"), did("2", "ana"))
    record(store, did("3", "ana"), took_back("4", "ana", "1"), took_back("5", "ana", "3"), did("6", "ana"))
    found = history(store, "ana", after=bundle)
    assert (events(found), [item.event_id for item in found.taken_back]) == (["6"], ["1"])


def test_the_next_bundle_is_made_of_what_counts_up_to_its_position(store: SqlStore) -> None:
    position = record(store, did("1", "ana"), did("2", "bo"), took_back("3", "ana", "1"))
    record(store, did("4", "bo"), took_back("5", "bo", "2"))
    assert [[item.event_id for item in batch] for batch in store.events_up_to(position)] == [["2"]]


def test_a_merged_person_has_done_what_both_have_done(store: SqlStore) -> None:
    record(store, did("1", "visitor"), did("2", "ana"), took_back("3", "ana", "1"))
    store.remember_served("visitor", [7], shown_at_ms=1)
    position = store.merge_people("visitor", into="ana")
    found = history(store, "ana", after=1)
    # Ana took back what was the visitor's: now it is hers.
    assert (events(found), [item.event_id for item in found.taken_back]) == (["2"], ["1"])
    assert found.merged == (MergedName(username="visitor", position=position),)
    assert store.served("ana", since_ms=0) == {7}
    assert store.export_person("visitor") is None
    assert history(store, "visitor").departed_at == position
    entry = store.entries_after(position - 1).entries[0]
    assert entry == PeopleMerged(
        position=position, merged="visitor", merged_key=store.person_key("visitor"), into="ana"
    )


def test_a_name_that_was_merged_can_sign_up_again_as_another_person(store: SqlStore) -> None:
    record(store, did("1", "visitor"))
    position = store.merge_people("visitor", into="ana")
    record(store, did("2", "visitor"))
    assert events(history(store, "visitor")) == ["2"]
    assert history(store, "visitor").departed_at == position
    store.delete_person("visitor")
    assert events(history(store, "ana")) == ["1"]
    assert history(store, "ana").merged == (MergedName(username=None, position=position),)


def test_a_deleted_name_that_signed_up_and_merged_brings_no_older_bundle_history_along(store: SqlStore) -> None:
    bundle = record(store, did("1", "visitor"))
    store.delete_person("visitor")
    record(store, did("2", "visitor"))
    store.merge_people("visitor", into="ana")
    found = history(store, "ana", after=bundle)
    assert (events(found), found.merged) == (["2"], ())


def test_as_of_a_position_before_a_merge_a_person_has_done_what_they_alone_had_done(store: SqlStore) -> None:
    record(store, did("1", "visitor"), did("2", "ana"))
    store.remember_served("visitor", [7], shown_at_ms=1)
    first = store.merge_people("visitor", into="ana")
    second = store.merge_people("ana", into="bo")
    assert events(history(store, "bo", up_to=second - 1)) == []
    assert history(store, "bo", up_to=second - 1).merged == ()
    assert store.served("bo", since_ms=0, up_to=second - 1) == frozenset()
    found = history(store, "bo", up_to=second)
    assert (events(found), [item.position for item in found.merged]) == (["1", "2"], [first, second])
    assert store.served("bo", since_ms=0, up_to=second) == {7}


def test_nobody_is_merged_into_themselves(store: SqlStore) -> None:
    with pytest.raises(ValueError, match="into themselves"):
        store.merge_people("ana", into="ana")


def test_a_deleted_person_is_gone_and_repeating_their_events_brings_nothing_back(store: SqlStore) -> None:
    rows = [did("1", "ana"), did("2", "ana"), took_back("3", "ana", "1")]
    record(store, *rows, did("4", "bo"))
    position = store.delete_person("ana")
    assert store.entries_after(position - 1).entries == (
        PersonDeleted(position=position, person_key=store.person_key("ana")),
    )
    assert store.record(rows).results == (RecordResult.DUPLICATE,) * 3
    found = history(store, "ana")
    assert (found.interactions, found.departed_at) == ((), position)
    assert store.export_person("ana") is None
    assert [entry.position for entry in store.entries_after(0).entries] == [4, position]
    record(store, did("5", "ana"))
    assert events(history(store, "ana")) == ["5"]


def test_a_name_that_the_store_does_not_know_can_be_deleted_because_a_bundle_may_hold_it(store: SqlStore) -> None:
    position = store.delete_person("only in a bundle")
    assert history(store, "only in a bundle").departed_at == position


def test_an_export_holds_everything_also_what_was_taken_back(store: SqlStore) -> None:
    record(store, did("1", "ana"), took_back("2", "ana", "1"), did("3", "bo"))
    store.remember_served("ana", [5, 6], shown_at_ms=1)
    found = store.export_person("ana")
    assert found is not None
    assert [item.event_id for item in found.interactions] == ["1"]
    assert [item.post_ids for item in found.served] == [(5, 6)]
    assert len(found.retracted_event_keys) == 1


def test_what_expired_is_gone_and_its_event_ids_stay(store: SqlStore) -> None:
    record(store, did("1", "ana", at=1), did("2", "ana", at=5), did("3", "bo", at=2))
    store.remember_served("ana", [1], shown_at_ms=3)
    assert store.expire(before_ms=4) == 3
    assert store.entries_after(4).entries == (InteractionsExpired(position=5, before_ms=4),)
    assert events(history(store, "ana")) == ["2"]
    assert store.history("bo") is None
    assert store.record([did("1", "ana"), did("3", "cid")]).results == (RecordResult.DUPLICATE,) * 2
    assert store.expire(before_ms=4) == 0
    assert store.position() == 5


def test_expiry_passes_over_gaps_in_short_transactions(store: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("store.sql_store._PART", 2)
    record(store, *(did(str(number), f"person {number % 2}", at=number) for number in range(9)))
    store.delete_person("person 1")
    assert store.expire(before_ms=8) == 4
    assert store.position() == 11


def test_after_a_vacuum_no_byte_of_a_deleted_name_is_in_the_files(tmp_path: Path) -> None:
    with open_store(f"sqlite:///{tmp_path}/store.sqlite") as store:
        fill_with(store, NAME)
        assert holds(tmp_path, NAME)
        store.delete_person(NAME)
        record(store, *(did(f"later {number}", "bo") for number in range(50)))
        vacuum(store.engine)
        assert not holds(tmp_path, NAME)
        record(store, *(did(f"latest {number}", "bo") for number in range(50)))
        assert not holds(tmp_path, NAME)
    assert not holds(tmp_path, NAME)


def test_pages_that_are_written_after_a_deletion_do_not_hold_the_name(tmp_path: Path) -> None:
    with open_store(f"sqlite:///{tmp_path}/store.sqlite") as store:
        fill_with(store, NAME)
        store.delete_person(NAME)
    copy = tmp_path / "copy"
    copy.mkdir()
    with sqlite3.connect(tmp_path / "store.sqlite") as source, sqlite3.connect(copy / "store.sqlite") as target:
        source.backup(target)
    assert not holds(copy, NAME)


def fill_with(store: SqlStore, name: str) -> None:
    rows = [did(f"{name}:{number}", name, post_id=number) for number in range(200)]
    record(store, *rows, *(did(f"other {number}", f"other {number}") for number in range(200)))
    record(store, took_back("no more", name, f"{name}:3"))
    store.remember_served(name, [1, 2], shown_at_ms=3, feed_id=f"feed of {name}")
    store.merge_people(name, into="bo")
    store.merge_people("bo", into=name)


def holds(directory: Path, name: str) -> bool:
    return any(name.encode() in path.read_bytes() for path in directory.iterdir() if path.is_file())


def test_in_postgresql_no_row_of_any_table_holds_a_deleted_name(postgresql: PostgresqlServer) -> None:
    with postgresql.database() as url, open_store(url) as store:
        fill_with(store, NAME)
        assert set(tables_that_hold(url, NAME)) == {"log", "people", "merged_names"}
        store.delete_person(NAME)
        assert list(tables_that_hold(url, NAME)) == []


def tables_that_hold(url: str, name: str) -> Iterator[str]:
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        for (table,) in tables:
            query = f"SELECT count(*) FROM {table} t WHERE position(%s IN t::text) > 0"
            hexed = name.encode().hex()
            if any(connection.execute(query, [text]).fetchone() != (0,) for text in (name, hexed)):
                yield table
