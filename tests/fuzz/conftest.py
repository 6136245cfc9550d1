"""The three processes as the fuzz tests meet them, and what a right answer is made of."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.fleet import Fleet, running_fleet
from tests.fuzz.inputs import IS_LONG, SEED, SEED_VARIABLE
from tests.fuzz.tally import Tally
from tests.fuzz.world import World, open_world


@pytest.fixture(scope="package")
def tally() -> Iterator[Tally]:
    """Counts all inputs of the package's tests, and says at the end what became of them."""
    if IS_LONG:
        print(f"\nthe inputs are those of {SEED_VARIABLE}={SEED}")
    counted = Tally()
    yield counted
    counted.record("malformed and absurd requests", injected="Hypothesis over each RPC and the HTTP API")


@pytest.fixture(scope="package")
def fleet(small_bundles: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """One of each process over the small bundle."""
    directory = tmp_path_factory.mktemp("fuzz")
    settings = {"MOODFEED_STORE_URL": f"sqlite:///{directory}/store.sqlite"}
    if not IS_LONG:  # a service that waits for a core is neither tried elsewhere nor left out of a feed
        settings |= {"MOODFEED_GATEWAY_DEADLINE_SECONDS": "20", "MOODFEED_GATEWAY_ATTEMPT_SECONDS": "20"}
    with running_fleet(small_bundles, directory, replicas=1, settings=settings) as running:
        yield running


@pytest.fixture(scope="package")
def world(fleet: Fleet, tally: Tally) -> Iterator[World]:
    """Where to ask, and what is true of the answers."""
    with open_world(fleet, tally) as opened:
        yield opened
