"""Start the processes of the product, wait until they serve, and stop them together."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from cli.gateway_access import https_context
from rpc.addresses import UnixSocket, read_address
from rpc.probe import is_serving
from rpc.tls import ClientTls

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
            gateway_grpc=environment.get("MOODFEED_GATEWAY_GRPC_ADDRESS", defaults.gateway_grpc),
            gateway_http=environment.get("MOODFEED_GATEWAY_HTTP_ADDRESS", defaults.gateway_http),
            user_tower=environment.get("MOODFEED_USER_TOWER_ADDRESS", defaults.user_tower),
            post_index=environment.get("MOODFEED_POST_INDEX_ADDRESS", defaults.post_index),
        )


@dataclass(frozen=True, slots=True)
class Stack:
    """The running processes by name."""

    processes: Mapping[str, subprocess.Popen[bytes]]

    def wait(self) -> None:
        """Block while all of them run; StackError names the first one that ended."""
        while True:
            for name, process in self.processes.items():
                if process.poll() is not None:
                    raise StackError(f"{name} ended with exit code {process.returncode}")
            time.sleep(_POLL_SECONDS)


@dataclass(frozen=True, slots=True)
class _Process:
    name: str
    health_address: str
    process: subprocess.Popen[bytes]
    log: Path


@contextmanager
def running_stack(
    bundles: Path,
    addresses: Addresses,
    *,
    logs: Path,
    tls: ClientTls | None = None,
    start_seconds: float = 60.0,
    embedded: bool = False,
) -> Iterator["Stack"]:
    """Run post index, user tower and gateway until the block ends; ``embedded``: all three in one process.

    ``tls`` is for the health checks, where the environment gives the processes certificates. Each process writes to a
    log file of its name in ``logs``. Raises StackError if a process does not serve within ``start_seconds``, and
    FileContentError if a file of ``tls`` cannot be used.
    """
    environment = os.environ | {
        "MOODFEED_BUNDLES": str(bundles),
        "MOODFEED_POST_INDEX_ADDRESS": addresses.post_index,
        "MOODFEED_USER_TOWER_ADDRESS": addresses.user_tower,
        "MOODFEED_GATEWAY_GRPC_ADDRESS": addresses.gateway_grpc,
        "MOODFEED_GATEWAY_HTTP_ADDRESS": addresses.gateway_http,
        "MOODFEED_GATEWAY_USER_TOWER_ADDRESS": addresses.user_tower,
        "MOODFEED_GATEWAY_POST_INDEX_ADDRESS": addresses.post_index,
        # With more threads than cores latency grows tenfold; one thread per process measured best.
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "HF_HUB_OFFLINE": "1",
    }
    started: list[_Process] = []
    logs.mkdir(parents=True, exist_ok=True)
    try:
        for name, address in (
            (("embedded", addresses.gateway_grpc),)
            if embedded
            else (
                ("post_index_service", addresses.post_index),
                ("user_tower_service", addresses.user_tower),
                ("gateway", addresses.gateway_grpc),
            )
        ):
            log = logs / f"{name}.log"
            with log.open("ab") as log_file:
                process = subprocess.Popen(  # noqa: S603 - our own modules, no shell
                    [sys.executable, "-m", name],
                    env=environment,
                    stdout=log_file,
                    stderr=log_file,
                    start_new_session=True,  # Ctrl-C reaches only this process, which stops the others in order
                )
            started.append(_Process(name, address, process, log))
        for item in started:
            _wait_until_serving(item, tls, deadline=time.monotonic() + start_seconds)
        _wait_until_whole(addresses.gateway_http, tls, deadline=time.monotonic() + start_seconds)
        yield Stack({item.name: item.process for item in started})
    finally:
        on_sigint = signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second Ctrl-C must leave no process behind
        for item in reversed(started):  # the gateway first, so that its requests in flight still find the others
            stop_process(item.process)
        signal.signal(signal.SIGINT, on_sigint)


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
            raise StackError(f"{item.name} ended with exit code {item.process.returncode}: {_last_line(item.log)}")
        if is_serving(item.health_address, timeout_seconds=1, tls=tls):
            return
        time.sleep(_POLL_SECONDS)
    raise StackError(f"{item.name} at {item.health_address} did not become SERVING in time: {_last_line(item.log)}")


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


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines()
    return f"{lines[-1] if lines else 'it wrote nothing'} (full log: {log})"
