from dataclasses import replace

import numpy as np

from pipeline.cold_start import METHODS, measure_cold_posts, measure_cold_users
from pipeline.dataset import Dataset
from pipeline.evaluate import model_recommender
from pipeline.evaluation import MODEL_NAME
from pipeline.ranking import top_feeds
from pipeline.splits import split_last, without
from pipeline.train import train
from pipeline.training_config import TrainingConfig

CONFIG = TrainingConfig(epochs=2)


def test_each_cold_case_has_every_method_on_the_same_people(dataset: Dataset) -> None:
    rows = measure_cold_posts(dataset, CONFIG) + measure_cold_users(dataset, CONFIG)
    cases = {row.case for row in rows}
    assert cases == {
        "cold posts, among cold ones",
        "cold posts, among all",
        "other posts, among all",
        *(f"cold users, {count} shown" for count in (1, 3, 5)),
    }
    for case in cases:
        of_case = [row for row in rows if row.case == case]
        assert {row.method for row in of_case} == {*METHODS, MODEL_NAME}
        assert len({row.users for row in of_case}) == 1


def test_users_whom_training_never_saw_get_feeds_of_their_own_by_three_interactions(dataset: Dataset) -> None:
    pairs = dataset.pairs
    users = np.flatnonzero(np.diff(pairs.offsets) > 3)[:5]
    assert len(users) == 5
    is_theirs = np.isin(pairs.user_rows, users)
    is_later = np.arange(len(pairs)) >= pairs.offsets[pairs.user_rows] + 3
    past, shown = without(dataset, is_theirs), without(dataset, is_theirs & is_later)
    assert not np.diff(past.pairs.offsets)[users].any()
    assert np.diff(shown.pairs.offsets)[users].tolist() == [3] * 5

    towers = train(past, CONFIG)
    recommender = model_recommender(towers, past)
    feeds = top_feeds(recommender, shown, users)
    of_newcomers = top_feeds(recommender, past, users)
    assert len(np.unique(feeds, axis=0)) == 5
    assert len(np.unique(of_newcomers, axis=0)) == 1
    assert all(set(feed) != set(of_newcomers[0]) for feed in feeds.tolist())


def test_a_bonus_for_new_posts_brings_more_of_them_into_feeds(dataset: Dataset) -> None:
    past = split_last(dataset).past
    users = np.flatnonzero(np.diff(past.pairs.offsets) > 0)

    def share_of_new(bonus: float) -> float:
        towers = train(past, replace(CONFIG, new_post_bonus=bonus))
        feeds = top_feeds(model_recommender(towers, past), past, users)
        return float((~past.is_met)[feeds].mean())

    assert share_of_new(0.0) < share_of_new(0.2)
