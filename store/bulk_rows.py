"""Many rows in one statement, below SQLAlchemy's parameters of a row: they would take most of a write's time.

Python's driver of SQLite looks for an adapter of each None and each bytes that it is given, which takes longer than to
store them. So columns that no row fills are left out, and bytes are handed over as bytearrays, which it knows.
"""

import sqlite3
from collections.abc import Collection, Sequence
from typing import Any, cast

from psycopg import Connection as PostgresqlConnection
from sqlalchemy import Column, Connection, Table

from store.driver_sql import driver_rows, run_in_driver
from store.engine import SQLITE
from store.in_parts import in_parts

_Values = tuple[Column[Any], Sequence[object]]


def insert_rows(connection: Connection, table: Table, rows: Sequence[tuple[object, ...]]) -> None:
    """Insert rows, the values of each in the order of the table's columns."""
    if not rows:
        return
    filled = [(column, values) for column, values in _by_column(table, rows) if _is_filled(values)]
    names = ", ".join(column.name for column, _ in filled)
    if connection.dialect.name == SQLITE:
        statement = f"INSERT INTO {table.name} ({names}) VALUES ({_places(filled)})"
        _sqlite(connection).executemany(statement, _rows_for_sqlite(filled))
        return
    driver = cast("PostgresqlConnection[Any]", connection.connection.driver_connection)
    with driver.cursor() as cursor, cursor.copy(f"COPY {table.name} ({names}) FROM STDIN") as copy:
        for row in zip(*(values for _, values in filled), strict=True):
            copy.write_row(row)


def insert_unknown_rows(connection: Connection, table: Table, rows: Sequence[tuple[object, ...]]) -> int:
    """Insert those rows whose primary key the table does not hold; gives their number. No value may be None."""
    if not rows:
        return 0
    columns = _by_column(table, rows)
    names = ", ".join(column.name for column, _ in columns)
    if connection.dialect.name == SQLITE:
        statement = f"INSERT OR IGNORE INTO {table.name} ({names}) VALUES ({_places(columns)})"
        return _sqlite(connection).executemany(statement, _rows_for_sqlite(columns)).rowcount
    arrays = ", ".join(f"?::{_type_name(connection, column)}[]" for column, _ in columns)
    statement = f"INSERT INTO {table.name} ({names}) SELECT * FROM unnest({arrays}) ON CONFLICT DO NOTHING"
    return run_in_driver(connection, statement, [list(values) for _, values in columns])


def rows_where_in(
    connection: Connection, columns: Sequence[Column[Any]], key: Column[Any], values: Collection[object]
) -> list[tuple[Any, ...]]:
    """The columns of those rows of one table whose ``key`` is among the values."""
    query = f"SELECT {', '.join(column.name for column in columns)} FROM {key.table} WHERE {key.name}"
    found: list[tuple[Any, ...]] = []
    for part in in_parts(values):
        if connection.dialect.name == SQLITE:
            found += driver_rows(connection, f"{query} IN ({_places(part)})", _adapted(part))
        else:
            found += driver_rows(connection, f"{query} = ANY(?::{_type_name(connection, key)}[])", [part])
    return found


def _sqlite(connection: Connection) -> sqlite3.Connection:
    return cast("sqlite3.Connection", connection.connection.driver_connection)


def _by_column(table: Table, rows: Sequence[tuple[object, ...]]) -> list[_Values]:
    """The columns of the table, each with its values in all rows."""
    return list(zip(table.columns, zip(*rows, strict=True), strict=True))


def _is_filled(values: Sequence[object]) -> bool:
    return values[0] is not None or values.count(None) < len(values)


def _rows_for_sqlite(columns: Sequence[_Values]) -> list[tuple[object, ...]]:
    return list(zip(*(_adapted(values) for _, values in columns), strict=True))


def _adapted(values: Sequence[object]) -> Sequence[object]:
    if not isinstance(values[0], bytes):
        return values
    return [bytearray(value) if isinstance(value, bytes) else value for value in values]


def _places(values: Collection[object]) -> str:
    return ", ".join("?" * len(values))


def _type_name(connection: Connection, column: Column[Any]) -> str:
    return column.type.dialect_impl(connection.dialect).compile(connection.dialect).split(" COLLATE ")[0]
