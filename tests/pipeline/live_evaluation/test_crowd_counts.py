"""Counts that move forward in time equal sums over everything before the moment."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.live_evaluation.crowd_counts import Crowd, DecayedCounts
from tests.pipeline.live_evaluation.made_up_log import MINUTE, Met, made_up_log

DAY = 1440


@given(
    meetings=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 40)), max_size=30),
    asked=st.lists(st.integers(0, 45), min_size=1, max_size=8),
    decay=st.sampled_from([0.5, 7.0, np.inf]),
)
def test_counts_are_decayed_sums_over_what_was_before(
    meetings: list[tuple[int, int]], asked: list[int], decay: float
) -> None:
    meetings.sort(key=lambda meeting: meeting[1])
    rows = np.array([row for row, _ in meetings], dtype=np.int64)
    days = np.array([day for _, day in meetings], dtype=np.float64)
    counts = DecayedCounts(rows, days, decay_days=decay, post_count=4)
    for day in sorted(asked):
        wanted = np.zeros(4)
        for row, met in meetings:
            wanted[row] += np.exp((met - day) / decay) if met < day else 0
        assert np.allclose(counts.at(float(day)), wanted, rtol=1e-12, atol=0)


def test_counts_do_not_move_backward() -> None:
    counts = DecayedCounts(np.zeros(0, dtype=np.int64), np.zeros(0), decay_days=7, post_count=1)
    counts.at(2.0)
    with pytest.raises(ValueError, match=r"day 1\.0 is before day 2\.0"):
        counts.at(1.0)


def test_a_person_counts_once_a_post_and_what_happens_at_the_moment_does_not_count() -> None:
    crowd = Crowd(made_up_log([Met(0, 0, 0), Met(0, 0, DAY, "like"), Met(1, 0, 2 * DAY), Met(1, 1, 3 * DAY)]))
    counts = crowd.at(3.0)
    assert counts.people.tolist() == [2, 0, 0, 0, 0]
    assert counts.trend[0] == pytest.approx(np.exp(-3 / 7) + np.exp(-1 / 7))
    assert counts.short_trend[0] == pytest.approx(np.exp(-1) + np.exp(-1 / 3))
    assert crowd.at(3.0 + MINUTE).people.tolist() == [2, 1, 0, 0, 0]


def test_the_month_is_thirty_days_long() -> None:
    counts = Crowd(made_up_log([Met(0, 0, 0), Met(1, 0, DAY)])).at(30.0 + MINUTE)
    assert (counts.month[0], counts.people[0]) == (1, 2)


def test_equal_scores_go_to_more_people_in_a_month_then_in_two_then_ever() -> None:
    events = [Met(0, 2, 0), Met(0, 1, 50 * DAY), Met(1, 1, 50 * DAY), Met(2, 3, 50 * DAY), Met(0, 0, 95 * DAY)]
    places = Crowd(made_up_log(events)).at(100.0).tie_places
    assert np.argsort(places)[:4].tolist() == [0, 1, 3, 2]
    assert sorted(places.tolist()) == [0, 1, 2, 3, 4]
