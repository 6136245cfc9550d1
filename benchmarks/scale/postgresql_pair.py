"""Two real PostgreSQL servers, a primary and its synchronous standby, to be killed, paused and promoted."""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psycopg

from benchmarks.postgresql_binaries import binaries_and_user

_SETTINGS = """
listen_addresses = '127.0.0.1'
wal_level = replica
max_wal_senders = 5
hot_standby = on
wal_log_hints = on
shared_buffers = 32MB
"""
_START_SECONDS = 60.0


class PostgresqlPair:
    """A primary, whose commits wait for the standby, and the standby; ``promote`` makes the latter the primary.

    Both write their files with fsync, and each commit is on both before it returns.
    """

    def __init__(self, directory: Path) -> None:
        self._binaries, self._user = binaries_and_user(directory)
        self._directories = [directory / "first", directory / "second"]
        self._ports = _free_ports(2)
        self._primary = 0

    @property
    def addresses(self) -> tuple[str, ...]:
        """Of both servers."""
        return tuple(f"127.0.0.1:{port}" for port in self._ports)

    @property
    def url(self) -> str:
        """Of both servers."""
        return url_of(*self.addresses)

    @property
    def pids(self) -> tuple[int, ...]:
        """The postmasters of both servers, which must run."""
        return tuple(self._pids(which)[0] for which in (0, 1))

    def create(self) -> None:
        """Make both servers, start them, and wait until commits wait for the standby."""
        first = self._directories[0]
        self._run("initdb", "--auth=trust", "--username=postgres", "--encoding=utf8", "-D", str(first))
        with (first / "postgresql.conf").open("a", encoding="utf-8") as settings:
            settings.write(_SETTINGS)
        self._start(0)
        with self._connect(0, database="postgres") as connection:
            connection.execute("CREATE DATABASE store")
        self._copy(source=0, target=1)
        self._start(1)
        self._wait_for_standby(0)

    def kill_primary(self) -> None:
        """SIGKILL, as a power cut would end it; its children end by themselves."""
        self._kill(self._primary)

    def restart_primary(self) -> None:
        """Start it again after a kill; it recovers what was committed."""
        self._start(self._primary)

    @contextmanager
    def paused(self, *, primary: bool) -> Iterator[None]:
        """SIGSTOP of one server and its children, which keep their connections; SIGCONT at the end."""
        which = self._primary if primary else 1 - self._primary
        pids = self._pids(which)
        _signal(pids, signal.SIGSTOP)
        try:
            yield
        finally:
            _signal(pids, signal.SIGCONT)

    def fail_over(self) -> None:
        """Kill the primary for good, promote the standby, and let commits wait for nobody."""
        self._kill(self._primary)
        self._primary = 1 - self._primary
        self._run("pg_ctl", "promote", "-w", "-D", str(self._directories[self._primary]))
        self._set_standbys("")

    def make_standby_again(self) -> None:
        """Make the server that was killed a copy of the primary; commits wait for it from then on."""
        other = 1 - self._primary
        shutil.rmtree(self._directories[other])
        self._copy(source=self._primary, target=other)
        self._start(other)
        self._wait_for_standby(self._primary)

    def stop(self) -> None:
        """End both at once."""
        for which in (0, 1):
            with suppress(ProcessLookupError, FileNotFoundError):
                self._kill(which)

    def _copy(self, *, source: int, target: int) -> None:
        port = str(self._ports[source])
        connection = f"host=127.0.0.1 port={port} user=postgres application_name=standby"
        directory = str(self._directories[target])
        self._run("pg_basebackup", "-D", directory, "-d", connection, "-R", "--checkpoint=fast", "--no-sync")

    def _wait_for_standby(self, which: int) -> None:
        self._set_standbys("standby")

        def is_synchronous() -> bool:
            with self._connect(which) as connection:
                rows = connection.execute("SELECT sync_state FROM pg_stat_replication").fetchall()
            return ("sync",) in rows

        _wait_until(is_synchronous, what="commits wait for the standby")

    def _set_standbys(self, names: str) -> None:
        with self._connect(self._primary) as connection:
            connection.execute(f"ALTER SYSTEM SET synchronous_standby_names = '{names}'")
            connection.execute("SELECT pg_reload_conf()")

    def _connect(self, which: int, *, database: str = "store") -> Any:
        address = f"host=127.0.0.1 port={self._ports[which]} user=postgres dbname={database} connect_timeout=5"
        return closing(psycopg.connect(address, autocommit=True))

    def _start(self, which: int) -> None:
        directory = self._directories[which]
        sockets = f"-k '' -p {self._ports[which]}"
        self._run("pg_ctl", "start", "-w", "-D", str(directory), "-l", str(directory / "log"), "-o", sockets)

    def _pids(self, which: int) -> list[int]:
        """The postmaster and its children."""
        text = (self._directories[which] / "postmaster.pid").read_text(encoding="utf-8")
        postmaster = int(text.splitlines()[0])
        children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text(encoding="utf-8")
        return [postmaster, *map(int, children.split())]

    def _kill(self, which: int) -> None:
        pids = self._pids(which)
        os.kill(pids[0], signal.SIGKILL)
        _wait_until(lambda: not any(map(_is_running, pids)), what="the server and its children have ended")

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [str(self._binaries / program), *arguments],
            check=True,
            user=self._user,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            cwd="/",
            timeout=_START_SECONDS,
        )


@contextmanager
def running_pair() -> Iterator[PostgresqlPair]:
    """A primary and a synchronous standby in a directory of their own, which another user than root can read."""
    with TemporaryDirectory(prefix="moodfeed-pair-") as name:
        directory = Path(name)
        pair = PostgresqlPair(directory)
        try:
            pair.create()
            yield pair
        finally:
            pair.stop()


def url_of(*addresses: str) -> str:
    """What MOODFEED_STORE_URL takes: connections go to whichever of the servers can be written to."""
    hosts = "&".join(f"host={address}" for address in addresses)
    return f"postgresql+psycopg://postgres@/store?{hosts}&target_session_attrs=read-write"


def _signal(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def _wait_until(is_so: Callable[[], object], *, what: str) -> None:
    """Poll; TimeoutError, with ``what``, if it does not come true in time."""
    deadline = time.monotonic() + _START_SECONDS
    while not is_so():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} did not come true in {_START_SECONDS:g} s")
        time.sleep(0.01)


def _is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"
