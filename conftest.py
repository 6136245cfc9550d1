"""Fixtures that more than one package's tests need.

They import the pipeline when they run: a test that does not use them loads no torch.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pipeline.workspace import Workspace
    from sample_api.world import World


def pytest_addoption(parser: pytest.Parser) -> None:
    """Tests that need a Docker engine, or many minutes, run only when asked for."""
    parser.addoption("--run-compose", action="store_true", help="run the tests of docker-compose.yml")
    parser.addoption("--run-faults", action="store_true", help="run the tests that kill and overload processes")


@pytest.fixture(scope="session")
def small_world() -> "World":
    """The sample world at an eighth of its size."""
    from sample_api.world import generate_world

    return generate_world(scale=0.12)


@pytest.fixture(scope="session")
def small_workspace(small_world: "World", tmp_path_factory: pytest.TempPathFactory) -> "Workspace":
    """Everything up to the text embeddings, fetched over real HTTP, through the real BERT."""
    from cli.sample_workspace import ingest_sample_world
    from pipeline.workspace import Workspace

    workspace = Workspace(tmp_path_factory.mktemp("workspace"))
    ingest_sample_world(small_world, workspace)
    return workspace


@pytest.fixture(scope="session")
def small_bundles(small_workspace: "Workspace", tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundles directory whose current bundle was made from the small world."""
    from mood_encoder.encoder_files import default_encoder_directory
    from pipeline.dataset import read_dataset
    from pipeline.evaluate import evaluate
    from pipeline.export import export
    from pipeline.train import train
    from pipeline.training_config import TrainingConfig

    bundles = tmp_path_factory.mktemp("bundles")
    dataset = read_dataset(small_workspace.clean, small_workspace.text_embeddings)
    export(
        dataset,
        train(dataset, TrainingConfig()),
        evaluate(dataset, TrainingConfig()),
        encoder_directory=default_encoder_directory(),
        bundles=bundles,
        sidecar={"created_at": "2026-01-01T00:00:00+00:00"},
    )
    return bundles
