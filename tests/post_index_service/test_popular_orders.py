"""The orders by trend and by popularity of five posts, computed by hand: places, numbers, reach and keys."""

import numpy as np
import pytest

from bundle.post_trends import PostTrends
from post_index_service import popular_orders
from post_index_service.filters import Allowed
from post_index_service.popular_orders import ByPopularity, ByTrend
from post_index_service.ranking import KeyedOrder
from post_index_service.trend_counts import TrendCounts
from post_index_service.trends import Epoch

NONE = np.zeros(0, dtype=np.int64)
IDS = np.array([30, 10, 20, 50, 40])
POPULARITY = np.array([0.25, 0.75, 0.5, 0.25, 1.0], dtype=np.float32)
SPAN = slice(2, 7)


def epoch() -> Epoch:
    """The posts of the slice have the trends 1/2, 0, 2, 1/2 and 0, and those around it have larger ones."""
    counts = TrendCounts(
        PostTrends(np.array([9, 8, 0.5, 0, 2, 0.5, 0, 7]), 1_600_000_000_000), lambda _: (), position=0
    )
    return Epoch(counts.now(), counts)


@pytest.mark.parametrize("remembered", [1, 2, 4, 1024])
@pytest.mark.parametrize("count", range(7))
def test_what_trends_comes_first_equal_trends_by_popularity_and_id_and_then_what_is_popular(
    count: int, remembered: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(popular_orders, "_REMEMBERED_HEAD", remembered)
    ranked = ByTrend(epoch(), SPAN, POPULARITY, IDS).first(count, skip=NONE)
    assert ranked.rows.tolist() == [2, 0, 3, 4, 1][:count]
    assert ranked.scores.tolist() == [2.0, 0.5, 0.5, 0.0, 0.0][:count]
    assert ranked.numbers.tolist() == [3.0, 1.5, 1.5, 1.0, 0.75][:count]


def test_the_reach_of_the_order_by_trend_is_one_more_than_the_largest_trend_of_the_slice() -> None:
    assert ByTrend(epoch(), SPAN, POPULARITY, IDS).reach == 3.0
    others = Allowed.by_mask(np.array([True, True, False, True, True]))
    allowed = ByTrend(epoch(), SPAN, POPULARITY, IDS, others)
    assert allowed.reach == 3.0  # also where that post may not be shown: a boost is the same in every filter
    assert allowed.first(9, skip=NONE).rows.tolist() == [0, 3, 4, 1]
    assert ByTrend(epoch(), slice(3, 4), POPULARITY[:1], IDS[:1]).reach == 1.0


def test_the_reach_of_the_order_by_popularity_is_the_largest_popularity_there_can_be() -> None:
    assert ByPopularity(POPULARITY, IDS).reach == 1.0


@pytest.mark.parametrize("order", [ByTrend(epoch(), SPAN, POPULARITY, IDS), ByPopularity(POPULARITY, IDS)])
def test_the_keys_of_rows_sort_them_as_the_order_does(order: KeyedOrder) -> None:
    ranked = order.among(np.arange(5))
    assert np.lexsort(order.keys(ranked)).tolist() == [0, 1, 2, 3, 4]
    backwards = ranked._make(column[::-1] for column in ranked)
    assert np.lexsort(order.keys(backwards)).tolist() == [4, 3, 2, 1, 0]
