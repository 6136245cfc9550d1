from dataclasses import replace

import numpy as np

from pipeline.cold_start import METHODS, measure_cold_posts, measure_cold_users
from pipeline.dataset import Dataset
from pipeline.encode import encode_posts, encode_users
from pipeline.evaluate import MODEL_NAME, model_recommender
from pipeline.ranking import top_feeds
from pipeline.splits import split_cold_users, split_last, without
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


def test_a_user_whom_training_never_saw_gets_a_feed_of_their_own(dataset: Dataset) -> None:
    split = split_cold_users(dataset, shown_interactions=3)
    lengths = np.diff(split.shown.pairs.offsets)
    users = split.user_rows[lengths[split.user_rows] == 3]
    assert len(users) >= 2
    towers = train(split.past, CONFIG)
    assert not np.diff(split.past.pairs.offsets)[users].any()
    feeds = top_feeds(model_recommender(towers, split.past), split.shown, users)
    assert len(np.unique(feeds, axis=0)) == len(users)
    newcomer = without(split.shown, np.ones(len(split.shown.pairs), dtype=np.bool_))
    of_nobody = encode_users(towers, newcomer, encode_posts(towers, split.past), users[:1])
    of_user = encode_users(towers, split.shown, encode_posts(towers, split.past), users[:1])
    assert not np.allclose(of_nobody, of_user, atol=1e-2)


def test_a_bonus_for_new_posts_brings_more_of_them_into_feeds(dataset: Dataset) -> None:
    past = split_last(dataset).past
    users = np.flatnonzero(np.diff(past.pairs.offsets) > 0)

    def share_of_new(bonus: float) -> float:
        towers = train(past, replace(CONFIG, new_post_bonus=bonus))
        feeds = top_feeds(model_recommender(towers, past), past, users)
        return float((~past.is_met)[feeds].mean())

    assert share_of_new(0.0) < share_of_new(0.2)
