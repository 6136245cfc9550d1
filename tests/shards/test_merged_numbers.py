"""Numbers that depend on the posts of all shards, and ties that ids alone do not decide, where one index has them."""

from dataclasses import replace
from typing import Any

import pytest

from gateway.feed_types import Search
from store.rules import Rule, RuleAction
from tests.shards.in_process import as_messages, found_in
from tests.shards.test_positions import POPULAR, TRENDING, World, world

__all__ = ["world"]
OF_SHARD_0, OF_SHARD_1 = (2, 4, 6, 8), (1, 3, 5, 7)  # post ids


def boost(name: str, by: float, *post_ids: int) -> Rule:
    return Rule(name=name, action=RuleAction.BOOST, post_ids=post_ids, boost=by)


def pin(*post_ids: int) -> Rule:
    return Rule(name="pinned", action=RuleAction.PIN, post_ids=post_ids)


def seen(search: Search[Any], *post_ids: int) -> Search[Any]:
    return replace(search, context=replace(search.context, seen_post_ids=post_ids))


def agree(world: World, search: Search[Any]) -> list[int]:
    for reader in world.readers:
        reader.read()
    found = found_in(world.sharded, search)
    expected = as_messages(world.expected(search, found))
    assert as_messages(found) == expected
    return [post.post_id for post in expected]


@pytest.mark.parametrize("boosted", [OF_SHARD_0, OF_SHARD_1])
@pytest.mark.parametrize("search", [POPULAR, TRENDING], ids=["popular", "trending"])
def test_seen_and_pinned_posts_have_the_numbers_that_the_boosts_of_another_shard_give(
    world: World, boosted: tuple[int, ...], search: Search[Any]
) -> None:
    world.meet(1, "ana")
    world.store.set_rule(boost("more", 0.75, *boosted[:2]))
    world.store.set_rule(pin(7, 8, 5))
    assert agree(world, seen(search, 3, 4))[:3] == [7, 8, 5]


@pytest.mark.parametrize("met", [OF_SHARD_0, OF_SHARD_1])
def test_a_boost_counts_by_the_largest_trend_of_all_shards(world: World, met: tuple[int, ...]) -> None:
    for person in ("ana", "béla", "cho"):
        world.meet(met[0], person)
    world.store.set_rule(boost("more", 0.5, 2, 3))
    agree(world, seen(TRENDING, 5, 6))


def test_a_live_trend_of_another_shard_counts_as_well(world: World) -> None:
    world.upsert(20, 2)
    for person in ("ana", "béla", "cho"):
        world.meet(20, person)
    world.store.set_rule(boost("more", 0.5, 1, 2))
    agree(world, seen(TRENDING, 5, 6))
    agree(world, replace(seen(TRENDING, 5, 6), exclude_post_ids=(20,)))


def test_a_boosted_post_that_ties_with_trending_ones_stands_where_one_index_puts_it(world: World) -> None:
    for post_id in (7, 6, 2):
        world.meet(post_id, "ana")
    world.store.set_rule(boost("more", 0.8, 4))  # .4 and .8 times the reach of 2 are the 2 of a post met once
    assert agree(world, TRENDING)[:4] == [4, 7, 6, 2]


def test_pins_of_several_shards_keep_the_order_of_their_rule(world: World) -> None:
    world.store.set_rule(pin(8, 1, 4, 3))
    assert agree(world, POPULAR)[:4] == [8, 1, 4, 3]
    assert agree(world, seen(POPULAR, 1))[:3] == [8, 4, 3]
