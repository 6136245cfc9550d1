"""Shards that have read the log up to different positions answer as of one; what they answer is never mixed."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from bundle.post_trends import PostTrends
from compute.log_tail import LogTail
from gateway.feed_types import FeedContext, FoundPosts, Search, WrongShardError
from gateway.sharded_search import ShardedPostSearch
from post_index_service.index import PostIndex
from store.interactions import NewInteraction, Verb
from store.sql_store import SqlStore, open_store
from tests.post_index_service.live_world import NOON, USER_WEIGHT, Form, index_posts_of
from tests.shards.in_process import Held, Process, as_messages, found_in

BUNDLE = "ab" * 32
FORMS = [Form(post_id, 1 + post_id % 2, post_id % 4, post_id % 4) for post_id in range(1, 9)]
POPULAR: Search[Any] = Search(FeedContext(bundle_id=BUNDLE), None, (), 0, 20)
TRENDING = replace(POPULAR, trending=True)


@dataclass
class Reader:
    """An index, which reads the log when the test says so."""

    index: PostIndex
    tail: LogTail
    store: SqlStore

    def read(self) -> None:
        self.tail._read_all(self.store)


@dataclass
class World:
    store: SqlStore
    readers: list[Reader]
    whole: Reader
    now_ms: int = NOON

    def begin(self, shard: int) -> Reader:
        """A shard that has just started."""
        self.readers[shard] = reader_of(self.store, 2, shard)
        return self.readers[shard]

    @property
    def sharded(self) -> ShardedPostSearch:
        return ShardedPostSearch(self.parts, now_ms=lambda: NOON)

    @property
    def parts(self) -> list[Process]:
        return [Process(Held(reader.index)) for reader in self.readers]

    def upsert(self, post_id: int, category_id: int, tower: int = 0) -> None:
        form = Form(post_id, category_id, tower, 0)
        position, _ = self.store.upsert_posts([form.new()])
        self.store.keep_embeddings(BUNDLE, [form.embedding(position)])

    def meet(self, post_id: int, person: str) -> None:
        row = NewInteraction(
            event_id=f"{person} {post_id}", username=person, occurred_at_ms=NOON, verb=Verb.VIEW, post_id=post_id
        )
        self.store.record([row])

    def expected(self, search: Search[Any], found: FoundPosts) -> FoundPosts:
        """What one index answers as of the same positions."""
        self.whole.read()
        return Process(Held(self.whole.index)).search(
            replace(
                search,
                posts_position=found.posts_position,
                counted_position=found.counted_position or None,
                rules_moment_ms=NOON,
            )
        )


def reader_of(store: SqlStore, shards: int, shard: int, *, has_log: bool = True) -> Reader:
    tail = LogTail(lambda: store)
    tail._store, tail.is_stopped = store, False  # the test itself follows the log
    index = PostIndex(
        index_posts_of(FORMS, {form.post_id: form.post_id / 10 for form in FORMS}),
        bundle_id=BUNDLE,
        user_weight=USER_WEIGHT,
        trends=PostTrends.none(len(FORMS)),
        log=tail if has_log else None,
        now_ms=lambda: NOON,
        shards=shards,
        shard=shard,
    )
    return Reader(index, tail, store)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with open_store(f"sqlite:///{tmp_path}/store.sqlite") as store:
        made = World(store, [reader_of(store, 2, shard) for shard in range(2)], reader_of(store, 1, 0))
        for reader in (*made.readers, made.whole):
            reader.read()
        yield made


@pytest.mark.parametrize("ahead", [0, 1])
def test_posts_are_those_of_the_shard_that_has_read_least(world: World, ahead: int) -> None:
    world.upsert(20, 1), world.upsert(21, 2)
    for reader in world.readers:
        reader.read()
    world.upsert(30, 1), world.upsert(31, 2)
    world.readers[ahead].read()
    found = found_in(world.sharded, POPULAR)
    expected = world.expected(POPULAR, found)
    assert as_messages(found) == as_messages(expected)
    shown = {post.post_id for post in as_messages(found)}
    assert shown >= {20, 21}
    assert not shown & {30, 31}
    assert found.posts_position == world.readers[1 - ahead].index.live.position
    world.readers[1 - ahead].read()
    assert {post.post_id for post in as_messages(found_in(world.sharded, POPULAR))} >= {20, 21, 30, 31}


def test_what_changes_no_post_makes_nobody_ask_again(world: World) -> None:
    world.meet(1, "ana")
    world.readers[0].read()
    parts = world.parts
    found = found_in(ShardedPostSearch(parts, now_ms=lambda: NOON), POPULAR)
    assert [len(part.asked) for part in parts] == [1, 1]
    assert as_messages(found) == as_messages(world.expected(POPULAR, found))


def test_counts_are_those_of_the_shard_that_has_counted_last(world: World) -> None:
    world.meet(2, "ana")
    for reader in world.readers:
        reader.read()
    only_one = replace(TRENDING, category_id=2)  # that shard has cut its counts, and keeps them for a minute
    first = found_in(world.sharded, only_one)
    for person in ("ana", "béla", "cho"):
        world.meet(1, person), world.meet(4, person)
    for reader in world.readers:
        reader.read()
    found = found_in(world.sharded, TRENDING)
    assert found.counted_position > first.counted_position
    assert as_messages(found) == as_messages(world.expected(TRENDING, found))
    assert {post.post_id for post in as_messages(found)[:2]} == {1, 4}


@pytest.mark.parametrize("behind", [0, 1])
def test_counts_that_one_shard_cannot_reach_are_those_that_it_has(world: World, behind: int) -> None:
    for person in ("ana", "béla", "cho"):
        world.meet(3, person), world.meet(6, person)
    for reader in world.readers:
        reader.read()
    for person in ("dana", "eva", "finn", "gusti"):
        world.meet(1, person), world.meet(4, person)
    world.readers[1 - behind].read()
    world.readers[behind].tail.is_stopped = True  # it reads no more, as where the store does not answer it
    parts = world.parts
    sharded = ShardedPostSearch(parts, now_ms=lambda: NOON)
    for calls in ([2, 2], [3, 3]):  # from the second feed on they are asked at once as of what all have
        found = found_in(sharded, TRENDING)
        assert found.counted_position == world.readers[behind].index.trends.position
        assert as_messages(found) == as_messages(world.expected(TRENDING, found))
        assert {post.post_id for post in as_messages(found)[:2]} == {3, 6}
        assert [len(part.asked) for part in parts] == calls


def test_a_shard_that_has_just_begun_is_met_where_it_stands(world: World) -> None:
    for reader in world.readers:
        reader.read()
    form = Form(3, 2, 1, 1)
    world.store.upsert_posts([form.new()])  # replaced once more before it is encoded: what it was is lost
    world.upsert(3, 1, tower=2)
    begun = world.begin(0)
    begun.read()
    world.readers[1].read()
    found = found_in(world.sharded, POPULAR)
    assert as_messages(found) == as_messages(world.expected(POPULAR, found))


def test_shards_of_which_one_follows_no_store_are_refused_by_name(world: World) -> None:
    world.readers[1] = reader_of(world.store, 2, 1, has_log=False)
    with pytest.raises(WrongShardError, match="some shards follow a store, and some do not"):
        found_in(world.sharded, POPULAR)
