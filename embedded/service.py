"""The gRPC edge of the one-process mode: the gateway's messages and errors, on the threads of a sync server."""

import grpc

from bundle.embedding_space import Embedding
from embedded.coroutines import run_at_once
from gateway.edge import Deadline, count_degradations
from gateway.feed import DEFAULT_TOKENS, NO_MEMORY, TokenLife, get_feed
from gateway.feed_messages import read_request, read_trending_request, write_categories, write_feed, write_trending
from gateway.feed_types import ContextEncoder, PostSearch
from gateway.served_memory import ServedMemory
from gateway.trending import list_trending
from moodfeed.feed.v1 import feed_pb2, feed_pb2_grpc


class LocalFeedService(feed_pb2_grpc.FeedServiceServicer):
    """Answers feeds with a context encoder and a post search that never wait."""

    def __init__(
        self,
        *,
        encoder: ContextEncoder[Embedding],
        index: PostSearch[Embedding],
        deadline_seconds: float,
        memory: ServedMemory = NO_MEMORY,
        tokens: TokenLife = DEFAULT_TOKENS,
    ) -> None:
        self._encoder = encoder
        self._index = index
        self._deadline_seconds = deadline_seconds
        self._memory = memory
        self._tokens = tokens

    def GetFeed(self, request: feed_pb2.GetFeedRequest, context: grpc.ServicerContext) -> bytes:
        """Return one page of a feed: a serialised GetFeedResponse."""
        clock = Deadline.after(self._deadline_seconds, context.time_remaining())
        making = get_feed(
            read_request(request),
            encoder=self._encoder,
            index=self._index,
            clock=clock,
            memory=self._memory,
            tokens=self._tokens,
        )
        feed = run_at_once(making)
        count_degradations(feed)
        return write_feed(feed)

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
