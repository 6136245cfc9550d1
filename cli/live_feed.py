"""One person's feed at a running gateway, and what the person does with its posts: through the public API alone."""

from dataclasses import dataclass
from enum import StrEnum
from types import TracebackType
from typing import Self

import grpc

from cli.gateway_access import GatewayAccess, bearer
from cli.gateway_calls import CALL_SECONDS, CallRefusedError, calling, refusal
from moodfeed.feed.v1 import feed_pb2, feed_pb2_grpc
from moodfeed.feedback.v1 import feedback_pb2, feedback_pb2_grpc
from rpc.channel import open_blocking_channel
from rpc.errors import read_error_info

STARTING_MOOD = "calm"
"""Part of what a person is asked for of whom nothing is known."""


class Deed(StrEnum):
    """What a person may have done with a post; each value is a verb of the contract in small letters."""

    VIEW = "view"
    LIKE = "like"
    INSPIRE = "inspire"
    SKIP = "skip"
    NOT_INTERESTED = "not-interested"


@dataclass(frozen=True, slots=True)
class Asked:
    """Whose feed is asked for, and which part of it."""

    username: str
    category_id: int | None = None
    mood: str = ""
    page_size: int = 10

    def __str__(self) -> str:
        """The parts, for a title."""
        category = "" if self.category_id is None else f"category {self.category_id}"
        return ", ".join(part for part in (self.username, category, self.mood) if part)


@dataclass(frozen=True, slots=True)
class Shown:
    """A feed, and what it is the answer to: posts to begin with, where the person is unknown."""

    feed: feed_pb2.GetFeedResponse
    asked: Asked
    is_stranger: bool = False

    @property
    def post_ids(self) -> tuple[int, ...]:
        """The posts in their order."""
        return tuple(post.post_id for post in self.feed.posts)


class LiveFeed:
    """Reads a person's feed, never older than what it has recorded itself. A context manager: it holds a channel."""

    def __init__(self, gateway: GatewayAccess) -> None:
        self._gateway = gateway
        self._channel = open_blocking_channel(gateway.address, gateway.tls)
        self._feeds = feed_pb2_grpc.FeedServiceStub(self._channel)
        self._feedback = feedback_pb2_grpc.FeedbackServiceStub(self._channel)
        self._metadata = bearer(gateway.token)
        self._categories: tuple[feed_pb2.Category, ...] | None = None
        self.position = 0
        """The position of the log after the newest deed."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._channel.close()

    def read(self, asked: Asked) -> Shown:
        """The feed; for an unknown person, posts to begin with. Raises CallRefusedError."""
        try:
            return Shown(self._ask(asked), asked)
        except grpc.RpcError as error:
            if read_error_info(error).reason != "USER_NOT_FOUND" or not self.categories():
                raise refusal(error, self._gateway.address) from error
        start = Asked(
            asked.username,
            self.largest_category().category_id if asked.category_id is None else asked.category_id,
            asked.mood or STARTING_MOOD,
            asked.page_size,
        )
        with calling(self._gateway.address):
            return Shown(self._ask(start), start, is_stranger=True)

    def _ask(self, asked: Asked) -> feed_pb2.GetFeedResponse:
        request = feed_pb2.GetFeedRequest(
            username=asked.username,
            category_id=asked.category_id,
            mood=asked.mood,
            page_size=asked.page_size,
            at_least_position=self.position,
        )
        answer: feed_pb2.GetFeedResponse = self._feeds.GetFeed(request, metadata=self._metadata, timeout=CALL_SECONDS)
        return answer

    def categories(self) -> tuple[feed_pb2.Category, ...]:
        """All categories; asked for once. Raises CallRefusedError."""
        if self._categories is None:
            with calling(self._gateway.address):
                answer = self._feeds.ListCategories(
                    feed_pb2.ListCategoriesRequest(), metadata=self._metadata, timeout=CALL_SECONDS
                )
            self._categories = tuple(answer.categories)
        return self._categories

    def largest_category(self) -> feed_pb2.Category:
        """The category with the most posts; there must be one."""
        return max(self.categories(), key=lambda category: category.post_count)

    def do(self, username: str, deed: Deed, post_id: int, *, feed_id: str = "") -> str:
        """Record a deed; gives its event id. Raises CallRefusedError."""
        return self._record(
            feedback_pb2.Interaction(username=username, post_id=post_id, verb=f"VERB_{deed.name}", feed_id=feed_id)
        )

    def take_back(self, username: str, event_id: str) -> None:
        """Take a deed back. Raises CallRefusedError."""
        self._record(feedback_pb2.Interaction(username=username, retracts=event_id))

    def _record(self, interaction: feedback_pb2.Interaction) -> str:
        with calling(self._gateway.address):
            answer = self._feedback.RecordInteractions(
                feedback_pb2.RecordInteractionsRequest(interactions=[interaction]),
                metadata=self._metadata,
                timeout=CALL_SECONDS,
            )
        (result,) = answer.results
        if result.result == feedback_pb2.RECORD_RESULT_REJECTED:
            raise CallRefusedError("REJECTED", result.reason)
        self.position = max(self.position, answer.position)
        return str(result.event_id)

    def delete_person(self, username: str, *, admin_token: str = "") -> int:
        """Delete a person, as an operator; gives the position. Raises CallRefusedError."""
        with calling(self._gateway.address):
            answer = self._feedback.DeletePerson(
                feedback_pb2.DeletePersonRequest(username=username), metadata=bearer(admin_token), timeout=CALL_SECONDS
            )
        self.position = max(self.position, answer.position)
        return int(answer.position)
