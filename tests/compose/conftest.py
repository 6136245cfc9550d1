"""A Docker engine, and the volumes of one project that all tests of its containers use."""

import os
from collections.abc import Iterator

import pytest

from tests.compose.containers import TWO_REPLICAS, compose, docker


@pytest.fixture(scope="session", autouse=True)
def base_image(request: pytest.FixtureRequest) -> Iterator[None]:
    """An engine without a registry has a base image of its own making, which has no digest: build on that one."""
    with pytest.MonkeyPatch.context() as environment:
        if request.config.getoption("--run-compose") and "PYTHON_IMAGE" not in os.environ:
            digests = docker("image", "inspect", "--format", "{{len .RepoDigests}}", "python:3.11-slim", check=False)
            if digests.strip() == "0":
                environment.setenv("PYTHON_IMAGE", "python:3.11-slim")
        yield


@pytest.fixture(scope="session")
def engine(request: pytest.FixtureRequest, base_image: None) -> Iterator[None]:
    """Skip without one; at the end nothing of the project is left on it but the images."""
    if not request.config.getoption("--run-compose"):
        pytest.skip("needs a Docker engine: run `make test-compose`")
    yield
    compose("down", "--volumes", "--timeout", "20", files=TWO_REPLICAS)
