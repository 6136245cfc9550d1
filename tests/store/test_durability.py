"""What makes a commit durable: a crash of the machine cannot be caused here, so the settings are looked at."""

from pathlib import Path

import psycopg

from store.engine import reading, writing
from store.sql_store import open_store
from tests.postgresql_server import PostgresqlServer


def test_every_connection_to_a_file_syncs_its_commits_and_overwrites_what_it_deletes(tmp_path: Path) -> None:
    with (
        open_store(f"sqlite:///{tmp_path}/store.sqlite") as store,
        reading(store.engine) as first,
        writing(store.engine) as second,
    ):
        for connection in (first, second):
            asked = ("journal_mode", "synchronous", "secure_delete")
            found = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in asked]
            assert found == ["wal", 2, 1]


def test_a_server_that_would_acknowledge_early_is_told_not_to(postgresql: PostgresqlServer) -> None:
    with postgresql.database() as url:
        name = url.split("?")[0].rsplit("/", 1)[1]
        for asked, used in (("off", "on"), ("local", "local"), ("remote_apply", "remote_apply")):
            with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
                connection.execute(f"ALTER DATABASE {name} SET synchronous_commit = {asked}")
            with open_store(url) as store, reading(store.engine) as connection:
                assert connection.exec_driver_sql("SHOW synchronous_commit").scalar() == used
        with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
            connection.execute(f"ALTER DATABASE {name} RESET synchronous_commit")
