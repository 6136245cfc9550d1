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


@pytest.fixture(scope="session")
def tiny_dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Sixty posts of two kinds and forty people that like one kind, one of them nothing: four batches an epoch."""
    from tests.pipeline.small_catalogues import Catalogue, Event, Post, prepare

    posts = [Post(category_id=2 + number % 2, text=("calm sea", "a loud dog runs")[number % 2]) for number in range(60)]
    events = [
        Event(user, (user + 2 * met) % 60 if met < 18 else (user + met) % 60, "like" if met < 18 else "view", 90 * met)
        for user in range(39)
        for met in range(25)
    ]
    workspace = prepare(Catalogue(posts, users=40, events=events), tmp_path_factory.mktemp("tiny"))
    return read_dataset(workspace.clean, workspace.text_embeddings)
