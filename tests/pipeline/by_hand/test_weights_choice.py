"""The choice of the blend's weights on months that are over."""

import numpy as np
from numpy.typing import NDArray

from pipeline.blend_weights import DEFAULT, LONG_HISTORIES, TOWER_ALONE, BlendWeights, default_weights
from pipeline.dataset import Dataset
from pipeline.ranking import Recommender, Scores
from pipeline.splits import split_at
from pipeline.weights_choice import WeightsChoice
from tests.pipeline.by_hand.tiny_dataset import tiny_dataset

PEOPLE = 40
SPLIT_DAY = 40.0


def data() -> Dataset:
    """Everybody met post 0 long ago, and post 2 after the split; some posts are there to be ranked before it."""
    before = [(user, 0, "view", float(user % 30)) for user in range(PEOPLE)]
    after = [(user, 2, "view", SPLIT_DAY + user % 20) for user in range(PEOPLE)]
    return tiny_dataset(tuple(sorted((*before, *after), key=lambda event: event[3])), posts=15, users=PEOPLE)


def first_is(post: int) -> Recommender:
    def recommend(shown: Dataset, user_rows: NDArray[np.int64]) -> Scores:
        scores = np.zeros((len(user_rows), len(shown.post_ids)), dtype=np.float32)
        scores[:, post] = 1
        return scores

    return recommend


def learnt(better: BlendWeights) -> WeightsChoice:
    choice, dataset = WeightsChoice(), data()
    split = split_at(dataset, SPLIT_DAY)
    choice.learn(split, lambda weights: first_is(2 if weights == better else 1), dataset)
    return choice


def test_weights_that_are_ahead_of_the_default_beyond_chance_are_chosen() -> None:
    name, weights = learnt(TOWER_ALONE).best(DEFAULT)
    assert (name, weights) == ("tower alone", TOWER_ALONE)


def test_the_default_stays_where_nothing_is_ahead_of_it() -> None:
    assert learnt(DEFAULT).best(DEFAULT) == ("tower x 0.2", DEFAULT)
    assert WeightsChoice().best(LONG_HISTORIES) == ("tower x 8", LONG_HISTORIES)


def test_the_choice_says_on_which_months_it_was_made() -> None:
    assert learnt(TOWER_ALONE).describes(DEFAULT) == "tower alone, chosen on the months from 1970-02-10 to 1970-02-10"
    assert WeightsChoice().describes(DEFAULT) == "tower x 0.2, the default, as no earlier month could choose"


def test_data_without_a_clock_is_ranked_by_the_tower_alone() -> None:
    assert default_weights(data()) == DEFAULT
    short = tiny_dataset(((0, 0, "view", 0.0), (0, 1, "view", 1.0)), posts=2, users=1)
    assert default_weights(short) == TOWER_ALONE


def test_where_half_of_the_people_have_met_twenty_posts_the_tower_counts_more() -> None:
    many = [(user, post, "view", float(post) + user / 10) for user in range(3) for post in range(30)]
    assert default_weights(tiny_dataset(tuple(many), posts=30, users=4)) == LONG_HISTORIES
    some = [event for event in many if event[0] == 0 or event[1] < 19 or event[1] == 29]
    assert default_weights(tiny_dataset(tuple(some), posts=30, users=4)) == LONG_HISTORIES
    few = [event for event in many if event[0] == 0 or event[1] < 18 or event[1] == 29]
    assert default_weights(tiny_dataset(tuple(few), posts=30, users=4)) == DEFAULT


def test_the_weight_of_the_tower_counts_spreads_of_its_scores() -> None:
    assert BlendWeights(tower=0.2).blend(0.1).tower == 2.0
    assert TOWER_ALONE.blend(0.1).tower == 1.0
    assert np.isfinite(DEFAULT.blend(0.0).tower)
