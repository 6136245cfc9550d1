"""The filters in the messages of moodfeed.feed.v1.FeedService."""

from google.protobuf.timestamp_pb2 import Timestamp

from gateway.feed_types import Filters, InvalidCreatedAfterError
from moodfeed.feed.v1 import feed_pb2

_FIRST_SECOND, _LAST_SECOND = -62_135_596_800, 253_402_300_799  # the years 1 to 9999, as Timestamp says
_NANOSECONDS_A_SECOND = 1_000_000_000


def read_filters(request: feed_pb2.GetFeedRequest | feed_pb2.GetSimilarPostsRequest) -> Filters:
    """Read the filters of a request; raises InvalidCreatedAfterError."""
    return Filters(
        category_ids=tuple(request.category_ids),
        excluded_category_ids=tuple(request.excluded_category_ids),
        excluded_owner_usernames=tuple(request.excluded_owner_usernames),
        created_after_ms=_read_moment(request.created_after) if request.HasField("created_after") else None,
        languages=tuple(request.languages),
        include_own_posts=request.include_own_posts,
    )


def _read_moment(moment: Timestamp) -> int:
    """In whole milliseconds: posts are made at whole ones, so nothing is lost by rounding down."""
    seconds, nanos = moment.seconds, moment.nanos
    if not (_FIRST_SECOND <= seconds <= _LAST_SECOND and 0 <= nanos < _NANOSECONDS_A_SECOND):
        raise InvalidCreatedAfterError(
            f"created_after is {seconds} seconds and {nanos} nanoseconds, it must be in the years 1 to 9999"
        )
    return int(seconds * 1000 + nanos // 1_000_000)
