"""The live model scores as the evaluation of a bundle does, and adds what has happened since."""

import numpy as np
import pytest

from pipeline.dataset import Dataset
from pipeline.encode import encode_posts
from pipeline.evaluate import model_recommender
from pipeline.live_evaluation.live_model import LiveModel
from pipeline.train import train
from pipeline.trained_towers import TrainedTowers
from pipeline.training_config import TrainingConfig
from tests.pipeline.live_evaluation.made_up_log import Met, made_up_log
from tests.pipeline.live_evaluation.random_logs import DAY, LONG_AGO, SPLIT_DAY, restless_towers


@pytest.fixture(scope="module")
def split_day(dataset: Dataset) -> float:
    return dataset.end_day - 35


@pytest.fixture(scope="module")
def past(dataset: Dataset, split_day: float) -> Dataset:
    return dataset.made_before(split_day)


@pytest.fixture(scope="module")
def towers(past: Dataset) -> TrainedTowers:
    return train(past, TrainingConfig(epochs=1))


def test_frozen_scores_are_those_of_the_bundle_of_that_moment(
    dataset: Dataset, past: Dataset, towers: TrainedTowers
) -> None:
    users = np.arange(len(dataset.user_ids))
    days = np.full(len(users), past.end_day)
    found = LiveModel(towers, past=past, dataset=dataset).scores(users, crowd_days=days, person_days=days)
    are_known = np.isin(dataset.post_ids, past.post_ids)
    assert 0 < (~are_known).sum() < len(are_known)
    assert np.allclose(found[:, are_known], model_recommender(towers, past)(past, users), atol=1e-5)


def test_live_scores_are_those_of_a_refresh_at_every_moment(
    dataset: Dataset, past: Dataset, towers: TrainedTowers
) -> None:
    """The same towers over the posts of the past, with features and histories of a dataset that ends at the moment."""
    model = LiveModel(towers, past=past, dataset=dataset)
    later = np.flatnonzero(np.isin(dataset.event_posts, np.flatnonzero(np.isin(dataset.post_ids, past.post_ids))))
    for event in later[-1:-200:-67]:
        until = dataset.until(float(dataset.event_days[event]))
        users = np.array([dataset.event_users[event], 0], dtype=np.int64)
        days = np.full(2, until.end_day)
        found = model.scores(users, crowd_days=days, person_days=days)
        same_catalogue = LiveModel(towers, past=past, dataset=until)
        assert np.allclose(found, same_catalogue.scores(users, crowd_days=days, person_days=days), atol=1e-5)


def test_a_post_made_after_the_training_has_no_id_of_another(
    dataset: Dataset, past: Dataset, towers: TrainedTowers
) -> None:
    """Its representation is that of a post unknown to the towers, and the others keep their own."""
    representations = LiveModel(towers, past=past, dataset=dataset)._representations.numpy()
    are_known = np.isin(dataset.post_ids, past.post_ids)
    assert np.allclose(representations[are_known], encode_posts(towers, past).representations, atol=1e-5)
    assert np.isfinite(representations).all()


def test_an_interaction_changes_the_scores_at_the_next_moment_and_not_before() -> None:
    log = made_up_log([*LONG_AGO, Met(2, 3, 31 * DAY)])
    model = LiveModel(restless_towers(), past=log.made_before(SPLIT_DAY), dataset=log)
    days = np.array([31.0, 31.0 + 1e-6])
    before, after = model.scores(np.array([2, 2]), crowd_days=days, person_days=days)
    assert not np.allclose(before, after, atol=1e-3)
    live_history = model.scores(np.array([2, 2]), crowd_days=np.full(2, 31.0), person_days=days)
    assert np.allclose(live_history[0], before, atol=1e-5)
    assert not np.allclose(live_history[1], before, atol=1e-3)
    assert not np.allclose(live_history[1], after, atol=1e-3)


def test_moments_are_scored_alike_alone_and_together() -> None:
    log = made_up_log([*LONG_AGO, Met(2, 3, 31 * DAY), Met(1, 2, 32 * DAY)])
    model = LiveModel(restless_towers(), past=log.made_before(SPLIT_DAY), dataset=log)
    users, days = np.array([2, 1, 0]), np.array([31.5, 32.5, 31.5])
    together = model.scores(users, crowd_days=days, person_days=days)
    for row in range(3):
        one = slice(row, row + 1)
        alone = model.scores(users[one], crowd_days=days[one], person_days=days[one])
        assert np.allclose(alone[0], together[row], atol=1e-5)
