"""The gateway's gRPC edge: messages in, the feed function, messages out."""

import asyncio
from typing import Generic

import grpc

from gateway.api_access import ApiAccess
from gateway.edge import Deadline, count_feed, outcome_of
from gateway.feed import NO_MEMORY, get_feed
from gateway.feed_messages import (
    post_ids_of,
    read_request,
    read_requests,
    read_similar_request,
    read_trending_request,
    write_categories,
    write_feed,
    write_feeds,
    write_similar,
    write_trending,
)
from gateway.feed_types import ContextEncoder, EmbeddingT, Feed, FeedRequest, PostSearch
from gateway.feeds import check_feed_count, get_feeds
from gateway.served_memory import ServedMemory
from gateway.token_life import DEFAULT_TOKENS, TokenLife
from gateway.trending import list_trending
from moodfeed.feed.v1 import feed_pb2, feed_pb2_grpc
from rpc.admission import InFlight
from rpc.token_file import authorizations_of


class FeedService(feed_pb2_grpc.FeedServiceServicer, Generic[EmbeddingT]):
    """Answers feeds on an event loop, with a context encoder and a post search."""

    def __init__(
        self,
        *,
        encoder: ContextEncoder[EmbeddingT],
        index: PostSearch[EmbeddingT],
        in_flight: InFlight,
        deadline_seconds: float,
        access: ApiAccess | None = None,
        memory: ServedMemory = NO_MEMORY,
        tokens: TokenLife = DEFAULT_TOKENS,
        exploration_share: float = 0.0,
    ) -> None:
        """``access`` counts the feeds of one call that asks for several."""
        self._access = access or ApiAccess()
        self._encoder = encoder
        self._index = index
        self._in_flight = in_flight
        self._deadline_seconds = deadline_seconds
        self._memory = memory
        self._tokens = tokens
        self._exploration_share = exploration_share

    async def GetFeed(
        self,
        request: feed_pb2.GetFeedRequest,
        context: grpc.aio.ServicerContext[feed_pb2.GetFeedRequest, feed_pb2.GetFeedResponse],
    ) -> bytes:
        """Return one page of a feed: a serialised GetFeedResponse."""
        with self._in_flight.admitted("GetFeed"):
            clock = Deadline.after(self._deadline_seconds, context.time_remaining())
            feed = await self._ask(read_request(request), clock)
        count_feed(feed)
        return write_feed(feed)

    async def _ask(self, request: FeedRequest, clock: Deadline) -> Feed:
        return await get_feed(
            request,
            encoder=self._encoder,
            index=self._index,
            clock=clock,
            memory=self._memory,
            tokens=self._tokens,
            exploration_share=self._exploration_share,
        )

    async def GetSimilarPosts(
        self,
        request: feed_pb2.GetSimilarPostsRequest,
        context: grpc.aio.ServicerContext[feed_pb2.GetSimilarPostsRequest, feed_pb2.GetSimilarPostsResponse],
    ) -> bytes:
        """Return one page of similar posts: a serialised GetSimilarPostsResponse."""
        with self._in_flight.admitted("GetSimilarPosts"):
            clock = Deadline.after(self._deadline_seconds, context.time_remaining())
            page = await self._ask(read_similar_request(request), clock)
        count_feed(page)
        return write_similar(page)

    async def GetFeeds(
        self,
        request: feed_pb2.GetFeedsRequest,
        context: grpc.aio.ServicerContext[feed_pb2.GetFeedsRequest, feed_pb2.GetFeedsResponse],
    ) -> bytes:
        """Return several feeds: a serialised GetFeedsResponse."""
        clock = Deadline.after(self._deadline_seconds, context.time_remaining())
        count = len(request.feeds)
        check_feed_count(count)
        self._access.charge(authorizations_of(context.invocation_metadata()), count - 1)
        with self._in_flight.admitted("GetFeeds", requests=count):
            answers = await get_feeds(
                read_requests(request),
                distinct=request.distinct,
                ask=lambda asked: self._ask(asked, clock),
                together=lambda waiting: asyncio.gather(*waiting),
                post_ids_of=post_ids_of,
            )
        return write_feeds(map(outcome_of, answers))

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
