"""The features of chosen posts beside those of the whole catalogue."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from two_tower.features import numeric_features
from two_tower.past_popularity import PastPopularity, first_at_least

CREATED = np.array([0.0, 50.0, 93.5, 99.0, 400.0])
CATEGORY_ROWS = np.array([1, 1, 2, 0, 2])
DAYS = st.one_of(st.floats(-3000, 3000), st.sampled_from([0.0, 72.0, 93.0, 100.0]))


@settings(deadline=None)
@given(
    events=st.lists(st.tuples(st.integers(0, 4), DAYS), max_size=60),
    day=DAYS,
    rows=st.lists(st.integers(0, 4), max_size=7),
)
def test_chosen_posts_have_the_features_that_they_have_in_the_whole_catalogue(
    events: list[tuple[int, float]], day: float, rows: list[int]
) -> None:
    events.sort(key=lambda event: event[1])
    facts = {
        "event_rows": np.array([row for row, _ in events], dtype=np.int32),
        "event_days": np.array([day for _, day in events], dtype=np.float64),
        "created_days": CREATED,
        "category_rows": CATEGORY_ROWS,
        "category_count": 3,
    }
    popularity = PastPopularity(**facts)
    for asked in (day, 100.0):
        chosen = np.array(rows, dtype=np.int64)
        expected = numeric_features(asked, **facts)[chosen]
        np.testing.assert_allclose(popularity.features(asked, chosen), expected, rtol=1e-6, atol=1e-7)


def test_the_trend_of_a_post_with_many_events_keeps_its_digits_over_many_years() -> None:
    days = np.sort(np.random.default_rng(0).uniform(0, 20_000, 5000))
    facts = {
        "event_rows": np.arange(5000, dtype=np.int32) % 3,
        "event_days": days,
        "created_days": CREATED,
        "category_rows": CATEGORY_ROWS,
        "category_count": 3,
    }
    for day in (10.0, 9_999.5, 20_001.0):
        expected = numeric_features(day, **facts)
        np.testing.assert_allclose(PastPopularity(**facts).features(day, np.arange(5)), expected, rtol=1e-6)


@settings(deadline=None)
@given(
    slices=st.lists(st.lists(st.integers(-5, 5), max_size=9), max_size=6),
    bound=st.one_of(st.integers(-6, 6), st.floats(-6, 6)),
)
def test_each_slice_is_searched_as_if_it_stood_alone(slices: list[list[int]], bound: float) -> None:
    lengths = np.array([len(values) for values in slices], dtype=np.int64)
    ends = np.cumsum(lengths)
    starts = ends - lengths
    values = np.array([value for values in slices for value in sorted(values)], dtype=np.int64)
    expected = [start + int(np.searchsorted(values[start:end], bound)) for start, end in zip(starts, ends, strict=True)]
    assert first_at_least(values, starts, ends, bound).tolist() == expected


@pytest.mark.parametrize("rows", [[], [0, 0, 4]])
def test_without_events_nothing_is_popular(rows: list[int]) -> None:
    popularity = PastPopularity(
        event_rows=np.zeros(0, dtype=np.int32),
        event_days=np.zeros(0),
        created_days=CREATED,
        category_rows=CATEGORY_ROWS,
        category_count=3,
    )
    features = popularity.features(100.0, np.array(rows, dtype=np.int64))
    assert features.shape[0] == len(rows)
    assert not features[:, :6].any()
