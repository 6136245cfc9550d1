"""A post search over the shards of an index: asks those that hold what is wanted, and merges what they answer.

All answers to a search are of one bundle, and of one state of the posts, the rules and the counts. Shards that stand at
other positions of the log are asked again, as of one that all of them know.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from gateway.clients import POST_INDEX, read_ranking, write_search
from gateway.feed_types import (
    BundleNotHeldError,
    CountsNotHeldError,
    Degradation,
    DependencyUnavailableError,
    FeedCategory,
    FoundPosts,
    PostsNotHeldError,
    Search,
    WrongShardError,
)
from gateway.shard_merge import MergedPost, merged
from gateway.shard_names import SHARD_UNAVAILABLE, shards_of
from gateway.shard_posts import renumbered
from gateway.shard_wiring import Shard, ShardWiring, is_lost
from moodfeed.embedding.v1 import embedding_pb2
from moodfeed.post_index.v1 import post_index_pb2

_SHARE = 0.6  # of the time left, for a shard without which a feed can be made
_ALL_DESCRIBED = 100  # posts from the start of each shard: up to so many, one call is enough
_COUNTS_SECONDS = 5.0  # for which the counts of one shard are taken for those of all
UNSHARDED_ONLY = "SHARDED"

Answers = Mapping[int, post_index_pb2.RankPostsResponse]
"""By the number of the shard, ascending."""


class _LostError(Exception):
    """A shard that had answered does so no more."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


@dataclass(slots=True)
class _Asking:
    """What all shards are asked: the start of a ranking, ``count`` posts long, by the time ``end``."""

    request: post_index_pb2.SearchPostsRequest
    count: int
    may_degrade: bool
    end: float


class ShardedPostSearch:
    """The shards of one index, in their order; for one event loop."""

    def __init__(
        self, shards: Sequence[Shard], *, now_ms: Callable[[], int], clock: Callable[[], float] = time.monotonic
    ) -> None:
        """``now_ms`` reads milliseconds since 1970: rules count as at that moment in all shards alike."""
        self.wiring = ShardWiring(shards)
        self._shards = self.wiring.shards
        self._now_ms, self._clock = now_ms, clock
        self._counted = ("", 0, 0.0)  # bundle, position, and when it was taken

    async def search_posts(self, search: Search[embedding_pb2.Embedding], *, seconds: float) -> FoundPosts:
        """Rank posts."""
        end = self._clock() + seconds
        if search.context.bundle_id:
            return await self._search(search, search.context.bundle_id, end=end)
        if not self.wiring.current_bundle_id:
            await self.wiring.learn(seconds=seconds)
        try:
            return await self._search(search, self.wiring.current_bundle_id, end=end)
        except BundleNotHeldError as error:
            return await self._search(search, error.metadata["current_bundle_id"], end=end)

    async def list_categories(self, *, bundle_id: str = "", seconds: float) -> tuple[FeedCategory, ...]:
        """List all valid categories: each shard knows those of all."""
        end = self._clock() + seconds
        for shard in self._shards[:-1]:
            try:
                return await shard.list_categories(bundle_id=bundle_id, seconds=_SHARE * self._left(end))
            except DependencyUnavailableError as error:
                if not is_lost(error):
                    raise
        return await self._shards[-1].list_categories(bundle_id=bundle_id, seconds=self._left(end))

    async def _search(self, search: Search[embedding_pb2.Embedding], bundle_id: str, *, end: float) -> FoundPosts:
        try:
            wanted = await self._wanted(search, bundle_id, end=end)
            return await self._search_in(wanted, search, bundle_id, end=end)
        except BundleNotHeldError as error:
            await self.wiring.learn(seconds=self._left(end))
            raise BundleNotHeldError(str(error), current_bundle_id=self.wiring.current_bundle_id) from error
        except _LostError as error:
            left_out = search.left_out | {self.wiring.name(error.number)}
            return await self._search(replace(search, left_out=left_out), bundle_id, end=end)

    async def _search_in(
        self, wanted: Sequence[int], search: Search[embedding_pb2.Embedding], bundle_id: str, *, end: float
    ) -> FoundPosts:
        left_out = self._left_out(search)
        request, lacking = write_search(search), _lacking(search)
        if lacking and search.is_strict:
            message = f"an index of several shards cannot apply {lacking[0].stage}, and strict is set"
            raise DependencyUnavailableError(message, service=POST_INDEX)
        request.bundle_id = bundle_id
        request.offset, request.diversity, request.most_per_owner, request.exploration_share = 0, 0.0, 0, 0.0
        if search.rules_moment_ms is None:
            request.rules_moment_ms = self._now_ms()
        asking = _Asking(request, search.offset + search.limit, search.may_degrade, end)
        answers = await self._ask_as_one([number for number in wanted if number not in left_out], asking, search)
        if not answers:
            names = " and ".join(map(self.wiring.name, wanted))
            raise DependencyUnavailableError(f"{POST_INDEX}: {names} is unavailable", service=POST_INDEX)
        window = merged(list(answers.values()), asking.count, offset=search.offset)
        posts = await self._posts(answers, window, asking)
        first = next(iter(answers.values()))
        missing = (self.wiring.name(number) for number in wanted if number not in answers)
        return FoundPosts(
            posts=posts,
            has_more=asking.count < sum(answer.total for answer in answers.values()),
            ranking=read_ranking(first.ranking),
            bundle_id=bundle_id,
            current_bundle_id=self.wiring.current_bundle_id or bundle_id,
            counted_position=first.counted_position,
            posts_position=_common_position(answers) if first.HasField("posts_position") else None,
            rules_moment_ms=request.rules_moment_ms,
            degradations=(*(Degradation(name, SHARD_UNAVAILABLE) for name in missing), *lacking),
        )

    async def _wanted(self, search: Search[embedding_pb2.Embedding], bundle_id: str, *, end: float) -> Sequence[int]:
        """The shards that hold what is wanted."""
        categories = search.filters.category_ids if search.category_id is None else (search.category_id,)
        if not categories:
            return range(len(self._shards))
        return await self.wiring.shards_of(categories, bundle_id, seconds=self._left(end))

    def _left_out(self, search: Search[embedding_pb2.Embedding]) -> frozenset[int]:
        """The shards that an earlier page went without: later ones do as well, or places would move."""
        left_out = shards_of(search.left_out)
        if any(shards != len(self._shards) for _, shards in left_out):
            raise PostsNotHeldError("an earlier page went without a shard, and the shards are others now")
        return frozenset(number for number, _ in left_out)

    async def _ask_as_one(
        self, numbers: Sequence[int], asking: _Asking, search: Search[embedding_pb2.Embedding]
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

    def _agree(self, answers: Answers, request: post_index_pb2.SearchPostsRequest) -> Sequence[int]:
        """Write into the request the state that all shards can answer of, and give those that have answered of another.

        Of counts, that is the newest that any has; of posts and rules, the oldest.
        """
        if len({answer.HasField("posts_position") for answer in answers.values()}) > 1:
            raise WrongShardError(f"{POST_INDEX}: some shards follow a store, and some do not", service=POST_INDEX)
        counted = max((answer.counted_position for answer in answers.values()), default=0)
        position = _common_position(answers)
        if counted:
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

    async def _posts(self, answers: Answers, window: Sequence[MergedPost], asking: _Asking) -> Sequence[bytes]:
        """The posts of the window as they are shown; those of later places are asked for in a second call."""
        numbers = list(answers)
        shown = [post for post in window if not post.is_withheld]
        if asking.count > _ALL_DESCRIBED:
            places: dict[int, list[int]] = {}
            for post in shown:
                places.setdefault(numbers[post.answer], []).append(post.place)
            answers = {**answers, **await self._ask(list(places), asking, places=places)}
            for number in places:
                if not answers[number].posts:
                    raise _LostError(number)
        known = [
            dict(zip(answer.described_places, answer.posts, strict=True))
            for answer in (answers[number] for number in numbers)
        ]
        return [
            renumbered(known[post.answer][post.place], post.number)
            if post.is_renumbered
            else known[post.answer][post.place]
            for post in shown
        ]

    async def _ask(
        self, numbers: Sequence[int], asking: _Asking, *, places: Mapping[int, Sequence[int]] | None = None
    ) -> Answers:
        """Rank in several shards at once; those that do not answer are left out if that is allowed.

        All posts are described if they are few, or else those in certain ``places``.
        """
        share = _SHARE if asking.may_degrade and len(self._shards) > 1 else 1.0
        seconds = share * self._left(asking.end)

        def request_to(number: int) -> post_index_pb2.RankPostsRequest:
            described = places[number] if places else ()
            return post_index_pb2.RankPostsRequest(
                search=asking.request,
                shard=number,
                shards=len(self._shards),
                count=max(described) + 1 if described else asking.count,
                describes_all=asking.count <= _ALL_DESCRIBED,
                described_places=described,
            )

        found = await asyncio.gather(
            *(self._shards[number].rank_posts(request_to(number), seconds=seconds) for number in numbers),
            return_exceptions=True,
        )
        answers: dict[int, post_index_pb2.RankPostsResponse] = {}
        for number, answer in sorted(zip(numbers, found, strict=True)):
            if not isinstance(answer, BaseException):
                answers[number] = answer
                continue
            if not is_lost(answer):
                raise answer
            if not asking.may_degrade:
                message = f"{POST_INDEX}: {self.wiring.name(number)} is unavailable"
                error_class = (
                    type(answer) if isinstance(answer, DependencyUnavailableError) else DependencyUnavailableError
                )
                raise error_class(message, service=POST_INDEX) from answer
            if places:
                raise _LostError(number)
        return answers

    def _left(self, end: float) -> float:
        return max(0.0, end - self._clock())


def _common_position(answers: Answers) -> int:
    """The newest position of posts and rules that all shards know."""
    return min((answer.posts_position for answer in answers.values()), default=0)


def _lacking(search: Search[embedding_pb2.Embedding]) -> tuple[Degradation, ...]:
    """What only one index with all posts can do."""
    lacking = (("diversity", search.diversity), ("most_per_owner", search.most_per_owner))
    return tuple(Degradation(stage, UNSHARDED_ONLY) for stage, is_asked in lacking if is_asked)
