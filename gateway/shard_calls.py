"""Calls to the shards of an index that answer as one: of one bundle, and of one state of posts, rules and counts.

Shards that stand at other positions of the log are asked again, as of one that all of them know.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from gateway.clients import POST_INDEX
from gateway.feed_types import (
    CountsNotHeldError,
    DependencyUnavailableError,
    PostsNotHeldError,
    Search,
    WrongShardError,
)
from gateway.shard_wiring import ShardWiring, is_lost
from moodfeed.embedding.v1 import embedding_pb2
from moodfeed.post_index.v1 import post_index_pb2

SHARE = 0.6
"""Of the time left, for a shard without which a feed can be made."""
_COUNTS_SECONDS = 5.0  # for which the counts of one shard are taken for those of all

Answers = Mapping[int, post_index_pb2.RankPostsResponse]
"""By the number of the shard, ascending."""


class LostError(Exception):
    """A shard that had answered does so no more."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


@dataclass(slots=True)
class Asking:
    """What all shards are asked: the start of a ranking, ``count`` posts long, by the time ``end``."""

    request: post_index_pb2.SearchPostsRequest
    count: int
    may_degrade: bool
    end: float
    describes_all: bool


@dataclass(frozen=True, slots=True)
class Wanted:
    """Posts of one shard that are to be described: by their places in its ranking, or by id."""

    places: list[int]
    post_ids: list[int]


class ShardCalls:
    """Asks several shards at once; for one event loop."""

    def __init__(self, wiring: ShardWiring, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._wiring, self._shards, self._clock = wiring, wiring.shards, clock
        self._counted = ("", 0, 0.0)  # bundle, position, and when it was taken

    def left(self, end: float) -> float:
        """The seconds until a time."""
        return max(0.0, end - self._clock())

    async def ask_as_one(
        self, numbers: Sequence[int], asking: Asking, search: Search[embedding_pb2.Embedding]
    ) -> Answers:
        """Answers of one state of posts and counts."""
        request = asking.request
        counted = 0 if search.counted_position is not None else self._known_counts(search, request.bundle_id)
        if counted:
            request.counted_position = counted
        try:
            answers = await self._ask(numbers, asking)
        except CountsNotHeldError:
            if not counted:
                raise
            request.ClearField("counted_position")
            answers = await self._ask(numbers, asking)
        stale = self._agree(answers, request)
        if not stale:
            return answers
        try:
            again = await self._ask(stale, asking)
        except CountsNotHeldError:
            if search.counted_position is not None:
                raise
            # One of them cannot read on now: the others answer of the counts that it has.
            stale = self._agree(answers, request, of_counts=min)
            again = await self._ask(stale, asking)
        except PostsNotHeldError:
            if search.posts_position is not None:
                raise
            # One has just begun to follow the log, and knows no earlier state: the others come to its own.
            request.posts_position = max(answer.posts_position for answer in answers.values())
            return await self._ask(list(answers), asking)
        return {
            number: again.get(number, answer)
            for number, answer in answers.items()
            if number in again or number not in stale
        }

    def _agree(
        self,
        answers: Answers,
        request: post_index_pb2.SearchPostsRequest,
        *,
        of_counts: Callable[[Iterable[int]], int] = max,
    ) -> Sequence[int]:
        """Write into the request the state that all shards can answer of, and give those that have answered of another.

        Of posts and rules, that is the oldest that any has; of counts the newest, unless ``of_counts`` is min.
        """
        if len({answer.HasField("posts_position") for answer in answers.values()}) > 1:
            raise WrongShardError(f"{POST_INDEX}: some shards follow a store, and some do not", service=POST_INDEX)
        positions = [answer.counted_position for answer in answers.values()]
        counted = of_counts(positions or [0])
        position = common_position(answers)
        if any(positions):
            if counted != request.counted_position:
                self._counted = request.bundle_id, counted, self._clock()
            request.counted_position = counted
        if any(answer.HasField("posts_position") for answer in answers.values()):
            request.posts_position = position
        return [
            number
            for number, answer in answers.items()
            if answer.counted_position != counted or answer.posts_changed_position > position
        ]

    def _known_counts(self, search: Search[embedding_pb2.Embedding], bundle_id: str) -> int:
        """The position of the counts that searches have in common now; 0 if there is none, or newer ones are wanted."""
        of_bundle, position, taken_at = self._counted
        is_known = of_bundle == bundle_id and self._clock() - taken_at < _COUNTS_SECONDS
        return position if is_known and search.at_least_position <= position else 0

    async def ask_again(
        self, answers: Answers, asking: Asking, *, described: Mapping[int, Wanted] | None = None
    ) -> Answers:
        """Ask shards that have answered once more: for a longer start of their rankings, or to describe posts.

        LostError if one of them answers no more, and others may do without it.
        """
        again = await self._ask(list(described or answers), asking, described=described)
        for number in described or answers:
            if number not in again:
                raise LostError(number)
        return again

    async def reorder(
        self, number: int, request: post_index_pb2.ReorderPostsRequest, asking: Asking
    ) -> post_index_pb2.ReorderPostsResponse:
        """Have one shard reorder the merged ranking; raises as ``ask_again``."""
        seconds = self._seconds(asking)
        (answer,) = await asyncio.gather(
            self._shards[number].reorder_posts(request, seconds=seconds), return_exceptions=True
        )
        if not isinstance(answer, BaseException):
            return answer
        self._check_may_lack(number, answer, asking)
        raise LostError(number)

    async def _ask(
        self, numbers: Sequence[int], asking: Asking, *, described: Mapping[int, Wanted] | None = None
    ) -> Answers:
        """Rank in several shards at once; those that do not answer are left out if that is allowed."""
        seconds = self._seconds(asking)

        def request_to(number: int) -> post_index_pb2.RankPostsRequest:
            wanted = described[number] if described else None
            return post_index_pb2.RankPostsRequest(
                search=asking.request,
                shard=number,
                shards=len(self._shards),
                count=max(wanted.places, default=0) + 1 if wanted else asking.count,
                describes_all=asking.describes_all and not wanted,
                described_places=wanted.places if wanted else (),
                described_post_ids=wanted.post_ids if wanted else (),
            )

        found = await asyncio.gather(
            *(self._shards[number].rank_posts(request_to(number), seconds=seconds) for number in numbers),
            return_exceptions=True,
        )
        answers: dict[int, post_index_pb2.RankPostsResponse] = {}
        for number, answer in sorted(zip(numbers, found, strict=True)):
            if isinstance(answer, BaseException):
                self._check_may_lack(number, answer, asking)
            else:
                answers[number] = answer
        return answers

    def _check_may_lack(self, number: int, error: BaseException, asking: Asking) -> None:
        """Raise the error of a shard, unless it is lost and the others may do without it."""
        if not is_lost(error):
            raise error
        if not asking.may_degrade:
            message = f"{POST_INDEX}: {self._wiring.name(number)} is unavailable"
            error_class = type(error) if isinstance(error, DependencyUnavailableError) else DependencyUnavailableError
            raise error_class(message, service=POST_INDEX) from error

    def _seconds(self, asking: Asking) -> float:
        share = SHARE if asking.may_degrade and len(self._shards) > 1 else 1.0
        return share * self.left(asking.end)


def common_position(answers: Answers) -> int:
    """The newest position of posts and rules that all shards know."""
    return min((answer.posts_position for answer in answers.values()), default=0)
