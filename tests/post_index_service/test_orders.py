"""The table of searches: which order a search gets, and what scans the slice for it."""

import numpy as np
import pytest

from bundle.served_posts import ServedPost
from post_index_service.filtered_scans import CodedScan, GatheredScan, ListedScan, SkippingScan
from post_index_service.filters import NO_FILTERS, Allowed
from post_index_service.layer import Layer
from post_index_service.layered_ranking import Layered
from post_index_service.live_segment import LiveForm, LiveSegment
from post_index_service.orders import MOST_DENSE, MOST_EXACT, Orders
from post_index_service.popular_orders import ByPopularity, ByTrend
from post_index_service.ranking import (
    ByInnerProducts,
    ByShortlist,
    ClosenessScan,
    DenseScan,
    KeyedOrder,
    Scan,
)
from post_index_service.rankings import Ranking
from post_index_service.similar import Likeness
from tests.post_index_service.conftest import unit_rows
from tests.post_index_service.test_filters import INDEXES, POSTS, TEXT, TOWER

USER = unit_rows(np.random.default_rng(1), 1, TOWER)[0]
MOOD = unit_rows(np.random.default_rng(2), 1, TEXT)[0]
SMALL, LARGE, ALL = slice(60, 360), slice(60, 361), slice(0, 551)  # as large as is small, one more, and the index
NONE = np.zeros(0, dtype=np.int64)


def orders() -> Orders:
    return Orders(POSTS, user_weight=0.4, most_dense=300, most_exact=400)


def order_of(
    span: slice, *, user: bool = False, mood: bool = False, allowed: Allowed | None = None, times: int = 2
) -> tuple[Ranking, KeyedOrder]:
    """The order of the last one of several equal searches: a mood is remembered from the second one on."""
    made = orders()
    found = [made.of_slice(span, USER if user else None, MOOD if mood else None, None, allowed) for _ in range(times)]
    return found[-1]


def of_length(span: slice, count: int, *, names_categories: bool = False) -> Allowed:
    """The first rows of a slice."""
    return Allowed.by_mask(np.arange(span.stop - span.start) < count, names_categories=names_categories)


@pytest.mark.parametrize(
    ("span", "user", "mood", "times", "ranking", "scan"),
    [
        (SMALL, True, False, 1, Ranking.USER, DenseScan),
        (LARGE, True, False, 1, Ranking.USER, CodedScan),
        (SMALL, False, True, 1, Ranking.MOOD, CodedScan),
        (SMALL, False, True, 2, Ranking.MOOD, ClosenessScan),
        (LARGE, False, True, 2, Ranking.MOOD, CodedScan),
        (slice(60, 60), False, True, 2, Ranking.MOOD, CodedScan),  # of no rows there is no largest closeness
        (SMALL, True, True, 1, Ranking.MOOD_THEN_USER, CodedScan),
        (SMALL, True, True, 2, Ranking.MOOD_THEN_USER, DenseScan),
        (LARGE, True, True, 2, Ranking.MOOD_THEN_USER, CodedScan),
        (ALL, True, True, 2, Ranking.MOOD_THEN_USER, CodedScan),
    ],
)
def test_small_slices_are_multiplied_and_their_moods_remembered_and_large_ones_scanned_by_codes(
    span: slice, user: bool, mood: bool, times: int, ranking: Ranking, scan: type[Scan]
) -> None:
    named, order = order_of(span, user=user, mood=mood, times=times)
    assert isinstance(order, ByInnerProducts)
    assert (named, type(order.scan)) == (ranking, scan)


def test_without_user_and_mood_posts_are_ranked_by_popularity_or_trend() -> None:
    epoch = INDEXES["dense"].trends.epoch()
    assert type(orders().of_slice(SMALL, None, None, None, None)[1]) is ByPopularity
    assert type(orders().of_slice(SMALL, None, None, epoch, None)[1]) is ByTrend
    assert type(orders().of_slice(SMALL, USER, None, epoch, None)[1]) is ByInnerProducts


@pytest.mark.parametrize(
    ("span", "allowed", "expected"),
    [
        (ALL, None, ByShortlist),
        (ALL, of_length(ALL, 401), ByShortlist),
        (ALL, of_length(ALL, 400), ByInnerProducts),  # as many as a search is exact over
        (ALL, of_length(ALL, 401, names_categories=True), ByInnerProducts),
        (ALL, of_length(ALL, 10, names_categories=True), ByInnerProducts),
        (LARGE, None, ByInnerProducts),  # a category
    ],
)
def test_a_search_by_user_uses_a_shortlist_over_all_posts_of_a_large_index_alone(
    span: slice, allowed: Allowed | None, expected: type[KeyedOrder]
) -> None:
    assert type(order_of(span, user=True, allowed=allowed)[1]) is expected


@pytest.mark.parametrize(("most_exact", "is_made"), [(550, True), (551, False), (552, False)])
def test_an_index_with_as_many_posts_as_a_search_is_exact_over_has_no_shortlist(most_exact: int, is_made: bool) -> None:
    made = Orders(POSTS, user_weight=0.4, most_exact=most_exact)
    assert (made.shortlist is not None) is is_made


def test_searches_are_exact_up_to_200_000_posts_and_multiply_up_to_4_096() -> None:
    assert (MOST_EXACT, MOST_DENSE) == (200_000, 4_096)  # as docs/performance-index.md says


def test_what_filters_leave_of_a_small_slice_is_skipped_and_of_a_large_one_scanned_apart() -> None:
    _, small = order_of(SMALL, user=True, allowed=of_length(SMALL, 299))
    assert isinstance(small, ByInnerProducts)
    assert isinstance(small.scan, SkippingScan)
    assert small.scan.disallowed.tolist() == [299]
    _, large = order_of(LARGE, user=True, allowed=of_length(LARGE, 299))
    assert isinstance(large, ByInnerProducts)
    assert isinstance(large.scan, ListedScan | GatheredScan)


@pytest.mark.parametrize(("span", "scan"), [(SMALL, DenseScan), (LARGE, CodedScan)])
def test_posts_like_another_are_found_by_products_in_a_small_slice_and_by_codes_in_a_large_one(
    span: slice, scan: type[Scan]
) -> None:
    layer = Layer(0, 0, LiveSegment(tower_dimension=TOWER, text_dimension=TEXT).rows)
    part = layer.part(span, None, position=0, filters=NO_FILTERS, allowed=None, unwanted=NONE)
    found = orders().like(part, Likeness(1, USER, None, 0.4)).frozen
    assert isinstance(found, ByInnerProducts)
    assert type(found.scan) is scan


@pytest.mark.parametrize("live_posts", [0, 1])
def test_live_posts_are_ranked_beside_those_of_the_bundle(live_posts: int) -> None:
    segment = LiveSegment(tower_dimension=TOWER, text_dimension=TEXT)
    for post_id in range(live_posts):
        post = ServedPost(post_id, "v", "", "", 1, "ana", "")
        form = LiveForm(
            post=post,
            tower=USER,
            text=MOOD,
            popularity=0.5,
            trend_row=0,
            account=0,
            created_at_ms=0,
            language="",
        )
        segment.append(form, position=1)
    segment.publish()
    layer = Layer(1, 0, segment.rows)
    part = layer.part(SMALL, None, position=1, filters=NO_FILTERS, allowed=None, unwanted=NONE)
    order = orders().layered(part, USER, None, None)[1]
    assert type(order) is (Layered if live_posts else ByInnerProducts)
    assert (order.first(1, skip=NONE).rows.tolist() == [300]) is bool(live_posts)  # its vector is the user's own
