"""A new bundle goes live while feeds are read, and each shard takes it at its own time: nothing fails or is mixed."""

import time
from pathlib import Path

import grpc
import pytest

from moodfeed.feed.v1 import feed_pb2, feed_pb2_grpc
from tests.scale.shards.shard_fleet import GATEWAY, TOWER, running_shards
from tests.scale.shards.steady_feeds import LONGEST_READING_SECONDS, steady_feeds
from tests.scale.shards.swapped_bundles import FEEDS, SIZE, Pages
from tests.waiting import wait_until

SEEDS = (1, 2, 3)
SECONDS_APART = 1.5
ORDERS = {
    "tower between": ("shard 0", TOWER, "shard 2", "shard 1"),
    "tower first": (TOWER, "shard 1", "shard 0", "shard 2"),
    "tower last": ("shard 2", "shard 1", "shard 0", TOWER),
}


@pytest.mark.parametrize("name_of_order", ORDERS)
def test_each_shard_swaps_at_its_own_time_and_no_feed_fails_or_is_mixed(tmp_path: Path, name_of_order: str) -> None:
    order = ORDERS[name_of_order]
    with running_shards(tmp_path, SEEDS) as (fleet, directories):
        ids = [directory.name for directory in directories]
        with (
            steady_feeds(fleet.addresses[GATEWAY], Pages(directories)) as outcomes,
            grpc.insecure_channel(fleet.addresses[GATEWAY]) as channel,
        ):
            stub = feed_pb2_grpc.FeedServiceStub(channel)
            wait_until(lambda: outcomes.whole[ids[0]] > 40, what="load")
            begun: feed_pb2.GetFeedResponse = stub.GetFeed(FEEDS[0].request(""), timeout=10)
            for newest in ids[1:]:
                for name in order:
                    fleet.swap(name, newest)
                    time.sleep(SECONDS_APART)
                wait_until(lambda newest=newest: outcomes.whole[newest] > 40, what="the new bundle")
                time.sleep(LONGEST_READING_SECONDS)  # one more swap lets go of the bundle before
                if newest == ids[1]:  # all processes hold the bundle before as well
                    again = stub.GetFeed(FEEDS[0].request(begun.next_page_token), timeout=10)
                    assert (again.bundle_id, len(again.posts)) == (ids[0], SIZE)
            with pytest.raises(grpc.RpcError, match="start again at the first page") as refused:
                stub.GetFeed(FEEDS[0].request(begun.next_page_token), timeout=10)
            assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    outcomes.record(
        f"shards: two new bundles, {name_of_order}",
        injected=f"`current` moved {SECONDS_APART:g} s apart for {', '.join(order)}, while feeds are read",
    )
    assert outcomes.wrong == []
    assert (outcomes.failed, outcomes.degraded) == ({}, {})
    assert set(outcomes.whole) == set(ids)
    assert outcomes.across > 20


def test_a_shard_that_is_killed_during_the_swap_is_named_and_nothing_is_mixed(tmp_path: Path) -> None:
    with running_shards(tmp_path, SEEDS[:2]) as (fleet, directories):
        old, new = (directory.name for directory in directories)
        with steady_feeds(fleet.addresses[GATEWAY], Pages(directories)) as outcomes:
            wait_until(lambda: outcomes.whole[old] > 40, what="load")
            fleet.swap("shard 0", new)
            fleet.kill("shard 1")
            wait_until(lambda: outcomes.degraded["shard 1 of 3"] > 20, what="the degradation")
            fleet.swap(TOWER, new)
            fleet.point_at("shard 1", new)
            fleet.start("shard 1")
            wait_until(lambda: fleet.gateway_sees("shard 1"), what="the gateway sees it")
            # It takes the new bundle first, which shard 2 does not have yet, and then the one before.
            before = outcomes.whole[old]
            wait_until(lambda: outcomes.whole[old] > before + 20, what="whole feeds of the bundle before")
            fleet.swap("shard 2", new)
            wait_until(lambda: outcomes.whole[new] > 40, what="the new bundle")
    outcomes.record(
        "shards: kill -9 of a shard during a swap",
        injected="shard 1 of 3 is killed after shard 0 swapped, and is back with the new bundle before shard 2 swaps",
    )
    assert outcomes.wrong == []
    assert set(outcomes.degraded) <= {"shard 1 of 3", "shard 2 of 3"}
    assert set(outcomes.failed) <= {
        "later page: UNAVAILABLE: post_index_service: shard 1 of 3 is unavailable",
        "later page: INVALID_ARGUMENT: the bundle of page_token is no longer held: start again at the first page",
    }
