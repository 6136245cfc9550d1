"""A bounded load beside a fault: so many requests in flight, every reply checked, every status counted."""

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import grpc

from moodfeed.feed.v1 import feed_pb2, feed_pb2_grpc
from rpc.errors import PUSHBACK_KEY
from tests.faults.expectations import Asked, Expectations
from tests.faults.outcomes import record_outcome

LONGEST_SECONDS = 120.0
_DEADLINE_SECONDS = 5.0


@dataclass(slots=True)
class Outcomes:
    """What became of the requests; ``failed`` by gRPC status, ``wrong`` with the request and the reply."""

    requests: int = 0
    degraded: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    bundles: Counter[str] = field(default_factory=Counter)
    latencies: list[float] = field(default_factory=list)

    def add(self, other: "Outcomes") -> None:
        """Count another load's outcomes too."""
        self.requests += other.requests
        self.degraded += other.degraded
        self.failed += other.failed
        self.wrong += other.wrong

    def record(self, fault: str, *, injected: str) -> None:
        """Put the outcomes into the table."""
        print(fault, self.requests, dict(self.degraded), dict(self.failed), self.wrong[:3])
        degraded, failed = sum(self.degraded.values()), sum(self.failed.values())
        record_outcome(
            fault,
            injected=injected,
            requests=self.requests,
            answered=self.requests - degraded - failed - len(self.wrong),
            degraded=degraded,
            failed=failed,
            wrong=len(self.wrong),
        )


class Load:
    """A load that runs in a thread of its own until it is stopped, or ``LONGEST_SECONDS`` have passed."""

    def __init__(self, target: str, expectations: Expectations, *, in_flight: int) -> None:
        self._target = target
        self._expectations = expectations
        self._in_flight = in_flight
        self._stop = threading.Event()
        self.outcomes = Outcomes()

    def run(self) -> None:
        """Ask until stopped."""
        asyncio.run(self._run())

    def stop(self) -> None:
        """Ask no more."""
        self._stop.set()

    async def _run(self) -> None:
        end = time.monotonic() + LONGEST_SECONDS
        async with grpc.aio.insecure_channel(self._target) as channel:
            stub = feed_pb2_grpc.FeedServiceStub(channel)

            async def worker(first: int) -> None:
                place = first
                while not self._stop.is_set() and time.monotonic() < end:
                    asked = self._expectations.requests[place % len(self._expectations.requests)]
                    place += self._in_flight + 1
                    token = await self._ask(stub, asked, token="", offset=0)
                    if token and place % 3 == 0:  # a third of the feeds is read on
                        await self._ask(stub, asked, token=token, offset=10)

            await asyncio.gather(*(worker(number * 7) for number in range(self._in_flight)))

    async def _ask(self, stub: feed_pb2_grpc.FeedServiceStub, asked: Asked, *, token: str, offset: int) -> str:
        outcomes = self.outcomes
        outcomes.requests += 1
        request = feed_pb2.GetFeedRequest(
            username=asked.username, category_id=asked.category_id, mood=asked.mood, page_token=token
        )
        started = time.monotonic()
        try:
            reply = await stub.GetFeed(request, timeout=_DEADLINE_SECONDS)
        except grpc.aio.AioRpcError as error:
            outcomes.failed[f"{error.code().name}: {error.details()}"] += 1
            await asyncio.sleep(_told_to_wait(error))
            return ""
        outcomes.latencies.append(time.monotonic() - started)
        outcomes.bundles[reply.bundle_id] += 1
        reasons = tuple(item.reason for item in reply.degradations)
        post_ids = tuple(post.post_id for post in reply.posts)
        if not self._expectations.is_right(
            asked, bundle_id=reply.bundle_id, post_ids=post_ids, reasons=reasons, offset=offset
        ):
            outcomes.wrong.append(f"{asked} from {offset}, {reasons}, bundle {reply.bundle_id}: {post_ids}")
        elif reasons:
            outcomes.degraded[reasons[0]] += 1
        return reply.next_page_token


def _told_to_wait(error: grpc.aio.AioRpcError) -> float:
    """Seconds before the next request: what a server that refuses says, as gRPC's own retries would heed it."""
    told = dict(error.trailing_metadata() or ()).get(PUSHBACK_KEY)
    return int(told) / 1000 if told else 0.02


@contextmanager
def running_load(target: str, expectations: Expectations, *, in_flight: int = 24) -> Iterator[Outcomes]:
    """Ask while the block runs; what is in flight at its end is waited for and counted."""
    load = Load(target, expectations, in_flight=in_flight)
    thread = threading.Thread(target=load.run)
    thread.start()
    try:
        yield load.outcomes
    finally:
        load.stop()
        thread.join()


def wait_for_requests(outcomes: Outcomes, count: int, *, seconds: float = 60.0) -> None:
    """Block until the load has asked ``count`` more times: the fault happens in the middle of it."""
    wanted, deadline = outcomes.requests + count, time.monotonic() + seconds
    while outcomes.requests < wanted:
        assert time.monotonic() < deadline, f"only {outcomes.requests} of {wanted} requests: {outcomes.failed}"
        time.sleep(0.02)
