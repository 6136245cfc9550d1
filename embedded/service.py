"""The gRPC edge of the one-process mode: the gateway's messages and errors, on a sync server's threads."""

from collections.abc import Coroutine
from typing import Any, TypeVar

import grpc

from gateway import feed
from gateway.service import Deadline, count_degradations, read_request, write_categories, write_feed
from moodfeed.feed.v1 import feed_pb2, feed_pb2_grpc

Result = TypeVar("Result")


def run_at_once(coroutine: Coroutine[Any, Any, Result]) -> Result:
    """What a coroutine returns that never waits: without an event loop, on the thread that asks."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        result: Result = end.value
        return result
    coroutine.close()
    raise RuntimeError("the coroutine waits for something: it needs an event loop")


class LocalFeedService(feed_pb2_grpc.FeedServiceServicer):
    """Answers feeds from a user tower and a post index that never wait."""

    def __init__(self, *, tower: feed.UserTower, index: feed.PostIndex, deadline_seconds: float) -> None:
        self._tower = tower
        self._index = index
        self._deadline_seconds = deadline_seconds

    def GetFeed(self, request: feed_pb2.GetFeedRequest, context: grpc.ServicerContext) -> bytes:
        """One page of a feed: a serialised GetFeedResponse."""
        clock = Deadline.after(self._deadline_seconds, context.time_remaining())
        answer = run_at_once(feed.get_feed(read_request(request), tower=self._tower, index=self._index, clock=clock))
        count_degradations(answer)
        return write_feed(answer)

    def ListCategories(
        self,
        request: feed_pb2.ListCategoriesRequest,
        context: grpc.ServicerContext,
    ) -> feed_pb2.ListCategoriesResponse:
        """All valid categories."""
        clock = Deadline.after(self._deadline_seconds, context.time_remaining())
        return write_categories(run_at_once(self._index.list_categories(seconds=clock.seconds_left())))
