"""The gateway's gRPC edge: messages in, the feed function, messages out, and how each of its errors is answered."""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

import grpc
from prometheus_client import Counter

from gateway import feed
from moodfeed.feed.v1 import feed_pb2, feed_pb2_grpc
from moodfeed.packed.v1 import packed_pb2
from rpc.admission import OVERLOADED, InFlight, TooManyRequestsError
from rpc.deadline import remaining_seconds
from rpc.errors import ErrorRow, ErrorTable

SERVICE_NAME = feed_pb2.DESCRIPTOR.services_by_name["FeedService"].full_name

ERRORS: ErrorTable = {
    feed.BlankUsernameError: ErrorRow(grpc.StatusCode.INVALID_ARGUMENT, "USERNAME_BLANK"),
    feed.InvalidPageSizeError: ErrorRow(grpc.StatusCode.INVALID_ARGUMENT, "PAGE_SIZE_NEGATIVE"),
    feed.InvalidPageTokenError: ErrorRow(grpc.StatusCode.INVALID_ARGUMENT, "PAGE_TOKEN_INVALID"),
    feed.MoodTooLongError: ErrorRow(grpc.StatusCode.INVALID_ARGUMENT, "MOOD_TOO_LONG"),
    feed.TooManyExclusionsError: ErrorRow(grpc.StatusCode.INVALID_ARGUMENT, "TOO_MANY_EXCLUSIONS"),
    feed.CategoryNotFoundError: ErrorRow(grpc.StatusCode.NOT_FOUND, "CATEGORY_NOT_FOUND"),
    feed.UserNotFoundError: ErrorRow(grpc.StatusCode.NOT_FOUND, "USER_NOT_FOUND"),
    feed.BundleNotHeldError: ErrorRow(grpc.StatusCode.FAILED_PRECONDITION, "BUNDLE_NOT_HELD"),
    feed.OverloadedError: OVERLOADED,
    TooManyRequestsError: OVERLOADED,
    feed.UnavailableError: ErrorRow(grpc.StatusCode.UNAVAILABLE, "DOWNSTREAM_UNAVAILABLE"),
    feed.DeadlineExceededError: ErrorRow(grpc.StatusCode.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED"),
}

_RANKINGS = {
    feed.Ranking.USER: feed_pb2.RANKING_USER,
    feed.Ranking.MOOD_THEN_USER: feed_pb2.RANKING_MOOD_THEN_USER,
    feed.Ranking.MOOD: feed_pb2.RANKING_MOOD,
    feed.Ranking.POPULAR: feed_pb2.RANKING_POPULAR,
}


DEGRADATIONS = Counter("moodfeed_feed_degradations_total", "Feeds that left something out.", ["stage", "reason"])


def count_degradations(answer: feed.Feed) -> None:
    """Count what a feed left out."""
    for degradation in answer.degradations:
        DEGRADATIONS.labels(degradation.stage, degradation.reason).inc()


def open_post(packed: bytes) -> dict[str, str | int | float]:
    """A post of a feed, field by field, as the contract names them."""
    post = feed_pb2.FeedPost.FromString(packed)
    return {
        "post_id": post.post_id,
        "video_link": post.video_link,
        "title": post.title,
        "thumbnail_url": post.thumbnail_url,
        "category_id": post.category_id,
        "owner_username": post.owner_username,
        "score": post.score,
    }


@dataclass(frozen=True, slots=True)
class Deadline:
    """A moment on the monotonic clock by which a request must be answered."""

    moment: float

    @classmethod
    def after(cls, budget_seconds: float, caller_seconds: float | None = None) -> Self:
        """The sooner of our own budget and what the caller has left."""
        return cls(time.monotonic() + remaining_seconds(budget_seconds, caller_seconds))

    def seconds_left(self) -> float:
        """Seconds until the deadline, at least 0."""
        return max(0.0, self.moment - time.monotonic())


def read_request(request: feed_pb2.GetFeedRequest) -> feed.FeedRequest:
    """The request in the feed's words."""
    return feed.FeedRequest(
        username=request.username,
        category_id=request.category_id if request.HasField("category_id") else None,
        mood=request.mood,
        page_size=request.page_size,
        page_token=request.page_token,
        exclude_post_ids=tuple(request.exclude_post_ids),
        required_bundle_id=request.required_bundle_id,
        strict=request.strict,
    )


def write_feed(answer: feed.Feed) -> bytes:
    """A serialised GetFeedResponse."""
    packed = packed_pb2.PackedGetFeedResponse(
        posts=answer.posts,
        next_page_token=answer.next_page_token,
        bundle_id=answer.bundle_id,
        ranking=_RANKINGS[answer.ranking],
        degradations=[feed_pb2.Degradation(stage=item.stage, reason=item.reason) for item in answer.degradations],
    )
    return packed.SerializeToString()


def write_categories(categories: Iterable[feed.Category]) -> feed_pb2.ListCategoriesResponse:
    """The answer to ListCategories."""
    return feed_pb2.ListCategoriesResponse(
        categories=[
            feed_pb2.Category(category_id=category.category_id, name=category.name, post_count=category.post_count)
            for category in categories
        ]
    )


class FeedService(feed_pb2_grpc.FeedServiceServicer):
    """Answers feeds from a user tower and a post index."""

    def __init__(
        self, *, tower: feed.UserTower, index: feed.PostIndex, in_flight: InFlight, deadline_seconds: float
    ) -> None:
        self._tower = tower
        self._index = index
        self._in_flight = in_flight
        self._deadline_seconds = deadline_seconds

    async def GetFeed(
        self,
        request: feed_pb2.GetFeedRequest,
        context: grpc.aio.ServicerContext[feed_pb2.GetFeedRequest, feed_pb2.GetFeedResponse],
    ) -> bytes:
        """One page of a feed: a serialised GetFeedResponse."""
        with self._in_flight.admitted("GetFeed"):
            answer = await feed.get_feed(
                read_request(request),
                tower=self._tower,
                index=self._index,
                clock=Deadline.after(self._deadline_seconds, context.time_remaining()),
            )
        count_degradations(answer)
        return write_feed(answer)

    async def ListCategories(
        self,
        request: feed_pb2.ListCategoriesRequest,
        context: grpc.aio.ServicerContext[feed_pb2.ListCategoriesRequest, feed_pb2.ListCategoriesResponse],
    ) -> feed_pb2.ListCategoriesResponse:
        """All valid categories."""
        clock = Deadline.after(self._deadline_seconds, context.time_remaining())
        with self._in_flight.admitted("ListCategories"):
            categories = await self._index.list_categories(seconds=clock.seconds_left())
        return write_categories(categories)
