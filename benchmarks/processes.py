"""Starts the processes that are measured, waits until they answer, and stops them."""

import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import grpc
import httpx

from rpc.probe import is_serving

_START_SECONDS, _STOP_SECONDS, _POLL_SECONDS = 180.0, 20.0, 0.01
_ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
_NO_METRICS = {"MOODFEED_POST_INDEX_METRICS_PORT": "0", "MOODFEED_USER_TOWER_METRICS_PORT": "0"}

NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""What httpx verifies with at http:// addresses: to read the authorities takes 20 ms of each question."""


class ProcessError(Exception):
    """A measured process ended, or was not ready in time; the message names it and its log."""


@dataclass(frozen=True, slots=True)
class Started:
    """A process that was started, under the name that its errors and its log have."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    def wait_until(self, is_ready: Callable[[], bool], *, seconds: float = _START_SECONDS) -> None:
        """Poll until the process is ready; ProcessError if it ends or takes too long."""
        deadline = time.monotonic() + seconds
        while not is_ready():
            if self.process.poll() is not None:
                raise ProcessError(f"{self.name} ended with exit code {self.process.returncode}; see {self.log}")
            if time.monotonic() > deadline:
                raise ProcessError(f"{self.name} was not ready within {seconds:g} s; see {self.log}")
            time.sleep(_POLL_SECONDS)


@dataclass(frozen=True, slots=True)
class Product:
    """The running product: the gateway's addresses, host:port, and its processes by name."""

    gateway_grpc: str
    gateway_http: str
    processes: Mapping[str, subprocess.Popen[bytes]]


def one_thread() -> dict[str, str]:
    """The environment of every process that takes part in a measurement."""
    return os.environ | _ONE_THREAD


@contextmanager
def running_process(
    name: str, *arguments: str, logs: Path, variables: Mapping[str, str] | None = None
) -> Iterator[Started]:
    """Run the Python module ``name`` until the block ends; its output is appended to a file in ``logs``."""
    logs.mkdir(parents=True, exist_ok=True)
    log = logs / f"{name}.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", name, *arguments],
            env=one_thread() | _NO_METRICS | dict(variables or {}),
            stdout=output,
            stderr=output,
            start_new_session=True,  # Ctrl-C reaches the benchmark alone, which stops the others
        )
    try:
        yield Started(name, process, log)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def running_product(
    bundles: Path, *, logs: Path, embedded: bool = False, variables: Mapping[str, str] | None = None
) -> Iterator[Product]:
    """Serve the current bundle by post index, user tower and gateway, or by all three in one process."""
    post_index, user_tower, gateway_grpc, gateway_http = free_addresses(4)
    settings = {
        "MOODFEED_BUNDLES": str(bundles),
        "MOODFEED_POST_INDEX_ADDRESS": post_index,
        "MOODFEED_USER_TOWER_ADDRESS": user_tower,
        "MOODFEED_GATEWAY_GRPC_ADDRESS": gateway_grpc,
        "MOODFEED_GATEWAY_HTTP_ADDRESS": gateway_http,
        "MOODFEED_GATEWAY_USER_TOWER_ADDRESS": user_tower,
        "MOODFEED_GATEWAY_POST_INDEX_ADDRESS": post_index,
        **(variables or {}),
    }
    addresses = (
        {"embedded": gateway_grpc}
        if embedded
        else {"post_index_service": post_index, "user_tower_service": user_tower, "gateway": gateway_grpc}
    )
    with ExitStack() as stack:
        started = [stack.enter_context(running_process(name, logs=logs, variables=settings)) for name in addresses]
        for item in started:
            item.wait_until(partial(is_serving, addresses[item.name]))
        started[-1].wait_until(lambda: _is_whole(gateway_http))
        yield Product(gateway_grpc, gateway_http, {item.name: item.process for item in started})


@contextmanager
def running_post_index(bundles: Path, *, logs: Path) -> Iterator[Started]:
    """Serve the current bundle by a post index alone."""
    address = free_addresses(1)[0]
    variables = {"MOODFEED_BUNDLES": str(bundles), "MOODFEED_POST_INDEX_ADDRESS": address}
    with running_process("post_index_service", logs=logs, variables=variables) as started:
        started.wait_until(lambda: is_serving(address))
        yield started


@contextmanager
def running_echo(role: str, *arguments: str, logs: Path) -> Iterator[str]:
    """Run one process of benchmarks.echo; gives its address."""
    address = free_addresses(1)[0]
    with running_process("benchmarks.echo", role, *arguments, "--address", address, logs=logs) as started:
        with grpc.insecure_channel(address) as channel:
            started.wait_until(lambda: _is_connected(channel))
        yield address


@contextmanager
def running_echo_of_three(*, logs: Path) -> Iterator[str]:
    """Run the echo of all three services; gives the address of its gateway."""
    with ExitStack() as stack:
        tower = stack.enter_context(running_echo("tower", logs=logs))
        index = stack.enter_context(running_echo("index", logs=logs))
        yield stack.enter_context(running_echo("gateway", "--tower", tower, "--index", index, logs=logs))


@contextmanager
def running_predecessor(tables: Path, *, logs: Path) -> Iterator[str]:
    """Run benchmarks.predecessor over the tables; gives its address."""
    address = free_addresses(1)[0]
    port = address.rpartition(":")[2]
    with running_process("benchmarks.predecessor", str(tables), "--port", port, logs=logs) as started:
        started.wait_until(lambda: _answers_http(f"http://{address}/docs"))
        yield address


def free_addresses(count: int) -> list[str]:
    """Loopback addresses, host:port, on which nothing listens at the moment."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    names = [f"127.0.0.1:{item.getsockname()[1]}" for item in sockets]
    for item in sockets:
        item.close()
    return names


def _is_whole(gateway_http: str) -> bool:
    """Whether the gateway finds every service: without the user tower it serves too, but degraded feeds."""
    try:
        reply = httpx.get(f"http://{gateway_http}/readyz", timeout=1, trust_env=False, verify=NO_TLS)
        return not reply.json()["degraded"]
    except (httpx.HTTPError, ValueError, KeyError):
        return False


def _is_connected(channel: grpc.Channel) -> bool:
    try:
        grpc.channel_ready_future(channel).result(1)
    except grpc.FutureTimeoutError:
        return False
    return True


def _answers_http(url: str) -> bool:
    try:
        httpx.get(url, timeout=2, trust_env=False, verify=NO_TLS)
    except httpx.HTTPError:
        return False
    return True
