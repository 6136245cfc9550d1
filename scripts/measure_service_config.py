"""Compare rpc.replicas and rpc.attempts with gRPC's own service config, fault by fault, against real processes.

Run `python -m scripts.measure_service_config`; it takes about five minutes and prints the table of
docs/decisions/own-replicas.md. Fifty calls a second with a deadline of two seconds each go to two replicas; after a
second, a fault happens to one of them.
"""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

import grpc

from rpc.attempts import NoReplicaError, RetryingCalls
from rpc.channel import OPTIONS
from rpc.errors import ErrorRow
from rpc.replicas import Replicas
from rpc.server import ServerOptions, start_server

SERVICE = "measure.v1.NamedService"
CALLS_PER_SECOND, SECONDS, FAULT_AFTER_SECONDS = 50, 5, 1
DEADLINE_SECONDS, ATTEMPT_SECONDS = 2.0, 0.5
RETRYABLE = [
    "UNAVAILABLE",
    "CANCELLED",
    "FAILED_PRECONDITION",
]  # the last for BUNDLE_NOT_HELD: a policy knows no reasons

Call = Callable[[], Awaitable[object]]


class NotHeldError(Exception):
    """The replica lacks what the other one has."""


class Stub:
    """As protoc would generate it."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self.answer = channel.unary_unary(f"/{SERVICE}/Answer")


def serve() -> None:
    """Be a replica: SIGUSR1 makes it say NOT_SERVING, SIGUSR2 makes it hang, SIGHUP makes it lack the bundle."""
    state: set[int] = set()

    def answer(request: bytes, context: grpc.ServicerContext) -> bytes:
        if signal.SIGUSR2 in state:
            time.sleep(DEADLINE_SECONDS)
        if signal.SIGHUP in state:
            raise NotHeldError("not held")
        if signal.SIGUSR1 in state:
            context.abort(grpc.StatusCode.INTERNAL, "asked although NOT_SERVING")
        return request

    running = start_server(
        ServerOptions("replica", "127.0.0.1:0", "ADDRESS", pool_size=32, grace_seconds=0, most_waiting=1000),
        add_services=lambda server: server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler(SERVICE, {"Answer": grpc.unary_unary_rpc_method_handler(answer)}),)
        ),
        service_names=[SERVICE],
        errors={NotHeldError: ErrorRow(grpc.StatusCode.FAILED_PRECONDITION, "BUNDLE_NOT_HELD")},
    )
    signals = {signal.SIGUSR1, signal.SIGUSR2, signal.SIGHUP}
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    print(running.port, flush=True)
    while True:
        number = signal.sigwait(signals)
        if number == signal.SIGUSR1:
            running.set_serving(False)
            time.sleep(0.3)  # those on the wire are still answered, as when a process drains
        state.add(number)


@contextmanager
def replica() -> Iterator[tuple[int, int]]:
    """Run a replica process; its id and its port."""
    process = subprocess.Popen(
        [sys.executable, "-m", "scripts.measure_service_config", "serve"],
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )
    try:
        yield process.pid, int(process.stdout.readline() if process.stdout else 0)
    finally:
        process.kill()
        process.wait()


@asynccontextmanager
async def by_our_own(addresses: list[str]) -> AsyncIterator[Call]:
    """Calls by rpc.replicas and rpc.attempts."""
    replicas = Replicas("named", addresses, Stub)
    calls = RetryingCalls(replicas, attempt_seconds=ATTEMPT_SECONDS, elsewhere={"BUNDLE_NOT_HELD"})
    await replicas.start()
    running = asyncio.create_task(replicas.run())
    try:
        yield lambda: calls.call(lambda stub: stub.answer, b"x", seconds=DEADLINE_SECONDS)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


def by_service_config(*, per_attempt_timeout: bool) -> Callable[[list[str]], object]:
    """Calls by a channel with a service config; the timeout of an attempt is an experiment of gRPC's core."""
    policy: dict[str, object] = {
        "maxAttempts": 3,
        "initialBackoff": "0.02s",
        "maxBackoff": "0.1s",
        "backoffMultiplier": 2,
        "retryableStatusCodes": RETRYABLE,
    }
    if per_attempt_timeout:
        policy["perAttemptRecvTimeout"] = f"{ATTEMPT_SECONDS}s"
    config = {
        "loadBalancingConfig": [{"round_robin": {}}],
        "healthCheckConfig": {"serviceName": SERVICE},
        "methodConfig": [{"name": [{}], "retryPolicy": policy}],
        "retryThrottling": {"maxTokens": 200, "tokenRatio": 0.1},  # stops at half: a hundred retries at once
    }
    options = [
        *((key, value) for key, value in OPTIONS if key != "grpc.enable_retries"),
        ("grpc.service_config", json.dumps(config)),
        ("grpc.enable_retries", 1),
        ("grpc.experimental.enable_hedging", int(per_attempt_timeout)),
    ]

    @asynccontextmanager
    async def calling(addresses: list[str]) -> AsyncIterator[Call]:
        async with grpc.aio.insecure_channel(f"ipv4:{','.join(addresses)}", options=options) as channel:
            stub = Stub(channel)
            yield lambda: stub.answer(b"x", timeout=DEADLINE_SECONDS)

    return calling


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run of calls went."""

    calls: int
    failures: Mapping[str, int]
    slow: int  # answered, but after more than ATTEMPT_SECONDS / 2


async def run_calls(call: Call, fault: Callable[[], None]) -> Outcome:
    """Make the calls at their times, whatever becomes of those before."""
    for _ in range(20):
        await call()  # every connection is up
    failures: dict[str, int] = {}
    slow = 0

    async def make_one() -> None:
        nonlocal slow
        started = time.perf_counter()
        try:
            await call()
        except (grpc.aio.AioRpcError, NoReplicaError) as error:
            name = error.code().name if isinstance(error, grpc.aio.AioRpcError) else "NO_REPLICA"
            failures[name] = failures.get(name, 0) + 1
        else:
            slow += time.perf_counter() - started > ATTEMPT_SECONDS / 2

    tasks = []
    begun = asyncio.get_running_loop().time()
    for number in range(CALLS_PER_SECOND * SECONDS):
        if number == CALLS_PER_SECOND * FAULT_AFTER_SECONDS:
            fault()
        await asyncio.sleep(begun + number / CALLS_PER_SECOND - asyncio.get_running_loop().time())
        tasks.append(asyncio.create_task(make_one()))
    await asyncio.gather(*tasks)
    return Outcome(len(tasks), failures, slow)


FAULTS: Mapping[str, signal.Signals | None] = {
    "black hole: it accepts and never answers": None,
    "kill -9": signal.SIGKILL,
    "SIGSTOP: nothing answers, the connection stands": signal.SIGSTOP,
    "NOT_SERVING, then every call an error": signal.SIGUSR1,
    "its handlers hang, its health answers": signal.SIGUSR2,
    "BUNDLE_NOT_HELD": signal.SIGHUP,
}
CLIENTS: Mapping[str, Callable[[list[str]], object]] = {
    "own": by_our_own,
    "service config": by_service_config(per_attempt_timeout=False),
    "with perAttemptRecvTimeout": by_service_config(per_attempt_timeout=True),
}


def measure(client: Callable[[list[str]], object], *, fault: signal.Signals | None, is_black_hole: bool) -> Outcome:
    """One fault, one client, new replicas."""
    with replica() as (_, port), replica() as (other_pid, other_port), socket.create_server(("127.0.0.1", 0)) as hole:
        second = hole.getsockname()[1] if is_black_hole else other_port

        async def run() -> Outcome:
            async with client([f"127.0.0.1:{port}", f"127.0.0.1:{second}"]) as call:
                return await run_calls(call, lambda: os.kill(other_pid, fault) if fault else None)

        return asyncio.run(run())


def describe(outcome: Outcome) -> str:
    """A cell of the table."""
    failed = ", ".join(f"{number} {name}" for name, number in sorted(outcome.failures.items()))
    return f"{failed or '0'}; {outcome.slow} slow"


def main() -> None:
    """Print the table."""
    if sys.argv[1:] == ["serve"]:
        serve()
    print(f"| fault of one of two replicas | {' | '.join(CLIENTS)} |\n|{'---|' * (len(CLIENTS) + 1)}")
    for name, fault in FAULTS.items():
        cells = [describe(measure(client, fault=fault, is_black_hole=fault is None)) for client in CLIENTS.values()]
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
