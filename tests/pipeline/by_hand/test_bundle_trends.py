"""The trends that a bundle begins with, on five meetings."""

import math
from dataclasses import replace

import numpy as np
import pytest

from pipeline.bundle_contents import index_posts, post_trends
from pipeline.encode import EncodedPosts
from tests.pipeline.by_hand.tiny_dataset import tiny_dataset

EVENTS = (
    (0, 0, "view", 0.0),
    (0, 1, "view", 7.0),
    (0, 1, "like", 14.0),  # met a week before
    (1, 1, "view", 14.0),
    (2, 2, "view", 21.0),
)


@pytest.mark.parametrize(
    ("skipped", "sums"),
    [
        ((), [math.exp(-3), math.exp(-2) + math.exp(-1), 1.0, 0.0]),
        ((1, 3), [math.exp(-3), math.exp(-1), 1.0, 0.0]),  # the like of user 0 counts, and the skip of user 1 does not
    ],
)
def test_a_person_counts_once_from_what_they_did_first_and_a_skip_does_not(
    skipped: tuple[int, ...], sums: list[float]
) -> None:
    dataset = tiny_dataset(EVENTS, posts=4, users=3)
    is_skip = np.isin(np.arange(len(dataset.events.days)), skipped) if skipped else None
    dataset = replace(
        dataset,
        events=replace(dataset.events, is_skip=is_skip),
        posts=dataset.posts.assign(is_servable=True, category_name="cats"),
        users=dataset.users.assign(answers=True),
    )
    zeros = np.zeros((4, 8), dtype=np.float32)
    trends = post_trends(dataset, index_posts(dataset, EncodedPosts(zeros, zeros, zeros)))
    np.testing.assert_allclose(trends.sums, sums, rtol=1e-6)
    assert trends.newest_moment_ms == 21 * 86_400_000
    assert len(trends.pair_keys) == 4 - len(skipped) + bool(skipped)
