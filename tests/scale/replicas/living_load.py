"""People who like, refuse and page, and posts that come and go, over two gateways; every promise is checked."""

import asyncio
import itertools
import random
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

import grpc

from moodfeed.catalog.v1 import catalog_pb2, catalog_pb2_grpc
from moodfeed.feed.v1 import feed_pb2, feed_pb2_grpc
from moodfeed.feedback.v1 import feedback_pb2, feedback_pb2_grpc
from tests.faults.outcomes import record_outcome

LONGEST_SECONDS = 180.0
_DEADLINE_SECONDS = 5.0
_PAUSE_SECONDS = 0.1
_FIRST_LIVE_POST = 9_000_000_000_000_000_000

Reply = TypeVar("Reply")


@dataclass(slots=True)
class Living:
    """What was asked and what became of it: ``acknowledged`` event ids, and posts by id with the last title."""

    requests: int = 0
    degraded: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    acknowledged: list[str] = field(default_factory=list)
    kept_posts: dict[int, str] = field(default_factory=dict)
    deleted_posts: set[int] = field(default_factory=set)
    longest_silence: float = 0.0

    def record(self, fault: str, *, injected: str) -> None:
        """Put the outcomes into the table of faults."""
        degraded, failed = sum(self.degraded.values()), sum(self.failed.values())
        print(
            f"{fault}: {self.requests} requests, {degraded} degraded, failed {dict(self.failed)}, "
            f"{len(self.acknowledged)} acknowledged, longest without a write {self.longest_silence:.1f} s, "
            f"wrong {self.wrong[:3]}"
        )
        record_outcome(
            fault,
            injected=injected,
            requests=self.requests,
            answered=self.requests - degraded - failed - len(self.wrong),
            degraded=degraded,
            failed=failed,
            wrong=len(self.wrong),
        )


class _Stubs:
    """One gateway, as a caller sees it."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self.feeds = feed_pb2_grpc.FeedServiceStub(channel)
        self.feedback = feedback_pb2_grpc.FeedbackServiceStub(channel)
        self.catalog = catalog_pb2_grpc.CatalogServiceStub(channel)


class LivingLoad:
    """A load in a thread of its own. Each person is one worker's alone, so the worker knows what is true of them."""

    def __init__(self, targets: Sequence[str], *, name: str, people: int, category_id: int) -> None:
        self._targets = targets
        self._name = name
        self._people = people
        self._category_id = category_id
        self._stop = threading.Event()
        self._written_at = time.monotonic()
        self.living = Living()

    def run(self) -> None:
        """Ask until stopped."""
        asyncio.run(self._run())

    def stop(self) -> None:
        """Ask no more; what is under way is ended."""
        self._stop.set()

    async def _run(self) -> None:
        self._end = time.monotonic() + LONGEST_SECONDS
        async with AsyncExitStack() as stack:
            gateways = [
                _Stubs(await stack.enter_async_context(grpc.aio.insecure_channel(target))) for target in self._targets
            ]
            people = (self._person(gateways, number) for number in range(self._people))
            await asyncio.gather(*people, self._poster(gateways))

    def _is_over(self) -> bool:
        return self._stop.is_set() or time.monotonic() > self._end

    async def _person(self, gateways: Sequence[_Stubs], number: int) -> None:
        chance = random.Random(f"{self._name} {number}")
        username = f"{self._name} {number}"
        refused: set[int] = set()
        shown = [1]
        position = 0
        for turn in itertools.count():
            if self._is_over():
                return
            refuses = turn % 3 == 2 and len(refused) < 100
            post_id = chance.choice(shown)
            verb = feedback_pb2.VERB_NOT_INTERESTED if refuses else feedback_pb2.VERB_LIKE
            if post_id not in refused:
                position = await self._record(gateways, f"{username}:{turn}", username, post_id, verb) or position
                if refuses and position:
                    refused.add(post_id)
            shown = await self._feed(gateways[turn % 2], username, refused, position, pages=1 + turn % 2) or shown
            await asyncio.sleep(_PAUSE_SECONDS)

    async def _record(
        self, gateways: Sequence[_Stubs], event_id: str, username: str, post_id: int, verb: int
    ) -> int | None:
        """Record one event, again and again with the same id until it is acknowledged; None if the load is over."""
        row = feedback_pb2.Interaction(event_id=event_id, username=username, post_id=post_id, verb=verb)
        request = feedback_pb2.RecordInteractionsRequest(interactions=[row])
        for attempt in itertools.count():
            gateway = gateways[(hash(event_id) + attempt) % 2]
            reply = await self._ask(partial(gateway.feedback.RecordInteractions, request, timeout=_DEADLINE_SECONDS))
            if reply is not None:
                # A duplicate is one of ours: an attempt that was not answered, of this caller or of a gateway.
                if reply.results[0].result == feedback_pb2.RECORD_RESULT_REJECTED:
                    self.living.wrong.append(f"{event_id} was rejected: {reply.results[0].reason}")
                    return None
                self._acknowledge(event_id)
                return int(reply.position)
            if self._is_over():
                return None
        return None

    def _acknowledge(self, event_id: str) -> None:
        now = time.monotonic()
        self.living.longest_silence = max(self.living.longest_silence, now - self._written_at)
        self._written_at = now
        self.living.acknowledged.append(event_id)

    async def _feed(
        self, gateway: _Stubs, username: str, refused: set[int], position: int, *, pages: int
    ) -> list[int] | None:
        """Read a feed that must show what its reader has written, and its next page; the posts, None without any."""
        shown: list[int] = []
        token = ""
        for _ in range(pages):
            request = feed_pb2.GetFeedRequest(
                username=username,
                category_id=self._category_id,
                mood="calm",
                page_token=token,
                at_least_position=0 if token else position,
            )
            reply = await self._ask(partial(gateway.feeds.GetFeed, request, timeout=_DEADLINE_SECONDS))
            if reply is None:
                return None
            post_ids = [post.post_id for post in reply.posts]
            if reply.degradations:
                self.living.degraded[reply.degradations[0].reason] += 1
                return None
            if again := set(shown) & set(post_ids):
                self.living.wrong.append(f"{username} was shown twice: {again}")
            if unwanted := refused & set(post_ids):
                self.living.wrong.append(f"{username} was shown what they refused by {position}: {unwanted}")
            if not token and reply.position < position:
                self.living.wrong.append(f"{username} asked for {position} and got {reply.position}")
            shown += post_ids
            token = reply.next_page_token
            if not token:
                break
        return [post_id for post_id in shown if post_id not in refused] or None

    async def _poster(self, gateways: Sequence[_Stubs]) -> None:
        """Post, read what was posted through the other gateway, and delete every third post."""
        for number in itertools.count():
            writer, reader = gateways[number % 2], gateways[1 - number % 2]
            post_id = _FIRST_LIVE_POST + number
            title = f"{self._name}, post {number}"
            if self._is_over() or not await self._post(writer, reader, post_id, title):
                return
            if number % 3 == 2 and not await self._delete(writer, post_id):
                return
            await asyncio.sleep(_PAUSE_SECONDS)

    async def _post(self, writer: _Stubs, reader: _Stubs, post_id: int, title: str) -> bool:
        """Store a post and read it; whether it is stored."""
        post = catalog_pb2.Post(
            post_id=post_id, title=title, category_id=self._category_id, video_link="https://example.com/v.mp4"
        )
        upsert = catalog_pb2.UpsertPostsRequest(posts=[post])
        reply = await self._until_done(lambda: writer.catalog.UpsertPosts(upsert, timeout=_DEADLINE_SECONDS))
        if reply is None:
            return False
        self.living.kept_posts[post_id] = title
        wanted = catalog_pb2.GetPostsRequest(post_ids=[post_id])
        known = await self._ask(lambda: reader.catalog.GetPosts(wanted, timeout=_DEADLINE_SECONDS))
        if known is not None and [each.post.title for each in known.posts] != [title]:
            self.living.wrong.append(f"post {post_id} was stored at {reply.position} and is not known")
        return True

    async def _delete(self, writer: _Stubs, post_id: int) -> bool:
        """Delete a post; whether it is deleted. If that is not known, nothing is expected of it any more."""
        delete = catalog_pb2.DeletePostsRequest(post_ids=[post_id])
        del self.living.kept_posts[post_id]
        if await self._until_done(lambda: writer.catalog.DeletePosts(delete, timeout=_DEADLINE_SECONDS)) is None:
            return False
        self.living.deleted_posts.add(post_id)
        return True

    async def _until_done(self, call: Callable[[], Awaitable[Reply]]) -> Reply | None:
        while (reply := await self._ask(call)) is None and not self._is_over():
            pass
        return reply

    async def _ask(self, call: Callable[[], Awaitable[Reply]]) -> Reply | None:
        self.living.requests += 1
        try:
            return await call()
        except grpc.aio.AioRpcError as error:
            self.living.failed[f"{error.code().name}: {error.details()}"] += 1
            await asyncio.sleep(_PAUSE_SECONDS)
            return None


@contextmanager
def running_living_load(
    targets: Sequence[str], *, name: str, category_id: int, people: int = 6
) -> Iterator[LivingLoad]:
    """Ask while the block runs; what is in flight at its end is waited for and counted."""
    load = LivingLoad(targets, name=name, people=people, category_id=category_id)
    thread = threading.Thread(target=load.run)
    thread.start()
    try:
        yield load
    finally:
        load.stop()
        thread.join()


def wait_for_acknowledgements(load: LivingLoad, count: int, *, seconds: float = 60.0) -> None:
    """Block until ``count`` more events are acknowledged: the product is at work, or at work again."""
    wanted, deadline = len(load.living.acknowledged) + count, time.monotonic() + seconds
    while len(load.living.acknowledged) < wanted:
        assert time.monotonic() < deadline, (
            f"only {len(load.living.acknowledged)} of {wanted} acknowledged: {load.living.failed}"
        )
        time.sleep(0.02)
