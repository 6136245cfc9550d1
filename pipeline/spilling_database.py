"""DuckDB for tables that may be larger than memory: its memory is bounded, and the rest lies beside the output."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb

MEMORY = "2GB"  # of DuckDB's buffers; a process on top of it stays below 4 GiB
_SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": False,  # nothing calls the network
    "autoload_known_extensions": False,
}


@contextmanager
def spilling_database(beside: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection whose tables and spilled rows lie in a temporary directory in ``beside`` until the block ends."""
    beside.mkdir(parents=True, exist_ok=True)
    with (
        TemporaryDirectory(prefix=".spilled-", dir=beside) as directory,
        duckdb.connect(
            os.fspath(Path(directory) / "tables.duckdb"), config=_SETTINGS | {"memory_limit": MEMORY}
        ) as connection,
    ):
        connection.execute("SET TimeZone = 'UTC'")
        yield connection


@contextmanager
def small_database() -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection for tables that are in memory already; what it holds ends with the block."""
    with _database_in_memory().cursor() as connection:
        yield connection


@cache
def _database_in_memory() -> duckdb.DuckDBPyConnection:
    return duckdb.connect(":memory:", config=_SETTINGS)  # once: it takes longer than scoring a small table


def one_row(connection: duckdb.DuckDBPyConnection, query: str, parameters: Sequence[object] = ()) -> tuple[Any, ...]:
    """The row of a query that always gives one, such as an aggregate."""
    rows = connection.execute(query, list(parameters)).fetchall()
    if len(rows) != 1:
        raise ValueError(f"{len(rows)} rows instead of one: {query}")
    return tuple(rows[0])


def text_literal(value: str | os.PathLike[str]) -> str:
    """A text as a literal of SQL."""
    return "'" + os.fspath(value).replace("'", "''") + "'"


def column_name(name: str) -> str:
    """A column's name as an identifier of SQL."""
    return '"' + name.replace('"', '""') + '"'
