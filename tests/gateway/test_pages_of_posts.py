"""Later pages ask for posts and rules as of the first page; a feed says how far everything is taken into account."""

import asyncio
from dataclasses import dataclass, replace

import pytest

from gateway import page_token
from gateway.feed import get_feed
from gateway.feed_types import (
    Feed,
    FeedRequest,
    FoundPosts,
    InvalidPageTokenError,
    PostsNotHeldError,
    Search,
    TrendingRequest,
)
from gateway.trending import list_trending
from tests.gateway.test_feed import FakeIndex
from tests.gateway.test_feed_as_of import AMinute, LoggedTower


@dataclass
class LiveIndex(FakeIndex):
    """Has read posts up to ``position``, None without a log, and knows them as of no earlier one than ``oldest``."""

    position: int | None = 30
    oldest: int = 0
    moment_ms: int = 1_700_000_000_000

    async def search_posts(self, search: Search, *, seconds: float) -> FoundPosts:
        found = await super().search_posts(search, seconds=seconds)
        position = self.position if search.posts_position is None else search.posts_position
        if position is not None and position < self.oldest:
            raise PostsNotHeldError(f"posts as of position {position} are not held")
        moment = self.moment_ms if search.rules_moment_ms is None else search.rules_moment_ms
        return replace(found, posts_position=position, rules_moment_ms=moment, counted_position=35)


def ask(index: LiveIndex, **fields: object) -> Feed:
    request = FeedRequest("ana", **fields)
    return asyncio.run(get_feed(request, encoder=LoggedTower(), index=index, clock=AMinute()))


def trends(index: LiveIndex, **fields: object) -> Feed:
    return asyncio.run(list_trending(TrendingRequest(**fields), index=index, clock=AMinute()))


@pytest.mark.parametrize("asking", [ask, trends])
def test_later_pages_ask_for_posts_and_rules_as_of_the_first(asking: object) -> None:
    index = LiveIndex()
    page = asking(index, page_size=10)
    index.position, index.moment_ms = 60, index.moment_ms + 1
    second = asking(index, page_size=10, page_token=page.next_page_token)
    asking(index, page_size=10, page_token=second.next_page_token)
    asked = [(search.posts_position, search.rules_moment_ms) for search in index.searches]
    assert asked == [(None, None), *[(30, 1_700_000_000_000)] * 2]


@pytest.mark.parametrize("asking", [ask, trends])
def test_pages_whose_posts_are_gone_start_again(asking: object) -> None:
    index = LiveIndex()
    page = asking(index, page_size=10)
    index.oldest = 31
    with pytest.raises(InvalidPageTokenError, match="the posts of page_token are no longer held: start again"):
        asking(index, page_size=10, page_token=page.next_page_token)


@pytest.mark.parametrize("position", [30, 50, None])
def test_a_feed_tells_up_to_where_what_people_did_counts_wherever_the_posts_stand(position: int | None) -> None:
    assert ask(LiveIndex(position=position)).position == 40
    assert trends(LiveIndex(position=position)).position == 35


def test_no_position_of_posts_is_none_in_the_token() -> None:
    token = page_token.read(ask(LiveIndex(position=None), page_size=10).next_page_token)
    assert token.posts_position is None
    assert page_token.read(ask(LiveIndex(position=0), page_size=10).next_page_token).posts_position == 0
