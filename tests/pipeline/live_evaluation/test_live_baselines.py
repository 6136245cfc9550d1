"""Each live baseline on four people and five posts, computed by hand."""

import numpy as np
import pytest

from pipeline.live_evaluation.crowd_counts import Crowd
from pipeline.live_evaluation.live_baselines import (
    Known,
    blend,
    category_trend,
    co_visits,
    last_month_popularity,
    next_post_rules,
    short_trend,
    trend,
)
from pipeline.live_evaluation.replay import Log
from tests.pipeline.live_evaluation.made_up_log import Met, made_up_log

DAY = 1440
CATEGORIES = [1, 1, 1, 2, 2]
EVENTS = (
    Met(0, 0, 10 * DAY),
    Met(0, 1, 10 * DAY + 10),
    Met(1, 0, 40 * DAY),
    Met(1, 1, 40 * DAY + 10),
    Met(1, 3, 40 * DAY + 20),
    Met(2, 3, 44 * DAY),
    Met(2, 4, 44 * DAY + 10),
    Met(3, 0, 46 * DAY),
    Met(3, 1, 47 * DAY),  # the moment that is asked about: not known
    Met(0, 4, 48 * DAY),
)
NOW = 47.0


def known_of(user: int, *, day: float = NOW, person_day: float = NOW) -> Known:
    dataset = made_up_log(EVENTS, categories=CATEGORIES)
    return Log(dataset).known(Crowd(dataset).at(day), user, person_day)


def decayed(days: float, *moments: float) -> float:
    return float(sum(np.exp((moment - NOW) / days) for moment in moments))


TREND = np.array(
    [
        decayed(7, 10, 40, 46),
        decayed(7, 10 + 10 / DAY, 40 + 10 / DAY),
        0,
        decayed(7, 40 + 20 / DAY, 44),
        decayed(7, 44 + 10 / DAY),
    ]
)


def test_last_month_popularity_counts_the_people_of_thirty_days() -> None:
    assert last_month_popularity(known_of(3)).scores.tolist() == [2, 1, 0, 2, 1]


def test_the_trends_let_people_of_three_and_of_seven_days_ago_count_a_third() -> None:
    assert trend(known_of(3)).scores == pytest.approx(TREND)
    assert short_trend(known_of(3)).scores[0] == pytest.approx(decayed(3, 10, 40, 46))


def test_category_x_trend_is_the_shrunk_share_of_the_last_posts_times_the_trend() -> None:
    first, second = TREND[:3].sum() / TREND.sum(), TREND[3:].sum() / TREND.sum()
    affinities = np.array([1 + 5 * first] * 3 + [0 + 5 * second] * 2) / (1 + 5)
    assert category_trend(known_of(3)).scores == pytest.approx(affinities * TREND)


def test_category_x_trend_of_a_stranger_has_the_crowds_shares() -> None:
    shares = np.array([TREND[:3].sum()] * 3 + [TREND[3:].sum()] * 2) / TREND.sum()
    assert category_trend(known_of(3, person_day=46.0)).scores == pytest.approx(shares * TREND)


def test_category_x_trend_reads_the_last_three_posts_alone() -> None:
    dataset = made_up_log([Met(0, post, 10 * DAY + post) for post in range(5)], categories=[2, 1, 1, 1, 2])
    known = Log(dataset).known(Crowd(dataset).at(11.0), 0, 11.0)
    share = known.counts.trend[[0, 4]].sum() / known.counts.trend.sum()
    assert category_trend(known).scores[4] == pytest.approx((1 + 5 * share) / (3 + 5) * known.counts.trend[4])


def test_co_visits_are_cosines_between_the_people_of_two_posts() -> None:
    ranking = co_visits(known_of(3))  # three people met post 0: two of them post 1, one of them post 3
    assert ranking.scores == pytest.approx([0, 2 / np.sqrt(3 * 2), 0, 1 / np.sqrt(3 * 2), 0])
    assert ranking.fallback == pytest.approx(TREND)


def test_co_visits_of_a_stranger_are_the_trend() -> None:
    ranking = co_visits(known_of(3, person_day=46.0))
    assert ranking.scores.tolist() == [0] * 5
    assert ranking.fallback == pytest.approx(TREND)


def test_next_post_rules_shrink_the_followers_of_the_last_post_to_the_order_of_the_category() -> None:
    # Of four steps two went from post 0 to post 1; three went one place on in their category.
    assert next_post_rules(known_of(3)).scores == pytest.approx([0, (2 + 5 * 3 / 4) / (2 + 5), 0, 0, 0])
    # From post 3 one step went to post 4, which is one place on.
    assert next_post_rules(known_of(2, person_day=44.001)).scores == pytest.approx(
        [0, 0, 0, 0, (1 + 5 * 3 / 4) / (1 + 5)]
    )


def test_next_post_rules_of_a_stranger_are_the_trend() -> None:
    assert next_post_rules(known_of(3, person_day=46.0)).scores == pytest.approx(TREND)


def test_the_blend_adds_co_visits_followers_and_order_to_the_logarithm_of_category_x_trend() -> None:
    base = category_trend(known_of(3)).scores
    wanted = np.log(base / base.sum() + 0.1 / 5)
    wanted += 3.0 * np.array([0, 1, 0, 1 / 2, 0])  # of the largest cosine
    wanted += 10.0 * np.array([0, 2 / (2 + 5), 0, 0, 0])
    wanted += 4.0 * np.array([0, 1, 0, 0, 0])
    assert blend(known_of(3)).scores == pytest.approx(wanted)


def test_the_blend_of_a_stranger_is_category_x_trend() -> None:
    known = known_of(3, person_day=46.0)
    assert np.argsort(blend(known).scores).tolist() == np.argsort(category_trend(known).scores).tolist()


def test_every_baseline_ranks_when_nothing_has_happened_yet() -> None:
    for baseline in (last_month_popularity, short_trend, trend, category_trend, co_visits, next_post_rules, blend):
        assert np.isfinite(baseline(known_of(3, day=5.0, person_day=5.0)).scores).all()
