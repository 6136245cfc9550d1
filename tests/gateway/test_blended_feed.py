"""What a feed by user passes on: what the user met last, and the position up to which people's doings are counted."""

import asyncio
from dataclasses import dataclass, field, replace

import pytest

from gateway.context_cache import CachingContextEncoder, ContextCache
from gateway.context_messages import read_context, write_recent
from gateway.feed_types import (
    NO_WISH,
    CountsNotHeldError,
    FeedContext,
    FeedRanking,
    FoundPosts,
    InvalidPageTokenError,
    LogWish,
    RecentHistory,
    Search,
)
from moodfeed.embedding.v1 import embedding_pb2
from moodfeed.user_tower.v1 import user_tower_pb2
from tests.gateway.test_feed import BUNDLE, FakeIndex, FakeTower, ask, ids_of

RECENT = RecentHistory((4, 5), 7, 1_700_000_000_000)


class TellingTower(FakeTower):
    """Tells what a user met last."""

    async def encode_context(
        self, username: str, mood: str, *, bundle_id: str, seconds: float, log: LogWish = NO_WISH
    ) -> FeedContext:
        context = await super().encode_context(username, mood, bundle_id=bundle_id, seconds=seconds)
        return replace(context, recent=RECENT if context.user else None)


@dataclass
class BlendingIndex(FakeIndex):
    """Counts what people meet up to ``position``, and holds the counts of no earlier one than ``oldest``."""

    position: int = 40
    oldest: int = 0
    counted: list[int | None] = field(default_factory=list)

    async def search_posts(self, search: Search, *, seconds: float) -> FoundPosts:
        found = await super().search_posts(search, seconds=seconds)
        self.counted.append(search.counted_position)
        position = self.position if search.counted_position is None else search.counted_position
        if position < self.oldest:
            raise CountsNotHeldError("gone")
        return replace(found, counted_position=position)


def test_later_pages_count_as_of_the_first_one_and_are_told_what_the_user_met_last() -> None:
    index, tower = BlendingIndex(), TellingTower()
    first = ask(index, tower)
    index.position = 90
    second = ask(index, tower, page_token=first.next_page_token)
    third = ask(index, tower, page_token=second.next_page_token)
    assert first.ranking is FeedRanking.USER
    assert index.counted == [None, 40, 40]
    assert ids_of(first) + ids_of(second) + ids_of(third) == list(range(25))
    assert [search.context.recent for search in index.searches] == [RECENT] * 3


def test_counts_that_are_gone_end_a_feed_by_user_as_they_end_trends() -> None:
    index = BlendingIndex()
    token = ask(index).next_page_token
    index.oldest = 41
    with pytest.raises(InvalidPageTokenError, match="start again"):
        ask(index, page_token=token)


def test_a_feed_by_mood_counts_nothing() -> None:
    index = BlendingIndex()
    first = ask(index, username="nobody", mood="calm", category_id=7)
    ask(index, username="nobody", mood="calm", category_id=7, page_token=first.next_page_token)
    assert index.counted == [None, None]


def test_what_a_user_met_last_is_kept_with_their_context() -> None:
    tower = TellingTower()
    cached: CachingContextEncoder[object] = CachingContextEncoder(tower, ContextCache(10))

    def asked() -> FeedContext:
        return asyncio.run(cached.encode_context("ana", "", bundle_id=BUNDLE, seconds=1))

    assert [asked().recent, asked().recent] == [RECENT, RECENT]
    assert len(tower.asked) == 1


def test_messages_say_what_a_user_met_last_and_nothing_of_one_who_is_unknown() -> None:
    message = embedding_pb2.RecentHistory(post_ids=[4, 5], count=7, newest_at_ms=1_700_000_000_000)
    answer = user_tower_pb2.EncodeContextResponse(recent_history=message)
    context = read_context(answer)
    assert context.recent is not None
    assert replace(context.recent, post_ids=tuple(context.recent.post_ids)) == RECENT
    assert write_recent(context.recent) == message
    assert read_context(user_tower_pb2.EncodeContextResponse()).recent is None
    assert write_recent(None) is None
