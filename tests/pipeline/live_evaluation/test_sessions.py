"""Pairs, sessions and moments of a dozen events, by hand."""

import numpy as np

from pipeline.live_evaluation.months import Month
from pipeline.live_evaluation.sessions import moments_of, session_numbers
from tests.pipeline.live_evaluation.made_up_log import MINUTE, Met, day_of, made_up_log

DAY = 1440
EVENTS = (
    Met(0, 0, 2 * DAY),  # before the split
    Met(0, 0, 10 * DAY, "like"),  # met before: no pair
    Met(0, 1, 10 * DAY),
    Met(0, 1, 10 * DAY + 20, "rating"),  # not the first time: it does not make the session longer
    Met(0, 2, 10 * DAY + 29),
    Met(0, 3, 10 * DAY + 58),
    Met(0, 4, 10 * DAY + 88),  # thirty minutes later
    Met(1, 3, 10 * DAY + 30),
)
MONTH = Month(5.0, 40.0)


def test_a_session_is_a_run_of_first_meetings_less_than_thirty_minutes_apart() -> None:
    dataset = made_up_log(EVENTS)
    assert dataset.pairs.post_rows.tolist() == [0, 1, 2, 3, 4, 3]
    assert session_numbers(dataset.pairs).tolist() == [0, 1, 1, 1, 2, 3]


def test_a_log_without_events_has_no_session() -> None:
    assert session_numbers(made_up_log(()).pairs).tolist() == []


def test_the_moments_of_a_month_ascend_by_time_and_know_the_targets_of_their_session() -> None:
    found = moments_of(made_up_log(EVENTS), MONTH)
    assert found.user_rows.tolist() == [0, 0, 1, 0, 0]
    assert found.post_rows.tolist() == [1, 2, 3, 3, 4]
    assert np.allclose(found.days - 10, np.array([0, 29, 30, 58, 88]) * MINUTE)
    assert found.is_first.tolist() == [True, False, True, False, True]
    assert [each.tolist() for each in found.session_targets] == [[1, 2, 3], [], [3], [], [4]]
    assert found.is_new.tolist() == [False, False, True, False, False]
    assert found.exists.all()


def test_a_post_made_at_the_moment_or_later_is_no_target() -> None:
    created = [0, 10 * DAY, 10 * DAY + 28, 0, 0]
    found = moments_of(made_up_log(EVENTS, created_minutes=created), MONTH)
    assert found.exists.tolist() == [False, True, True, True, True]
    assert found.session_targets[0].tolist() == [3]


def test_a_post_that_was_met_before_it_was_made_exists_since_it_was_met() -> None:
    found = moments_of(made_up_log(EVENTS, created_minutes=[0, 0, 0, 20 * DAY, 0]), MONTH)
    assert found.existing_since[3] == day_of(10 * DAY + 30)
    assert found.exists.tolist() == [True, True, False, True, True]


def test_a_session_that_began_before_the_split_has_no_start_in_the_month() -> None:
    found = moments_of(made_up_log(EVENTS), Month(day_of(10 * DAY + 29), 40.0))
    assert found.post_rows.tolist() == [2, 3, 3, 4]
    assert found.is_first.tolist() == [False, True, False, True]


def test_a_session_that_goes_on_after_the_end_keeps_its_targets() -> None:
    found = moments_of(made_up_log(EVENTS), Month(5.0, day_of(10 * DAY + 29)))
    assert found.post_rows.tolist() == [1]
    assert found.session_targets[0].tolist() == [1, 2, 3]


def test_of_too_many_moments_whole_people_are_left_out() -> None:
    dataset = made_up_log(EVENTS)
    for most, wanted in ((5, {0, 1}), (4, {0}), (0, {0})):
        found = moments_of(dataset, MONTH, most=most)
        assert set(found.user_rows.tolist()) in ({0, 1}, {0}, {1})
        assert (found.drawn_people, found.people) == (len(set(found.user_rows.tolist())), 2)
        assert len(set(found.user_rows.tolist())) == len(wanted)
