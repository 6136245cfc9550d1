"""Means over cases, people and months by hand, and intervals that resample people."""

import numpy as np
import pytest

from pipeline.live_evaluation.averages import average, person_means
from pipeline.live_evaluation.sessions import Moments
from pipeline.paired_bootstrap import Difference
from pipeline.ranking import NotANumberError


def moments(user_rows: list[int], *, is_new: list[bool] | None = None, is_first: list[bool] | None = None) -> Moments:
    count = len(user_rows)
    return Moments(
        user_rows=np.array(user_rows, dtype=np.int64),
        post_rows=np.zeros(count, dtype=np.int64),
        days=np.zeros(count),
        existing_since=np.zeros(1),
        is_first=np.array(is_first or [True] * count, dtype=np.bool_),
        exists=np.ones(count, dtype=np.bool_),
        session_targets=(np.zeros(0, dtype=np.int64),) * count,
        is_new=np.array(is_new or [True] * count, dtype=np.bool_),
        drawn_people=len(set(user_rows)),
        people=len(set(user_rows)),
    )


def values(*numbers: float) -> np.ndarray:
    """One method, variant and metric: [moments, 1, 1, 1]."""
    return np.array(numbers, dtype=np.float64).reshape(-1, 1, 1, 1)


def test_a_persons_cases_are_averaged_first_then_people_then_months() -> None:
    months = [
        (moments([0, 0, 1]), values(0.0, 1.0, 1.0)),  # people .5 and 1, month .75
        (moments([0, 2]), values(0.25, np.nan)),  # one case, month .25
        (moments([3]), values(np.nan)),  # no case
    ]
    found = average(months, "all")
    assert found is not None
    assert found.means[0, 0, 0] == pytest.approx(0.5)
    assert found.by_month[:2, 0, 0, 0].tolist() == pytest.approx([0.75, 0.25])
    assert np.isnan(found.by_month[2]).all()
    assert (found.people, found.cases) == (3, 4)


def test_groups_hold_their_moments_alone() -> None:
    month = (
        moments([0, 0, 1], is_new=[True, True, False], is_first=[True, False, True]),
        values(0.0, 0.5, 1.0),
    )
    means = {}
    for group in ("all", "new", "with a history", "first of a session", "later in a session"):
        found = average([month], group)
        assert found is not None
        means[group] = float(found.means[0, 0, 0])
    assert means == {
        "all": 0.625,
        "new": 0.25,
        "with a history": 1.0,
        "first of a session": 0.5,
        "later in a session": 0.5,
    }


def test_a_group_without_cases_has_no_averages() -> None:
    assert average([(moments([0]), values(0.5))], "with a history") is None
    assert average([], "all") is None


def test_an_interval_resamples_people_not_cases() -> None:
    one_person = average([(moments([0] * 40), values(*([0.0, 1.0] * 20)))], "all")
    forty_people = average([(moments(list(range(40))), values(*([0.0, 1.0] * 20)))], "all")
    assert one_person is not None
    assert forty_people is not None
    assert (one_person.estimate((0, 0, 0)).low, one_person.estimate((0, 0, 0)).high) == (0.5, 0.5)
    estimate = forty_people.estimate((0, 0, 0))
    assert estimate.low == pytest.approx(0.5 - 1.96 * 0.5 / 40**0.5, abs=0.04)
    assert estimate.high == pytest.approx(0.5 + 1.96 * 0.5 / 40**0.5, abs=0.04)


def test_a_difference_is_paired_by_person() -> None:
    random = np.random.default_rng(1)
    base = random.random(200) * 0.8
    both = np.stack([base + 0.1, base], axis=1).reshape(200, 2, 1, 1)
    found = average([(moments(list(range(200))), both)], "all")
    assert found is not None
    difference = found.difference((0, 0, 0), (1, 0, 0))
    assert (difference.mean, difference.low, difference.high) == pytest.approx((0.1, 0.1, 0.1))
    assert difference.standing == "ahead"


def test_the_standing_is_level_where_the_interval_holds_zero() -> None:
    assert Difference(-0.1, -0.2, -0.01).standing == "behind"
    assert Difference(0.1, -0.01, 0.2).standing == "level"
    assert Difference(0.1, 0.01, 0.2).standing == "ahead"


def test_a_difference_that_is_not_a_number_is_refused() -> None:
    with pytest.raises(NotANumberError):
        Difference(float("nan"), 0.0, 0.0)


def test_people_are_averaged_in_the_order_of_their_rows() -> None:
    assert person_means(np.array([7, 2, 7]), np.array([[1.0], [3.0], [2.0]])).tolist() == [[3.0], [1.5]]
