"""The gateway's gRPC edge: messages in, the feed function, messages out."""

from typing import Generic

import grpc

from gateway.edge import Deadline, count_degradations
from gateway.feed import DEFAULT_TOKENS, NO_MEMORY, TokenLife, get_feed
from gateway.feed_messages import read_request, read_trending_request, write_categories, write_feed, write_trending
from gateway.feed_types import ContextEncoder, EmbeddingT, PostSearch
from gateway.served_memory import ServedMemory
from gateway.trending import list_trending
from moodfeed.feed.v1 import feed_pb2, feed_pb2_grpc
from rpc.admission import InFlight


class FeedService(feed_pb2_grpc.FeedServiceServicer, Generic[EmbeddingT]):
    """Answers feeds on an event loop, with a context encoder and a post search."""

    def __init__(
        self,
        *,
        encoder: ContextEncoder[EmbeddingT],
        index: PostSearch[EmbeddingT],
        in_flight: InFlight,
        deadline_seconds: float,
        memory: ServedMemory = NO_MEMORY,
        tokens: TokenLife = DEFAULT_TOKENS,
    ) -> None:
        self._encoder = encoder
        self._index = index
        self._in_flight = in_flight
        self._deadline_seconds = deadline_seconds
        self._memory = memory
        self._tokens = tokens

    async def GetFeed(
        self,
        request: feed_pb2.GetFeedRequest,
        context: grpc.aio.ServicerContext[feed_pb2.GetFeedRequest, feed_pb2.GetFeedResponse],
    ) -> bytes:
        """Return one page of a feed: a serialised GetFeedResponse."""
        with self._in_flight.admitted("GetFeed"):
            feed = await get_feed(
                read_request(request),
                encoder=self._encoder,
                index=self._index,
                clock=Deadline.after(self._deadline_seconds, context.time_remaining()),
                memory=self._memory,
                tokens=self._tokens,
            )
        count_degradations(feed)
        return write_feed(feed)

    async def ListCategories(
        self,
        request: feed_pb2.ListCategoriesRequest,
        context: grpc.aio.ServicerContext[feed_pb2.ListCategoriesRequest, feed_pb2.ListCategoriesResponse],
    ) -> feed_pb2.ListCategoriesResponse:
        """Return all valid categories."""
        clock = Deadline.after(self._deadline_seconds, context.time_remaining())
        with self._in_flight.admitted("ListCategories"):
            categories = await self._index.list_categories(seconds=clock.seconds_left())
        return write_categories(categories)

    async def ListTrending(
        self,
        request: feed_pb2.ListTrendingRequest,
        context: grpc.aio.ServicerContext[feed_pb2.ListTrendingRequest, feed_pb2.ListTrendingResponse],
    ) -> bytes:
        """Return one page of the trends: a serialised ListTrendingResponse."""
        with self._in_flight.admitted("ListTrending"):
            page = await list_trending(
                read_trending_request(request),
                index=self._index,
                clock=Deadline.after(self._deadline_seconds, context.time_remaining()),
                tokens=self._tokens,
            )
        return write_trending(page)
