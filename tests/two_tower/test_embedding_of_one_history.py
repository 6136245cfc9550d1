"""A history has the same embedding, to the last bit, alone and among others: live embeddings rest on it."""

import numpy as np
import pytest

from tests.tiny_bundle import random_weights
from two_tower.features import NUMERIC_FEATURES, Histories
from two_tower.numpy_towers import NumpyTowers
from two_tower.tower_config import TowerConfig
from two_tower.tower_files import KnownPosts, user_tower_shapes
from two_tower.words import Vocabulary

CONFIG = TowerConfig(text_dimension=32, post_count=500, category_count=3, word_count=3, order_decay=0.8)
USERS = 300


@pytest.fixture(scope="module")
def towers() -> NumpyTowers:
    known = KnownPosts(
        numeric=np.zeros((0, len(NUMERIC_FEATURES)), dtype=np.float32),
        category_rows=np.zeros(0, dtype=np.int64),
        category_ids=np.zeros(0, dtype=np.int64),
        is_new=np.zeros(0, dtype=np.bool_),
    )
    weights = random_weights(np.random.default_rng(0), user_tower_shapes(CONFIG), spread=0.3)
    return NumpyTowers(config=CONFIG, vocabulary=Vocabulary(()), known=known, _user=weights, _post={})


def histories(random: np.random.Generator) -> Histories:
    shape = USERS, CONFIG.history_length
    is_event = np.arange(shape[1]) >= shape[1] - random.integers(0, shape[1] + 1, USERS)[:, None]
    return Histories(
        rows=np.where(is_event, random.integers(0, CONFIG.post_count, shape), 0),
        verbs=np.where(is_event, random.integers(0, 4, shape), 0),
        strengths=np.where(is_event, random.random(shape), 0).astype(np.float32),
        ages=np.where(is_event, random.random(shape), 0).astype(np.float32),
        is_event=is_event,
    )


def part(whole: Histories, rows: slice) -> Histories:
    return Histories(
        whole.rows[rows].copy(),
        whole.verbs[rows].copy(),
        whole.strengths[rows].copy(),
        whole.ages[rows].copy(),
        whole.is_event[rows].copy(),
    )


@pytest.mark.parametrize("together", [1, 3, 64, 256])
def test_an_embedding_does_not_depend_on_the_histories_beside_it(towers: NumpyTowers, together: int) -> None:
    random = np.random.default_rng(1)
    posts = random.normal(size=(CONFIG.post_count, CONFIG.representation_dimension)).astype(np.float32)
    whole = histories(random)
    expected = towers.embed_users(posts, whole)
    parts = [
        towers.embed_users(posts, part(whole, slice(start, start + together))) for start in range(0, USERS, together)
    ]
    assert np.concatenate(parts).tobytes() == expected.tobytes()
