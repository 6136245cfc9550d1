"""What was known of posts at a moment, feature by feature, with events on the borders of the windows."""

import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.bundle_contents import popularity
from tests.pipeline.by_hand.tiny_dataset import tiny_dataset
from two_tower.features import NUMERIC_FEATURES, new_post_features, numeric_features, scale_days

DAY = 100.0
CREATED = np.array([0.0, 93.0, 93.5, 105.0])
CATEGORY_ROWS = np.array([1, 1, 2, 0])
WEEK, MONTH, QUARTER, EVER, CATEGORY_WEEK, CATEGORY_MONTH, AGE, IS_YOUNG, TREND = range(len(NUMERIC_FEATURES))


def features_of(*events: tuple[int, float]) -> NDArray[np.float32]:
    """At day 100, of four posts; events are (post row, day)."""
    events = tuple(sorted(events, key=lambda event: event[1]))
    return numeric_features(
        DAY,
        event_rows=np.array([row for row, _ in events], dtype=np.int64),
        event_days=np.array([day for _, day in events], dtype=np.float64),
        created_days=CREATED,
        category_rows=CATEGORY_ROWS,
        category_count=3,
    )


def share(part: float, whole: float) -> float:
    return float(np.log1p(1000 * part / whole))


@pytest.mark.parametrize(("column", "days"), [(WEEK, 7.0), (MONTH, 28.0), (QUARTER, 91.0)])
def test_a_window_holds_its_first_moment_and_not_the_moment_itself(column: int, days: float) -> None:
    features = features_of((0, DAY - days), (0, DAY - days / 2), (1, DAY - days - 0.001), (2, DAY), (3, DAY - 0.001))
    assert features[:, column].tolist() == pytest.approx([share(2, 3), 0, 0, share(1, 3)], rel=1e-6)


def test_the_last_window_holds_all_of_the_past() -> None:
    features = features_of((0, -5000.0), (1, 0.0), (1, 99.0), (2, 100.0), (2, 150.0))
    assert features[:, EVER].tolist() == pytest.approx([share(1, 3), share(2, 3), 0, 0], rel=1e-6)


def test_a_post_has_the_share_of_its_category_too() -> None:
    features = features_of((0, 99.0), (0, 98.0), (2, 97.0), (3, 96.0), (1, 80.0))
    # Of four events in a week two are of category 1, one of category 2, one of none; in a month there is one more.
    week, month = features[:, CATEGORY_WEEK].tolist(), features[:, CATEGORY_MONTH].tolist()
    assert week == pytest.approx([share(2, 4), share(2, 4), share(1, 4), share(1, 4)], rel=1e-6)
    assert month == pytest.approx([share(3, 5), share(3, 5), share(1, 5), share(1, 5)], rel=1e-6)


def test_a_post_is_young_in_its_first_seven_days_and_one_of_the_future_has_age_0() -> None:
    features = features_of()
    assert features[:, IS_YOUNG].tolist() == [0, 0, 1, 1]
    assert features[:, AGE].tolist() == pytest.approx([np.log1p(100) / 5, np.log1p(7) / 5, np.log1p(6.5) / 5, 0])
    assert scale_days(np.array([-3.0, 0.0, np.expm1(5.0)])).tolist() == pytest.approx([0, 0, 1])


def test_the_trend_forgets_by_a_factor_of_e_a_week() -> None:
    features = features_of((0, 93.0), (1, 86.0), (1, 100.0), (2, 200.0))
    weights = np.exp([-1.0, -2.0])
    assert features[:, TREND].tolist() == pytest.approx([*(share(part, weights.sum()) for part in weights), 0, 0])


def test_without_a_past_only_ages_are_known() -> None:
    features = features_of((0, 100.0), (1, 101.0))
    assert not np.delete(features, [AGE, IS_YOUNG], axis=1).any()


def test_of_a_new_post_only_its_category_is_known() -> None:
    numeric = features_of((0, 99.0), (2, 80.0))
    features = new_post_features(numeric, CATEGORY_ROWS, 1)
    expected = np.zeros(len(NUMERIC_FEATURES), dtype=np.float32)
    expected[[CATEGORY_WEEK, CATEGORY_MONTH]] = numeric[0, [CATEGORY_WEEK, CATEGORY_MONTH]]
    expected[IS_YOUNG] = 1
    np.testing.assert_array_equal(features, expected)
    assert not new_post_features(np.zeros_like(numeric), CATEGORY_ROWS, 1).any()


# What orders the feed of those of whom nothing is known.


def test_the_popular_feed_orders_by_the_last_28_days_and_then_by_all_events() -> None:
    events = [
        *((0, 0, "view", float(day)) for day in range(3)),  # three, long ago
        (0, 1, "view", 5.0),
        (1, 1, "view", 80.0),
        (1, 2, "view", 71.99),  # 28.01 days before the end
        (2, 3, "view", 72.01),  # 27.99
        (2, 3, "view", 100.0),
    ]
    recent, always = np.array([0, 1, 0, 2, 0]), np.array([3, 2, 1, 2, 0])
    scores = recent + always / 8
    np.testing.assert_allclose(popularity(tiny_dataset(events)), scores / scores.max(), rtol=1e-6)


def test_where_nothing_happened_nothing_is_popular() -> None:
    assert popularity(tiny_dataset(())).tolist() == [0.0] * 5
