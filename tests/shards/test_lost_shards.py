"""Shards that do not answer or are not those expected are named or refused; answers are never mixed of two bundles."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from bundle.embedding_space import Embedding
from compute.embedding_messages import write_embedding
from gateway import page_token
from gateway.feed import get_feed
from gateway.feed_types import (
    NO_WISH,
    Degradation,
    DependencyUnavailableError,
    Fallback,
    Feed,
    FeedContext,
    FeedRequest,
    InvalidPageTokenError,
    LogWish,
    Search,
    WrongShardError,
)
from gateway.feed_types import BundleNotHeldError as GatewayBundleNotHeldError
from gateway.sharded_search import ShardedPostSearch
from moodfeed.post_index.v1 import post_index_pb2
from post_index_service.index import PostIndex
from tests.post_index_service.conftest import TOWER_DIMENSION, make_index_posts, unit_rows
from tests.shards.in_process import Held, Process, as_messages, found_in

BUNDLE, NEXT = "ab" * 32, "cd" * 32
LOST = Degradation("shard 1 of 2", "SHARD_UNAVAILABLE")
USERS = unit_rows(np.random.default_rng(3), 20, TOWER_DIMENSION)
OF_SHARD_0, OF_SHARD_1 = 2, 7  # categories


class Hour:
    """A clock with time left."""

    def seconds_left(self) -> float:
        return 30.0


@dataclass
class Tower:
    """Knows one user, in any of the bundles that it holds, the current one first."""

    held: tuple[str, ...] = (BUNDLE,)

    async def encode_context(
        self, username: str, mood: str, *, bundle_id: str, seconds: float, log: LogWish = NO_WISH
    ) -> FeedContext[Any]:
        if not self.held:
            return FeedContext(bundle_id=bundle_id)
        bundle_id = bundle_id or self.held[0]
        if bundle_id not in self.held:
            raise GatewayBundleNotHeldError("not held", current_bundle_id=self.held[0])
        space = index_of(bundle_id, 1, 0).tower_space
        return FeedContext(user=write_embedding(Embedding(space, USERS[0])), bundle_id=bundle_id)


KNOWN: dict[tuple[str, int, int], PostIndex] = {}


def index_of(bundle_id: str, shards: int, shard: int) -> PostIndex:
    key = bundle_id, shards, shard
    if key not in KNOWN:
        posts = make_index_posts(seed=0 if bundle_id == BUNDLE else 1)
        KNOWN[key] = PostIndex(posts, bundle_id=bundle_id, user_weight=0.75, shards=shards, shard=shard)
    return KNOWN[key]


def shard(number: int, *bundle_ids: str, shards: int = 2) -> Process:
    return Process(Held(*(index_of(bundle_id, shards, number) for bundle_id in bundle_ids or (BUNDLE,))))


@dataclass
class Sharded:
    """Two shards behind a gateway, and one index beside it."""

    parts: list[Process]
    search: ShardedPostSearch
    whole: Process
    tower: Tower

    def feed(self, **asked: Any) -> Feed:
        request = FeedRequest(username="bea", **{"fallback": Fallback.POPULAR, "page_size": 4, **asked})
        return asyncio.run(get_feed(request, encoder=self.tower, index=self.search, clock=Hour()))


@pytest.fixture
def sharded() -> Sharded:
    parts = [shard(0), shard(1)]
    return Sharded(parts, ShardedPostSearch(parts, now_ms=lambda: 5), Process(Held(index_of(BUNDLE, 1, 0))), Tower())


def ids_of(feed: Feed) -> list[int]:
    return [post_index_pb2.RankedPost.FromString(post).post_id for post in feed.posts]


def all_pages(sharded: Sharded, **asked: Any) -> list[Feed]:
    pages = [sharded.feed(**asked)]
    while pages[-1].next_page_token:
        pages.append(sharded.feed(**{**asked, "page_token": pages[-1].next_page_token}))
    return pages


def test_a_feed_of_two_shards_holds_every_post_once_and_lacks_nothing(sharded: Sharded) -> None:
    pages = all_pages(sharded)
    shown = [post_id for page in pages for post_id in ids_of(page)]
    assert sorted(shown) == sorted(make_index_posts().post_ids.tolist())
    assert all(page.degradations == () for page in pages)


def test_without_a_shard_a_feed_is_that_of_the_others_and_names_it(sharded: Sharded) -> None:
    sharded.parts[1].is_down = True
    pages = all_pages(sharded)
    shown = [post_id for page in pages for post_id in ids_of(page)]
    posts = make_index_posts()
    assert sorted(shown) == sorted(posts.post_ids[posts.category_ids != OF_SHARD_1].tolist())
    assert all(page.degradations == (LOST,) for page in pages)


def test_a_shard_that_is_back_is_in_the_next_feed(sharded: Sharded) -> None:
    before = ids_of(sharded.feed(page_size=50))
    sharded.parts[1].is_down = True
    assert sharded.feed(page_size=50).degradations == (LOST,)
    sharded.parts[1].is_down = False
    again = sharded.feed(page_size=50)
    assert (ids_of(again), again.degradations) == (before, ())


def test_a_feed_that_began_without_a_shard_goes_on_without_it(sharded: Sharded) -> None:
    sharded.parts[1].is_down = True
    first = sharded.feed()
    sharded.parts[1].is_down = False
    second = sharded.feed(page_token=first.next_page_token)
    assert second.degradations == (LOST,)
    sharded.parts[1].is_down = True
    assert ids_of(sharded.feed(page_size=8)) == ids_of(first) + ids_of(second)
    with pytest.raises(DependencyUnavailableError, match="continues a degraded feed, and strict is set"):
        sharded.feed(page_token=first.next_page_token, strict=True)


def test_a_feed_that_began_with_all_shards_waits_for_the_one_that_is_lost(sharded: Sharded) -> None:
    first = sharded.feed()
    sharded.parts[1].is_down = True
    with pytest.raises(DependencyUnavailableError, match="shard 1 of 2 is unavailable"):
        sharded.feed(page_token=first.next_page_token)
    sharded.parts[1].is_down = False
    assert ids_of(first) + ids_of(sharded.feed(page_token=first.next_page_token)) == ids_of(sharded.feed(page_size=8))


def test_a_strict_feed_needs_all_shards(sharded: Sharded) -> None:
    sharded.parts[1].is_down = True
    with pytest.raises(DependencyUnavailableError, match="shard 1 of 2 is unavailable"):
        sharded.feed(strict=True)


def test_a_category_is_asked_of_its_shard_alone_and_is_unavailable_without_it(sharded: Sharded) -> None:
    assert sharded.feed(category_id=OF_SHARD_1).degradations == ()
    asked = [[request for request in part.asked if hasattr(request, "search")] for part in sharded.parts]
    assert [len(requests) for requests in asked] == [0, 1]
    sharded.parts[1].is_down = True
    with pytest.raises(DependencyUnavailableError, match="shard 1 of 2 is unavailable"):
        sharded.feed(category_id=OF_SHARD_1)
    sharded.parts[0].is_down, sharded.parts[1].is_down = True, False
    assert sharded.feed(category_id=OF_SHARD_1).degradations == ()


def test_without_any_shard_there_is_no_feed(sharded: Sharded) -> None:
    for part in sharded.parts:
        part.is_down = True
    with pytest.raises(DependencyUnavailableError, match="shard 0 of 2 and shard 1 of 2"):
        sharded.feed()


def test_a_shard_that_is_lost_between_two_calls_is_named(sharded: Sharded, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.sharded_search._ALL_DESCRIBED", 2)
    calls = iter(range(100))

    def fail_in_the_second_call() -> None:
        sharded.parts[1].is_down = next(calls) > 0

    sharded.parts[1].before = fail_in_the_second_call
    found = sharded.feed(page_size=50)
    assert found.degradations == (LOST,)


@pytest.mark.parametrize(
    ("parts", "complaint"),
    [
        (lambda: [shard(0), shard(0)], "shard 1 of 2 .* says that it is shard 0 of 2"),
        (lambda: [shard(1), shard(0)], "shard 0 of 2 .* says that it is shard 1 of 2"),
        (lambda: [shard(0, shards=3), shard(1, shards=3)], "shard 0 of 2 .* says that it is shard 0 of 3"),
        (lambda: [shard(0, shards=1), shard(1)], "shard 0 of 2 .* says that it is shard 0 of 1"),
    ],
    ids=["listed twice", "swapped", "two of three", "not sharded"],
)
def test_a_wrong_wiring_is_refused_by_name(parts: Callable[[], list[Process]], complaint: str) -> None:
    search: Search[Any] = Search(FeedContext(), None, (), 0, 10, may_degrade=True)
    with pytest.raises(WrongShardError, match=complaint):
        found_in(ShardedPostSearch(parts(), now_ms=lambda: 5), search)
    named = replace(search, context=FeedContext(bundle_id=BUNDLE))  # then nobody has been asked who they are
    with pytest.raises(WrongShardError, match=r"this process is shard . of ., and not shard . of 2"):
        found_in(ShardedPostSearch(parts(), now_ms=lambda: 5), named)


def test_shards_that_divide_the_bundle_otherwise_are_refused_by_name() -> None:
    parts = [shard(0), shard(1)]
    other = PostIndex(make_index_posts(seed=0), bundle_id=BUNDLE, user_weight=0.75, shards=2, shard=1)
    other.shard = replace(other.shard, division=replace(other.shard.division, first_category_ids=(2,)))
    parts[1].held = Held(other)
    search: Search[Any] = Search(FeedContext(), None, (), 0, 10, may_degrade=True)
    with pytest.raises(WrongShardError, match="shard 1 of 2 divides the bundle otherwise"):
        found_in(ShardedPostSearch(parts, now_ms=lambda: 5), search)


def test_one_index_that_is_a_shard_is_refused_by_name(sharded: Sharded) -> None:
    with pytest.raises(WrongShardError, match="holds shard 1 of 2 alone: name all shards in MOODFEED_GATEWAY_POST"):
        sharded.parts[1].search(Search(FeedContext(), None, (), 0, 10))


@pytest.mark.parametrize("held", [(NEXT, BUNDLE), (BUNDLE,)], ids=["first", "second"])
@pytest.mark.parametrize("of_tower", [(BUNDLE,), (NEXT, BUNDLE)], ids=["tower before", "tower after"])
def test_while_shards_are_one_bundle_apart_a_feed_is_of_the_one_that_all_hold(
    sharded: Sharded, held: tuple[str, ...], of_tower: tuple[str, ...]
) -> None:
    other = (BUNDLE,) if held != (BUNDLE,) else (NEXT, BUNDLE)
    expected = ids_of(sharded.feed())
    for number, bundles in enumerate((held, other)):
        sharded.parts[number].held = shard(number, *bundles).held
    sharded.tower.held = of_tower
    found = sharded.feed()
    assert (found.bundle_id, ids_of(found), found.degradations) == (BUNDLE, expected, ())


def test_once_all_shards_have_swapped_feeds_are_of_the_next_bundle(sharded: Sharded) -> None:
    sharded.feed()
    for number in range(2):
        sharded.parts[number].held = shard(number, NEXT, BUNDLE).held
    asyncio.run(sharded.search.wiring.learn(seconds=1))  # the watch does, each second
    sharded.tower.held = (NEXT, BUNDLE)
    found = sharded.feed()
    expected = Process(Held(index_of(NEXT, 1, 0))).search(
        Search(asyncio.run(sharded.tower.encode_context("bea", "", bundle_id="", seconds=1)), None, (), 0, 4)
    )
    assert (found.bundle_id, ids_of(found)) == (NEXT, [post.post_id for post in as_messages(expected)])


def test_a_page_token_of_other_shards_is_refused(sharded: Sharded) -> None:
    sharded.parts[1].is_down = True
    token = page_token.read(sharded.feed().next_page_token)
    assert token.left_out == {"shard 1 of 2"}
    three = page_token.write(replace(token, left_out=frozenset({"shard 1 of 3", "mood"})))
    assert page_token.read(three).left_out == {"shard 1 of 3", "mood"}
    with pytest.raises(InvalidPageTokenError, match="start again at the first page"):
        sharded.feed(page_token=three)


@pytest.mark.parametrize("of_tower", [(BUNDLE,), (NEXT, BUNDLE)], ids=["tower before", "tower after"])
@pytest.mark.parametrize("started", [0, 1])
@pytest.mark.parametrize("is_known", [True, False], ids=["known before", "unknown gateway"])
def test_a_shard_that_was_started_in_a_swap_and_has_no_bundle_in_common_with_the_others_is_named(
    sharded: Sharded, of_tower: tuple[str, ...], started: int, is_known: bool
) -> None:
    """It has the next bundle alone until it has loaded the one before; the other one has not taken the next one yet."""
    if is_known:
        sharded.feed()
    sharded.parts[started].held = shard(started, NEXT).held
    sharded.tower.held = of_tower
    first = sharded.feed()
    lacking = started if of_tower[0] == BUNDLE else 1 - started
    assert first.bundle_id == of_tower[0]
    assert first.degradations == (Degradation(f"shard {lacking} of 2", "SHARD_UNAVAILABLE"),)
    second = sharded.feed(page_token=first.next_page_token)
    assert (second.bundle_id, second.degradations) == (first.bundle_id, first.degradations)
    whole = Process(Held(index_of(first.bundle_id, 1, 0)))
    user = asyncio.run(sharded.tower.encode_context("bea", "", bundle_id="", seconds=1))
    held = index_of(first.bundle_id, 2, 1 - lacking).held_ids
    ranked = [post.post_id for post in as_messages(whole.search(Search(user, None, (), 0, 54)))]
    assert ids_of(first) + ids_of(second) == [post_id for post_id in ranked if held([post_id])][:8]
    category = OF_SHARD_0 if lacking else OF_SHARD_1  # of the shard that is left
    assert sharded.feed(category_id=category).degradations == ()
    with pytest.raises(DependencyUnavailableError, match=f"shard {lacking} of 2 is unavailable"):
        sharded.feed(category_id=OF_SHARD_1 if lacking else OF_SHARD_0)
    with pytest.raises(DependencyUnavailableError, match=f"shard {lacking} of 2 does not hold the bundle of the feed"):
        sharded.feed(strict=True)
    trending: Search[Any] = Search(FeedContext(), None, (), 0, 4, trending=True)
    with pytest.raises(DependencyUnavailableError, match=r"shard . of 2 does not hold the bundle of the feed"):
        found_in(sharded.search, trending)
    sharded.tower.held = ()  # nobody knows the user, and the gateway chooses a bundle
    popular = sharded.feed()
    assert [degradation.reason for degradation in popular.degradations] == ["SHARD_UNAVAILABLE"]
