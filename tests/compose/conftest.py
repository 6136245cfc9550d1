"""A Docker engine, and the volumes of one project that all tests of containers use."""

from collections.abc import Iterator

import pytest

from tests.compose.containers import TWO_REPLICAS, compose


@pytest.fixture(scope="session")
def engine(request: pytest.FixtureRequest) -> Iterator[None]:
    """Skip without one; at the end nothing of the project is left on it but the images."""
    if not request.config.getoption("--run-compose"):
        pytest.skip("needs a Docker engine: run `make test-compose`")
    yield
    compose("down", "--volumes", "--timeout", "20", files=TWO_REPLICAS)
