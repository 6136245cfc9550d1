"""Replicas over real servers: which are well, retries on another one, unresponsive and dead peers, and their return."""

import asyncio
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import grpc
import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from rpc.attempts import NoReplicaError, RetryingCalls
from rpc.errors import ErrorRow
from rpc.replicas import Replicas
from rpc.server import RunningServer, ServerOptions, start_server
from rpc.tls import ClientTls, ServerTls
from tests.certificate_files import CertificateFiles
from tests.held_port import held_port

SERVICE = "test.v1.NamedService"
ATTEMPT_SECONDS = 0.3


class NotHereError(Exception):
    """Only another replica can answer."""


class Stub:
    """As protoc would generate it."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self.answer = channel.unary_unary(f"/{SERVICE}/Answer")


class Server:
    """A replica that answers with its name, or as a test says."""

    def __init__(self, name: str, port: int, tls: ServerTls | None = None, *, address: str = "") -> None:
        self.name = name
        self.address = address or f"127.0.0.1:{port}"
        self.port = port
        self.tls = tls
        self.asked = 0
        self.is_frozen = False
        self.lacks_it = False
        self._running: RunningServer | None = None
        self.start()

    def start(self) -> None:
        handler = grpc.method_handlers_generic_handler(
            SERVICE, {"Answer": grpc.unary_unary_rpc_method_handler(self.answer)}
        )
        self._running = start_server(
            ServerOptions(self.name, self.address, "TEST_ADDRESS", pool_size=4, grace_seconds=5, tls=self.tls),
            add_services=lambda server: server.add_generic_rpc_handlers((handler,)),
            service_names=[SERVICE],
            errors={NotHereError: ErrorRow(grpc.StatusCode.FAILED_PRECONDITION, "NOT_HERE")},
        )

    def stop(self) -> None:
        if self._running:
            self._running.stop(5)
        self._running = None

    def set_serving(self, is_serving: bool) -> None:
        self._running.set_serving(is_serving)

    def answer(self, request: bytes, context: grpc.ServicerContext) -> bytes:
        self.asked += 1
        if self.is_frozen:
            ended = threading.Event()
            if context.add_callback(ended.set):
                assert ended.wait(20)
        if self.lacks_it:
            raise NotHereError("not here")
        return self.name.encode()


@contextmanager
def servers(*names: str, tls: ServerTls | None = None) -> Iterator[list[Server]]:
    with ExitStack() as stack:
        running = [Server(name, stack.enter_context(held_port()), tls) for name in names]
        for server in running:
            stack.callback(server.stop)
        yield running


class Client:
    """What a process behind which replicas stand has of them."""

    def __init__(self, replicas: Replicas[Stub]) -> None:
        self.replicas = replicas
        self._calls = RetryingCalls(replicas, attempt_seconds=ATTEMPT_SECONDS, elsewhere={"NOT_HERE"})

    async def answers(self, count: int) -> list[bytes]:
        return [await self._calls.call(lambda stub: stub.answer, b"", seconds=5.0) for _ in range(count)]

    async def until(self, *, well: int) -> None:
        async with asyncio.timeout(10):
            while self.replicas.well != well:  # noqa: ASYNC110 - whatever changes it is not of this loop
                await asyncio.sleep(0.01)


def over(
    addresses: list[str],
    use: Callable[[Client], Awaitable[None]],
    *,
    well: int = 2,
    stub: Callable[[grpc.aio.Channel], Stub] = Stub,
    tls: ClientTls | None = None,
) -> None:
    async def run() -> None:
        client = Client(Replicas("named", addresses, stub, tls=tls))
        await client.replicas.start()
        running = asyncio.create_task(client.replicas.run())
        try:
            await client.until(well=well)
            await use(client)
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    asyncio.run(run())


def test_replicas_take_turns() -> None:
    with servers("one", "two") as (one, two):

        async def use(client: Client) -> None:
            assert sorted(await client.answers(10)) == [b"one"] * 5 + [b"two"] * 5

        over([one.address, two.address], use)


def test_a_name_stands_for_every_address_that_it_resolves_to() -> None:
    with servers("one", "two") as (one, two):

        async def use(client: Client) -> None:
            assert set(await client.answers(4)) == {b"one", b"two"}

        over([f"localhost:{one.port}", f"localhost:{two.port}"], use)


def test_an_unanswered_call_is_repeated_elsewhere_and_its_replica_left_alone_until_its_health_answers() -> None:
    with servers("one", "two") as (one, two):

        async def use(client: Client) -> None:
            changes: list[int] = []

            async def note_change() -> None:
                changes.append(client.replicas.well)

            client.replicas.on_change = note_change
            one.is_frozen = True
            assert await client.answers(2) == [b"two"] * 2
            assert one.asked == 1
            one.is_frozen = False
            await client.until(well=2)
            assert changes == [1, 2]
            assert set(await client.answers(4)) == {b"one", b"two"}

        over([one.address, two.address], use)


def test_a_replica_that_says_not_serving_is_not_asked() -> None:
    with servers("one", "two") as (one, two):

        async def use(client: Client) -> None:
            one.set_serving(False)
            await client.until(well=1)
            assert await client.answers(4) == [b"two"] * 4
            assert one.asked == 0
            one.set_serving(True)
            await client.until(well=2)
            assert set(await client.answers(4)) == {b"one", b"two"}

        over([one.address, two.address], use)


def test_a_replica_known_to_be_well_goes_before_one_that_has_said_nothing_yet() -> None:
    with servers("one") as (one,), held_port() as silent_port, socket.socket() as silent:
        silent.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        silent.bind(("127.0.0.1", silent_port))
        silent.listen()

        async def use(client: Client) -> None:
            assert [replica.address for replica in client.replicas.candidates()] == [one.address]
            assert await client.answers(10) == [b"one"] * 10

        over([one.address, f"127.0.0.1:{silent_port}"], use, well=1)


class NameServer:
    """What names resolve to; one that is not here cannot be resolved, for the reason given."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **ips: str) -> None:
        self.ips = dict(ips)
        self.reason = "Temporary failure in name resolution"
        self.error: Exception | None = None
        monkeypatch.setattr(socket, "getaddrinfo", self.getaddrinfo)

    def getaddrinfo(self, host: str, *_: object, **__: object) -> list[object]:
        if self.error:
            raise self.error
        if host not in self.ips:
            raise socket.gaierror(socket.EAI_AGAIN, self.reason)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (self.ips[host], 0))]


def well_by_the_gauge() -> float | None:
    return REGISTRY.get_sample_value("moodfeed_downstream_replicas_well", {"service": "named"})


def test_a_name_that_is_lost_keeps_its_replica_and_is_logged_once_for_each_reason(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names = NameServer(monkeypatch, first="127.0.0.1", second="127.0.0.1")
    with servers("one", "two") as (one, two), capture_logs() as logs:

        async def use(client: Client) -> None:
            del names.ips["second"]
            for _ in range(3):
                await client.replicas.start()
            names.reason = "Name or service not known"
            await client.replicas.start()
            names.error = UnicodeError("label too long")
            await client.replicas.start()
            assert client.replicas.well == 2
            assert set(await client.answers(4)) == {b"one", b"two"}
            names.error = None
            names.ips["second"] = "127.0.0.1"
            await client.replicas.start()

        over([f"first:{one.port}", f"second:{two.port}"], use)
    told = [(line["event"], line["host"], line.get("reason")) for line in logs if line.get("host") == "second"]
    assert told == [
        ("host not resolved", "second", "Temporary failure in name resolution"),
        ("host not resolved", "second", "Name or service not known"),
        ("host not resolved", "second", "label too long"),
        ("host resolved again", "second", None),
    ]


def test_a_name_that_never_resolved_is_logged_and_the_other_is_served(monkeypatch: pytest.MonkeyPatch) -> None:
    NameServer(monkeypatch, first="127.0.0.1")
    with servers("one") as (one,), capture_logs() as logs:

        async def use(client: Client) -> None:
            assert await client.answers(2) == [b"one", b"one"]

        over([f"first:{one.port}", "nobody:1"], use, well=1)
    assert [line["host"] for line in logs if line["event"] == "host not resolved"] == ["nobody"]


def test_the_gauge_and_the_listener_follow_a_name_that_leaves_a_replica(monkeypatch: pytest.MonkeyPatch) -> None:
    names = NameServer(monkeypatch, first="127.0.0.1", second="127.0.0.1")
    with servers("one", "two") as (one, two):

        async def use(client: Client) -> None:
            changes: list[int] = []

            async def note_change() -> None:
                changes.append(client.replicas.well)

            client.replicas.on_change = note_change
            assert well_by_the_gauge() == 2
            names.ips["second"] = "127.0.0.2"  # nobody listens there
            await client.replicas.start()
            assert changes[0] == 1
            assert well_by_the_gauge() == 1

        over([f"first:{one.port}", f"second:{two.port}"], use)


@pytest.mark.parametrize("form", ["unix:{directory}/s", "unix-abstract:{directory}/s", "[::1]:{port}"])
@pytest.mark.parametrize("has_tls", [False, True])
def test_replicas_are_found_at_every_form_of_an_address(tmp_path: Path, form: str, has_tls: bool) -> None:
    files = CertificateFiles(tmp_path / "tls").write()
    with held_port() as port:
        address = form.format(directory=tmp_path, port=port)
        server = Server("one", port, ServerTls(files.certificate, files.key) if has_tls else None, address=address)

        async def use(client: Client) -> None:
            assert await client.answers(1) == [b"one"]

        try:
            over([address], use, well=1, tls=ClientTls(files.authority) if has_tls else None)
        finally:
            server.stop()


def test_certificates_that_become_bad_take_no_replica_away(tmp_path: Path) -> None:
    files = CertificateFiles(tmp_path / "tls").write()
    with servers("one", "two", tls=ServerTls(files.certificate, files.key)) as (one, two):

        async def use(client: Client) -> None:
            files.authority.write_text("no PEM", encoding="utf-8")
            client.replicas.addresses += (f"localhost:{two.port}",)  # as if a name resolved to one more
            await client.replicas.start()
            await client.until(well=2)
            assert set(await client.answers(4)) == {b"one", b"two"}

        over([f"localhost:{one.port}"], use, well=1, tls=ClientTls(files.authority))


def test_new_certificates_open_a_new_channel_to_each_replica_once(tmp_path: Path) -> None:
    files = CertificateFiles(tmp_path / "server").write()
    authority = CertificateFiles(tmp_path / "client").write()
    opened: list[grpc.aio.Channel] = []

    def stub(channel: grpc.aio.Channel) -> Stub:
        opened.append(channel)
        return Stub(channel)

    with servers("one", tls=ServerTls(files.certificate, files.key)) as (one,):

        async def use(client: Client) -> None:
            await client.replicas.start()
            assert len(opened) == 1
            authority.write("ours", trusted="ours")
            await client.replicas.start()
            await client.replicas.start()
            assert len(opened) == 2
            await client.until(well=1)
            assert await client.answers(1) == [b"one"]

        over([f"localhost:{one.port}"], use, well=1, stub=stub, tls=ClientTls(authority.authority))


def test_what_one_replica_lacks_is_asked_of_the_other() -> None:
    with servers("one", "two") as (one, two):

        async def use(client: Client) -> None:
            one.lacks_it = True
            assert await client.answers(4) == [b"two"] * 4
            two.lacks_it = True
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await client.answers(1)
            assert caught.value.code() == grpc.StatusCode.FAILED_PRECONDITION

        over([one.address, two.address], use)


def test_a_replica_that_ends_and_returns_costs_no_call() -> None:
    with servers("one", "two") as (one, two):

        async def use(client: Client) -> None:
            await client.answers(2)
            stopping = asyncio.create_task(asyncio.to_thread(one.stop))
            while not stopping.done():
                await client.answers(1)
            assert await client.answers(4) == [b"two"] * 4
            one.start()
            await client.until(well=2)
            assert set(await client.answers(4)) == {b"one", b"two"}

        over([one.address, two.address], use)


def test_without_any_replica_a_call_fails_without_an_attempt() -> None:
    with servers("one", "two") as (one, two):

        async def use(client: Client) -> None:
            assert client.replicas.is_serving
            one.stop()
            two.stop()
            await client.until(well=0)
            assert not client.replicas.is_serving
            with pytest.raises(NoReplicaError, match="named"):
                await client.answers(1)

        over([one.address, two.address], use)
