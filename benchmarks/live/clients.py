"""A caller of one gateway: feeds, feedback and posts over gRPC."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import grpc
from google.protobuf.timestamp_pb2 import Timestamp

from moodfeed.catalog.v1 import catalog_pb2, catalog_pb2_grpc
from moodfeed.feed.v1 import feed_pb2, feed_pb2_grpc
from moodfeed.feedback.v1 import feedback_pb2, feedback_pb2_grpc
from rpc.errors import read_error_info
from store.posts import Post

VIEW, LIKE, NOT_INTERESTED = feedback_pb2.VERB_VIEW, feedback_pb2.VERB_LIKE, feedback_pb2.VERB_NOT_INTERESTED
ACCEPTED, DUPLICATE = feedback_pb2.RECORD_RESULT_ACCEPTED, feedback_pb2.RECORD_RESULT_DUPLICATE
FALLBACK_POPULAR, FALLBACK_TRENDING = feed_pb2.FALLBACK_POPULAR, feed_pb2.FALLBACK_TRENDING
VERBS = {
    "view": VIEW,
    "like": LIKE,
    "inspire": feedback_pb2.VERB_INSPIRE,
    "rating": feedback_pb2.VERB_RATING,
}
MOST_UPSERTED = 64
"""Posts of one call."""

_MOST_READ = 1000
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


class RejectedError(Exception):
    """A post cannot be stored; the text says why."""


class Caller:
    """Calls one gateway; every method raises RefusedError."""

    def __init__(self, channel: grpc.Channel) -> None:
        self._feeds = feed_pb2_grpc.FeedServiceStub(channel)
        self._feedback = feedback_pb2_grpc.FeedbackServiceStub(channel)
        self._catalog = catalog_pb2_grpc.CatalogServiceStub(channel)

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

    def similar(self, post_id: int, **fields: object) -> feed_pb2.GetSimilarPostsResponse:
        """One page of the posts most like a post; ``fields`` are those of the request."""
        request = feed_pb2.GetSimilarPostsRequest(post_id=post_id, **fields)  # type: ignore[arg-type]
        try:
            answer: feed_pb2.GetSimilarPostsResponse = self._feeds.GetSimilarPosts(request, timeout=_SECONDS)
        except grpc.RpcError as error:
            raise RefusedError(Refusal.of(error)) from error
        return answer

    def upsert(self, posts: Sequence[Post]) -> None:
        """Add or replace posts, MOST_UPSERTED at most; RejectedError if one cannot be stored."""
        request = catalog_pb2.UpsertPostsRequest(posts=map(_post, posts))
        try:
            answer: catalog_pb2.UpsertPostsResponse = self._catalog.UpsertPosts(request, timeout=_SECONDS)
        except grpc.RpcError as error:
            raise RefusedError(Refusal.of(error)) from error
        for post, result in zip(posts, answer.results, strict=True):
            if result.result != catalog_pb2.UPSERT_RESULT_ACCEPTED:
                raise RejectedError(f"post {post.post_id}: {result.reason}")

    def delete(self, post_ids: Sequence[int]) -> None:
        """Delete posts."""
        request = catalog_pb2.DeletePostsRequest(post_ids=post_ids)
        try:
            self._catalog.DeletePosts(request, timeout=_SECONDS)
        except grpc.RpcError as error:
            raise RefusedError(Refusal.of(error)) from error

    def served(self, ids: Sequence[int]) -> int:
        """How many of these posts feeds may show now."""
        kept: list[catalog_pb2.KeptPost] = []
        for first in range(0, len(ids), _MOST_READ):
            request = catalog_pb2.GetPostsRequest(post_ids=ids[first : first + _MOST_READ])
            try:
                kept += self._catalog.GetPosts(request, timeout=_SECONDS).posts
            except grpc.RpcError as error:
                raise RefusedError(Refusal.of(error)) from error
        return sum(each.state == catalog_pb2.POST_STATE_SERVED for each in kept)


@contextmanager
def calling(address: str) -> Iterator[Caller]:
    """A caller with a connection of its own."""
    with grpc.insecure_channel(address, options=_RECONNECT) as channel:
        yield Caller(channel)


def results(answer: feedback_pb2.RecordInteractionsResponse) -> Sequence[int]:
    """What became of each row: ACCEPTED, DUPLICATE or another number."""
    return [row.result for row in answer.results]


def post_ids(answer: feed_pb2.GetFeedResponse | feed_pb2.GetSimilarPostsResponse) -> list[int]:
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


def _post(post: Post) -> catalog_pb2.Post:
    return catalog_pb2.Post(
        post_id=post.post_id,
        title=post.title,
        category_id=post.category_id,
        category_name=post.category_name,
        video_link=post.video_link,
        language=post.language,
        created_at=Timestamp(seconds=post.created_at_ms // 1000) if post.created_at_ms else None,
    )
