"""Plain SQL handed to the database's driver: a small statement takes five times as long with SQLAlchemy's results.

A process runs some of them a hundred times a second. Errors are the driver's own, which ``store.engine`` translates.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection

from store.engine import SQLITE


def driver_rows(connection: Connection, statement: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
    """The rows of a query that has a ``?`` for each value."""
    return _execute(connection, statement, values).fetchall()  # type: ignore[no-any-return]


def run_in_driver(connection: Connection, statement: str, values: Sequence[object] = ()) -> int:
    """Run a statement that has a ``?`` for each value; gives the number of rows that it changed."""
    return _execute(connection, statement, values).rowcount  # type: ignore[no-any-return]


def _execute(connection: Connection, statement: str, values: Sequence[object]) -> Any:
    driver: Any = connection.connection.driver_connection
    is_sqlite = connection.dialect.name == SQLITE
    return driver.execute(statement if is_sqlite else statement.replace("?", "%b"), values)
