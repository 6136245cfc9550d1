"""What several tests of the pipeline read."""

import pytest

from pipeline.dataset import Dataset, read_dataset
from pipeline.evaluate import evaluate
from pipeline.evaluation import Evaluation
from pipeline.training_config import TrainingConfig
from pipeline.workspace import Workspace


@pytest.fixture(scope="session")
def dataset(small_workspace: Workspace) -> Dataset:
    return read_dataset(small_workspace.clean, small_workspace.text_embeddings)


@pytest.fixture(scope="session")
def evaluation(dataset: Dataset) -> Evaluation:
    return evaluate(dataset, TrainingConfig(epochs=2))
