"""What a method learns of a month: no post that was made after the split, and scores at the places of all posts."""

import numpy as np
from numpy.typing import NDArray

from pipeline.dataset import Dataset
from pipeline.known_posts import known_at, learn_from
from pipeline.ranking import Recommender, Scores
from pipeline.splits import split_at, split_last
from tests.pipeline.by_hand.tiny_dataset import Event, tiny_dataset

EVENTS: tuple[Event, ...] = ((0, 1, "view", 10.0), (0, 3, "view", 12.0), (1, 3, "view", 60.0), (1, 4, "view", 61.0))
MADE = (0.0, 80.0, 55.0, 5.0, 40.0)  # post 1 was met before it was made, by a wrong clock; post 2 is made later
LOG = tiny_dataset(EVENTS, posts=5, created_days=MADE)


def test_a_month_knows_the_posts_that_were_made_or_met_before_it_and_scores_the_others_zero() -> None:
    split = split_at(LOG, 50.0)
    learnt: list[Dataset] = []

    def scores_of_ids(past: Dataset) -> Recommender:
        learnt.append(past)

        def recommend(shown: Dataset, user_rows: NDArray[np.int64]) -> Scores:
            learnt.append(shown)
            return np.tile(shown.post_ids.astype(np.float32), (len(user_rows), 1))

        return recommend

    known = known_at(split)
    assert known.post_ids.tolist() == [1, 2, 4, 5]
    assert len(known.texts) == 4
    scores = learn_from(split, known, scores_of_ids)(split.shown, np.array([0, 1]))
    assert scores.tolist() == [[1, 2, 0, 4, 5]] * 2
    assert [each.post_ids.tolist() for each in learnt] == [[1, 2, 4, 5]] * 2
    assert split.candidates is not None
    assert split.candidates.tolist() == [True, True, False, True, True]


def test_a_split_without_a_day_knows_all_posts() -> None:
    split = split_last(LOG)
    assert known_at(split) is split.past
