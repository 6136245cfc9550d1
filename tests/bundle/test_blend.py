"""The weights of the order by user, on two or three posts."""

import math
from dataclasses import replace

import numpy as np
import pytest

from bundle.blend import FOLLOWER_SHRINKAGE, SESSION_MS, Blend, in_session

BLEND = Blend(popularity=1, tower=2, tower_history=3, lasting=0.5, category=2, followers=0.4, order=0.6, floor=0.1)


def test_shares_mix_the_trend_the_lasting_popularity_and_an_even_floor() -> None:
    shares = BLEND.shares(np.array([3.0, 1.0]), np.array([0.0, 10.0]))
    trend, lasting = np.array([0.75, 0.25]), np.array([0.0, 1.0])
    np.testing.assert_allclose(shares, 0.9 * (trend + 0.5 * lasting) / 1.5 + 0.05)
    assert shares.sum() == pytest.approx(1)


def test_where_one_count_is_nothing_the_other_counts_alone_and_else_all_are_alike() -> None:
    nothing = np.zeros(2)
    np.testing.assert_allclose(BLEND.shares(nothing, np.array([1.0, 3.0])), [0.9 * 0.25 + 0.05, 0.9 * 0.75 + 0.05])
    np.testing.assert_allclose(BLEND.shares(np.array([1.0, 3.0]), nothing), [0.9 * 0.25 + 0.05, 0.9 * 0.75 + 0.05])
    np.testing.assert_allclose(BLEND.shares(nothing, nothing), [0.5, 0.5])


def test_a_post_that_the_bundle_lacks_has_the_share_of_its_trend_and_the_floor_of_the_others() -> None:
    found = BLEND.share_of_new(np.array([2.0, 0.0]), trend_total=8.0, count=10)
    np.testing.assert_allclose(found, [0.9 * 2 / 8 / 1.5 + 0.01, 0.01])
    np.testing.assert_allclose(BLEND.share_of_new(np.array([2.0]), trend_total=0.0, count=10), [0.01])


def test_lifts_leave_the_sum_of_all_shares_at_one() -> None:
    shares = np.array([0.1, 0.6, 0.3])
    lifts = BLEND.lifts([1, 2, 2], shares)
    np.testing.assert_allclose(lifts, [2 * 0.1 / 5 / 0.1, (1 + 1.2) / 5 / 0.6, (2 + 0.6) / 5 / 0.3])
    assert (lifts * shares).sum() == pytest.approx(1)
    np.testing.assert_allclose(BLEND.lifts([], shares), 1)
    assert [BLEND.lift(met, 3, share) for met, share in ((0, 0.1), (1, 0.6), (2, 0.3))] == pytest.approx(lifts.tolist())


def test_only_the_last_ten_posts_count_for_the_category() -> None:
    shares = np.array([0.5, 0.5])
    np.testing.assert_allclose(BLEND.lifts([0] * 5 + [1] * 10, shares), BLEND.lifts([1] * 10, shares))


def test_the_tower_counts_more_the_longer_the_history_and_not_at_all_without_one() -> None:
    assert [BLEND.tower_weight(length) for length in (0, 3, 9)] == [0.0, 1.0, 1.5]
    alone = replace(BLEND, popularity=0.0)
    assert [alone.tower_weight(length) for length in (0, 3)] == [2.0, 2.0]


def test_next_shares_count_followers_against_steps_elsewhere_and_add_the_order() -> None:
    found = BLEND.next_shares(np.array([3.0, 1.0]), np.array([0.25, 0.0]))
    total = 4 + FOLLOWER_SHRINKAGE
    np.testing.assert_allclose(found, [0.4 * 3 / total + 0.6 * 0.25, 0.4 / total])


def test_a_session_lasts_half_an_hour_by_the_clock_of_the_log() -> None:
    now = 1_700_000_000_000
    assert in_session(now, now - SESSION_MS + 1)
    assert in_session(now, now + 60_000)
    assert not in_session(now, now - SESSION_MS)
    assert not in_session(now, 0)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"tower": math.nan}, "tower is nan, not a finite number of at least 0"),
        ({"lasting": -0.1}, "lasting is -0.1, not a finite number of at least 0"),
        ({"floor": 0.0}, "floor is 0.0, not between 0 and 1"),
        ({"floor": 1.0}, "floor is 1.0, not between 0 and 1"),
        ({"category": 0.0}, "category is 0: a category that the person has not met would never be shown"),
    ],
)
def test_weights_that_cannot_order_are_named(change: dict[str, float], complaint: str) -> None:
    assert replace(BLEND, **change).complaint() == complaint
    assert not BLEND.complaint()
    assert not Blend().complaint()
