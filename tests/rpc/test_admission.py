"""Load shedding on a real server: what is too much is refused at once, and health answers all the while."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from prometheus_client import REGISTRY

from rpc.admission import InFlight, TooManyRequestsError
from rpc.errors import read_error_info
from rpc.server import RunningServer, ServerOptions, start_server

SERVICE = "test.v1.SlowService"


class Gate:
    """A handler whose calls stand still until the gate opens."""

    def __init__(self) -> None:
        self.opened = threading.Event()
        self.entered = threading.Semaphore(0)

    def answer(self, request: bytes, context: grpc.ServicerContext) -> bytes:
        self.entered.release()
        assert self.opened.wait(20)
        return request


@contextmanager
def slow_server(gate: Gate, *, most_waiting: int) -> Iterator[RunningServer]:
    handler = grpc.method_handlers_generic_handler(
        SERVICE, {"Answer": grpc.unary_unary_rpc_method_handler(gate.answer)}
    )
    running = start_server(
        ServerOptions("test", "127.0.0.1:0", "TEST_ADDRESS", pool_size=1, grace_seconds=5, most_waiting=most_waiting),
        add_services=lambda server: server.add_generic_rpc_handlers((handler,)),
        service_names=[SERVICE],
        errors={},
    )
    try:
        yield running
    finally:
        gate.opened.set()
        running.stop(5)


def in_flight() -> float:
    return REGISTRY.get_sample_value("moodfeed_requests_in_flight") or 0.0


def test_beyond_the_bound_calls_are_refused_at_once_and_the_others_are_answered() -> None:
    gate, before = Gate(), in_flight()
    with slow_server(gate, most_waiting=3) as running, grpc.insecure_channel(f"127.0.0.1:{running.port}") as channel:
        call = channel.unary_unary(f"/{SERVICE}/Answer")
        first = call.future(b"0", timeout=20)
        assert gate.entered.acquire(timeout=10)
        waiting = [call.future(str(number).encode(), timeout=20) for number in range(1, 4)]
        with pytest.raises(grpc.RpcError) as refused:
            call(b"too many", timeout=20)
        assert refused.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
        assert read_error_info(refused.value).reason == "OVERLOADED"
        assert not gate.opened.is_set()  # nothing has been answered meanwhile
        assert in_flight() == before + 4
        health = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=5)
        assert health.status == health_pb2.HealthCheckResponse.SERVING
        gate.opened.set()
        assert [item.result() for item in [first, *waiting]] == [b"0", b"1", b"2", b"3"]
    assert in_flight() == before  # the server has stopped: whatever it took is answered


def test_what_was_refused_leaves_no_trace_once_there_is_room_again() -> None:
    gate = Gate()
    with slow_server(gate, most_waiting=1) as running, grpc.insecure_channel(f"127.0.0.1:{running.port}") as channel:
        call = channel.unary_unary(f"/{SERVICE}/Answer")
        first, second = call.future(b"1", timeout=20), None
        assert gate.entered.acquire(timeout=10)
        second = call.future(b"2", timeout=20)
        for _ in range(20):
            with pytest.raises(grpc.RpcError):
                call(b"x", timeout=20)
        gate.opened.set()
        assert (first.result(), second.result()) == (b"1", b"2")
        assert [call(b"again", timeout=20) for _ in range(20)] == [b"again"] * 20


def test_an_asyncio_process_counts_over_all_its_edges() -> None:
    edges = InFlight(2)
    with edges.admitted("GetFeed"), edges.admitted("GET /feed"), pytest.raises(TooManyRequestsError):
        edges.admitted("GetFeed").__enter__()
    with edges.admitted("GetFeed"), edges.admitted("GetFeed"):
        assert edges.count == 2


def test_a_request_that_counts_as_several_needs_room_for_all_or_is_alone() -> None:
    edges = InFlight(3)
    with edges.admitted("GetFeed"):
        with edges.admitted("GetFeeds", requests=2):
            assert edges.count == 3
        with pytest.raises(TooManyRequestsError):
            edges.admitted("GetFeeds", requests=3).__enter__()
    with edges.admitted("GetFeeds", requests=64), pytest.raises(TooManyRequestsError):
        edges.admitted("GetFeed").__enter__()
    assert edges.count == 0
