"""Fallbacks and trends over a fake index that counts as of a position, and forgets what it counted."""

import asyncio
from dataclasses import dataclass, replace

import pytest

from gateway.feed import get_feed
from gateway.feed_types import (
    NO_WISH,
    BundleNotHeldError,
    CategoryNotFoundError,
    CountsNotHeldError,
    Fallback,
    Feed,
    FeedContext,
    FeedRanking,
    FeedRequest,
    FoundPosts,
    InvalidPageSizeError,
    InvalidPageTokenError,
    LogWish,
    Search,
    TrendingRequest,
    UserNotFoundError,
)
from gateway.token_life import TokenLife
from gateway.trending import list_trending
from tests.gateway.test_feed import BUNDLE, CATEGORY, OTHER_BUNDLE, FakeClock, FakeIndex, FakeTower, ids_of


@dataclass
class CountingIndex(FakeIndex):
    """Has counted up to ``position``; holds the counts of no earlier one than ``oldest``."""

    position: int = 40
    oldest: int = 0

    async def search_posts(self, search: Search, *, seconds: float) -> FoundPosts:
        found = await super().search_posts(search, seconds=seconds)
        if not search.trending:
            return found
        counted = self.position if search.counted_position is None else search.counted_position
        if counted < self.oldest:
            raise CountsNotHeldError(f"the counts as of position {counted} are not held")
        return replace(found, ranking=FeedRanking.TRENDING, counted_position=counted)


class LoggedTower(FakeTower):
    """Has read the log up to position 35."""

    async def encode_context(
        self, username: str, mood: str, *, bundle_id: str, seconds: float, log: LogWish = NO_WISH
    ) -> FeedContext:
        context = await super().encode_context(username, mood, bundle_id=bundle_id, seconds=seconds)
        return replace(context, position=35)


def ask(index: FakeIndex, tower: FakeTower | None = None, **fields: object) -> Feed:
    request = FeedRequest(**({"username": "a stranger"} | fields))
    return asyncio.run(get_feed(request, encoder=tower or FakeTower(), index=index, clock=FakeClock()))


def trends(index: FakeIndex, tokens: TokenLife | None = None, **fields: object) -> Feed:
    request = TrendingRequest(**fields)
    return asyncio.run(list_trending(request, index=index, clock=FakeClock(), tokens=tokens or TokenLife()))


@pytest.mark.parametrize(
    ("fields", "ranking"),
    [
        ({"fallback": Fallback.TRENDING}, FeedRanking.TRENDING),
        ({"fallback": Fallback.TRENDING, "category_id": CATEGORY}, FeedRanking.TRENDING),
        ({"fallback": Fallback.TRENDING, "mood": "calm"}, FeedRanking.TRENDING),
        ({"fallback": Fallback.TRENDING, "mood": "calm", "category_id": CATEGORY}, FeedRanking.MOOD),
        ({"fallback": Fallback.TRENDING, "username": "ana"}, FeedRanking.USER),
        ({"fallback": Fallback.POPULAR}, FeedRanking.POPULAR),
        ({"fallback": Fallback.POPULAR, "category_id": CATEGORY}, FeedRanking.POPULAR),
        ({"fallback": Fallback.POPULAR, "mood": "calm"}, FeedRanking.POPULAR),
        ({"fallback": Fallback.POPULAR, "mood": "calm", "category_id": CATEGORY}, FeedRanking.MOOD),
    ],
)
def test_a_fallback_is_for_those_who_are_unknown_and_give_too_little(
    fields: dict[str, object], ranking: FeedRanking
) -> None:
    feed = ask(CountingIndex(), **fields)
    assert (feed.ranking, len(feed.posts), feed.degradations) == (ranking, 10, ())


def test_without_a_fallback_nothing_changes() -> None:
    for fields in ({}, {"mood": "calm"}, {"category_id": CATEGORY}):
        with pytest.raises(UserNotFoundError, match="User is not in database so give input of mood and category_id"):
            ask(CountingIndex(), **fields)


@pytest.mark.parametrize("fallback", Fallback)
def test_a_category_that_is_none_is_refused_first(fallback: Fallback) -> None:
    with pytest.raises(CategoryNotFoundError):
        ask(CountingIndex(), fallback=fallback, category_id=CATEGORY + 1)


@pytest.mark.parametrize(
    ("fallback", "ranking"), [(Fallback.TRENDING, FeedRanking.TRENDING), (Fallback.POPULAR, FeedRanking.POPULAR)]
)
def test_without_the_user_tower_a_fallback_says_what_everybody_gets(fallback: Fallback, ranking: FeedRanking) -> None:
    feed = ask(CountingIndex(), FakeTower(is_down=True), username="ana", fallback=fallback)
    assert (feed.ranking, [item.stage for item in feed.degradations]) == (ranking, ["user"])


def test_later_pages_of_a_fallback_count_what_the_first_one_counted() -> None:
    index = CountingIndex()
    first = ask(index, fallback=Fallback.TRENDING)
    index.position = 90
    second = ask(index, fallback=Fallback.TRENDING, page_token=first.next_page_token)
    third = ask(index, fallback=Fallback.TRENDING, page_token=second.next_page_token)
    assert [search.counted_position for search in index.searches] == [None, 40, 40]
    assert [page.position for page in (first, second, third)] == [40, 40, 40]
    assert ids_of(first) + ids_of(second) + ids_of(third) == list(range(25))


def test_an_answer_has_the_position_up_to_which_user_and_counts_are_taken_into_account() -> None:
    assert ask(CountingIndex(), LoggedTower(), fallback=Fallback.TRENDING).position == 35
    assert ask(CountingIndex(position=20), LoggedTower(), fallback=Fallback.TRENDING).position == 20
    assert ask(CountingIndex(position=20), LoggedTower(), username="ana").position == 35


def test_the_index_is_asked_for_the_position_that_the_caller_asks_for() -> None:
    index = CountingIndex()
    ask(index, LoggedTower(), fallback=Fallback.TRENDING, at_least_position=30)
    assert index.searches[0].at_least_position == 30


def test_a_page_whose_counts_are_gone_starts_again() -> None:
    index = CountingIndex()
    feed, page = ask(index, fallback=Fallback.TRENDING), trends(index)
    index.oldest = 50
    with pytest.raises(InvalidPageTokenError, match="the counts of page_token are no longer held: start again"):
        ask(index, fallback=Fallback.TRENDING, page_token=feed.next_page_token)
    with pytest.raises(InvalidPageTokenError, match="the counts of page_token are no longer held: start again"):
        trends(index, page_token=page.next_page_token)


def test_a_token_is_for_one_fallback() -> None:
    index = CountingIndex()
    token = ask(index, fallback=Fallback.TRENDING).next_page_token
    for fallback in (Fallback.NONE, Fallback.POPULAR):
        with pytest.raises(InvalidPageTokenError, match="belongs to another request"):
            ask(index, fallback=fallback, page_token=token)


def test_the_pages_of_the_trends_are_as_of_the_first() -> None:
    index = CountingIndex()
    first = trends(index, category_id=CATEGORY, page_size=20)
    index.position = 90
    second = trends(index, category_id=CATEGORY, page_size=20, page_token=first.next_page_token)
    assert ids_of(first) + ids_of(second) == list(range(25))
    assert (first.position, second.position, second.next_page_token) == (40, 40, "")
    assert trends(index).position == 90


def test_the_trends_check_their_request() -> None:
    now_ms = [1_000_000]
    life = TokenLife(60_000, lambda: now_ms[0])
    index = CountingIndex()
    assert len(trends(index, page_size=101).posts) == 25
    with pytest.raises(InvalidPageSizeError):
        trends(index, page_size=-1)
    with pytest.raises(CategoryNotFoundError):
        trends(index, category_id=CATEGORY + 1)
    with pytest.raises(BundleNotHeldError):
        trends(index, required_bundle_id=OTHER_BUNDLE)
    token = trends(index, life).next_page_token
    for fields, words in (
        ({"page_token": token + "x"}, "not issued by this service"),
        ({"page_token": token, "category_id": CATEGORY}, "belongs to another request"),
        ({"page_token": token, "required_bundle_id": OTHER_BUNDLE}, "another bundle than required_bundle_id"),
        ({"page_token": ask(index, username="ana").next_page_token}, "belongs to another request"),
    ):
        with pytest.raises(InvalidPageTokenError, match=words):
            trends(index, life, **fields)
    now_ms[0] += 60_001
    with pytest.raises(InvalidPageTokenError, match="older than 1 minutes"):
        trends(index, life, page_token=token)
    index.held = (OTHER_BUNDLE,)
    now_ms[0] -= 60_001
    with pytest.raises(InvalidPageTokenError, match="the bundle of page_token is no longer held"):
        trends(index, life, page_token=token)
    assert trends(index, required_bundle_id=OTHER_BUNDLE).bundle_id == OTHER_BUNDLE != BUNDLE
