"""What reorders a ranking by vectors, accounts and draws gives with shards what it gives in one index, to the end."""

import itertools
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bundle.embedding_space import Embedding
from bundle.post_trends import PostTrends
from compute.embedding_messages import write_embedding
from compute.log_tail import LogTail
from gateway.feed_types import FeedContext, FoundPosts, Search
from gateway.sharded_search import ShardedPostSearch
from moodfeed.feed.v1 import feed_pb2
from moodfeed.post_index.v1 import post_index_pb2
from post_index_service.index import PostIndex
from post_index_service.live_posts import PostsNotHeldError
from post_index_service.search_errors import InvalidSearchError
from post_index_service.service import PostIndexService
from store.interactions import NewInteraction, Verb
from store.rules import Rule, RuleAction
from store.sql_store import SqlStore, open_store
from tests.post_index_service.live_world import MOODS, NOON, TEXTS, TOWERS, USER_WEIGHT, USERS, Form, index_posts_of
from tests.shards.in_process import Held, Patient, Process, as_messages, found_in

BUNDLE = "ab" * 32
DAY_MS = 86_400_000
CATEGORIES, OWNERS = 5, 6


def form(random: np.random.Generator, post_id: int) -> Form:
    category, tower, text, owner = (
        int(random.integers(0, end)) for end in (CATEGORIES, len(TOWERS), len(TEXTS), OWNERS)
    )
    return Form(post_id, category, tower, text, owner=f"owner {owner}" if owner else "")


@dataclass
class World:
    """One index and several shards, which all have read the log of the store up to its end."""

    store: SqlStore
    whole: Process
    parts: list[Process]
    sharded: ShardedPostSearch
    ids: list[int]

    def pages(self, search: Search[Any]) -> Iterator[tuple[FoundPosts, FoundPosts]]:
        """Each page of the shards together, and of one index."""
        for number in itertools.count():
            found = found_in(self.sharded, replace(search, offset=number * search.limit))
            search = replace(search, posts_position=found.posts_position, rules_moment_ms=found.rules_moment_ms)
            yield found, self.whole.search(replace(search, offset=number * search.limit))
            if not found.has_more:
                return

    def search(self, **fields: Any) -> Search[Any]:
        index = self.whole.held.current
        context = FeedContext(
            user=write_embedding(Embedding(index.tower_space, USERS[0])),
            mood=write_embedding(Embedding(index.text_space, MOODS[0])) if fields.pop("with_mood", False) else None,
            seen_post_ids=fields.pop("seen", ()),
            withheld_post_ids=fields.pop("withheld", ()),
            bundle_id=BUNDLE,
        )
        return Search(context, None, (), 0, fields.pop("limit", 10), **fields)


@contextmanager
def world_of(tmp_path: Path, *, shards: int, seed: int, of_bundle: int, live: int) -> Iterator[World]:
    """Posts of a bundle, live ones, some of which are new forms of those, and people who were shown some of them."""
    random = np.random.default_rng(seed)
    forms = [form(random, post_id) for post_id in range(1, of_bundle + 1)]
    posts = index_posts_of(forms, {post.post_id: post.post_id % 7 / 7 for post in forms})
    posts = replace(posts, created_ms=NOON - random.integers(0, 30, of_bundle) * DAY_MS)
    url = f"sqlite:///{tmp_path}/store-{seed}.sqlite"
    with open_store(url) as store:
        upserted = [form(random, int(post_id)) for post_id in random.permutation(of_bundle + live)[:live] + 1]
        if upserted:
            last, _ = store.upsert_posts([post.new() for post in upserted])
            first = last - len(upserted) + 1
            store.keep_embeddings(BUNDLE, [post.embedding(first + place) for place, post in enumerate(upserted)])
        ids = sorted({post.post_id for post in (*forms, *upserted)})
        store.record(
            [
                NewInteraction(
                    event_id=f"{post_id} {place} {verb}",
                    username=f"{place}",
                    occurred_at_ms=NOON,
                    verb=verb,
                    post_id=post_id,
                )
                for post_id in random.choice(ids, 30, replace=False).tolist()
                for place in range(int(random.choice([3, 30, 101])))
                for verb in (Verb.VIEW, Verb.LIKE)[: 1 + place % 2]
            ]
        )
        rules = [(RuleAction.PIN, 0.0), (RuleAction.BOOST, 0.5), (RuleAction.HIDE, 0.0)]
        for action, boost in rules if live else ():
            named = tuple(random.choice(ids, 3, replace=False).tolist())
            store.set_rule(Rule(name=action.name, action=action, boost=boost, post_ids=named))
        tail = LogTail(lambda: store)
        tail._store, tail.is_stopped = store, False  # the test itself follows the log

        def index(count: int, number: int) -> PostIndex:
            return PostIndex(
                posts,
                bundle_id=BUNDLE,
                user_weight=USER_WEIGHT,
                trends=PostTrends.none(of_bundle),
                log=tail,
                now_ms=lambda: NOON + DAY_MS,
                explores=True,
                shards=count,
                shard=number,
            )

        parts = [Process(Held(index(shards, number))) for number in range(shards)]
        whole = Process(Held(index(1, 0)))
        tail._read_all(store)
        sharded = ShardedPostSearch(parts, now_ms=lambda: NOON + DAY_MS)
        yield World(store, whole, parts, sharded, ids)


ASKED: list[dict[str, Any]] = [
    {"diversity": 0.5},
    {"diversity": 1.0, "limit": 7, "with_mood": True},
    {"most_per_owner": 1},
    {"most_per_owner": 2, "limit": 33, "with_mood": True},
    {"diversity": 0.5, "most_per_owner": 1, "limit": 25},
    {"exploration_share": 1.0, "exploration_seed": 3},
    {"exploration_share": 1.0, "exploration_seed": 4, "limit": 75},  # a page is longer than a shard's ranking
    {"exploration_share": 0.5, "exploration_seed": 2**64 - 1, "limit": 4, "with_mood": True},
]
WORLDS: list[dict[str, int]] = [
    {"shards": 2, "seed": 1, "of_bundle": 320, "live": 0},
    {"shards": 3, "seed": 2, "of_bundle": 150, "live": 60},
]


@pytest.fixture(scope="module", params=WORLDS, ids=["of the bundle", "live, with rules"])
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world_of(tmp_path_factory.mktemp("world"), **request.param) as made:
        yield made


@pytest.mark.parametrize("asked", ASKED, ids=lambda asked: " ".join(map(str, asked.items())))
def test_every_page_is_that_of_one_index(world: World, asked: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("post_index_service.exploration.MOST_CANDIDATES", 40)  # fewer than there are
    random = np.random.default_rng(len(asked))
    seen, withheld = random.permutation(world.ids)[:90], random.permutation(world.ids)[:20]
    search = world.search(seen=seen.tolist(), withheld=withheld.tolist(), **asked)
    shown: list[int] = []
    explored = 0
    for found, expected in world.pages(search):
        assert as_messages(found) == as_messages(expected)
        assert (found.has_more, found.degradations) == (expected.has_more, ())
        shown += [post.post_id for post in as_messages(found)]
        explored += sum(post.reason == feed_pb2.REASON_EXPLORATION for post in as_messages(found))
    hidden = {post_id for rule in world.store.rules() if rule.action is RuleAction.HIDE for post_id in rule.post_ids}
    assert sorted(shown) == sorted(set(world.ids) - set(withheld.tolist()) - hidden)
    assert (explored > 0) is ("exploration_share" in asked)
    plain = replace(search, diversity=0.0, most_per_owner=0, exploration_share=0.0)
    assert shown != [post.post_id for found, _ in world.pages(plain) for post in as_messages(found)]


def test_the_shard_that_holds_most_of_the_page_reorders_it(tmp_path: Path) -> None:
    with world_of(tmp_path, shards=3, seed=1, of_bundle=100, live=0) as world:
        search = world.search(diversity=0.5, limit=5)
        found_in(world.sharded, search)
        reordering = [part for part in world.parts if any(hasattr(asked, "post_ids") for asked in part.asked)]
        assert len(reordering) == 1


@pytest.mark.parametrize("number", [0, 1])
def test_a_shard_that_is_lost_before_it_reorders_is_named(tmp_path: Path, number: int) -> None:
    with world_of(tmp_path, shards=2, seed=1, of_bundle=100, live=0) as world:
        calls = itertools.count()

        def fail_in_the_second_call() -> None:
            world.parts[number].is_down = next(calls) > 0

        world.parts[number].before = fail_in_the_second_call
        found = found_in(world.sharded, world.search(diversity=0.5, may_degrade=True))
        assert [degradation.stage for degradation in found.degradations] == [f"shard {number} of 2"]
        held = world.parts[1 - number].held.current.held_ids(world.ids)
        assert {post.post_id for post in as_messages(found)} <= held


def test_a_ranking_that_no_gateway_has_merged_is_refused(world: World) -> None:
    posts = world.ids[:3]
    whole = {
        "bundle_id": BUNDLE,
        "post_ids": posts,
        "numbers": [3.0, 2.0, 1.0],
        "unseen_total": 3,
        "total": 3,
        "limit": 2,
    }
    explored = {"candidate_ids": posts, "candidate_positives": [1, 1, 1], "candidate_impressions": [1, 1, 1]}
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"numbers": [1.0]}, "different lengths"),
        ({**explored, "candidate_positives": []}, "different lengths"),
        ({**explored, "candidate_positives": [1, -1, 1]}, "met less than never"),
        ({"numbers": [3.0, math.nan, 1.0]}, "not finite"),
        ({"total": 2**62}, "more posts than there are"),
        ({"total": 2}, "more posts than there are"),
        ({"pinned_total": 4}, "more posts than there are"),
        ({"unseen_total": -1}, "more posts than there are"),
        ({"limit": 0}, "limit is 0"),
    ]
    service = PostIndexService(world.whole.held)  # type: ignore[arg-type]
    for reordering in ({"diversity": 0.5}, {"most_per_owner": 1}, {"exploration_share": 1.0}):
        for fields, complaint in wrong:
            request = post_index_pb2.ReorderPostsRequest(**{**whole, **reordering, **fields})
            with pytest.raises(InvalidSearchError, match=complaint):
                service.ReorderPosts(request, Patient())  # type: ignore[arg-type]
    unknown = post_index_pb2.ReorderPostsRequest(**{**whole, "post_ids": [1, 2, 10**9], "diversity": 0.5})
    with pytest.raises(PostsNotHeldError, match="a post of the ranking is not held"):
        service.ReorderPosts(unknown, Patient())  # type: ignore[arg-type]


def test_a_start_that_is_too_short_is_asked_for_again(world: World) -> None:
    request = post_index_pb2.ReorderPostsRequest(
        bundle_id=BUNDLE, post_ids=world.ids[:3], numbers=[3, 2, 1], unseen_total=90, total=90, limit=10
    )
    service = PostIndexService(world.whole.held)  # type: ignore[arg-type]
    for fields, needed in (({"exploration_share": 1.0}, 10), ({"diversity": 0.5}, 90), ({"most_per_owner": 1}, 90)):
        asked = post_index_pb2.ReorderPostsRequest(**fields)
        asked.MergeFrom(request)
        answer = service.ReorderPosts(asked, Patient())  # type: ignore[arg-type]
        assert (answer.needed_count, list(answer.post_ids)) == (needed, [])


def test_nothing_is_explored_if_a_shard_does_not_count_what_was_shown(world: World) -> None:
    search = world.search(exploration_share=1.0, exploration_seed=3)
    part = world.parts[0].held.current
    known, part._explored._impressions = part._explored._impressions, None
    try:
        found = found_in(world.sharded, search)
    finally:
        part._explored._impressions = known
    assert found.posts == found_in(world.sharded, replace(search, exploration_share=0.0)).posts
    assert found.posts != found_in(world.sharded, search).posts
