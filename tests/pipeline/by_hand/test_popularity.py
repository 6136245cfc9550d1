"""The order of equal scores: longer popularity, then chance."""

import numpy as np

from pipeline.popularity import people_who_met, tie_order
from tests.pipeline.by_hand.tiny_dataset import tiny_dataset


def test_ties_go_to_the_next_longer_popularity_and_then_to_a_fixed_random_order() -> None:
    past = tiny_dataset(
        [
            (0, 0, "view", 100.0),  # in the last 30 days
            (0, 1, "view", 60.0),  # in the last 60
            (1, 2, "view", 10.0),
            (0, 3, "view", 100.0),
            (2, 3, "view", 60.0),  # as post 0 in 30 days, ahead in 60
        ],
        posts=7,
    )
    order = np.argsort(tie_order(past)).tolist()
    assert order[:4] == [3, 0, 1, 2]
    chance = np.random.default_rng(0).permutation(7)
    assert order[4:] == sorted([4, 5, 6], key=lambda row: chance[row])


def test_the_windows_of_ties_are_thirty_and_sixty_days_to_the_moment() -> None:
    """Posts 1 and 2 are just inside of the two windows, posts 0 and 3 just outside, which chance would put first."""
    days = [69.999, 70.001, 40.001, 39.999]
    past = tiny_dataset([*((0, post, "view", day) for post, day in enumerate(days)), (1, 4, "view", 100.0)])
    assert np.argsort(np.random.default_rng(0).permutation(5)).tolist() == [3, 4, 0, 2, 1]
    assert np.argsort(tie_order(past)).tolist() == [4, 1, 0, 2, 3]


def test_a_window_holds_the_moment_at_which_it_begins() -> None:
    past = tiny_dataset([(0, 0, "view", 90.0), (1, 1, "view", 100.0)])
    begins = past.end_day - past.pairs.days[0]
    assert past.end_day - begins == past.pairs.days[0]
    assert people_who_met(past, days=begins).tolist() == [1, 1, 0, 0, 0]


def test_without_times_every_window_is_all_of_it() -> None:
    past = tiny_dataset([(0, 0, "view", 0.0), (1, 0, "view", 50.0), (0, 1, "view", 90.0)])
    object.__setattr__(past, "is_timed", False)
    assert people_who_met(past, days=7.0).tolist() == [2, 1, 0, 0, 0]
