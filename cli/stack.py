"""Start the processes of the product, wait until they serve, and stop them together."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import IO

import httpx

from cli.gateway_access import https_context
from rpc.addresses import UnixSocket, read_address
from rpc.probe import is_serving
from rpc.supervisor import Bond
from rpc.tls import ClientTls

STORE_URL = "MOODFEED_STORE_URL"
ADMIN_FROM_THIS_MACHINE = "MOODFEED_GATEWAY_ADMIN_FROM_THIS_MACHINE"
STORE_FILE = "store.sqlite"
"""The name of the store's file below the data directory."""

_POLL_SECONDS = 0.1
_STOP_SECONDS = 20.0


class StackError(Exception):
    """A process did not start or did not stay up: says which, quotes its last line of log and names the file."""


@dataclass(frozen=True, slots=True)
class Addresses:
    """The addresses that the processes listen on, each host:port."""

    gateway_grpc: str = "127.0.0.1:50050"
    gateway_http: str = "127.0.0.1:8000"
    user_tower: str = "127.0.0.1:50051"
    post_index: str = "127.0.0.1:50052"

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Addresses":
        """The defaults, overridden by the same variables as those of the processes themselves."""
        defaults = cls()
        return cls(
            gateway_grpc=environment.get("MOODFEED_GATEWAY_GRPC_ADDRESS") or defaults.gateway_grpc,
            gateway_http=environment.get("MOODFEED_GATEWAY_HTTP_ADDRESS") or defaults.gateway_http,
            user_tower=environment.get("MOODFEED_USER_TOWER_ADDRESS") or defaults.user_tower,
            post_index=environment.get("MOODFEED_POST_INDEX_ADDRESS") or defaults.post_index,
        )

    def as_environment(self) -> dict[str, str]:
        """The variables that give the processes, and the gateway's calls to the others, these addresses."""
        return {
            "MOODFEED_POST_INDEX_ADDRESS": self.post_index,
            "MOODFEED_USER_TOWER_ADDRESS": self.user_tower,
            "MOODFEED_GATEWAY_GRPC_ADDRESS": self.gateway_grpc,
            "MOODFEED_GATEWAY_HTTP_ADDRESS": self.gateway_http,
            "MOODFEED_GATEWAY_USER_TOWER_ADDRESS": self.user_tower,
            "MOODFEED_GATEWAY_POST_INDEX_ADDRESS": self.post_index,
        }


@dataclass(frozen=True, slots=True)
class Stack:
    """The running processes by name."""

    processes: Mapping[str, subprocess.Popen[bytes]]
    logs: "Mapping[str, _Log]"

    def wait(self) -> None:
        """Block while all of them run; StackError names the first one that ended."""
        while True:
            for name, process in self.processes.items():
                if process.poll() is not None:
                    raise StackError(f"{name} {_end_of(process)}: {self.logs[name].last_words()}")
            time.sleep(_POLL_SECONDS)


@dataclass(frozen=True, slots=True)
class _Process:
    name: str
    health_address: str
    process: subprocess.Popen[bytes]
    bond: Bond
    log: "_Log"


@dataclass(frozen=True, slots=True)
class _Log:
    """What a process of this stack wrote: the file holds the lines of earlier ones too, before ``start``."""

    path: Path
    start: int

    def last_words(self) -> str:
        """The last line, in plain words, and where the others are."""
        with self.path.open("rb") as file:
            file.seek(self.start)
            lines = file.read().decode(errors="replace").strip().splitlines()
        return f"{_in_plain_words(lines[-1]) if lines else 'it wrote nothing'} (full log: {self.path})"


@contextmanager
def running_stack(
    bundles: Path,
    addresses: Addresses,
    *,
    logs: Path,
    tls: ClientTls | None = None,
    start_seconds: float = 60.0,
    embedded: bool = False,
    store: Path | None = None,
    is_for_one_person: bool = False,
) -> Iterator["Stack"]:
    """Run post index, user tower and gateway until the block ends; ``embedded``: all three in one process.

    What people do is kept in the SQLite file ``store``, unless MOODFEED_STORE_URL names another store. On a machine
    ``is_for_one_person``, its calls about a person's data need no token, unless MOODFEED_ADMIN_TOKEN_FILE is set.

    ``tls`` is for the health checks, where the environment gives the processes certificates. Each process writes to a
    log file of its name in ``logs``. Raises StackError if a process does not serve within ``start_seconds``, and
    FileContentError if a file of ``tls`` cannot be used. No process outlives this one, however it ends.
    """
    environment = os.environ | {
        "MOODFEED_BUNDLES": str(bundles),
        **addresses.as_environment(),
        # With more threads than cores latency grows tenfold; one thread per process measured best.
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "HF_HUB_OFFLINE": "1",
    }
    if store is not None:
        environment.setdefault(STORE_URL, f"sqlite:///{store.absolute()}")
    if is_for_one_person:
        environment.setdefault(ADMIN_FROM_THIS_MACHINE, "true")
    started: list[_Process] = []
    logs.mkdir(parents=True, exist_ok=True)
    with stopping_together() as running:
        for name, address in (
            (("embedded", addresses.gateway_grpc),)
            if embedded
            else (
                ("post_index_service", addresses.post_index),
                ("user_tower_service", addresses.user_tower),
                ("gateway", addresses.gateway_grpc),
            )
        ):
            path = logs / f"{name}.log"
            with path.open("ab") as log_file:
                log = _Log(path, log_file.tell())
                process, bond = running.start([sys.executable, "-m", name], environment, output=log_file)
            started.append(_Process(name, address, process, bond, log))
        for item in started:
            _wait_until_serving(item, tls, deadline=time.monotonic() + start_seconds)
        _wait_until_whole(addresses.gateway_http, tls, deadline=time.monotonic() + start_seconds)
        yield Stack({item.name: item.process for item in started}, {item.name: item.log for item in started})


class Started:
    """Our processes that end when this one does, however it ends."""

    def __init__(self) -> None:
        self._started: list[tuple[subprocess.Popen[bytes], Bond]] = []

    def start(
        self, command: Sequence[str], environment: Mapping[str, str], *, output: IO[bytes] | None = None
    ) -> tuple[subprocess.Popen[bytes], Bond]:
        """Start one; it writes to ``output``, or where this process writes."""
        bond = Bond()
        process = subprocess.Popen(  # noqa: S603 - our own modules, no shell
            command,
            env={**environment, **bond.environment},
            stdout=output,
            stderr=output,
            pass_fds=bond.inherited,
            start_new_session=True,  # Ctrl-C reaches only this process, which stops the others in order
        )
        self._started.append((process, bond))
        bond.hand_over()
        return process, bond

    def kill(self) -> None:
        """End all of them at once."""
        for process, _ in self._started:
            process.kill()

    def stop(self) -> None:
        """Let each finish what it does, the last one first: a gateway's requests in flight still find the others."""
        for process, bond in reversed(self._started):
            stop_process(process)
            bond.close()


@contextmanager
def stopping_together() -> Iterator[Started]:
    """Stop the processes that the block starts when it ends.

    SIGINT and SIGTERM end the block by a KeyboardInterrupt. A second signal kills the processes at once; a StackError
    then says that requests were cut off.
    """
    started = Started()
    signals = 0

    def on_signal(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        nonlocal signals
        signals += 1
        if signals == 1:
            raise KeyboardInterrupt
        started.kill()

    with _handling_signals(on_signal):
        try:
            yield started
        finally:
            signals = max(signals, 1)  # from here on, a signal is the second one
            started.stop()
            if signals > 1:
                raise StackError("stopped at once: requests in flight were not answered")


@contextmanager
def _handling_signals(handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    """Handle SIGINT and SIGTERM while the block runs, unless they are ignored or this is not the main thread."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = [number for number in (signal.SIGINT, signal.SIGTERM) if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, handler_before in before.items():
            signal.signal(number, handler_before)


def stop_process(process: subprocess.Popen[bytes]) -> None:
    """End a process by SIGTERM, or by SIGKILL if it is still there after 20 seconds; does nothing if it has ended."""
    if process.poll() is not None:
        return
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _wait_until_serving(item: _Process, tls: ClientTls | None, *, deadline: float) -> None:
    while time.monotonic() < deadline:
        if item.process.poll() is not None:
            raise StackError(f"{item.name} {_end_of(item.process)}: {item.log.last_words()}")
        # Another stack may answer at the address: only what this very process says counts.
        if item.bond.is_serving() and is_serving(item.health_address, timeout_seconds=1, tls=tls):
            return
        time.sleep(_POLL_SECONDS)
    raise StackError(f"{item.name} at {item.health_address} did not become SERVING in time: {item.log.last_words()}")


def _wait_until_whole(http_address: str, tls: ClientTls | None, *, deadline: float) -> None:
    """Wait until the gateway has found every service; before that it may answer with degraded feeds."""
    scheme, verify = ("http", False) if tls is None else ("https", https_context(tls))
    address = read_address(http_address)
    host, socket_name = ("localhost", address.bound_name) if isinstance(address, UnixSocket) else (address.target, None)
    url = f"{scheme}://{host}/readyz"
    own = httpx.HTTPTransport(verify=verify, uds=socket_name, trust_env=False)
    with httpx.Client(transport=own, timeout=1, trust_env=False) as client:  # no proxy stands before our own process
        while time.monotonic() < deadline:
            try:
                if not client.get(url).json()["degraded"]:
                    return
            except (httpx.HTTPError, ValueError, KeyError):
                pass
            time.sleep(_POLL_SECONDS)
    raise StackError(f"the gateway at {http_address} did not find the user tower service in time")


def _end_of(process: subprocess.Popen[bytes]) -> str:
    """How a process ended."""
    if process.returncode < 0:
        return f"was ended by {signal.Signals(-process.returncode).name}"
    return f"ended with exit code {process.returncode}"


def _in_plain_words(line: str) -> str:
    """What a line of a log says, without the form that programs need."""
    try:
        fields = json.loads(line)
    except ValueError:
        return line
    if not isinstance(fields, dict):
        return line
    return ": ".join(str(fields[name]) for name in ("event", "reason") if fields.get(name))
