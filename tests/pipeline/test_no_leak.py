"""Nothing after a split changes what a baseline ranks: the future is perturbed, and the rankings stay."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline import baselines
from pipeline.baselines import TIMED_BASELINES
from pipeline.ranking import top_feeds
from pipeline.splits import split_at
from tests.pipeline.by_hand.tiny_dataset import Event, tiny_dataset

SPLIT = 50.0
PEOPLE, POSTS = 4, 6
VERBS = ("view", "like", "inspire")
CREATED = (0.0, 1.0, 2.0, 3.0, 30.0, 60.0)  # the last post is made after the split
CATEGORIES = (1, 1, 2, 2, None, 1)
TEXT = tuple((float(row), 1.0) for row in range(POSTS))


def events(first: float, last: float, *, least: int, posts: int) -> st.SearchStrategy[list[Event]]:
    moments = st.integers(round(first * 100), round(last * 100)).map(lambda hundredths: hundredths / 100)
    event = st.tuples(st.integers(0, PEOPLE - 1), st.integers(0, posts - 1), st.sampled_from(VERBS), moments)
    return st.lists(event, min_size=least, max_size=12)


@pytest.mark.parametrize("name", sorted(TIMED_BASELINES))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    past=events(0.0, SPLIT - 1, least=3, posts=POSTS - 1),
    future=events(SPLIT, 100.0, least=1, posts=POSTS),
    other=events(SPLIT, 100.0, least=1, posts=POSTS),
)
def test_a_baseline_does_not_look_beyond_the_split(
    name: str, past: list[Event], future: list[Event], other: list[Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(baselines, "_factors", lambda _: 2)
    feeds = []
    for later in (future, other):
        dataset = tiny_dataset([*past, *later], posts=POSTS, created_days=CREATED, categories=CATEGORIES, text=TEXT)
        split = split_at(dataset, SPLIT)
        method = TIMED_BASELINES[name](split.past)
        feeds.append(
            top_feeds(method, split.past, np.arange(PEOPLE), candidates=split.candidates, ties=split.ties)[
                :, : POSTS - 1
            ]
        )
    np.testing.assert_array_equal(*feeds)
