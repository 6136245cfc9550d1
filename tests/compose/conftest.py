"""A Docker engine, and the volumes of one project that all tests of its containers use."""

import os
from collections.abc import Iterator

import pytest
from typer.testing import CliRunner

from cli.subcommands import app
from tests.compose.containers import PROJECT, TWO_REPLICAS, compose, docker, remove_images
from tests.compose.stand_in_images import make_missing_images


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
def store_password(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The password of the replicas' store, in the file that compose mounts: a variable that other tests would see."""
    if not request.config.getoption("--run-compose"):
        pytest.skip("needs a Docker engine: run `make test-compose`")
    file = tmp_path_factory.mktemp("secrets") / "store-password"
    assert CliRunner().invoke(app, ["make-password", str(file)]).exit_code == 0
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("MOODFEED_STORE_PASSWORD_FILE", str(file))
        yield file.read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def other_images(engine: None, tmp_path_factory: pytest.TempPathFactory) -> None:
    """PostgreSQL and nginx, from a registry or made here."""
    make_missing_images(tmp_path_factory.mktemp("images"))


@pytest.fixture(scope="session")
def engine(request: pytest.FixtureRequest) -> Iterator[None]:
    """Skip without one; at the end nothing of the project is left on it but the cache of builds."""
    if not request.config.getoption("--run-compose"):
        pytest.skip("needs a Docker engine: run `make test-compose`")
    request.getfixturevalue("base_image")
    request.getfixturevalue("store_password")
    yield
    compose("down", "--volumes", "--timeout", "20", files=TWO_REPLICAS)
    compose("down", "--volumes", "--rmi", "local")  # the SQLite file too, which the replicas do not use
    remove_images(PROJECT)


@pytest.fixture(scope="module", autouse=True)
def free_ports(request: pytest.FixtureRequest) -> None:
    """The containers of the module before hold ports that other files of compose give to other containers."""
    if request.config.getoption("--run-compose"):
        compose("down", "--remove-orphans", "--timeout", "20")
