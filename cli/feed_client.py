"""Ask a running gateway for feeds and categories over gRPC. Every function raises CallRefusedError."""

from collections.abc import Iterator
from contextlib import contextmanager

from cli.gateway_access import GatewayAccess, bearer
from cli.gateway_calls import CALL_SECONDS, calling
from moodfeed.feed.v1 import feed_pb2, feed_pb2_grpc
from rpc.channel import open_blocking_channel


def ask_for_feed(
    gateway: GatewayAccess,
    *,
    username: str,
    category_id: int | None = None,
    mood: str = "",
    page_size: int = 0,
    fallback: str | None = None,
    others: feed_pb2.GetFeedRequest | None = None,
) -> feed_pb2.GetFeedResponse:
    """One page of a feed; ``others`` holds the fields of the request that have no parameter here."""
    request = feed_pb2.GetFeedRequest(
        username=username, category_id=category_id, mood=mood, page_size=page_size, fallback=fallback
    )
    if others is not None:
        request.MergeFrom(others)
    with _feeds(gateway) as feeds:
        answer: feed_pb2.GetFeedResponse = feeds.GetFeed(request, metadata=bearer(gateway.token), timeout=CALL_SECONDS)
    return answer


def ask_for_trends(
    gateway: GatewayAccess, *, category_id: int | None = None, page_size: int = 0
) -> feed_pb2.GetFeedResponse:
    """One page of the trends, as a feed."""
    request = feed_pb2.ListTrendingRequest(category_id=category_id, page_size=page_size)
    with _feeds(gateway) as feeds:
        answer = feeds.ListTrending(request, metadata=bearer(gateway.token), timeout=CALL_SECONDS)
    return feed_pb2.GetFeedResponse(
        posts=answer.posts,
        next_page_token=answer.next_page_token,
        bundle_id=answer.bundle_id,
        ranking=feed_pb2.RANKING_TRENDING,
        position=answer.position,
    )


def ask_for_similar(gateway: GatewayAccess, request: feed_pb2.GetSimilarPostsRequest) -> feed_pb2.GetFeedResponse:
    """One page of similar posts, as a feed."""
    with _feeds(gateway) as feeds:
        answer = feeds.GetSimilarPosts(request, metadata=bearer(gateway.token), timeout=CALL_SECONDS)
    return feed_pb2.GetFeedResponse(
        posts=answer.posts,
        next_page_token=answer.next_page_token,
        bundle_id=answer.bundle_id,
        ranking=feed_pb2.RANKING_SIMILAR,
        degradations=answer.degradations,
        feed_id=answer.feed_id,
        position=answer.position,
    )


def ask_for_categories(gateway: GatewayAccess) -> tuple[feed_pb2.Category, ...]:
    """All valid categories."""
    with _feeds(gateway) as feeds:
        answer = feeds.ListCategories(
            feed_pb2.ListCategoriesRequest(), metadata=bearer(gateway.token), timeout=CALL_SECONDS
        )
    return tuple(answer.categories)


@contextmanager
def _feeds(gateway: GatewayAccess) -> Iterator[feed_pb2_grpc.FeedServiceStub]:
    with calling(gateway.address), open_blocking_channel(gateway.address, gateway.tls) as channel:
        yield feed_pb2_grpc.FeedServiceStub(channel)
