"""The gRPC edge of the one-process mode: the gateway's messages and errors, on the threads of a sync server."""

from collections.abc import Awaitable, Sequence
from typing import TypeVar

import grpc

from bundle.embedding_space import Embedding
from embedded.coroutines import run_at_once
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
from gateway.feed_types import ContextEncoder, Feed, FeedRequest, PostSearch
from gateway.feeds import check_feed_count, get_feeds
from gateway.served_memory import ServedMemory
from gateway.token_life import DEFAULT_TOKENS, TokenLife
from gateway.trending import list_trending
from moodfeed.feed.v1 import feed_pb2, feed_pb2_grpc
from rpc.token_file import authorizations_of

_Result = TypeVar("_Result")


class LocalFeedService(feed_pb2_grpc.FeedServiceServicer):
    """Answers feeds with a context encoder and a post search that never wait."""

    def __init__(
        self,
        *,
        encoder: ContextEncoder[Embedding],
        index: PostSearch[Embedding],
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
        self._deadline_seconds = deadline_seconds
        self._memory = memory
        self._tokens = tokens
        self._exploration_share = exploration_share

    def GetFeed(self, request: feed_pb2.GetFeedRequest, context: grpc.ServicerContext) -> bytes:
        """Return one page of a feed: a serialised GetFeedResponse."""
        clock = Deadline.after(self._deadline_seconds, context.time_remaining())
        feed = run_at_once(self._ask(read_request(request), clock))
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

    def GetSimilarPosts(self, request: feed_pb2.GetSimilarPostsRequest, context: grpc.ServicerContext) -> bytes:
        """Return one page of similar posts: a serialised GetSimilarPostsResponse."""
        clock = Deadline.after(self._deadline_seconds, context.time_remaining())
        page = run_at_once(self._ask(read_similar_request(request), clock))
        count_feed(page)
        return write_similar(page)

    def GetFeeds(self, request: feed_pb2.GetFeedsRequest, context: grpc.ServicerContext) -> bytes:
        """Return several feeds: a serialised GetFeedsResponse."""
        clock = Deadline.after(self._deadline_seconds, context.time_remaining())
        check_feed_count(len(request.feeds))
        self._access.charge(authorizations_of(context.invocation_metadata()), len(request.feeds) - 1)
        making = get_feeds(
            read_requests(request),
            distinct=request.distinct,
            ask=lambda asked: self._ask(asked, clock),
            together=_one_after_another,
            post_ids_of=post_ids_of,
        )
        return write_feeds(map(outcome_of, run_at_once(making)))

    def ListCategories(
        self,
        request: feed_pb2.ListCategoriesRequest,
        context: grpc.ServicerContext,
    ) -> feed_pb2.ListCategoriesResponse:
        """Return all valid categories."""
        clock = Deadline.after(self._deadline_seconds, context.time_remaining())
        return write_categories(run_at_once(self._index.list_categories(seconds=clock.seconds_left())))

    def ListTrending(self, request: feed_pb2.ListTrendingRequest, context: grpc.ServicerContext) -> bytes:
        """Return one page of the trends: a serialised ListTrendingResponse."""
        clock = Deadline.after(self._deadline_seconds, context.time_remaining())
        listing = list_trending(read_trending_request(request), index=self._index, clock=clock, tokens=self._tokens)
        return write_trending(run_at_once(listing))


async def _one_after_another(waiting: Sequence[Awaitable[_Result]]) -> Sequence[_Result]:
    """On one thread, where nothing waits for anything else."""
    return [await item for item in waiting]
