"""The messages of moodfeed.feed.v1.FeedService, read and written."""

from collections.abc import Callable, Iterable

from gateway.feed_types import (
    Fallback,
    Feed,
    FeedCategory,
    FeedError,
    FeedRequest,
    InvalidFallbackError,
    InvalidSeenError,
    Seen,
    SimilarTo,
    TrendingRequest,
)
from gateway.feeds import Failure
from gateway.filter_messages import read_filters
from moodfeed.feed.v1 import feed_pb2
from moodfeed.packed.v1 import packed_pb2

SERVICE_NAME = feed_pb2.DESCRIPTOR.services_by_name["FeedService"].full_name
FEEDS_METHOD = f"/{SERVICE_NAME}/GetFeeds"
_SEEN = {feed_pb2.SEEN_UNSPECIFIED: Seen.LAST, **{feed_pb2.Seen.Value(seen.value): seen for seen in Seen}}
_OTHER_FORMS = frozenset({"post_id", "reason", "explanation"})  # in JSON
_POST_FIELDS = tuple(field.name for field in feed_pb2.FeedPost.DESCRIPTOR.fields if field.name not in _OTHER_FORMS)
_REASONS = feed_pb2.Reason.DESCRIPTOR.values_by_number
Document = dict[str, object]
_FALLBACKS = {
    feed_pb2.FALLBACK_UNSPECIFIED: Fallback.NONE,
    **{feed_pb2.Fallback.Value(fallback.value): fallback for fallback in Fallback},
}


def read_request(request: feed_pb2.GetFeedRequest) -> FeedRequest:
    """Read a GetFeedRequest."""
    return FeedRequest(
        username=request.username,
        category_id=request.category_id if request.HasField("category_id") else None,
        mood=request.mood,
        page_size=request.page_size,
        page_token=request.page_token,
        exclude_post_ids=tuple(request.exclude_post_ids),
        exclude_external_ids=tuple(request.exclude_external_ids),
        required_bundle_id=request.required_bundle_id,
        strict=request.strict,
        at_least_position=request.at_least_position,
        fallback=_read_fallback(request.fallback),
        seen=_read_seen(request.seen),
        remember_served=request.remember_served,
        filters=read_filters(request),
        diversity=request.diversity,
        most_per_owner=request.most_per_owner,
        explain=request.explain,
    )


def _read_seen(number: int) -> Seen:
    if number not in _SEEN:
        raise InvalidSeenError(f"seen is {number}, it must be one of {', '.join(seen.value for seen in Seen)}")
    return _SEEN[number]


def _read_fallback(number: int) -> Fallback:
    if number not in _FALLBACKS:
        known = ", ".join(fallback.value for fallback in Fallback)
        raise InvalidFallbackError(f"fallback is {number}, it must be one of {known}")
    return _FALLBACKS[number]


def write_feed(feed: Feed) -> bytes:
    """Write a serialised GetFeedResponse."""
    packed = packed_pb2.PackedGetFeedResponse(
        posts=feed.posts,
        next_page_token=feed.next_page_token,
        bundle_id=feed.bundle_id,
        ranking=feed.ranking.value,
        degradations=[feed_pb2.Degradation(stage=item.stage, reason=item.reason) for item in feed.degradations],
        feed_id=feed.feed_id,
        position=feed.position,
        exhausted=feed.exhausted,
        mood_understood=feed.mood_understood,
        approximate=feed.is_approximate or None,
    )
    return packed.SerializeToString()


def read_trending_request(request: feed_pb2.ListTrendingRequest) -> TrendingRequest:
    """Read a ListTrendingRequest."""
    return TrendingRequest(
        category_id=request.category_id if request.HasField("category_id") else None,
        page_size=request.page_size,
        page_token=request.page_token,
        required_bundle_id=request.required_bundle_id,
    )


def write_trending(page: Feed) -> bytes:
    """Write a serialised ListTrendingResponse."""
    packed = packed_pb2.PackedListTrendingResponse(
        posts=page.posts, next_page_token=page.next_page_token, bundle_id=page.bundle_id, position=page.position
    )
    return packed.SerializeToString()


def read_similar_request(request: feed_pb2.GetSimilarPostsRequest) -> FeedRequest:
    """Read a GetSimilarPostsRequest."""
    return FeedRequest(
        username=request.username,
        page_size=request.page_size,
        page_token=request.page_token,
        exclude_post_ids=tuple(request.exclude_post_ids),
        exclude_external_ids=tuple(request.exclude_external_ids),
        required_bundle_id=request.required_bundle_id,
        at_least_position=request.at_least_position,
        seen=_read_seen(request.seen),
        filters=read_filters(request),
        explain=request.explain,
        similar_to=SimilarTo(request.post_id, request.external_id),
    )


def write_similar(page: Feed) -> bytes:
    """Write a serialised GetSimilarPostsResponse."""
    packed = packed_pb2.PackedGetSimilarPostsResponse(
        posts=page.posts,
        next_page_token=page.next_page_token,
        bundle_id=page.bundle_id,
        degradations=[feed_pb2.Degradation(stage=item.stage, reason=item.reason) for item in page.degradations],
        position=page.position,
        feed_id=page.feed_id,
        approximate=page.is_approximate or None,
    )
    return packed.SerializeToString()


def read_requests(request: feed_pb2.GetFeedsRequest) -> list[FeedRequest | Exception]:
    """Read a GetFeedsRequest; in place of a feed that cannot be read, the FeedError that says why."""
    return [_read_or_error(feed) for feed in request.feeds]


def _read_or_error(request: feed_pb2.GetFeedRequest) -> FeedRequest | Exception:
    try:
        return read_request(request)
    except FeedError as error:
        return error


def write_feeds(answers: Iterable[Feed | Failure]) -> bytes:
    """Write a serialised GetFeedsResponse."""
    return packed_pb2.PackedGetFeedsResponse(results=map(_write_result, answers)).SerializeToString()


def _write_result(answer: Feed | Failure) -> packed_pb2.PackedFeedResult:
    if isinstance(answer, Feed):
        return packed_pb2.PackedFeedResult(feed=write_feed(answer))
    error = feed_pb2.FeedError(code=answer.code, reason=answer.reason, message=answer.message)
    return packed_pb2.PackedFeedResult(error=error)


def post_ids_of(feed: Feed) -> list[int]:
    """The ids of the posts of a feed."""
    return [post_id_of(post) for post in feed.posts]


def post_id_of(packed: bytes) -> int:
    """The id of a serialised FeedPost."""
    return int(feed_pb2.FeedPost.FromString(packed).post_id)


def post_and_category_of(packed: bytes) -> tuple[int, int]:
    """The ids of a serialised FeedPost and of its category, which is 0 for none."""
    post = feed_pb2.FeedPost.FromString(packed)
    return post.post_id, post.category_id


def write_categories(categories: Iterable[FeedCategory]) -> feed_pb2.ListCategoriesResponse:
    """Write a ListCategoriesResponse."""
    return feed_pb2.ListCategoriesResponse(
        categories=[
            feed_pb2.Category(category_id=category.category_id, name=category.name, post_count=category.post_count)
            for category in categories
        ]
    )


def open_post(packed: bytes, *, ids: Callable[[int], int | str] = int) -> Document:
    """Read a serialised FeedPost: its values by field name, post ids in the form that ``ids`` gives them.

    ``explanation`` is there only if the post has one.
    """
    post = feed_pb2.FeedPost.FromString(packed)
    document: Document = {"post_id": ids(post.post_id)} | {name: getattr(post, name) for name in _POST_FIELDS}
    document["reason"] = _REASONS[post.reason].name if post.reason in _REASONS else _REASONS[0].name
    if post.HasField("explanation"):
        document["explanation"] = _open_explanation(post.explanation, ids=ids)
    return document


def _open_explanation(explanation: feed_pb2.Explanation, *, ids: Callable[[int], int | str]) -> Document:
    known = ("user_score", "mood_closeness", "similarity", "popularity_share", "category_lift", "next_post")
    return {name: getattr(explanation, name) for name in known if explanation.HasField(name)} | {
        "popularity": explanation.popularity,
        "history": [{"post_id": ids(post.post_id), "closeness": post.closeness} for post in explanation.history],
        "rules": list(explanation.rules),
        "is_seen": explanation.is_seen,
    }
