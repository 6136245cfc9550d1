"""Strategies for logs of four people and five posts, and towers that react to everything that they may read."""

from collections.abc import Sequence
from functools import cache

import torch
from hypothesis import strategies as st

from bundle.verbs import VERBS
from pipeline.trained_towers import TrainedTowers
from tests.pipeline.live_evaluation.made_up_log import Met, made_up_log
from two_tower.model import PostTower, UserTower
from two_tower.tower_config import TowerConfig
from two_tower.words import Vocabulary

DAY = 1440
SPLIT_DAY = 30.0
CATEGORIES = [1, 1, 1, 2, 2]
LONG_AGO = (Met(0, 0, 0), Met(1, 1, 29 * DAY, "rating", 30))
"""The log has a clock, whatever else happens."""

_MINUTES = st.one_of(
    st.integers(0, 33 * 24).map(lambda hour: hour * 60),  # midnights and other moments of which several events are
    st.integers(29 * DAY, 33 * DAY),
)


def events(least: int, most: int, *, max_size: int = 20) -> st.SearchStrategy[list[Met]]:
    """Events from one minute to another."""
    minutes = _MINUTES.filter(lambda minute: least <= minute <= most) if least == 0 else st.integers(least, most)
    return st.lists(
        st.builds(
            Met,
            user=st.integers(0, 3),
            post=st.integers(0, 4),
            minute=minutes,
            verb=st.sampled_from(VERBS),
            percent=st.integers(1, 100),
        ),
        max_size=max_size,
    )


@cache
def restless_towers() -> TrainedTowers:
    """Towers for posts of ``made_up_log`` with large random weights: any change of an input changes the scores."""
    dataset = made_up_log(LONG_AGO)
    vocabulary = Vocabulary.learn(dataset.texts)
    config = TowerConfig(
        text_dimension=dataset.text.shape[1],
        post_count=5,
        category_count=3,
        word_count=len(vocabulary),
        history_length=4,
        new_post_bonus=0.2,
    )
    towers = UserTower(config), PostTower(config)
    random = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for tower in towers:
            for weights in tower.parameters():
                weights.copy_(torch.randn(weights.shape, generator=random))
    user_tower, post_tower = (tower.eval() for tower in towers)
    return TrainedTowers(
        config=config,
        user_tower=user_tower,
        post_tower=post_tower,
        vocabulary=vocabulary,
        epochs=(),
        data_fingerprint="",
    )


def earlier(log: Sequence[Met], minute: int) -> list[Met]:
    """The events before a minute."""
    return [event for event in log if event.minute < minute]
