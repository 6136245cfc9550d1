"""A feed that starts again: which of the shown posts a page holds, over an index that leaves out what it is told to."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.feed_types import FeedCategory, FeedContext, FeedRanking, FoundPosts, Search, Seen, ServedPosts
from gateway.restarted_feed import search_again
from tests.gateway.test_feed import BUNDLE, FakeClock


@dataclass
class RankedIndex:
    """Ranks ``posts`` in their order, without those that the context does not want, and withholds others."""

    posts: Sequence[int]
    searches: list[Search] = field(default_factory=list)

    async def search_posts(self, search: Search, *, seconds: float) -> FoundPosts:
        assert seconds == FakeClock().seconds_left()
        self.searches.append(search)
        context = search.context
        left = [post for post in self.posts if post not in context.not_interested_post_ids]
        page = left[search.offset : search.offset + search.limit]
        return FoundPosts(
            posts=tuple(b"%d" % post for post in page if post not in context.withheld_post_ids),
            has_more=search.offset + search.limit < len(left),
            ranking=FeedRanking.USER,
            bundle_id=BUNDLE,
            current_bundle_id=BUNDLE,
        )

    async def list_categories(self, *, bundle_id: str = "", seconds: float) -> tuple[FeedCategory, ...]:
        raise AssertionError


def searched(
    shown: Sequence[int], *, limit: int, seen: Sequence[int] = (), elsewhere: Sequence[int] = (), explain: bool = False
) -> Search:
    served = ServedPosts(shown, elsewhere, read_up_to=0)
    # An offset of the ranking, to be left out of account: shown posts are counted by ``start``.
    return Search(FeedContext(seen_post_ids=seen, served=served), None, (), offset=1, limit=limit, explain=explain)


def page_of(
    index: RankedIndex, search: Search, *, start: int = 0, seen: Seen = Seen.LAST
) -> tuple[list[int], bool, int]:
    found, end = asyncio.run(search_again(search, seen=seen, start=start, index=index, clock=FakeClock()))
    return [int(post) for post in found.posts], found.has_more, end


@pytest.mark.parametrize(
    ("start", "expected"),
    [(0, ([4, 9], True, 2)), (2, ([1, 7], True, 4)), (4, ([3], False, 5)), (5, ([], False, 5))],
)
def test_a_page_holds_the_posts_shown_longest_ago_in_the_order_of_the_ranking(
    start: int, expected: tuple[list[int], bool, int]
) -> None:
    assert page_of(RankedIndex([1, 3, 4, 7, 9]), searched([9, 4, 7, 1, 3], limit=2), start=start) == expected


def test_posts_of_other_feeds_do_not_shorten_a_page() -> None:
    assert page_of(RankedIndex([5, 6, 7]), searched([91, 5, 92, 93, 6, 94, 7], limit=2)) == ([5, 6], True, 6)


def test_of_the_posts_of_other_feeds_as_many_are_passed_as_fit() -> None:
    assert page_of(RankedIndex([5, 6, 7]), searched([91, 92, 5, 6, 7], limit=2)) == ([5, 6], True, 4)
    assert page_of(RankedIndex([5, 6]), searched([91, 92, 5, 6, 93], limit=2)) == ([5, 6], False, 4)


def test_nothing_more_comes_after_the_last_post_although_posts_of_other_feeds_were_shown_later() -> None:
    assert page_of(RankedIndex([5]), searched([5, 91, 92], limit=1)) == ([5], False, 1)


@pytest.mark.parametrize(("seen", "expected"), [(Seen.LAST, ([1, 2], False, 2)), (Seen.EXCLUDED, ([1], False, 1))])
def test_excluded_seen_posts_do_not_come_again_and_count_for_no_page(
    seen: Seen, expected: tuple[list[int], bool, int]
) -> None:
    assert page_of(RankedIndex([1, 2]), searched([2, 1], limit=5, seen=[2]), seen=seen) == expected


@pytest.mark.parametrize(("explain", "kept"), [(True, [2]), (False, [])])
def test_the_seen_posts_are_searched_with_where_they_explain(explain: bool, kept: list[int]) -> None:
    index = RankedIndex([1, 2])
    page_of(index, searched([2, 1], limit=5, seen=[2], explain=explain), seen=Seen.EXCLUDED)
    assert [list(search.context.seen_post_ids) for search in index.searches] == [kept]


def test_what_another_feed_shows_meanwhile_is_withheld() -> None:
    assert page_of(RankedIndex([1, 2, 3]), searched([3, 2, 1], limit=5, elsewhere=[2]))[0] == [1, 3]


def test_a_page_that_is_filled_at_once_takes_one_search_and_a_look_at_the_rest() -> None:
    index = RankedIndex(range(100))
    assert page_of(index, searched(range(100), limit=10)) == (list(range(10)), True, 10)
    assert [search.offset for search in index.searches] == [0, 0]


def test_the_last_page_takes_no_look_at_the_rest() -> None:
    index = RankedIndex(range(400))
    assert page_of(index, searched(range(400), limit=10), start=395) == (list(range(395, 400)), False, 400)
    assert len(index.searches) == 1


def test_a_person_that_was_shown_nothing_gets_nothing() -> None:
    index = RankedIndex([])
    search = Search(FeedContext(), None, (), offset=0, limit=3)
    assert page_of(index, search) == ([], False, 0)


@given(data=st.data(), limit=st.integers(1, 6))
def test_the_pages_hold_every_shown_post_of_the_feed_once_in_the_order_it_was_shown(
    data: st.DataObject, limit: int
) -> None:
    shown = data.draw(st.lists(st.integers(0, 30), max_size=25, unique=True))
    of_feed = data.draw(st.permutations([post for post in shown if data.draw(st.booleans())]))
    index, search = RankedIndex(of_feed), searched(shown, limit=limit)
    pages: list[list[int]] = []
    start, has_more = 0, True
    while has_more:
        index.searches.clear()
        found, has_more, start = page_of(index, search, start=start)
        assert len(index.searches) <= 12
        assert found or not has_more
        assert found == [post for post in of_feed if post in found]
        pages.append(found)
    assert [sorted(page) for page in pages if page] == [
        sorted(part)
        for part in (
            [post for post in shown if post in of_feed][first : first + limit]
            for first in range(0, len(of_feed), limit)
        )
    ]
