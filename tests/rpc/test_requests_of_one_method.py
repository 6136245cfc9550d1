"""What holds for one method of a server and not for the others: the size of a request, its threads, who may call it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from moodfeed.feedback.v1 import feedback_pb2, feedback_pb2_grpc
from rpc.errors import ErrorRow, RequestSizes, read_error_info
from rpc.guard import Caller, GuardInterceptor
from rpc.server import ServerOptions, start_server

SERVICE = "moodfeed.feedback.v1.FeedbackService"
RECORD = f"/{SERVICE}/RecordInteractions"


class Servicer(feedback_pb2_grpc.FeedbackServiceServicer):
    """Recording waits until it is told to go on; deleting answers at once."""

    def __init__(self) -> None:
        self.may_record = threading.Event()
        self.recording = threading.Semaphore(0)

    def RecordInteractions(self, request, context):  # noqa: N802
        self.recording.release()
        assert self.may_record.wait(20)
        return feedback_pb2.RecordInteractionsResponse(position=len(request.interactions))

    def DeletePerson(self, request, context):  # noqa: N802
        return feedback_pb2.DeletePersonResponse(position=1)


class RefusedError(Exception):
    pass


def refuse(caller: Caller) -> None:
    raise RefusedError("not you")


@contextmanager
def served(servicer: Servicer, *guards: grpc.ServerInterceptor, **options: object) -> Iterator[grpc.Channel]:
    running = start_server(
        ServerOptions("test", "127.0.0.1:0", "ADDRESS", pool_size=1, grace_seconds=0, **options),
        add_services=lambda server: feedback_pb2_grpc.add_FeedbackServiceServicer_to_server(servicer, server),
        service_names=[SERVICE],
        errors={},
        guards=guards,
    )
    try:
        with grpc.insecure_channel(f"127.0.0.1:{running.port}") as channel:
            yield channel
    finally:
        running.stop(0)


def test_one_method_may_take_larger_requests_than_the_others() -> None:
    servicer = Servicer()
    servicer.may_record.set()
    with served(servicer, largest_request_bytes=1_000, larger_requests={RECORD: 5_000}) as channel:
        stub = feedback_pb2_grpc.FeedbackServiceStub(channel)

        def record(length: int) -> int:
            interactions = [feedback_pb2.Interaction(username="a" * length)]
            request = feedback_pb2.RecordInteractionsRequest(interactions=interactions)
            return stub.RecordInteractions(request, timeout=10).position

        assert record(4_900) == 1
        assert stub.DeletePerson(feedback_pb2.DeletePersonRequest(username="a" * 900), timeout=10).position == 1
        for call in (
            lambda: record(5_100),
            lambda: stub.DeletePerson(feedback_pb2.DeletePersonRequest(username="a" * 1_100), timeout=10),
        ):
            with pytest.raises(grpc.RpcError) as caught:
                call()
            assert caught.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    assert RequestSizes(5).largest == 5


def test_methods_that_wait_for_a_disk_keep_no_thread_from_the_others_and_are_refused_when_too_many_wait() -> None:
    servicer = Servicer()
    options = {"slow_methods": frozenset({RECORD}), "slow_threads": 2, "most_waiting": 3}
    with served(servicer, **options) as channel:
        stub = feedback_pb2_grpc.FeedbackServiceStub(channel)
        request = feedback_pb2.RecordInteractionsRequest()
        slow = [stub.RecordInteractions.future(request, timeout=20) for _ in range(2)]
        for _ in slow:
            assert servicer.recording.acquire(timeout=10)
        assert stub.DeletePerson(feedback_pb2.DeletePersonRequest(), timeout=10).position == 1
        more = [stub.RecordInteractions.future(request, timeout=20) for _ in range(4)]
        refused = next(call for call in more if _is_refused(call, more))
        assert read_error_info(refused).reason == "OVERLOADED"
        assert stub.DeletePerson(feedback_pb2.DeletePersonRequest(), timeout=10).position == 1
        health = health_pb2_grpc.HealthStub(channel)
        assert (
            health.Check(health_pb2.HealthCheckRequest(), timeout=10).status == health_pb2.HealthCheckResponse.SERVING
        )
        servicer.may_record.set()
        answered = [call for call in (*slow, *more) if call is not refused]
        assert [call.result(20).position for call in answered] == [0] * 5


def _is_refused(call: grpc.Future, others: list[grpc.Future]) -> bool:
    """Whether it is the one of the calls that ends although nothing may be recorded yet."""
    ended = threading.Event()
    for other in others:
        other.add_done_callback(lambda _: ended.set())
    assert ended.wait(10)
    return call.done()


def test_a_guard_of_some_methods_lets_the_others_pass() -> None:
    refusals = {RefusedError: ErrorRow(grpc.StatusCode.PERMISSION_DENIED, "REFUSED")}
    guard = GuardInterceptor(SERVICE, refuse, refusals, methods=frozenset({"DeletePerson"}))
    servicer = Servicer()
    servicer.may_record.set()
    with served(servicer, guard) as channel:
        stub = feedback_pb2_grpc.FeedbackServiceStub(channel)
        assert stub.RecordInteractions(feedback_pb2.RecordInteractionsRequest(), timeout=10).position == 0
        with pytest.raises(grpc.RpcError) as caught:
            stub.DeletePerson(feedback_pb2.DeletePersonRequest(), timeout=10)
        assert read_error_info(caught.value).reason == "REFUSED"
