"""Many rows in one statement, below SQLAlchemy's parameters of a row: they would take most of a write's time."""

from collections.abc import Collection, Sequence
from typing import Any, cast

from psycopg import Connection as PostgresqlConnection
from sqlalchemy import Column, Connection, Table

from store.engine import SQLITE
from store.in_parts import in_parts


def insert_rows(connection: Connection, table: Table, rows: Sequence[tuple[object, ...]]) -> None:
    """Insert rows, the values of each in the order of the table's columns."""
    if not rows:
        return
    names = ", ".join(column.name for column in table.columns)
    if connection.dialect.name == SQLITE:
        places = ", ".join("?" for _ in table.columns)
        connection.exec_driver_sql(f"INSERT INTO {table.name} ({names}) VALUES ({places})", list(rows))
        return
    driver = cast("PostgresqlConnection[Any]", connection.connection.driver_connection)
    with driver.cursor() as cursor, cursor.copy(f"COPY {table.name} ({names}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


def rows_where_in(
    connection: Connection, columns: Sequence[Column[Any]], key: Column[Any], values: Collection[object]
) -> list[tuple[Any, ...]]:
    """The columns of those rows of one table whose ``key`` is among the values."""
    query = f"SELECT {', '.join(column.name for column in columns)} FROM {key.table} WHERE {key.name}"
    found: list[tuple[Any, ...]] = []
    for part in in_parts(values):
        if connection.dialect.name == SQLITE:
            places = ", ".join("?" * len(part))
            rows = connection.exec_driver_sql(f"{query} IN ({places})", tuple(part))
        else:
            type_name = key.type.dialect_impl(connection.dialect).compile(connection.dialect).split(" COLLATE ")[0]
            rows = connection.exec_driver_sql(f"{query} = ANY(%b::{type_name}[])", (part,))
        found += cast("Sequence[tuple[Any, ...]]", rows.all())
    return found
