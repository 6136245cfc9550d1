"""Start the processes of the product, wait until they serve, and stop them together."""

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

from cli.starting import POLL_SECONDS, ProcessLog, StackError, StartedProcess, wait_until_whole
from rpc.supervisor import Bond
from rpc.tls import ClientTls

STORE_URL = "MOODFEED_STORE_URL"
ADMIN_FROM_THIS_MACHINE = "MOODFEED_GATEWAY_ADMIN_FROM_THIS_MACHINE"
STORE_FILE = "store.sqlite"
"""The name of the store's file below the data directory."""

_STOP_SECONDS = 20.0


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
    """The running processes."""

    started: Sequence[StartedProcess]

    @property
    def processes(self) -> Mapping[str, subprocess.Popen[bytes]]:
        """The processes by name."""
        return {item.name: item.process for item in self.started}

    def wait(self) -> None:
        """Block while all of them run; StackError names the first one that ended."""
        while True:
            for item in self.started:
                item.raise_if_ended()
            time.sleep(POLL_SECONDS)


@contextmanager
def running_stack(
    bundles: Path,
    addresses: Addresses,
    *,
    logs: Path,
    tls: ClientTls | None = None,
    patience_seconds: float = 60.0,
    say: Callable[[str], None] = lambda _: None,
    embedded: bool = False,
    store: Path | None = None,
    is_for_one_person: bool = False,
) -> Iterator["Stack"]:
    """Run post index, user tower and gateway until the block ends; ``embedded``: all three in one process.

    What people do is kept in the SQLite file ``store``, unless MOODFEED_STORE_URL names another store. On a machine
    ``is_for_one_person``, its calls about a person's data need no token, unless MOODFEED_ADMIN_TOKEN_FILE is set.

    ``tls`` is for the health checks, where the environment gives the processes certificates. Each process writes to a
    log file of its name in ``logs``; ``say`` is told every ten seconds what a process does that does not serve yet.
    Raises StackError if such a process writes nothing to its log for ``patience_seconds``, and FileContentError if a
    file of ``tls`` cannot be used. No process outlives this one, however it ends.
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
    started: list[StartedProcess] = []
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
                log = ProcessLog(path, log_file.tell())
                process, bond = running.start([sys.executable, "-m", name], environment, output=log_file)
            started.append(StartedProcess(name, address, process, bond, log))
        for item in started:
            item.wait_until_serving(tls, beside=started, patience_seconds=patience_seconds, say=say)
        wait_until_whole(addresses.gateway_http, tls, deadline=time.monotonic() + patience_seconds)
        yield Stack(tuple(started))


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
