"""Reads the position of a SQLite store often and cheaply: every process looks twenty times a second."""

import sqlite3
import threading
from contextlib import suppress
from typing import cast

from sqlalchemy import Engine
from sqlalchemy.pool import PoolProxiedConnection

from store.engine import translated
from store.schema import LOG_HEAD

_QUERY = f"SELECT position FROM {LOG_HEAD.name}"  # noqa: S608 - the name of our table


class PositionReader:
    """Keeps one connection for nothing else: with the layers of SQLAlchemy a look takes fifty times as long."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._connection: PoolProxiedConnection | None = None

    def read(self) -> int:
        """The position of the newest row; StoreUnavailableError if the database fails."""
        with translated(), self._lock:
            if self._connection is None:
                self._connection = self._engine.raw_connection()
            driver = cast("sqlite3.Connection", self._connection.driver_connection)
            try:
                return int(driver.execute(_QUERY).fetchone()[0])
            except sqlite3.Error:
                self._close()
                raise

    def close(self) -> None:
        """Give the connection back."""
        with self._lock:
            self._close()

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(sqlite3.Error):
                connection.invalidate()
