"""The order by user over three posts, computed by hand."""

import math

import numpy as np

from bundle.blend import Blend
from pipeline.blended_scores import CrowdShares

BLEND = Blend(popularity=1, tower=2, tower_history=1, lasting=0, category=1, followers=1, order=1, floor=0.25)
CROWD = CrowdShares(BLEND, np.array([1.0, 2.0, 1.0]), np.zeros(3), np.array([1, 1, 2]))
SHARES = [0.75 * 0.25 + 0.25 / 3, 0.75 * 0.5 + 0.25 / 3, 0.75 * 0.25 + 0.25 / 3]
SCORES = np.array([0.1, -0.2, 0.3])


def test_without_a_history_the_crowd_alone_orders() -> None:
    np.testing.assert_allclose(CROWD.numbers(SCORES, np.zeros(0, dtype=np.int64)), np.log(SHARES))


def test_the_category_of_the_history_lifts_its_posts_and_the_tower_adds_to_it() -> None:
    of_one, of_two = SHARES[0] + SHARES[1], SHARES[2]
    lifts = [of_one / 2 / of_one, of_one / 2 / of_one, (1 + of_two) / 2 / of_two]  # one post, of category 2
    expected = np.log(np.multiply(SHARES, lifts)) + 2 / 2 * SCORES
    np.testing.assert_allclose(CROWD.numbers(SCORES, np.array([2])), expected)


def test_what_follows_in_a_session_is_added_to_what_is_expected() -> None:
    without = CROWD.numbers(SCORES, np.array([2]))
    found = CROWD.numbers(SCORES, np.array([2]), np.array([0.0, 0.5, 0.0]))
    np.testing.assert_allclose(found[[0, 2]], without[[0, 2]])
    tower = 1.0 * SCORES[1]
    np.testing.assert_allclose(found[1], math.log(math.exp(without[1] - tower) + 0.5) + tower)


def test_the_tower_alone_orders_where_popularity_has_no_weight() -> None:
    alone = CrowdShares(Blend(), np.array([1.0, 2.0, 1.0]), np.zeros(3), np.array([1, 1, 2]))
    np.testing.assert_allclose(alone.numbers(SCORES, np.array([2])), SCORES)
    np.testing.assert_allclose(alone.numbers(SCORES, np.zeros(0, dtype=np.int64)), SCORES)


def test_a_category_without_posts_between_others_does_no_harm() -> None:
    crowd = CrowdShares(BLEND, np.array([1.0, 2.0]), np.zeros(2), np.array([0, 2]))
    assert np.isfinite(crowd.numbers(np.zeros(2), np.array([1]))).all()
