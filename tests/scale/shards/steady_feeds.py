"""Feeds at a steady rate, whatever becomes of the ones before; every page is compared with that of one index."""

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import grpc

from gateway.shard_names import shards_of
from moodfeed.feed.v1 import feed_pb2, feed_pb2_grpc
from tests.faults.outcomes import record_outcome
from tests.scale.shards.swapped_bundles import FEEDS, Asked, Pages
from tests.waiting import wait_until

PER_SECOND = 15.0
_PAGES = 3
_READING_SECONDS = 0.7  # between two pages of a feed, so that many feeds go on across a swap
LONGEST_READING_SECONDS = 4.0  # of a whole feed
_DEADLINE_SECONDS = 10.0


@dataclass
class Outcomes:
    """What became of the pages: ``failed`` by status and words, ``wrong`` with the feed and the answer."""

    whole: Counter[str] = field(default_factory=Counter)  # by bundle
    across: int = 0  # pages of an earlier bundle than the newest that was seen
    degraded: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def record(self, fault: str, *, injected: str) -> None:
        """Put the outcomes into the table of docs/reliability.md."""
        print(fault, self)
        answered, degraded, failed = self.whole.total(), self.degraded.total(), self.failed.total()
        record_outcome(
            fault,
            injected=injected,
            requests=answered + degraded + failed + len(self.wrong),
            answered=answered,
            degraded=degraded,
            failed=failed,
            wrong=len(self.wrong),
        )


@contextmanager
def steady_feeds(target: str, pages: Pages) -> Iterator[Outcomes]:
    """While the block runs, PER_SECOND feeds begin each second; afterwards the last ones are read to their ends.

    It starts once all processes are known to the gateway.
    """
    outcomes, stop = Outcomes(), threading.Event()
    with grpc.insecure_channel(target) as channel:
        warm = feed_pb2_grpc.FeedServiceStub(channel)
        wait_until(lambda: not any(warm.GetFeed(asked.request("")).degradations for asked in FEEDS), what="the gateway")

    async def run() -> None:
        async with grpc.aio.insecure_channel(target) as channel, asyncio.TaskGroup() as tasks:
            stub = feed_pb2_grpc.FeedServiceStub(channel)
            begun, started = 0, time.monotonic()
            while not stop.is_set():
                tasks.create_task(read(stub, FEEDS[begun % len(FEEDS)]))
                begun += 1
                await asyncio.sleep(max(0.0, started + begun / PER_SECOND - time.monotonic()))

    async def read(stub: feed_pb2_grpc.FeedServiceStub, asked: Asked) -> None:
        token = ""
        for page in range(_PAGES):
            try:
                answer: feed_pb2.GetFeedResponse = await stub.GetFeed(asked.request(token), timeout=_DEADLINE_SECONDS)
            except grpc.aio.AioRpcError as error:
                page_of = "later" if token else "first"
                outcomes.failed[f"{page_of} page: {error.code().name}: {error.details()}"] += 1
                return
            note(asked, answer, page)
            token = answer.next_page_token
            if not token:
                return
            await asyncio.sleep(_READING_SECONDS)

    def note(asked: Asked, answer: feed_pb2.GetFeedResponse, page: int) -> None:
        lost = frozenset(number for number, _ in shards_of(item.stage for item in answer.degradations))
        known = pages.is_right(asked, answer, page=page, lost=lost)
        if not known or len(lost) != len(answer.degradations):
            outcomes.wrong.append(f"{asked} page {page}: {answer}")
        elif lost:
            outcomes.degraded[" and ".join(item.stage for item in answer.degradations)] += 1
        else:
            outcomes.across += bool(page and answer.bundle_id in list(outcomes.whole)[:-1])
            outcomes.whole[answer.bundle_id] += 1

    thread = threading.Thread(target=lambda: asyncio.run(run()))
    thread.start()
    try:
        yield outcomes
    finally:
        stop.set()
        thread.join()
