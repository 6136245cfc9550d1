"""A backup of either database restores into either, whole or not at all."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from sqlalchemy import select, text

from store.backup import POSITION_GAP, back_up, restore
from store.engine import connect, reading, sqlite_url, writing
from store.errors import BackupError, StoreVersionError
from store.interactions import RecordResult
from store.log_entries import StoreRestored
from store.rules import Rule, RuleAction
from store.schema import LOG_HEAD, METADATA
from store.sql_store import SqlStore, open_store
from tests.store.conftest import DATABASES
from tests.store.rows import did, embedding, post, record, took_back


@pytest.fixture(params=DATABASES)
def other(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlStore]:
    """Another store, empty."""
    with ExitStack() as stack:
        if request.param == "sqlite":
            url = f"sqlite:///{tmp_path}/other/store.sqlite"
        else:
            url = stack.enter_context(request.getfixturevalue("postgresql").database())
        yield stack.enter_context(open_store(url))


def fill(store: SqlStore) -> None:
    record(store, did("1", "ana"), did("2", "bo", at=5), took_back("3", "ana", "1"), took_back("4", "bo", "late"))
    store.remember_served("ana", [1, 2], shown_at_ms=3)
    store.merge_people("ana", into="ćira")
    store.delete_person("bo")
    record(store, did("5", "ćira"))
    store.upsert_posts([post(7, "ž"), post(0, external_id="x")])
    store.keep_embeddings("bundle", [embedding(7, 9)])
    store.set_rule(Rule(name="rule", action=RuleAction.HIDE, post_ids=(7,)))
    store.delete_posts([5])


def contents(store: SqlStore) -> dict[str, list[tuple[object, ...]]]:
    """All rows but those that a restore adds."""
    with reading(store.engine) as connection:
        found = {
            table.name: sorted(map(tuple, connection.execute(select(table)).all()), key=repr)
            for table in METADATA.sorted_tables
            if table is not LOG_HEAD
        }
    found["log"] = [row for row in found["log"] if row[1] != 6]
    return found


def test_a_backup_restores_into_either_database(store: SqlStore, other: SqlStore, tmp_path: Path) -> None:
    fill(store)
    path = tmp_path / "backup"
    assert back_up(store.engine, path) == store.position() == 13
    record(store, did("after the backup", "ana"))
    position = restore(other.engine, path, replace=False)
    assert position == other.position() == 13 + POSITION_GAP
    assert contents(other) == {**contents(store), **contents_of(path)}
    assert other.entries_after(13).entries == (StoreRestored(position=position),)
    assert other.record([did("1", "ana"), did("6", "ana")]) == type(other.record([]))(
        position + 1, (RecordResult.DUPLICATE, RecordResult.ACCEPTED)
    )
    assert not list(tmp_path.glob("*backup-*"))


def contents_of(path: Path) -> dict[str, list[tuple[object, ...]]]:
    with open_store(f"sqlite:///{path}") as opened:
        return contents(opened)


def test_a_process_that_has_the_store_open_goes_on_with_the_restored_one(
    store: SqlStore, other: SqlStore, tmp_path: Path
) -> None:
    fill(other)
    back_up(other.engine, tmp_path / "backup")
    record(store, did("lost", "ana"))
    position = restore(store.engine, tmp_path / "backup", replace=True)
    # The keyed hashes are the other store's now, for writers and for readers.
    assert store.record([did("5", "ćira"), did("lost", "ana")]).results == (
        RecordResult.DUPLICATE,
        RecordResult.ACCEPTED,
    )
    assert store.person_key("ana") == other.person_key("ana")
    assert store.position() == position + 1
    assert position > 13 + POSITION_GAP - 1


def test_a_store_that_holds_rows_is_not_overwritten_unasked(store: SqlStore, tmp_path: Path) -> None:
    fill(store)
    back_up(store.engine, tmp_path / "backup")
    before = contents(store)
    with pytest.raises(BackupError, match="not empty: pass --replace"):
        restore(store.engine, tmp_path / "backup", replace=False)
    assert contents(store) == before
    assert store.position() == 13


@pytest.mark.parametrize("damage", ["missing", "empty", "text", "cut", "other tables"])
def test_what_is_no_whole_backup_restores_nothing(store: SqlStore, tmp_path: Path, damage: str) -> None:
    fill(store)
    path = tmp_path / "backup"
    back_up(store.engine, path)
    whole = path.read_bytes()
    match damage:
        case "missing":
            path.unlink()
        case "empty":
            path.write_bytes(b"")
        case "text":
            path.write_bytes(b"notes" * 1000)
        case "cut":
            path.write_bytes(whole[: len(whole) // 2])
        case _:
            path.unlink()
            engine = connect(sqlite_url(path))
            with writing(engine) as connection:
                connection.execute(text("CREATE TABLE notes (id INTEGER)"))
            engine.dispose()
    before = contents(store)
    with pytest.raises(BackupError, match=str(path)):
        restore(store.engine, path, replace=True)
    assert contents(store) == before
    assert store.position() == 13


def test_a_backup_of_a_newer_release_is_refused_by_name(store: SqlStore, tmp_path: Path) -> None:
    fill(store)
    path = tmp_path / "backup"
    back_up(store.engine, path)
    engine = connect(sqlite_url(path))
    with writing(engine) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0999'"))
    engine.dispose()
    with pytest.raises(StoreVersionError, match="0999"):
        restore(store.engine, path, replace=True)
