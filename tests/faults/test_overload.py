"""More load than can be answered: the rest is refused at once, goodput stays, and health answers."""

import resource
import statistics
import time
from pathlib import Path

import grpc
import pytest

from bundle.directory import point_current_at
from moodfeed.bundle.v1 import bundle_pb2, bundle_pb2_grpc
from rpc.probe import is_serving
from tests.faults.expectations import Expectations
from tests.faults.fleet import INDEXES, TOWERS, running_fleet
from tests.faults.load import Outcomes, running_load, wait_for_requests

SATURATING = 16  # requests in flight: one more gives no more feeds a second
ROUNDS = 3
ROUND_SECONDS = 5.0


def goodput(target: str, expectations: Expectations, *, in_flight: int) -> tuple[float, Outcomes]:
    """Right feeds a second, measured over a round."""
    with running_load(target, expectations, in_flight=in_flight) as outcomes:
        time.sleep(1)
        begun, started = len(outcomes.latencies), time.monotonic()
        time.sleep(ROUND_SECONDS)
        rate = (len(outcomes.latencies) - begun) / (time.monotonic() - started)
    return rate, outcomes


def test_four_times_the_saturating_load_is_answered_as_well_and_the_rest_refused_at_once(
    three_bundles: list[Path], expectations: Expectations, tmp_path: Path
) -> None:
    rates: dict[int, list[float]] = {SATURATING: [], 4 * SATURATING: []}
    all_outcomes = Outcomes()
    health: list[float] = []
    settings = {"MOODFEED_GATEWAY_MOST_IN_FLIGHT": str(2 * SATURATING)}
    with running_fleet(three_bundles[0].parent, tmp_path / "logs", replicas=1, settings=settings) as fleet:
        for _ in range(ROUNDS):
            for in_flight, found in rates.items():
                rate, outcomes = goodput(fleet.target, expectations, in_flight=in_flight)
                found.append(rate)
                if in_flight > SATURATING:
                    all_outcomes.add(outcomes)
        with running_load(fleet.target, expectations, in_flight=4 * SATURATING):
            time.sleep(1)
            for name in (fleet.target, fleet.addresses[TOWERS[0]], fleet.addresses[INDEXES[0]]):
                for _ in range(5):
                    started = time.monotonic()
                    assert is_serving(name), name
                    health.append(time.monotonic() - started)
    saturated, overloaded = (statistics.median(rates[in_flight]) for in_flight in rates)
    print(f"goodput {saturated:.0f}/s at {SATURATING}, {overloaded:.0f}/s at {4 * SATURATING} in flight", rates)
    print(f"health answered after {statistics.median(health):.3f} s, at most {max(health):.3f}")
    all_outcomes.record(
        "four times the load that saturates",
        injected=f"{4 * SATURATING} in flight; goodput {overloaded / saturated:.2f} of that at {SATURATING}",
    )
    assert all_outcomes.wrong == []
    assert all_outcomes.degraded == {}
    assert {failure.partition(":")[0] for failure in all_outcomes.failed} == {"RESOURCE_EXHAUSTED"}
    assert overloaded >= 0.85 * saturated


def test_a_reload_that_finds_no_memory_is_refused_and_the_old_bundle_serves_on(
    bundles: Path, three_bundles: list[Path], expectations: Expectations, tmp_path: Path
) -> None:
    with (
        running_fleet(bundles, tmp_path / "logs", replicas=1) as fleet,
        running_load(fleet.target, expectations, in_flight=4) as outcomes,
    ):
        wait_for_requests(outcomes, 100)
        process = fleet.processes[INDEXES[0]]
        statm = Path(f"/proc/{process.pid}/statm").read_text(encoding="utf-8").split()
        limit = int(statm[0]) * resource.getpagesize() + (64 << 10)
        resource.prlimit(process.pid, resource.RLIMIT_AS, (limit, resource.RLIM_INFINITY))
        point_current_at(bundles, three_bundles[1].name)
        with grpc.insecure_channel(fleet.addresses[INDEXES[0]]) as channel, pytest.raises(grpc.RpcError) as refused:
            bundle_pb2_grpc.BundleServiceStub(channel).ReloadBundle(bundle_pb2.ReloadBundleRequest(), timeout=60)
        print(refused.value.details())
        assert refused.value.code() == grpc.StatusCode.FAILED_PRECONDITION
        wait_for_requests(outcomes, 100)
        resource.prlimit(process.pid, resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        with grpc.insecure_channel(fleet.addresses[INDEXES[0]]) as channel:
            reloaded = bundle_pb2_grpc.BundleServiceStub(channel).ReloadBundle(
                bundle_pb2.ReloadBundleRequest(), timeout=60
            )
        assert reloaded.current_bundle_id == three_bundles[1].name
        wait_for_requests(outcomes, 100)
    outcomes.record("no memory for a new bundle", injected="address space of an index limited during ReloadBundle")
    assert (outcomes.wrong, outcomes.failed, outcomes.degraded) == ([], {}, {})
