"""Fixtures that more than one package's tests need.

They import the pipeline when they run: a test that does not use them loads no torch.
"""

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from filelock import FileLock
from hypothesis import settings

if TYPE_CHECKING:
    from pipeline.workspace import Workspace
    from sample_api.world import World


def pytest_addoption(parser: pytest.Parser) -> None:
    """Tests that need a Docker engine, or many minutes, run only when asked for."""
    parser.addoption("--run-compose", action="store_true", help="run the tests of docker-compose.yml")
    parser.addoption("--run-observability", action="store_true", help="run the tests of metrics and traces")
    parser.addoption("--run-chart", action="store_true", help="run the tests of the Helm chart, which need .venv-chart")
    parser.addoption("--run-wheel", action="store_true", help="run the tests of the wheel, which they install")
    parser.addoption("--run-clients", action="store_true", help="run the clients against real gateways")
    parser.addoption("--run-faults", action="store_true", help="run the tests that kill and overload processes")
    parser.addoption("--run-scale", action="store_true", help="run the tests of make test-scale")
    parser.addoption("--without-torch", action="store_true", help="a test that loads torch fails")


def pytest_configure(config: pytest.Config) -> None:
    """One thread for numeric libraries: the suite runs in two processes. No deadlines: a busy machine is no fault."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    # In a program that a test forks, gRPC's handlers may end the child before it begins.
    os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "false")
    settings.register_profile("moodfeed", deadline=None)
    settings.load_profile("moodfeed")
    if config.getoption("--without-torch"):
        sys.modules["torch"] = None  # type: ignore[assignment]  # an import of it is an ImportError from here on


@pytest.fixture(scope="session")
def shared_directory(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory of this run of the suite, the same one in each of its processes."""
    root = tmp_path_factory.getbasetemp()
    return root.parent if hasattr(request.config, "workerinput") else root


@pytest.fixture(scope="session", autouse=True)
def encoders_are_converted_once(shared_directory: Path) -> None:
    """A conversion takes ten seconds, and forty tests need one of the same BERT."""
    os.environ["MOODFEED_CACHE_DIRECTORY"] = str(shared_directory / "cache")


def made_once(whole: Path, make: Callable[[Path], None]) -> Path:
    """The directory ``whole``, which ``make`` fills: by one of the processes of the suite.

    Errors: those of ``make``; what it wrote is then removed, and the next process tries again.
    """
    with FileLock(whole.with_suffix(".lock")):
        if not whole.exists():
            part = whole.with_suffix(".part")
            shutil.rmtree(part, ignore_errors=True)
            part.mkdir()
            make(part)
            part.rename(whole)
    return whole


@pytest.fixture(scope="session")
def small_world() -> "World":
    """The sample world at an eighth of its size."""
    from sample_api.world import generate_world

    return generate_world(scale=0.12)


@pytest.fixture(scope="session")
def small_workspace(small_world: "World", shared_directory: Path) -> "Workspace":
    """Everything up to the text embeddings, fetched over real HTTP, through the real BERT."""
    from cli.sample_workspace import ingest_sample_world
    from pipeline.workspace import Workspace

    return Workspace(
        made_once(
            shared_directory / "workspace", lambda directory: ingest_sample_world(small_world, Workspace(directory))
        )
    )


@pytest.fixture(scope="session")
def small_bundles(small_workspace: "Workspace", shared_directory: Path) -> Path:
    """A bundles directory whose current bundle was made from the small world."""
    from mood_encoder.encoder_files import default_encoder_directory
    from pipeline.dataset import read_dataset
    from pipeline.evaluate import evaluate
    from pipeline.export import export
    from pipeline.train import train
    from pipeline.training_config import TrainingConfig

    def make(bundles: Path) -> None:
        dataset = read_dataset(small_workspace.clean, small_workspace.text_embeddings)
        export(
            dataset,
            train(dataset, TrainingConfig()),
            evaluate(dataset, TrainingConfig()),
            encoder_directory=default_encoder_directory(),
            bundles=bundles,
            sidecar={"created_at": "2026-01-01T00:00:00+00:00"},
        )

    return made_once(shared_directory / "bundles", make)
