"""What both clients make of their arguments."""

import uuid
from collections.abc import Iterable

from moodfeed_client.contract.feed_pb2 import FeedResult, GetFeedRequest, GetFeedResponse, GetFeedsRequest
from moodfeed_client.contract.feedback_pb2 import Interaction, InteractionResult, RecordInteractionsRequest
from moodfeed_client.contract.feedback_pb2 import RecordResult as _RecordResult
from moodfeed_client.errors import InvalidRequestError, error_of

_STATUS_NAMES = {
    1: "CANCELLED",
    2: "UNKNOWN",
    3: "INVALID_ARGUMENT",
    4: "DEADLINE_EXCEEDED",
    5: "NOT_FOUND",
    7: "PERMISSION_DENIED",
    8: "RESOURCE_EXHAUSTED",
    9: "FAILED_PRECONDITION",
    12: "UNIMPLEMENTED",
    13: "INTERNAL",
    14: "UNAVAILABLE",
    16: "UNAUTHENTICATED",
}


def feeds_request(feeds: Iterable[GetFeedRequest], *, distinct: bool) -> GetFeedsRequest:
    """A request for several feeds."""
    return GetFeedsRequest(feeds=feeds, distinct=distinct)


def feed_of(result: FeedResult) -> GetFeedResponse:
    """The feed of a result of ``feeds``; raises the MoodfeedError that this feed alone met."""
    if result.HasField("feed"):
        return result.feed
    status = _STATUS_NAMES.get(result.error.code, "UNKNOWN")
    raise error_of(status, result.error.reason, result.error.message)


def recording_of(interactions: Iterable[Interaction]) -> RecordInteractionsRequest:
    """A request that may be repeated: each interaction without an ``event_id`` gets one, which is recorded once."""
    request = RecordInteractionsRequest(interactions=interactions)
    for interaction in request.interactions:
        if not interaction.event_id:
            interaction.event_id = str(uuid.uuid4())
    return request


def accepted(result: InteractionResult) -> InteractionResult:
    """The result of a single interaction; InvalidRequestError if it was rejected."""
    if result.result == _RecordResult.RECORD_RESULT_REJECTED:
        raise InvalidRequestError("INVALID_ARGUMENT", "INTERACTION_REJECTED", result.reason)
    return result
