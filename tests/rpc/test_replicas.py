"""Replicas over real servers: turns, retries elsewhere, mute and dead peers, and their return."""

import asyncio
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc
import pytest

from rpc.errors import ErrorRow
from rpc.replicas import NoReplicaError, Replicas
from rpc.server import RunningServer, ServerOptions, start_server
from rpc.tls import ClientTls, ServerTls
from tests.certificate_files import CertificateFiles

SERVICE = "test.v1.NamedService"
ATTEMPT_SECONDS = 0.3


class NotHereError(Exception):
    """Only another replica can answer."""


class FailingError(Exception):
    """Nobody can answer now."""


class Stub:
    """As protoc would generate it."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self.answer = channel.unary_unary(f"/{SERVICE}/Answer")


class Server:
    """A replica that answers with its name, or as a test says."""

    def __init__(self, name: str, port: int = 0, tls: ServerTls | None = None) -> None:
        self.name = name
        self.tls = tls
        self.asked = 0
        self.is_frozen = threading.Event()
        self.lacks_it = False
        self.is_failing = False
        self._running: RunningServer | None = None
        self.port = port
        self.start()

    def start(self) -> None:
        handler = grpc.method_handlers_generic_handler(
            SERVICE, {"Answer": grpc.unary_unary_rpc_method_handler(self.answer)}
        )
        self._running = start_server(
            ServerOptions(
                self.name, f"127.0.0.1:{self.port}", "TEST_ADDRESS", pool_size=4, grace_seconds=5, tls=self.tls
            ),
            add_services=lambda server: server.add_generic_rpc_handlers((handler,)),
            service_names=[SERVICE],
            errors={
                NotHereError: ErrorRow(grpc.StatusCode.FAILED_PRECONDITION, "NOT_HERE"),
                FailingError: ErrorRow(grpc.StatusCode.UNAVAILABLE, "FAILING"),
            },
        )
        self.port = self._running.port

    def stop(self) -> None:
        if self._running:
            self._running.stop(5)
        self._running = None

    def answer(self, request: bytes, context: grpc.ServicerContext) -> bytes:
        self.asked += 1
        while self.is_frozen.is_set() and context.is_active():
            time.sleep(0.01)
        if self.lacks_it:
            raise NotHereError("not here")
        if self.is_failing:
            raise FailingError("failing")
        return self.name.encode()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"


@contextmanager
def two_servers() -> Iterator[tuple[Server, Server]]:
    servers = Server("one"), Server("two")
    try:
        yield servers
    finally:
        for server in servers:
            server.is_frozen.clear()
            server.stop()


def over(
    addresses: list[str],
    ask: Callable[[Replicas[Stub]], Awaitable[None]],
    *,
    well: int = 2,
    tls: ClientTls | None = None,
) -> None:
    async def run() -> None:
        replicas = Replicas("named", addresses, Stub, attempt_seconds=ATTEMPT_SECONDS, tls=tls)
        await replicas.start()
        running = asyncio.create_task(replicas.run())
        try:
            await until(lambda: replicas.well == well)
            await ask(replicas)
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    asyncio.run(run())


async def answers(replicas: Replicas[Stub], count: int, *, seconds: float = 5.0) -> list[bytes]:
    return [
        await replicas.call(lambda stub: stub.answer, b"", seconds=seconds, elsewhere=frozenset({"NOT_HERE"}))
        for _ in range(count)
    ]


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not is_so():  # noqa: ASYNC110 - it is another process's state in the end
            await asyncio.sleep(0.01)


def test_replicas_take_turns() -> None:
    with two_servers() as (one, two):

        async def ask(replicas: Replicas[Stub]) -> None:
            assert sorted(await answers(replicas, 10)) == [b"one"] * 5 + [b"two"] * 5

        over([one.address, two.address], ask)


def test_a_name_stands_for_every_address_that_it_resolves_to() -> None:
    with two_servers() as (one, two):

        async def ask(replicas: Replicas[Stub]) -> None:
            assert set(await answers(replicas, 4)) == {b"one", b"two"}

        over([f"localhost:{one.port}", f"localhost:{two.port}"], ask)


def test_a_call_that_is_not_answered_in_time_is_made_again_elsewhere_and_the_mute_one_left_alone() -> None:
    with two_servers() as (one, two):

        async def ask(replicas: Replicas[Stub]) -> None:
            one.is_frozen.set()
            assert await answers(replicas, 2) == [b"two"] * 2
            assert one.asked == 1

        over([one.address, two.address], ask)


def test_certificates_that_become_bad_take_no_replica_away(tmp_path: Path) -> None:
    files = CertificateFiles(tmp_path / "tls").write()
    server = Server("one", tls=ServerTls(files.certificate, files.key))

    other = Server("two", tls=ServerTls(files.certificate, files.key))
    addresses = [f"localhost:{server.port}"]

    async def ask(replicas: Replicas[Stub]) -> None:
        files.authority.write_text("no PEM")
        replicas.addresses += (f"localhost:{other.port}",)  # as a name would that resolves to one more
        await replicas.start()
        await until(lambda: replicas.well == 2)
        assert set(await answers(replicas, 4)) == {b"one", b"two"}

    try:
        over(addresses, ask, well=1, tls=ClientTls(files.authority))
    finally:
        server.stop()
        other.stop()


def test_a_peer_that_accepts_and_says_nothing_costs_one_attempt_not_the_call() -> None:
    with two_servers() as (one, _), socket.create_server(("127.0.0.1", 0), backlog=16) as silent:

        async def ask(replicas: Replicas[Stub]) -> None:
            assert await answers(replicas, 10, seconds=2 * ATTEMPT_SECONDS + 1) == [b"one"] * 10

        over([one.address, f"127.0.0.1:{silent.getsockname()[1]}"], ask, well=1)


def test_what_one_replica_lacks_is_asked_of_the_other() -> None:
    with two_servers() as (one, two):

        async def ask(replicas: Replicas[Stub]) -> None:
            one.lacks_it = True
            assert await answers(replicas, 4) == [b"two"] * 4
            two.lacks_it = True
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await answers(replicas, 1)
            assert caught.value.code() == grpc.StatusCode.FAILED_PRECONDITION

        over([one.address, two.address], ask)


def test_a_replica_that_ends_and_returns_costs_no_call() -> None:
    with two_servers() as (one, two):

        async def ask(replicas: Replicas[Stub]) -> None:
            await answers(replicas, 2)
            stopping = asyncio.create_task(asyncio.to_thread(one.stop))
            while not stopping.done():
                await answers(replicas, 1)
            assert await answers(replicas, 4) == [b"two"] * 4
            one.start()
            started = time.monotonic()
            await until(lambda: replicas.well == 2)
            assert time.monotonic() - started < 3
            assert set(await answers(replicas, 4)) == {b"one", b"two"}

        over([one.address, two.address], ask)


def test_without_any_replica_a_call_fails_at_once() -> None:
    with two_servers() as (one, two):

        async def ask(replicas: Replicas[Stub]) -> None:
            await until(lambda: replicas.is_serving)
            one.stop()
            two.stop()
            await until(lambda: not replicas.is_serving)
            started = time.monotonic()
            with pytest.raises(NoReplicaError, match="named"):
                await answers(replicas, 1, seconds=5)
            assert time.monotonic() - started < 1

        over([one.address, two.address], ask)


def test_the_callers_time_bounds_all_attempts_together() -> None:
    with two_servers() as (one, two):

        async def ask(replicas: Replicas[Stub]) -> None:
            one.is_frozen.set()
            two.is_frozen.set()
            started = time.monotonic()
            with pytest.raises((grpc.aio.AioRpcError, NoReplicaError)):
                await answers(replicas, 1, seconds=1.0)
            assert time.monotonic() - started < 2

        over([one.address, two.address], ask)


def test_retries_end_where_the_budget_does() -> None:
    with two_servers() as (one, two):

        async def ask(replicas: Replicas[Stub]) -> None:
            one.is_failing = two.is_failing = True
            for _ in range(110):
                with pytest.raises(grpc.aio.AioRpcError):
                    await answers(replicas, 1)
            assert 110 + 95 <= one.asked + two.asked <= 110 + 105

        over([one.address, two.address], ask)


def test_asking_another_replica_for_what_one_lacks_is_no_matter_of_the_budget() -> None:
    with two_servers() as (one, two):

        async def ask(replicas: Replicas[Stub]) -> None:
            one.lacks_it = True
            assert await answers(replicas, 600) == [b"two"] * 600

        over([one.address, two.address], ask)
