"""A caller of one gateway: feeds and feedback over gRPC."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import grpc
from google.protobuf.timestamp_pb2 import Timestamp

from moodfeed.feed.v1 import feed_pb2, feed_pb2_grpc
from moodfeed.feedback.v1 import feedback_pb2, feedback_pb2_grpc
from rpc.errors import read_error_info

VIEW, LIKE, NOT_INTERESTED = feedback_pb2.VERB_VIEW, feedback_pb2.VERB_LIKE, feedback_pb2.VERB_NOT_INTERESTED
ACCEPTED, DUPLICATE = feedback_pb2.RECORD_RESULT_ACCEPTED, feedback_pb2.RECORD_RESULT_DUPLICATE
FALLBACK_POPULAR, FALLBACK_TRENDING = feed_pb2.FALLBACK_POPULAR, feed_pb2.FALLBACK_TRENDING
VERBS = {
    "view": VIEW,
    "like": LIKE,
    "inspire": feedback_pb2.VERB_INSPIRE,
    "rating": feedback_pb2.VERB_RATING,
}
_SECONDS = 10.0
_RECONNECT = [
    ("grpc.initial_reconnect_backoff_ms", 50),
    ("grpc.min_reconnect_backoff_ms", 50),
    ("grpc.max_reconnect_backoff_ms", 200),
    ("grpc.use_local_subchannel_pool", 1),  # each caller has a connection of its own
]


@dataclass(frozen=True, slots=True)
class Did:
    """What somebody did; ``occurred_at_ms`` 0 means now."""

    event_id: str
    username: str
    post_id: int
    verb: int = LIKE
    occurred_at_ms: int = 0
    rating_percent: int = 0


@dataclass(frozen=True, slots=True)
class Refusal:
    """The status of a call that failed, and its reason, empty if it gives none."""

    status: str
    reason: str

    @classmethod
    def of(cls, error: grpc.RpcError) -> "Refusal":
        """What an error of gRPC says."""
        return cls(error.code().name, read_error_info(error).reason)

    def __str__(self) -> str:
        return f"{self.status} {self.reason}".strip()


class RefusedError(Exception):
    """A call failed; ``refusal`` says how."""

    def __init__(self, refusal: Refusal) -> None:
        self.refusal = refusal
        super().__init__(str(refusal))


class Caller:
    """Calls one gateway; every method raises RefusedError."""

    def __init__(self, channel: grpc.Channel) -> None:
        self._feeds = feed_pb2_grpc.FeedServiceStub(channel)
        self._feedback = feedback_pb2_grpc.FeedbackServiceStub(channel)

    def feed(self, username: str, **fields: object) -> feed_pb2.GetFeedResponse:
        """One page; ``fields`` are those of the request."""
        request = feed_pb2.GetFeedRequest(username=username, **fields)  # type: ignore[arg-type]
        try:
            answer: feed_pb2.GetFeedResponse = self._feeds.GetFeed(request, timeout=_SECONDS)
        except grpc.RpcError as error:
            raise RefusedError(Refusal.of(error)) from error
        return answer

    def record(self, rows: Iterable[Did]) -> feedback_pb2.RecordInteractionsResponse:
        """Record interactions."""
        request = feedback_pb2.RecordInteractionsRequest(interactions=[_interaction(row) for row in rows])
        try:
            answer: feedback_pb2.RecordInteractionsResponse = self._feedback.RecordInteractions(
                request, timeout=_SECONDS
            )
        except grpc.RpcError as error:
            raise RefusedError(Refusal.of(error)) from error
        return answer


@contextmanager
def calling(address: str) -> Iterator[Caller]:
    """A caller with a connection of its own."""
    with grpc.insecure_channel(address, options=_RECONNECT) as channel:
        yield Caller(channel)


def results(answer: feedback_pb2.RecordInteractionsResponse) -> Sequence[int]:
    """What became of each row: ACCEPTED, DUPLICATE or another number."""
    return [row.result for row in answer.results]


def post_ids(answer: feed_pb2.GetFeedResponse) -> list[int]:
    """The posts of a page, best first."""
    return [post.post_id for post in answer.posts]


def reasons(answer: feed_pb2.GetFeedResponse) -> Mapping[str, str]:
    """What was left out of a feed, and why."""
    return {item.stage: item.reason for item in answer.degradations}


def _interaction(row: Did) -> feedback_pb2.Interaction:
    interaction = feedback_pb2.Interaction(
        event_id=row.event_id,
        username=row.username,
        post_id=row.post_id,
        verb=row.verb,  # type: ignore[arg-type]
        rating_percent=row.rating_percent or None,
    )
    if row.occurred_at_ms:
        interaction.occurred_at.CopyFrom(
            Timestamp(seconds=row.occurred_at_ms // 1000, nanos=row.occurred_at_ms % 1000 * 1_000_000)
        )
    return interaction
