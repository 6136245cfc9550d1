"""The steps and the lasting popularity that a bundle holds, on a few meetings."""

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from bundle.post_steps import FARTHEST, PostSteps
from pipeline.bundle_contents import index_posts, post_steps
from pipeline.dataset import Dataset
from pipeline.encode import EncodedPosts
from pipeline.popularity import BEGINNING_DAYS, LASTING_DAYS, lasting_popularity
from tests.pipeline.by_hand.tiny_dataset import tiny_dataset

MINUTE = 1 / 1440
EVENTS = (
    (0, 0, "view", 10.0),
    (0, 1, "view", 10 + 5 * MINUTE),
    (0, 3, "view", 10 + 10 * MINUTE),  # of another category
    (1, 0, "view", 11.0),
    (1, 1, "view", 11 + 29 * MINUTE),
    (1, 2, "view", 11 + 59 * MINUTE),  # half an hour later: another session
    (2, 2, "view", 12.0),
    (2, 0, "view", 12 + MINUTE),
)


def steps_of(is_servable: list[bool], is_skip: NDArray[np.bool_] | None = None) -> PostSteps:
    dataset = tiny_dataset(EVENTS, posts=4, users=3, categories=[1, 1, 1, 2], created_days=[0.0, 1.0, 2.0, 3.0])
    dataset = replace(
        dataset,
        posts=dataset.posts.assign(is_servable=is_servable, category_name="cats"),
        events=replace(dataset.events, is_skip=is_skip),
    )
    return post_steps(dataset, index_posts(dataset, encoded(dataset)))


def encoded(dataset: Dataset) -> EncodedPosts:
    zeros = np.zeros((len(dataset.post_ids), 8), dtype=np.float32)
    return EncodedPosts(zeros, zeros, zeros)


def followers(steps: PostSteps) -> list[dict[int, float]]:
    return [
        dict(zip(steps.followers[start:end].tolist(), steps.counts[start:end].tolist(), strict=True))
        for start, end in zip(steps.offsets, steps.offsets[1:], strict=False)
    ]


def test_steps_within_half_an_hour_are_counted_by_their_posts_and_by_how_far_they_go() -> None:
    steps = steps_of([True] * 4)
    assert followers(steps) == [{1: 2.0}, {3: 1.0}, {0: 1.0}, {}]
    expected = np.zeros(2 * FARTHEST + 1)
    expected[FARTHEST + 1], expected[FARTHEST - 2] = 2 / 4, 1 / 4  # one of the four went to another category
    np.testing.assert_allclose(steps.order_shares, expected, atol=1e-7)


def test_a_post_that_is_not_served_neither_follows_nor_is_followed() -> None:
    assert followers(steps_of([True, False, True, True])) == [{}, {0: 1.0}, {}]


def test_what_was_skipped_was_not_met() -> None:
    steps = steps_of([True] * 4, np.arange(len(EVENTS)) == 1)
    assert followers(steps) == [{1: 1.0, 3: 1.0}, {}, {0: 1.0}, {}]


def test_lasting_popularity_is_half_a_slow_trend_and_half_what_people_began_with() -> None:
    many = [(3, post, "view", 5.0 + post / 100) for post in range(11)]
    dataset = tiny_dataset([*many, (0, 10, "view", 20.0)], posts=11, users=4)
    slow = np.exp(-(dataset.end_day - np.array([5.0 + post / 100 for post in range(11)])) / LASTING_DAYS)
    slow[10] += math.exp(-(dataset.end_day - 20.0) / LASTING_DAYS)
    first = np.exp(-(dataset.end_day - np.array([5.0 + post / 100 for post in range(10)])) / BEGINNING_DAYS)
    began = np.append(first, math.exp(-(dataset.end_day - 20.0) / BEGINNING_DAYS))  # the eleventh post is no beginning
    np.testing.assert_allclose(lasting_popularity(dataset), slow / slow.sum() / 2 + began / began.sum() / 2, rtol=1e-6)
    assert lasting_popularity(tiny_dataset((), posts=3, users=1)).tolist() == [0, 0, 0]
