"""Containers that are killed, stopped, frozen, cut off or out of memory, each with a load whose every reply is checked.

Two replicas of each service run as docker-compose.replicas.yml says, the gateways behind nginx; one of them is hit.
"""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from bundle.directory import current_bundle
from rpc.probe import is_serving
from tests.compose.containers import (
    EVERY_CONTEXT_IS_ASKED,
    GATEWAY_GRPC,
    PROJECT,
    TWO_REPLICAS,
    addresses,
    compose,
    containers,
    docker,
    inspect,
    python,
)
from tests.faults.expectations import Expectations
from tests.faults.fleet import replicas_well
from tests.faults.load import Outcomes, running_load, wait_for_requests
from tests.waiting import wait_until

NETWORK = f"{PROJECT}_default"
SERVICES = ("user_tower_service", "post_index_service")
IN_FLIGHT = 16

pytestmark = [pytest.mark.timeout(1800), pytest.mark.usefixtures("replicas")]

SAMPLE_DATA = "/data/own-sample"  # where `bundle` kept the sample's stage files, beside the data of the image


@pytest.fixture(scope="module")
def replicas(other_images: None) -> None:
    """Two of each compute service behind a gateway that asks them for everything."""
    compose("up", "-d", "--build", "--wait", files=EVERY_CONTEXT_IS_ASKED)
    wait_until(are_all_well, what="the gateway sees two of each")


@pytest.fixture(scope="module")
def new_bundle(replicas: None) -> str:
    """The id of a second bundle in the volume, of the same data, trained otherwise; it is not current."""
    before = bundles_in_the_volume()
    in_pipeline("train", "--data", SAMPLE_DATA, "--seed", "101", "--epochs", "1")
    in_pipeline("export", "--data", SAMPLE_DATA, "--no-publish")
    (new,) = bundles_in_the_volume() - before
    return new


@pytest.fixture(scope="module")
def first_bundle(bundles: Path) -> str:
    """The id of the bundle that is current at the start."""
    return current_bundle(bundles).name


@pytest.fixture(scope="module")
def bundles(new_bundle: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the volume holds, copied to this side."""
    root = tmp_path_factory.mktemp("volume") / "bundles"
    docker("cp", f"{containers('post_index_service')[0]}:/bundles", str(root))
    return root


@pytest.fixture(scope="module")
def expectations(bundles: Path, first_bundle: str, new_bundle: str) -> Expectations:
    """What both bundles would answer."""
    return Expectations([bundles / first_bundle, bundles / new_bundle])


def bundles_in_the_volume() -> set[str]:
    listed = python(containers("post_index_service")[0], "import os; print(*os.listdir('/bundles'))").split()
    return {name for name in listed if re.fullmatch(r"[0-9a-f]{64}", name)}


def in_pipeline(*arguments: str) -> str:
    return compose("run", "--rm", "--no-deps", "bundle", *arguments, files=TWO_REPLICAS)


def are_all_well() -> bool:
    return is_serving(GATEWAY_GRPC) and all_gateways_see(2, 2)


def is_one_missed(service: str) -> bool:
    return all_gateways_see(*((1, 2) if service == SERVICES[0] else (2, 1)))


def all_gateways_see(towers: int, indexes: int) -> bool:
    """Whether two gateways run, and each counts so many replicas that are well."""
    try:
        seen = [replicas_well(address) for address in addresses("gateway", 8000)]
    except httpx.HTTPError:
        return False
    return seen == [(towers, indexes)] * 2


def restarts(container: str) -> int:
    return inspect(container)["RestartCount"]


def assert_all_is_well(outcomes: Outcomes) -> None:
    assert (outcomes.wrong, outcomes.failed, outcomes.degraded) == ([], {}, {})


@dataclass(frozen=True, slots=True)
class Fault:
    """One of two containers of a service is hit by docker, and mended by it."""

    what: str
    injected: str
    hit: Callable[[str], object]
    mend: Callable[[str, str], object]


def start(container: str, service: str) -> None:
    docker("start", container)


def connect(container: str, service: str) -> None:
    docker("network", "connect", "--alias", service, NETWORK, container)


FAULTS = [
    Fault("killed", "docker kill, docker start", lambda it: docker("kill", "--signal", "KILL", it), start),
    Fault("stopped", "docker stop, docker start", lambda it: docker("stop", it), start),
    Fault(
        "frozen",
        "docker pause, docker unpause",
        lambda it: docker("pause", it),
        lambda it, service: docker("unpause", it),
    ),
    Fault(
        "cut off",
        "docker network disconnect, then connect: nothing comes back, not even a reset",
        lambda it: docker("network", "disconnect", NETWORK, it),
        connect,
    ),
]


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.what)
def test_a_container_that_is_hit_costs_no_request(expectations: Expectations, fault: Fault, service: str) -> None:
    hit = containers(service)[0]
    with running_load(GATEWAY_GRPC, expectations, in_flight=IN_FLIGHT) as outcomes:
        wait_for_requests(outcomes, 200)
        fault.hit(hit)
        wait_until(lambda: is_one_missed(service), what="the gateway misses one")
        wait_for_requests(outcomes, 300)
        fault.mend(hit, service)
        wait_until(are_all_well, what="the gateway sees it again")
        wait_for_requests(outcomes, 200)
    outcomes.record(f"a container of {service} is {fault.what}", injected=f"{fault.injected}; one of two")
    assert_all_is_well(outcomes)


def test_a_gateway_that_is_killed_costs_no_feed(expectations: Expectations) -> None:
    with running_load(GATEWAY_GRPC, expectations, in_flight=IN_FLIGHT) as outcomes:
        for hit in containers("gateway"):  # one after the other
            wait_for_requests(outcomes, 200)
            docker("kill", "--signal", "KILL", hit)
            wait_for_requests(outcomes, 300)
            docker("start", hit)
            wait_until(are_all_well, what="both gateways serve")
        wait_for_requests(outcomes, 200)
    outcomes.record("a container of gateway is killed", injected="docker kill, docker start; each of two behind nginx")
    assert_all_is_well(outcomes)


# The process is the only child of the container's init.
DIE = "import os, signal; os.kill(int(open('/proc/1/task/1/children').read().split()[0]), signal.SIGKILL)"
# Memory that no process holds: the kernel ends the largest one, which is the service.
FILL_MEMORY = "import os; file = os.memfd_create('x'); [os.write(file, bytes(1 << 20)) for _ in range(8 << 10)]"


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize(
    ("what", "program", "injected"),
    [
        ("dies", DIE, "kill -9 inside the container"),
        ("is out of memory", FILL_MEMORY, "the container's mem_limit is filled; the kernel kills the process"),
    ],
    ids=["dies", "is out of memory"],
)
def test_a_container_whose_process_is_killed_is_restarted_and_costs_no_request(
    expectations: Expectations, service: str, what: str, program: str, injected: str
) -> None:
    hit = containers(service)[0]
    before = restarts(hit)
    since = str(int(time.time()))
    with running_load(GATEWAY_GRPC, expectations, in_flight=IN_FLIGHT) as outcomes:
        wait_for_requests(outcomes, 200)
        python(hit, program, check=False)
        wait_until(lambda: restarts(hit) == before + 1, what="the engine restarts it")
        wait_until(are_all_well, what="the gateway sees it again")
        wait_for_requests(outcomes, 300)
    outcomes.record(f"a container of {service} {what}", injected=f"{injected}; one of two, `restart` brings it back")
    assert_all_is_well(outcomes)
    events = docker("events", "--since", since, "--until", "0s", "--filter", f"container={hit}")
    assert (" oom " in events) == (program is FILL_MEMORY)


@pytest.mark.parametrize("service", SERVICES)
def test_a_container_with_too_little_memory_to_start_is_never_asked(expectations: Expectations, service: str) -> None:
    hit = containers(service)[0]
    limit = str(inspect(hit)["HostConfig"]["Memory"])
    with running_load(GATEWAY_GRPC, expectations, in_flight=IN_FLIGHT) as outcomes:
        docker("stop", hit)
        docker("update", "--memory", "40m", "--memory-swap", "40m", hit)
        docker("start", hit)
        wait_until(lambda: restarts(hit) >= 2, what="it dies at every start")
        wait_for_requests(outcomes, 200)
        docker("update", "--memory", limit, "--memory-swap", limit, hit)
        wait_until(are_all_well, what="the gateway sees it again")
        wait_for_requests(outcomes, 200)
    outcomes.record(
        f"a container of {service} has too little memory to start",
        injected="docker update --memory 40m; one of two dies at every start, until it has its limit back",
    )
    assert_all_is_well(outcomes)


def test_a_bundle_that_is_published_into_the_volume_goes_live_in_every_container_and_goes_back(
    expectations: Expectations, first_bundle: str, new_bundle: str
) -> None:
    compose("up", "-d", "--wait", files=TWO_REPLICAS)  # the gateway as it is, remembering
    wait_until(are_all_well, what="the gateway sees two of each")
    assert new_bundle[:12] in in_pipeline("bundles")
    with running_load(GATEWAY_GRPC, expectations, in_flight=IN_FLIGHT) as outcomes:
        wait_for_requests(outcomes, 200)
        assert set(outcomes.bundles) == {first_bundle}
        make_current(outcomes, new_bundle, "publish", new_bundle)
        make_current(outcomes, first_bundle, "rollback")
    outcomes.record(
        "a new bundle in the containers' volume, and a rollback",
        injected="docker compose run bundle publish, then rollback; four containers find out by themselves",
    )
    assert_all_is_well(outcomes)


def make_current(outcomes: Outcomes, bundle_id: str, *command: str) -> None:
    """Let the pipeline's container move ``current``, and wait for 200 feeds after all replicas know."""
    in_pipeline(*command, "--no-reload")
    wait_until(lambda: do_all_serve(bundle_id), what=f"all serve {bundle_id}")
    feeds = outcomes.bundles[bundle_id]
    wait_until(lambda: outcomes.bundles[bundle_id] > feeds + 200, what=f"feeds of {bundle_id}")


def do_all_serve(bundle_id: str) -> bool:
    """Whether each replica's metrics say that it answers from the bundle."""
    program = (
        "import urllib.request as u\n"
        "print(u.urlopen('http://127.0.0.1:{port}/metrics', timeout=5).read().decode())".format
    )
    ports = {"user_tower_service": 9101, "post_index_service": 9102}
    return all(
        f'moodfeed_bundle_held{{bundle_id="{bundle_id}",role="current"}} 1.0' in python(item, program(port=port))
        for service, port in ports.items()
        for item in containers(service)
    )
