"""Steps from post to post, by hand."""

from dataclasses import replace

import pytest

from pipeline.live_evaluation.steps import Steps
from tests.pipeline.live_evaluation.made_up_log import Met, day_of, made_up_log

DAY = 1440
EVENTS = (
    Met(0, 0, 0),
    Met(0, 1, 5),
    Met(0, 3, 10),
    Met(0, 2, 2 * DAY),  # another session: no step from post 3
    Met(1, 0, DAY),
    Met(1, 1, DAY + 5),
    Met(2, 0, DAY),
    Met(2, 2, DAY + 6),
)
CATEGORIES = [1, 1, 1, 2, 1]


def test_followers_are_counted_within_sessions_before_the_moment() -> None:
    steps = Steps(made_up_log(EVENTS, categories=CATEGORIES))
    assert steps.follower_counts(0, day=3.0).tolist() == [0, 2, 1, 0, 0]
    assert steps.follower_counts(0, day=day_of(DAY + 5)).tolist() == [0, 1, 0, 0, 0]
    assert steps.follower_counts(1, day=3.0).tolist() == [0, 0, 0, 1, 0]
    assert steps.follower_counts(3, day=3.0).tolist() == [0, 0, 0, 0, 0]


def test_order_shares_say_how_far_steps_go_in_the_categorys_order() -> None:
    steps = Steps(made_up_log(EVENTS, categories=CATEGORIES))
    # Of the four steps two go one place on, one goes two places, one leaves the category.
    assert steps.order_shares(0, day=3.0).tolist() == pytest.approx([0, 1 / 2, 1 / 4, 0, 0])
    assert steps.order_shares(1, day=3.0).tolist() == pytest.approx([0, 0, 1 / 2, 0, 1 / 4])
    assert steps.order_shares(3, day=3.0).tolist() == [0] * 5
    assert steps.order_shares(0, day=1.0).tolist() == pytest.approx([0, 1 / 2, 0, 0, 0])


def test_without_a_step_before_the_moment_no_post_is_next() -> None:
    steps = Steps(made_up_log(EVENTS, categories=CATEGORIES))
    assert steps.order_shares(0, day=0.0).tolist() == [0] * 5


def test_the_order_of_a_category_is_that_of_creation_then_of_ids() -> None:
    created = [9, 0, 0, 0, 5]  # category 1: posts 1, 2, 4, 0
    later = [replace(event, minute=event.minute + 100) for event in EVENTS]
    steps = Steps(made_up_log(later, categories=CATEGORIES, created_minutes=created))
    # 0 -> 1 goes three places back (twice), 0 -> 2 two places back, 1 -> 3 leaves the category.
    assert steps.order_shares(0, day=3.0).tolist() == pytest.approx([0, 1 / 2, 1 / 4, 0, 0])
    assert steps.order_shares(4, day=3.0).tolist() == pytest.approx([0, 1 / 4, 0, 0, 0])


def test_a_post_made_later_moves_no_other_post_in_the_order() -> None:
    earlier, later = (
        Steps(made_up_log(EVENTS, categories=CATEGORIES, created_minutes=[0, 0, 0, 0, minute]))
        for minute in (0, 3 * DAY)
    )
    for post in range(4):
        assert earlier.order_shares(post, day=3.0)[:4].tolist() == later.order_shares(post, day=3.0)[:4].tolist()


def test_a_step_of_more_than_twenty_places_is_not_near() -> None:
    events = [Met(0, 0, 0), Met(0, 20, 5), Met(1, 0, 0), Met(1, 21, 5)]
    shares = Steps(made_up_log(events, posts=22)).order_shares(0, day=1.0)
    assert (shares[20], shares[21]) == (0.5, 0.0)
