"""The stores that are measured: a SQLite file, and PostgreSQL whose commits wait for a standby."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from benchmarks.live.stores import SQLITE
from benchmarks.scale.cores.processor_time import seconds_of_trees
from benchmarks.scale.postgresql_pair import PostgresqlPair, running_pair

PAIR = "PostgreSQL with a standby"
KINDS = (SQLITE, PAIR)


@dataclass(frozen=True, slots=True)
class MeasuredStore:
    """An empty store: its kind, and what MOODFEED_STORE_URL takes. ``pair`` are its servers, None of a file."""

    kind: str
    url: str
    file: Path | None
    pair: PostgresqlPair | None

    def processor_seconds(self) -> float:
        """What both servers together have spent; 0 of a file, whose work is done by those who use it."""
        return seconds_of_trees(self.pair.pids) if self.pair else 0.0

    def bytes(self) -> int:
        """What the tables take on the disk of one server, without the log of the database itself."""
        if self.file is not None:
            return self.file.stat().st_size if self.file.exists() else 0
        return int(self.asked("SELECT pg_database_size('store')"))

    def connections(self) -> int:
        """How many connections to the primary the product has open; 0 of a file."""
        return 0 if self.pair is None else int(self.asked(_CONNECTIONS))

    def asked(self, query: str) -> Any:
        """The one value that a query gives, of a server."""
        assert self.pair is not None
        host, port = self.pair.addresses[0].split(":")
        with closing(psycopg.connect(f"host={host} port={port} user=postgres dbname=store", autocommit=True)) as opened:
            row = opened.execute(query).fetchone()
        assert row is not None
        return row[0]


_CONNECTIONS = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'moodfeed'"


@contextmanager
def measured_store(kind: str, directory: Path) -> Iterator[MeasuredStore]:
    """An empty store of a kind."""
    directory.mkdir(parents=True, exist_ok=True)
    if kind == SQLITE:
        file = directory / "store.sqlite"
        yield MeasuredStore(kind, f"sqlite:///{file}", file, None)
        return
    with running_pair() as pair:
        yield MeasuredStore(kind, pair.url, None, pair)
