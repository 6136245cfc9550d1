"""Start the three processes of the product, wait for their health, and stop them together."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc
import httpx
from grpc_health.v1 import health_pb2, health_pb2_grpc

from cli.gateway_access import Trust

_HEALTH_POLL_SECONDS = 0.1
_STOP_SECONDS = 20.0


class StackError(Exception):
    """A process did not start or did not stay: says which, and where its own words stand."""


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the processes listen, each host:port."""

    gateway_grpc: str = "127.0.0.1:50050"
    gateway_http: str = "127.0.0.1:8000"
    user_tower: str = "127.0.0.1:50051"
    post_index: str = "127.0.0.1:50052"

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Addresses":
        """The defaults, moved by the variables that move the processes themselves."""
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
        """Block while all of them run; StackError names the first that ended."""
        while True:
            for name, process in self.processes.items():
                if process.poll() is not None:
                    raise StackError(f"{name} ended with exit code {process.returncode}")
            time.sleep(_HEALTH_POLL_SECONDS)


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
    trust: Trust | None = None,
    start_seconds: float = 60.0,
    embedded: bool = False,
) -> Iterator["Stack"]:
    """Run post index, user tower and gateway until the block ends; ``embedded``, all three in one process.

    ``trust`` is for asking them how they are, where the environment gives them certificates.
    Raises StackError if one of them is not SERVING within ``start_seconds``; what each writes goes to a file of
    its name in ``logs``.
    """
    environment = os.environ | {
        "MOODFEED_BUNDLES": str(bundles),
        "MOODFEED_POST_INDEX_ADDRESS": addresses.post_index,
        "MOODFEED_USER_TOWER_ADDRESS": addresses.user_tower,
        "MOODFEED_GATEWAY_GRPC_ADDRESS": addresses.gateway_grpc,
        "MOODFEED_GATEWAY_HTTP_ADDRESS": addresses.gateway_http,
        "MOODFEED_GATEWAY_USER_TOWER_ADDRESS": addresses.user_tower,
        "MOODFEED_GATEWAY_POST_INDEX_ADDRESS": addresses.post_index,
        # More threads than cores cost tenfold in latency; one a process is measured best.
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
                    start_new_session=True,  # Ctrl-C reaches only us; we stop the others in order
                )
            started.append(_Process(name, address, process, log))
        for item in started:
            _wait_until_serving(item, trust or Trust(), deadline=time.monotonic() + start_seconds)
        _wait_until_whole(addresses.gateway_http, trust or Trust(), deadline=time.monotonic() + start_seconds)
        yield Stack({item.name: item.process for item in started})
    finally:
        impatience = signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second Ctrl-C must leave no process behind
        for item in reversed(started):  # the gateway first, so that its requests in flight still find the others
            _stop(item)
        signal.signal(signal.SIGINT, impatience)


def _wait_until_serving(item: _Process, trust: Trust, *, deadline: float) -> None:
    with trust.open_channel(item.health_address) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        while time.monotonic() < deadline:
            if item.process.poll() is not None:
                raise StackError(f"{item.name} ended with exit code {item.process.returncode}: {_last_words(item.log)}")
            try:
                answer = stub.Check(health_pb2.HealthCheckRequest(), timeout=1, wait_for_ready=False)
                if answer.status == health_pb2.HealthCheckResponse.SERVING:
                    return
            except grpc.RpcError:
                pass
            time.sleep(_HEALTH_POLL_SECONDS)
    raise StackError(f"{item.name} at {item.health_address} is not SERVING in time: {_last_words(item.log)}")


def _wait_until_whole(http_address: str, trust: Trust, *, deadline: float) -> None:
    """Until the gateway has seen every service: it serves without the user tower too, but degraded feeds."""
    context = trust.ssl_context()
    url = f"{'https' if context else 'http'}://{http_address}/readyz"
    with httpx.Client(verify=context or False, timeout=1) as client:  # False: plaintext has nothing to verify
        while time.monotonic() < deadline:
            try:
                if not client.get(url).json()["degraded"]:
                    return
            except (httpx.HTTPError, ValueError, KeyError):
                pass
            time.sleep(_HEALTH_POLL_SECONDS)
    raise StackError(f"the gateway at {http_address} does not find the user tower service")


def _last_words(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines()
    return f"{lines[-1] if lines else 'it said nothing'} (all of it in {log})"


def _stop(item: _Process) -> None:
    if item.process.poll() is not None:
        return
    item.process.send_signal(signal.SIGTERM)
    try:
        item.process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        item.process.kill()
        item.process.wait()
