"""The version of the tables: made, refused or migrated, never guessed."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import DBAPIError

from store.engine import connect, parse_url, reading, writing
from store.errors import StoreUnavailableError, StoreUrlError, StoreVersionError
from store.interactions import RecordResult
from store.opening import engine_of
from store.schema import METADATA, SCHEMA_VERSION
from store.sql_store import open_store
from store.status import store_status
from store.versions import VersionState, migrate, tables_version
from tests.store.rows import did, post, record, took_back

MIGRATIONS = Path(__file__).parents[2] / "store" / "migrations"


def set_version(url: str, version: str) -> None:
    engine = connect(parse_url(url))
    with writing(engine) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :version"), {"version": version})
    engine.dispose()


def undo_0003(connection: Connection) -> None:
    """Make tables of version 0002, with the rows as that version writes them."""
    connection.execute(
        text(
            "INSERT INTO event_keys SELECT body, position FROM log "
            "WHERE kind = 1 AND body NOT IN (SELECT event_key FROM event_keys)"
        )
    )
    connection.execute(text("UPDATE log SET body = NULL WHERE kind = 1"))
    for column in ("filed_up_to", "filing_up_to", "filed_parts"):
        connection.execute(text(f"ALTER TABLE head DROP COLUMN {column}"))
    connection.execute(text("ALTER TABLE event_keys RENAME TO event_ids"))
    connection.execute(text("ALTER TABLE head RENAME TO log_head"))


def test_the_migrations_make_the_tables_that_the_program_reads(url: str) -> None:
    with open_store(url) as store, reading(store.engine) as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []
    assert ScriptDirectory(str(MIGRATIONS)).get_current_head() == SCHEMA_VERSION


def test_an_empty_database_gets_its_tables_once_whoever_comes_first(url: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        stores = list(pool.map(open_store, [url] * 4))
    assert {store.person_key("ana") for store in stores} == {stores[0].person_key("ana")}
    for store in stores:
        store.close()


def test_tables_of_a_newer_release_are_refused_by_name(url: str) -> None:
    with open_store(url) as store:
        record(store, did("1", "ana"))
    set_version(url, "0999")
    with pytest.raises(StoreVersionError, match="version 0999, which this program does not know"):
        open_store(url)
    engine = connect(parse_url(url))
    with pytest.raises(StoreVersionError, match="0999"):
        migrate(engine)
    engine.dispose()
    set_version(url, SCHEMA_VERSION)
    with open_store(url) as store:
        assert store.position() == 1


def test_older_tables_are_refused_until_they_are_migrated(url: str) -> None:
    with open_store(url):
        pass
    set_version(url, "0000")
    with pytest.raises(StoreVersionError, match="version 0000, this program reads 0003: run `moodfeed store migrate`"):
        open_store(url)


def test_tables_of_the_first_version_are_migrated_and_keep_their_rows(url: str) -> None:
    with open_store(url) as store:
        record(store, did("1", "ana"))
    engine = engine_of(url)
    with writing(engine) as connection:
        undo_0003(connection)
        for table in ("posts", "post_embeddings", "rules"):
            connection.execute(text(f"DROP TABLE {table}"))
    set_version(url, "0001")
    with pytest.raises(StoreVersionError, match="version 0001, this program reads 0003"):
        open_store(url)
    assert migrate(engine).revision == "0001"
    engine.dispose()
    with open_store(url) as store:
        with reading(store.engine) as connection:
            assert compare_metadata(MigrationContext.configure(connection), METADATA) == []
        assert store.upsert_posts([post(1)]) == (2, (1,))
        assert store.record([did("1", "ana")]).results == (RecordResult.DUPLICATE,)


def fill_as_0002(url: str) -> None:
    with open_store(url) as store:
        record(store, did("1", "ana"), did("2", "bo"), took_back("3", "ana", "1"), took_back("4", "ana", "late"))
        store.delete_person("bo")
    engine = engine_of(url)
    with writing(engine) as connection:
        undo_0003(connection)
    engine.dispose()
    set_version(url, "0002")


def test_events_of_the_second_version_stay_known_and_can_be_taken_back(url: str) -> None:
    fill_as_0002(url)
    engine = engine_of(url)
    assert migrate(engine).revision == "0002"
    engine.dispose()
    with open_store(url) as store:
        with reading(store.engine) as connection:
            assert compare_metadata(MigrationContext.configure(connection), METADATA) == []
        rows = [did(event_id, "cy") for event_id in ("1", "2", "3", "4", "new")]
        assert store.record(rows).results == (RecordResult.DUPLICATE,) * 4 + (RecordResult.ACCEPTED,)
        assert store.record([did("late", "ana")]).results == (RecordResult.ACCEPTED,)
        found = store.history("ana")
        assert found is not None
        assert found.interactions == ()
        assert store_status(store.engine).contents.event_ids == 6


def test_a_migration_that_does_not_end_changes_nothing(url: str) -> None:
    fill_as_0002(url)
    engine = engine_of(url)
    with writing(engine) as connection:
        connection.execute(text("CREATE TABLE event_keys (n INTEGER)"))  # a later step fails
    with pytest.raises((DBAPIError, StoreUnavailableError), match="event_keys"):
        migrate(engine)
    assert tables_version(engine).revision == "0002"
    with writing(engine) as connection:
        assert "filed_up_to" not in {column["name"] for column in inspect(connection).get_columns("log_head")}
        connection.execute(text("DROP TABLE event_keys"))
    assert migrate(engine).revision == "0002"
    engine.dispose()
    with open_store(url) as store:
        assert store.record([did("2", "ana")]).results == (RecordResult.DUPLICATE,)


def test_migrating_makes_the_tables_of_an_empty_database_and_leaves_others_alone(url: str) -> None:
    engine = engine_of(url)
    assert tables_version(engine).state is VersionState.EMPTY
    assert migrate(engine).state is VersionState.EMPTY
    assert migrate(engine).state is VersionState.CURRENT
    engine.dispose()


def test_a_database_of_another_program_is_left_alone(url: str) -> None:
    engine = engine_of(url)
    with writing(engine) as connection:
        connection.execute(text("CREATE TABLE log (id INTEGER)"))
    engine.dispose()
    with pytest.raises(StoreVersionError, match="another program's table"):
        open_store(url)


def test_a_file_that_is_no_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    path.write_text("these are my notes" * 100, encoding="utf-8")
    with pytest.raises(StoreVersionError, match="not a SQLite database"):
        open_store(f"sqlite:///{path}")
    assert path.read_text(encoding="utf-8") == "these are my notes" * 100


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("mysql://ana:secret@host/db", "must not begin with mysql"),
        ("sqlite://", "names no file"),
        ("sqlite:///:memory:", "names no file"),
        ("store.sqlite", "cannot be read"),
        ("", "cannot be read"),
    ],
)
def test_a_url_that_names_no_store_is_refused_without_its_password(url: str, words: str) -> None:
    with pytest.raises(StoreUrlError, match=words) as refused:
        open_store(url)
    assert "secret" not in str(refused.value)


def test_a_password_comes_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "password"
    path.write_text("p@ss:word/\n", encoding="utf-8")
    assert parse_url("postgresql://ana@host/db", password_file=path).password == "p@ss:word/"
    with pytest.raises(StoreUrlError, match="password cannot be read"):
        parse_url("postgresql://ana@host/db", password_file=tmp_path / "missing")


def test_a_file_needs_no_password_though_one_is_set_for_servers(tmp_path: Path) -> None:
    path = tmp_path / "password"
    path.write_text("secret", encoding="utf-8")
    open_store(f"sqlite:///{tmp_path}/store.sqlite", password_file=path).close()


def test_a_server_that_is_not_there_is_said_at_once() -> None:
    with pytest.raises(StoreUnavailableError, match="does not answer"):
        open_store("postgresql+psycopg://ana:secret@127.0.0.1:1/db")
