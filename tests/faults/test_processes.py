"""Processes that die, stand still, drain, or are cut off, each with a load beside it whose every reply is checked."""

import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import grpc
import httpx
import pytest

from moodfeed.feed.v1 import feed_pb2, feed_pb2_grpc
from rpc.probe import is_serving
from tests.faults.cutting_proxy import cutting_proxy
from tests.faults.expectations import Expectations
from tests.faults.fleet import GATEWAY, INDEXES, TOWERS, Fleet, running_fleet
from tests.faults.load import Outcomes, running_load, wait_for_requests

SERVICES = {"user_tower_service": TOWERS, "post_index_service": INDEXES}
ACCOUNTED = {"UNAVAILABLE"}  # what callers see of a gateway that is gone


@pytest.fixture(scope="module")
def fleet(three_bundles: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """One fleet for all tests of this file: each leaves it as it found it."""
    with running_fleet(three_bundles[0].parent, tmp_path_factory.mktemp("logs")) as running:
        yield running


def restart(fleet: Fleet, *names: str) -> None:
    for name in names:
        fleet.start(name)
    fleet.wait_until_serving(*names)
    fleet.wait_until_gateway_sees(towers=2, indexes=2)


def assert_all_is_well(outcomes: Outcomes) -> None:
    assert (outcomes.wrong, outcomes.failed, outcomes.degraded) == ([], {}, {})


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize(
    ("number", "exit_code", "fault", "injected"),
    [
        (signal.SIGKILL, -signal.SIGKILL, "dies and returns", "kill -9 of one of two replicas, restart"),
        (signal.SIGTERM, 0, "ends and returns", "SIGTERM of one of two replicas, restart"),
    ],
)
def test_a_replica_that_ends_costs_no_request(
    fleet: Fleet,
    expectations: Expectations,
    service: str,
    number: signal.Signals,
    exit_code: int,
    fault: str,
    injected: str,
) -> None:
    name = SERVICES[service][0]
    with running_load(fleet.target, expectations) as outcomes:
        wait_for_requests(outcomes, 200)
        fleet.send(name, number)
        assert fleet.wait_for_end(name) == exit_code
        wait_for_requests(outcomes, 200)
        restart(fleet, name)
        wait_for_requests(outcomes, 200)
    outcomes.record(f"a {service} {fault}", injected=injected)
    assert_all_is_well(outcomes)


@pytest.mark.parametrize("service", SERVICES)
def test_a_replica_that_stands_still_costs_no_request(fleet: Fleet, expectations: Expectations, service: str) -> None:
    name = SERVICES[service][0]
    with running_load(fleet.target, expectations) as outcomes:
        wait_for_requests(outcomes, 200)
        fleet.send(name, signal.SIGSTOP)
        wait_for_requests(outcomes, 400)
        fleet.send(name, signal.SIGCONT)
        fleet.wait_until_gateway_sees(towers=2, indexes=2)
        wait_for_requests(outcomes, 200)
    outcomes.record(f"a {service} stands still", injected="SIGSTOP of one of two replicas, SIGCONT")
    assert_all_is_well(outcomes)


def test_a_gateway_that_is_killed_fails_what_it_had_and_answers_right_when_it_is_back(
    fleet: Fleet, expectations: Expectations
) -> None:
    with running_load(fleet.target, expectations) as outcomes:
        wait_for_requests(outcomes, 200)
        fleet.send(GATEWAY, signal.SIGKILL)
        fleet.wait_for_end(GATEWAY)
        restart(fleet, GATEWAY)
        feeds = sum(outcomes.bundles.values())
        fleet.wait_until(lambda: sum(outcomes.bundles.values()) > feeds + 200, what="feeds come again")
    outcomes.record("the gateway dies and returns", injected="kill -9, restart; callers without a second gateway")
    assert (outcomes.wrong, outcomes.degraded) == ([], {})
    assert {failure.partition(":")[0] for failure in outcomes.failed} <= ACCOUNTED


def test_a_gateway_that_is_told_to_end_answers_all_that_it_took(fleet: Fleet, expectations: Expectations) -> None:
    asked = expectations.requests
    with grpc.insecure_channel(fleet.target) as channel:
        stub = feed_pb2_grpc.FeedServiceStub(channel)
        calls = [
            stub.GetFeed.future(feed_pb2.GetFeedRequest(username=item.username, mood=f"mood {number}"), timeout=20)
            for number, item in enumerate(asked[:24])
        ]
        calls[0].result()  # they came over one connection: the others are there too
        assert not all(call.done() for call in calls)
        fleet.send(GATEWAY, signal.SIGTERM)
        assert fleet.wait_for_end(GATEWAY) == 0
        answered = sum(len(call.result().posts) == 10 for call in calls)
    restart(fleet, GATEWAY)
    outcomes = Outcomes(requests=24)
    outcomes.failed.update({"lost": 24 - answered} if answered < 24 else {})
    outcomes.record("the gateway ends", injected="SIGTERM with 24 requests in flight")
    assert answered == 24


def test_without_any_user_tower_feeds_are_popular_and_say_so(fleet: Fleet, expectations: Expectations) -> None:
    with running_load(fleet.target, expectations) as outcomes:
        wait_for_requests(outcomes, 200)
        for name in TOWERS:
            fleet.send(name, signal.SIGKILL)
            fleet.wait_for_end(name)
        wait_for_requests(outcomes, 400)
        assert is_serving(fleet.target)
        assert code_of(fleet, username="anybody", category_id=999_999) == grpc.StatusCode.NOT_FOUND
        assert code_of(fleet, username="anybody", strict=True) == grpc.StatusCode.UNAVAILABLE
        over_http = httpx.get(f"http://{fleet.http_address}/feed", params={"username": "anybody"}).json()
        assert over_http["degradations"] == [{"stage": "user", "reason": "USER_TOWER_UNAVAILABLE"}]
        assert (over_http["ranking"], len(over_http["posts"])) == ("RANKING_POPULAR", 10)
        ready = httpx.get(f"http://{fleet.http_address}/readyz")
        assert (ready.status_code, ready.json()["degraded"]) == (200, ["user_tower_service"])
        restart(fleet, *TOWERS)
        degraded = sum(outcomes.degraded.values())
        wait_for_requests(outcomes, 200)
        assert sum(outcomes.degraded.values()) <= degraded + 24  # those that were in flight
    outcomes.record("no user_tower_service is left", injected="kill -9 of both replicas, restart")
    assert outcomes.wrong == []
    assert set(outcomes.degraded) == {"USER_TOWER_UNAVAILABLE"}
    # Second pages of whole feeds cannot be given, and must not be popular ones.
    assert all("user_tower_service" in failure for failure in outcomes.failed)
    assert sum(outcomes.failed.values()) <= 24


def test_without_any_index_requests_fail_before_any_attempt_and_the_gateway_is_not_serving(
    fleet: Fleet, expectations: Expectations
) -> None:
    with running_load(fleet.target, expectations) as outcomes:
        wait_for_requests(outcomes, 200)
        for name in INDEXES:
            fleet.send(name, signal.SIGKILL)
            fleet.wait_for_end(name)
        fleet.wait_until(lambda: not is_serving(fleet.target), what="the gateway is not serving")
        error = error_of(fleet, username=expectations.requests[0].username)
        assert error.code() == grpc.StatusCode.UNAVAILABLE
        assert (
            error.details() == "no replica of post_index_service is healthy"
        )  # nobody is asked, and nothing waited for
        wait_for_requests(outcomes, 100)
        restart(fleet, *INDEXES)
        fleet.wait_until_serving(GATEWAY)
        failures = sum(outcomes.failed.values())
        wait_for_requests(outcomes, 200)
        assert sum(outcomes.failed.values()) <= failures + 24
    outcomes.record("no post_index_service is left", injected="kill -9 of both replicas, restart")
    assert (outcomes.wrong, outcomes.degraded) == ([], {})
    assert {failure.partition(":")[0] for failure in outcomes.failed} == {"UNAVAILABLE"}


def code_of(fleet: Fleet, **fields: object) -> grpc.StatusCode:
    return error_of(fleet, **fields).code()


def error_of(fleet: Fleet, **fields: object) -> grpc.Call:
    with grpc.insecure_channel(fleet.target) as channel, pytest.raises(grpc.RpcError) as caught:
        feed_pb2_grpc.FeedServiceStub(channel).GetFeed(feed_pb2.GetFeedRequest(**fields), timeout=10)
    return caught.value


def test_a_peer_that_accepts_and_never_answers_costs_no_request(
    three_bundles: list[Path], expectations: Expectations, tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=64) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        with (
            running_fleet(three_bundles[0].parent, tmp_path / "logs", replicas=1, others=(address,)) as fleet,
            running_load(fleet.target, expectations) as outcomes,
        ):
            wait_for_requests(outcomes, 1000)
    outcomes.record("a peer accepts and never answers", injected="a listening socket as second replica of each service")
    assert_all_is_well(outcomes)


def test_connections_that_are_cut_in_the_middle_of_calls_cost_no_request(
    three_bundles: list[Path], expectations: Expectations, tmp_path: Path
) -> None:
    with (
        running_fleet(three_bundles[0].parent, tmp_path / "logs", proxy=cutting_proxy) as fleet,
        running_load(fleet.target, expectations, in_flight=16) as outcomes,
    ):
        wait_for_requests(outcomes, 3000)
    outcomes.record("connections are cut in the middle of calls", injected="a proxy that cuts each after 0.3 to 1 s")
    assert outcomes.wrong == []
    assert sum(outcomes.failed.values()) + sum(outcomes.degraded.values()) <= 0.01 * outcomes.requests


BREAK_MOODS = """
import runpy
from mood_encoder.openvino_encoder import OpenVinoEncoder

whole = OpenVinoEncoder.encode
def encode(self, texts, **options):
    if "calm and happy" in texts:
        raise RuntimeError("the mood encoder is broken by the test")
    return whole(self, texts, **options)
OpenVinoEncoder.encode = encode
runpy.run_module("user_tower_service", run_name="__main__")
"""


def test_a_failing_mood_encoder_leaves_the_mood_out_and_says_so(
    three_bundles: list[Path], expectations: Expectations, tmp_path: Path
) -> None:
    username = expectations.requests[0].username
    broken = dict.fromkeys(TOWERS, ("-c", BREAK_MOODS))
    with running_fleet(three_bundles[0].parent, tmp_path / "logs", replicas=1, modules=broken) as fleet:
        with running_load(fleet.target, expectations, in_flight=8) as outcomes:
            wait_for_requests(outcomes, 600)
        assert code_of(fleet, username=username, mood="calm and happy", strict=True) == grpc.StatusCode.UNAVAILABLE
    outcomes.record("the mood encoder fails", injected="BERT raises for some moods")
    assert (outcomes.wrong, outcomes.failed) == ([], {})
    assert set(outcomes.degraded) == {"MOOD_UNAVAILABLE"}
