"""What comes in is bounded, and bytes that are no message are the caller's fault, on both kinds of server."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

import grpc
import pytest
from grpc_health.v1 import health, health_pb2_grpc
from prometheus_client import REGISTRY

from moodfeed.user_tower.v1 import user_tower_pb2, user_tower_pb2_grpc
from rpc.errors import AsyncErrorInterceptor, ErrorInterceptor, ErrorRow, read_error_info
from rpc.metrics import REQUESTS, AsyncMetricsInterceptor, MetricsInterceptor
from rpc.server import (
    LARGEST_FRAME_BYTES,
    LARGEST_METADATA_BYTES,
    MOST_STREAMS_PER_CONNECTION,
    OPTIONS,
    keepalive,
    limits,
)
from tests.waiting import wait_until

METHOD = "/moodfeed.user_tower.v1.UserTowerService/EncodeContext"
LIMITS = limits(largest_request_bytes=1000, max_connections=2)


class RefusedError(Exception):
    """Repeats much of what callers wrote."""

    def __init__(self) -> None:
        super().__init__(f"refused: {'😂' * 20_000}")
        self.metadata = {"written": "😂" * 20_000, "held": "a" * 64}


def answer(request):
    if request.username == "refused":
        raise RefusedError
    return user_tower_pb2.EncodeContextResponse(bundle_id=request.username)


ERRORS = {RefusedError: ErrorRow(grpc.StatusCode.FAILED_PRECONDITION, "REFUSED")}


class Service(user_tower_pb2_grpc.UserTowerServiceServicer):
    def EncodeContext(self, request, context):  # noqa: N802
        return answer(request)


class AsyncService(user_tower_pb2_grpc.UserTowerServiceServicer):
    async def EncodeContext(self, request, context):  # noqa: N802
        return answer(request)


@contextmanager
def sync_server() -> Iterator[int]:
    server = grpc.server(
        ThreadPoolExecutor(2), interceptors=[MetricsInterceptor(), ErrorInterceptor(ERRORS)], options=LIMITS
    )
    user_tower_pb2_grpc.add_UserTowerServiceServicer_to_server(Service(), server)
    health_pb2_grpc.add_HealthServicer_to_server(health.HealthServicer(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield port
    server.stop(0).wait()


@contextmanager
def asyncio_server() -> Iterator[int]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    async def start():
        server = grpc.aio.server(
            interceptors=[AsyncMetricsInterceptor(), AsyncErrorInterceptor(ERRORS)], options=LIMITS
        )
        user_tower_pb2_grpc.add_UserTowerServiceServicer_to_server(AsyncService(), server)
        health_pb2_grpc.add_HealthServicer_to_server(health.aio.HealthServicer(), server)
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        return server, port

    server, port = asyncio.run_coroutine_threadsafe(start(), loop).result(5)
    yield port
    asyncio.run_coroutine_threadsafe(server.stop(0), loop).result(5)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


@pytest.fixture(params=[sync_server, asyncio_server], ids=["sync", "asyncio"])
def port(request: pytest.FixtureRequest) -> Iterator[int]:
    with request.param() as port:
        yield port


def connect(port: int) -> grpc.Channel:
    return grpc.insecure_channel(f"127.0.0.1:{port}", options=[("grpc.use_local_subchannel_pool", 1)])


def send(channel: grpc.Channel, data: bytes, **arguments: object) -> bytes:
    return channel.unary_unary(METHOD)(data, timeout=5, **arguments)


def count(code: str) -> float:
    return REQUESTS.labels("moodfeed.user_tower.v1.UserTowerService", "EncodeContext", code)._value.get()


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"\x0a\x05ab", id="cut off"),
        pytest.param(b"\x0a\x02\xff\xfe", id="not UTF-8"),
        pytest.param(b"\x0a\x03\xed\xa0\x80", id="a surrogate in UTF-8"),
        pytest.param(b"\xff" * 20, id="no wire format"),
    ],
)
def test_bytes_that_are_no_message_are_the_callers_fault(port: int, data: bytes) -> None:
    counted = count("INVALID_ARGUMENT")
    with connect(port) as channel:
        with pytest.raises(grpc.RpcError) as caught:
            send(channel, data)
        assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT
        assert read_error_info(caught.value).reason == "REQUEST_MALFORMED"
        assert b"ana" in send(channel, b"\x0a\x03ana")
    wait_until(lambda: count("INVALID_ARGUMENT") == counted + 1)  # counted once the answer is on its way


def test_an_error_that_repeats_much_reaches_its_caller_as_that_error(port: int) -> None:
    with connect(port) as channel, pytest.raises(grpc.RpcError) as caught:
        send(channel, user_tower_pb2.EncodeContextRequest(username="refused").SerializeToString())
    assert caught.value.code() == grpc.StatusCode.FAILED_PRECONDITION
    assert caught.value.details().startswith("refused: 😂😂")
    info = read_error_info(caught.value)
    assert info.reason == "REFUSED"
    assert info.metadata == {"written": f"{'😂' * 99}…", "held": "a" * 64}


@pytest.mark.parametrize(
    "method", ["/moodfeed.user_tower.v1.UserTowerService/EncodePosts", "/grpc.health.v1.Health/List"]
)
def test_a_method_that_a_service_leaves_out_is_unimplemented_and_no_fault(
    port: int, method: str, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    with connect(port) as channel, pytest.raises(grpc.RpcError) as caught:
        channel.unary_unary(method)(b"", timeout=5)
    assert caught.value.code() == grpc.StatusCode.UNIMPLEMENTED
    assert read_error_info(caught.value).reason == "METHOD_NOT_IMPLEMENTED"
    assert (capsys.readouterr().out, caplog.text) == ("", "")


def test_a_message_may_be_as_long_as_the_limit_and_no_longer(port: int) -> None:
    def of_bytes(length: int) -> bytes:
        data = user_tower_pb2.EncodeContextRequest(username="a" * (length - 3)).SerializeToString()
        assert len(data) == length
        return data

    with connect(port) as channel:
        send(channel, of_bytes(1000))
        with pytest.raises(grpc.RpcError) as caught:
            send(channel, of_bytes(1001))
        assert caught.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED


def test_metadata_beyond_the_limit_is_refused(port: int) -> None:
    with connect(port) as channel:
        send(channel, b"", metadata=[("x", "a" * (LARGEST_METADATA_BYTES - 1000))])
        with pytest.raises(grpc.RpcError) as caught:
            send(channel, b"", metadata=[("x", "a" * LARGEST_METADATA_BYTES)])
        assert caught.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED


def test_connections_beyond_the_limit_are_closed_and_a_place_that_gets_free_is_given(port: int) -> None:
    def is_answered() -> bool:
        with connect(port) as channel:
            try:
                send(channel, b"")
            except grpc.RpcError as error:
                return error.code() != grpc.StatusCode.UNAVAILABLE
        return True

    with ExitStack() as held:
        for _ in range(2):
            send(held.enter_context(connect(port)), b"")
        assert not is_answered()
    wait_until(is_answered)  # the server learns of a closed connection from its socket


def test_the_settings_of_a_connection_name_the_limits_of_streams_and_frames(port: int) -> None:
    """Reads the server's SETTINGS frame, RFC 9113 section 6.5."""
    with (
        socket.create_connection(("127.0.0.1", port), timeout=5) as connection,
        connection.makefile("rb") as reader,
    ):
        connection.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\x04\0\0\0\0\0")
        head = reader.read(9)
        assert head[3] == 4
        payload = reader.read(int.from_bytes(head[:3], "big"))
    settings = {
        int.from_bytes(payload[place : place + 2], "big"): int.from_bytes(payload[place + 2 : place + 6], "big")
        for place in range(0, len(payload), 6)
    }
    max_concurrent_streams, max_frame_size, max_header_list_size = 3, 5, 6
    assert settings[max_concurrent_streams] == MOST_STREAMS_PER_CONNECTION
    assert settings.get(max_frame_size, 16_384) == LARGEST_FRAME_BYTES
    assert settings[max_header_list_size] == LARGEST_METADATA_BYTES


def test_the_method_of_a_call_that_nobody_answers_is_counted_without_its_name(port: int) -> None:
    def unknown() -> float:
        labels = {"service": "unknown", "method": "unknown", "code": "UNIMPLEMENTED"}
        return REGISTRY.get_sample_value("moodfeed_rpc_requests_total", labels) or 0.0

    before = unknown()
    with connect(port) as channel:
        for method in ("/a.b/C", "/invented/x"):
            with pytest.raises(grpc.RpcError) as caught:
                channel.unary_unary(method)(b"", timeout=5)
            assert caught.value.code() == grpc.StatusCode.UNIMPLEMENTED
    assert unknown() == before + 2


def test_an_idle_peer_that_leaves_a_ping_unanswered_loses_its_place() -> None:
    options = (*LIMITS, *keepalive(ping_seconds=0.2, answer_seconds=0.2))
    server = grpc.server(ThreadPoolExecutor(1), options=options)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        with (
            socket.create_connection(("127.0.0.1", port), timeout=30) as connection,
            connection.makefile("rb") as reader,
        ):
            connection.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\x04\0\0\0\0\0")
            reader.read()  # until the server closes the connection
    finally:
        server.stop(0).wait()


def test_every_server_pings_its_peers() -> None:
    assert set(keepalive(ping_seconds=20, answer_seconds=10)) <= set(OPTIONS)
