import socket
import threading
from collections.abc import Iterator

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from moodfeed.user_tower.v1 import user_tower_pb2, user_tower_pb2_grpc
from rpc.deadline import remaining_seconds
from rpc.errors import ErrorRow, read_error_info
from rpc.probe import is_serving
from rpc.server import BusyAddressError, RunningServer, ServerOptions, start_server

NAME = "moodfeed.user_tower.v1.UserTowerService"


class KnownError(Exception):
    metadata = {"which": "this one"}  # noqa: RUF012


class MoreSpecialError(KnownError):
    pass


class Service(user_tower_pb2_grpc.UserTowerServiceServicer):
    """Raises what its caller names."""

    def __init__(self) -> None:
        self.release = threading.Event()
        self.started = threading.Semaphore(0)

    def EncodeContext(self, request, context):  # noqa: N802
        self.started.release()
        match request.username:
            case "known":
                raise KnownError("the text")
            case "special":
                raise MoreSpecialError("more special")
            case "bug":
                raise ZeroDivisionError("a secret in the text")
            case "abort":
                context.abort(grpc.StatusCode.ABORTED, "as the handler said")
            case "wait":
                self.release.wait(20)
        return user_tower_pb2.EncodeContextResponse(bundle_id=request.username)


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
def running(service: Service) -> Iterator[RunningServer]:
    options = ServerOptions("test", "127.0.0.1:0", "TEST_ADDRESS", pool_size=1, grace_seconds=1)
    server = start_server(
        options,
        add_services=lambda server: user_tower_pb2_grpc.add_UserTowerServiceServicer_to_server(service, server),
        service_names=[NAME],
        errors={KnownError: ErrorRow(grpc.StatusCode.NOT_FOUND, "KNOWN")},
    )
    yield server
    service.release.set()
    server.stop(1)


@pytest.fixture
def channel(running: RunningServer) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(f"127.0.0.1:{running.port}") as channel:
        yield channel


def ask(channel: grpc.Channel, username: str, *, timeout: float = 5.0):
    request = user_tower_pb2.EncodeContextRequest(username=username)
    return user_tower_pb2_grpc.UserTowerServiceStub(channel).EncodeContext(request, timeout=timeout)


@pytest.mark.parametrize("username", ["known", "special"])
def test_a_domain_error_is_answered_by_the_row_of_its_nearest_class(channel: grpc.Channel, username: str) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        ask(channel, username)
    info = read_error_info(caught.value)
    assert caught.value.code() == grpc.StatusCode.NOT_FOUND
    assert (info.reason, dict(info.metadata)) == ("KNOWN", {"which": "this one"})


def test_a_bug_is_internal_and_says_nothing_to_the_caller(
    channel: grpc.Channel, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        ask(channel, "bug")
    assert (caught.value.code(), caught.value.details()) == (grpc.StatusCode.INTERNAL, "internal error")
    assert read_error_info(caught.value).reason == "INTERNAL"
    output = capsys.readouterr()
    assert "ZeroDivisionError" in output.out + output.err


def test_an_abort_of_the_handler_passes_through(channel: grpc.Channel) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        ask(channel, "abort")
    assert (caught.value.code(), caught.value.details()) == (grpc.StatusCode.ABORTED, "as the handler said")


def test_watch_follows_the_state_without_taking_the_pool(running: RunningServer, channel: grpc.Channel) -> None:
    stub = health_pb2_grpc.HealthStub(channel)
    watches = [stub.Watch(health_pb2.HealthCheckRequest(service=NAME), timeout=10) for _ in range(3)]
    status = health_pb2.HealthCheckResponse
    assert [next(watch).status for watch in watches] == [status.SERVING] * 3
    assert ask(channel, "still answered").bundle_id == "still answered"
    running.set_serving(False)
    assert [next(watch).status for watch in watches] == [status.NOT_SERVING] * 3
    assert not is_serving(f"127.0.0.1:{running.port}")


def test_a_watcher_that_leaves_while_the_state_is_told_stops_nobody(
    running: RunningServer, channel: grpc.Channel
) -> None:
    watch = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest(), timeout=30)
    next(watch)
    with running._health._lock:  # what `set` holds until each watcher has been sent the state
        watch.cancel()
        assert ask(channel, "still answered").bundle_id == "still answered"


def test_work_whose_deadline_passed_in_the_queue_is_not_started(
    service: Service, channel: grpc.Channel, running: RunningServer
) -> None:
    stub = user_tower_pb2_grpc.UserTowerServiceStub(channel)
    first = stub.EncodeContext.future(user_tower_pb2.EncodeContextRequest(username="wait"), timeout=20)
    assert service.started.acquire(timeout=5)
    with pytest.raises(grpc.RpcError) as caught:
        ask(channel, "too late", timeout=0.2)
    assert caught.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED
    service.release.set()
    assert first.result().bundle_id == "wait"
    assert ask(channel, "next").bundle_id == "next"
    assert service.started.acquire(timeout=5)
    assert not service.started.acquire(blocking=False)  # "too late" never reached the handler


def test_stopping_answers_what_is_in_flight(service: Service, running: RunningServer, channel: grpc.Channel) -> None:
    call = user_tower_pb2_grpc.UserTowerServiceStub(channel).EncodeContext.future(
        user_tower_pb2.EncodeContextRequest(username="wait"), timeout=20
    )
    assert service.started.acquire(timeout=5)
    stopper = threading.Thread(target=running.stop, args=(10,))
    stopper.start()
    service.release.set()
    assert call.result().bundle_id == "wait"
    stopper.join()


def test_a_busy_address_names_the_variable_that_moves_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        options = ServerOptions("test", address, "TEST_ADDRESS", pool_size=1, grace_seconds=0)
        with pytest.raises(BusyAddressError, match=rf"{address}.*TEST_ADDRESS"):
            start_server(options, add_services=lambda server: None, service_names=[], errors={})


def test_nobody_there_is_not_serving() -> None:
    assert not is_serving("127.0.0.1:1", timeout_seconds=0.5)


@pytest.mark.parametrize(("own", "left", "expected"), [(2, None, 2), (2, 1, 1), (1, 5, 1), (2, -1, 0)])
def test_the_smaller_budget_counts(own: float, left: float | None, expected: float) -> None:
    assert remaining_seconds(own, left) == expected
