"""Three bundles of one data set, trained differently, so that each gives other feeds."""

import os
import shutil
from pathlib import Path

import pytest

from bundle.directory import current_bundle, point_current_at
from mood_encoder.encoder_files import default_encoder_directory
from pipeline.dataset import read_dataset
from pipeline.evaluate import evaluate
from pipeline.export import export
from pipeline.train import train
from pipeline.training_config import TrainingConfig
from pipeline.workspace import Workspace
from tests.faults.expectations import Expectations


@pytest.fixture(scope="session")
def only_when_asked_for(request: pytest.FixtureRequest) -> None:
    """For whatever takes minutes: `make test-faults` asks for it, `make test` does not."""
    if not request.config.getoption("--run-faults"):
        pytest.skip("takes minutes: run `make test-faults`")


@pytest.fixture(scope="session")
def three_bundles(
    only_when_asked_for: None, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> list[Path]:
    """Directories of three bundles, the small one first."""
    small_workspace: Workspace = request.getfixturevalue("small_workspace")
    small_bundles: Path = request.getfixturevalue("small_bundles")
    root = tmp_path_factory.mktemp("three_bundles")
    dataset = read_dataset(small_workspace.clean, small_workspace.text_embeddings)
    evaluation = evaluate(dataset, TrainingConfig())
    others = [
        export(
            dataset,
            train(dataset, TrainingConfig(seed=seed)),
            evaluation,
            encoder_directory=default_encoder_directory(),
            bundles=root,
            sidecar={"created_at": "2026-01-01T00:00:00+00:00"},
        ).directory
        for seed in (101, 102)
    ]
    return [current_bundle(small_bundles), *others]


@pytest.fixture(scope="session")
def expectations(three_bundles: list[Path]) -> Expectations:
    """What each of the three bundles would answer."""
    return Expectations(three_bundles)


@pytest.fixture
def bundles(three_bundles: list[Path], tmp_path: Path) -> Path:
    """A root of its own with all three, the first one current; hard links, so a file is replaced, never written."""
    root = tmp_path / "bundles"
    for directory in three_bundles:
        shutil.copytree(directory, root / directory.name, copy_function=os.link)
    point_current_at(root, three_bundles[0].name)
    return root
