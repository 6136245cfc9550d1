import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from two_tower.features import NUMERIC_FEATURES, numeric_features, window_histories


def histories_of(starts: list[int], ends: list[int], *, length: int = 3):
    count = max(ends)
    return window_histories(
        np.array(starts),
        np.array(ends),
        np.full(len(starts), 100.0),
        rows=np.arange(count) + 10,
        verbs=np.zeros(count, dtype=np.int8),
        strengths=np.linspace(0.1, 1, count).astype(np.float32),
        days=np.arange(count, dtype=np.float64),
        length=length,
    )


def features_at(day: float, *, event_days: list[float]):
    return numeric_features(
        day,
        event_rows=np.zeros(len(event_days), dtype=np.int64),
        event_days=np.array(event_days),
        created_days=np.array([90.0, 99.0, 101.0]),
        category_rows=np.array([1, 1, 2]),
        category_count=3,
    )


def test_a_history_keeps_its_newest_events_with_padding_in_front() -> None:
    histories = histories_of([0, 5], [5, 6])
    assert histories.rows.tolist() == [[12, 13, 14], [0, 0, 15]]
    assert histories.is_event.tolist() == [[True, True, True], [False, False, True]]


def test_older_events_have_higher_ages() -> None:
    ages = histories_of([0], [3]).ages[0]
    assert ages[0] > ages[1] > ages[2] > 0


def test_an_empty_history_holds_no_event() -> None:
    assert not histories_of([2], [2]).is_event.any()


@given(st.lists(st.floats(100, 200), max_size=20))
def test_the_future_never_changes_a_feature(future: list[float]) -> None:
    past = [1.0, 50.0, 98.0]
    np.testing.assert_array_equal(features_at(100, event_days=past), features_at(100, event_days=past + future))


def test_features_tell_the_popular_the_recent_and_the_young() -> None:
    features = dict(zip(NUMERIC_FEATURES, features_at(100, event_days=[50.0, 98.0]).T, strict=True))
    week, ever = features["log share of events in 7 days"], features["log share of events in inf days"]
    assert week[0] > week[1] == 0
    assert ever[0] > 0
    assert features["is younger than a week"].tolist() == [0, 1, 1]
    lively = features["log share of events of its category in 7 days"]
    assert lively[0] == lively[1] > lively[2]
