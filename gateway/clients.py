"""The two compute services as a feed needs them: calls to any of their replicas, errors turned into those of a feed."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import grpc
import structlog

from gateway.context_messages import read_context, write_recent
from gateway.feed_types import (
    NO_WISH,
    BundleNotHeldError,
    CategoryNotFoundError,
    CountsNotHeldError,
    DeadlineExceededError,
    DependencyOverloadedError,
    DependencyTooOldError,
    DependencyUnavailableError,
    FeedCategory,
    FeedContext,
    FeedError,
    FeedRanking,
    FoundPosts,
    InvalidPageTokenError,
    LogWish,
    MoodTooLongError,
    PositionNotReachedError,
    PostNotFoundError,
    PostsNotHeldError,
    Search,
    WrongShardError,
)
from gateway.feedback_types import InvalidPersonError, NoStoreError, StoreUnavailableError
from gateway.gathering import Gathering
from gateway.shard_names import shards_of
from moodfeed.embedding.v1 import embedding_pb2
from moodfeed.packed.v1 import packed_pb2
from moodfeed.post_index.v1 import post_index_pb2, post_index_pb2_grpc
from moodfeed.user_tower.v1 import user_tower_pb2, user_tower_pb2_grpc
from rpc.attempts import NoReplicaError, RetryingCalls
from rpc.errors import read_error_info
from rpc.replicas import Replicas

_log = structlog.get_logger("gateway.clients")

_RANKINGS = {
    post_index_pb2.SEARCH_RANKING_USER: FeedRanking.USER,
    post_index_pb2.SEARCH_RANKING_MOOD_THEN_USER: FeedRanking.MOOD_THEN_USER,
    post_index_pb2.SEARCH_RANKING_MOOD: FeedRanking.MOOD,
    post_index_pb2.SEARCH_RANKING_POPULAR: FeedRanking.POPULAR,
    post_index_pb2.SEARCH_RANKING_TRENDING: FeedRanking.TRENDING,
    post_index_pb2.SEARCH_RANKING_SIMILAR: FeedRanking.SIMILAR,
}
_POST_INDEX_SERVICE = post_index_pb2.DESCRIPTOR.services_by_name["PostIndexService"].full_name
USER_TOWER, POST_INDEX = "user_tower_service", "post_index_service"
_BUNDLE_NOT_HELD = "BUNDLE_NOT_HELD"
_OVERLOADED = "OVERLOADED"
_POSITION_NOT_REACHED = "POSITION_NOT_REACHED"
_COUNTS_NOT_HELD = "COUNTS_NOT_HELD"
_POSTS_NOT_HELD = "POSTS_NOT_HELD"
ELSEWHERE = frozenset({_BUNDLE_NOT_HELD, _POSITION_NOT_REACHED, _COUNTS_NOT_HELD, _POSTS_NOT_HELD})
"""Another replica may have it already, or still."""

_ERRORS: Mapping[grpc.StatusCode, tuple[type[FeedError], str]] = {
    grpc.StatusCode.RESOURCE_EXHAUSTED: (DependencyOverloadedError, "is overloaded: try again later"),
    grpc.StatusCode.DEADLINE_EXCEEDED: (DeadlineExceededError, "did not answer in time"),
    grpc.StatusCode.UNAVAILABLE: (DependencyUnavailableError, "is unavailable"),
    grpc.StatusCode.CANCELLED: (DependencyUnavailableError, "is unavailable"),
}
_BY_REASON: Mapping[str, Callable[[str], FeedError]] = {
    "CATEGORY_NOT_FOUND": lambda _: CategoryNotFoundError(),
    "POST_NOT_FOUND": lambda _: PostNotFoundError(),
    "PAGE_TOO_DEEP": lambda details: InvalidPageTokenError(f"there is no next page: {details}"),
    "MOOD_TOO_LONG": MoodTooLongError,  # a service of another release may take less than this gateway
    "POSITION_NOT_REACHED": PositionNotReachedError,
    "COUNTS_NOT_HELD": CountsNotHeldError,
    "POSTS_NOT_HELD": PostsNotHeldError,
    "WRONG_SHARD": lambda message: WrongShardError(f"{POST_INDEX}: {message}", service=POST_INDEX),
    "NO_STORE": lambda _: NoStoreError("there is no store: set MOODFEED_STORE_URL for both compute services"),
    "STORE_UNAVAILABLE": lambda _: StoreUnavailableError("the store is unavailable: try again later"),
    "USERNAME_INVALID": InvalidPersonError,
    "SAME_PERSON": InvalidPersonError,
}
_FOR_ALL = frozenset(
    {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.CANCELLED}
)  # these fail each context alike; UNIMPLEMENTED by an older service or a message too large does not


class _Asked(NamedTuple):
    username: str
    mood: str
    bundle_id: str
    log: LogWish


class GrpcContextEncoder:
    """The user tower service behind its replicas.

    Contexts that are asked for while a call to each replica is under way are sent together.
    """

    def __init__(self, replicas: Replicas[user_tower_pb2_grpc.UserTowerServiceStub], *, attempt_seconds: float) -> None:
        self._calls = RetryingCalls(replicas, attempt_seconds=attempt_seconds, elsewhere=ELSEWHERE)
        self._gathering: Gathering[_Asked, user_tower_pb2.EncodeContextResponse] = Gathering(
            self._send,
            kind=lambda asked: (asked.bundle_id, asked.log.at_least),
            most_calls=lambda: max(1, replicas.well),
        )

    async def encode_context(
        self, username: str, mood: str, *, bundle_id: str, seconds: float, log: LogWish = NO_WISH
    ) -> FeedContext[embedding_pb2.Embedding]:
        """Embed a user and a mood."""
        try:
            answer = await self._gathering.ask(_Asked(username, mood, bundle_id, log), seconds=seconds)
        except (grpc.aio.AioRpcError, NoReplicaError) as error:
            raise feed_error(error, USER_TOWER) from error
        except TimeoutError as error:
            error_class, words = _ERRORS[grpc.StatusCode.DEADLINE_EXCEEDED]
            raise error_class(f"{USER_TOWER} {words}", service=USER_TOWER) from error
        if log.at_least and not (
            answer.HasField("position") and answer.position >= log.at_least
        ):  # a tower of before knows no positions
            raise PositionNotReachedError(f"position {log.at_least} cannot be reached: {USER_TOWER} has no store")
        return read_context(answer)

    async def _send(
        self, together: Sequence[_Asked], seconds: float
    ) -> Sequence[user_tower_pb2.EncodeContextResponse | BaseException]:
        """Send in one call; where only that call may have been refused, send one by one."""
        if len(together) == 1:
            return [await self._encode_one(together[0], seconds=seconds)]
        started = time.monotonic()
        try:
            return await self._encode_all(together, seconds=seconds)
        except grpc.aio.AioRpcError as error:
            if error.code() in _FOR_ALL or read_error_info(error).reason in {_BUNDLE_NOT_HELD, _OVERLOADED}:
                raise
        left = seconds - (time.monotonic() - started)
        return await asyncio.gather(
            *(self._encode_one(asked, seconds=left) for asked in together), return_exceptions=True
        )

    async def _encode_one(self, asked: _Asked, *, seconds: float) -> user_tower_pb2.EncodeContextResponse:
        request = user_tower_pb2.EncodeContextRequest(
            username=asked.username,
            mood=asked.mood,
            bundle_id=asked.bundle_id,
            as_of_position=asked.log.as_of,
            at_least_position=asked.log.at_least,
            wanted_position=asked.log.wanted,
            served_since_ms=asked.log.served_since_ms,
            feed=asked.log.feed,
        )
        answer: user_tower_pb2.EncodeContextResponse = await self._calls.call(
            lambda stub: stub.EncodeContext, request, seconds=seconds
        )
        return answer

    async def _encode_all(
        self, together: Sequence[_Asked], *, seconds: float
    ) -> Sequence[user_tower_pb2.EncodeContextResponse]:
        request = user_tower_pb2.EncodeContextsRequest(
            contexts=[
                user_tower_pb2.UserAndMood(
                    username=asked.username,
                    mood=asked.mood,
                    as_of_position=asked.log.as_of,
                    at_least_position=asked.log.at_least,
                    wanted_position=asked.log.wanted,
                    served_since_ms=asked.log.served_since_ms,
                    feed=asked.log.feed,
                )
                for asked in together
            ],
            bundle_id=together[0].bundle_id,
        )
        answer: user_tower_pb2.EncodeContextsResponse = await self._calls.call(
            lambda stub: stub.EncodeContexts, request, seconds=seconds
        )
        return answer.contexts


class PostIndexStub(post_index_pb2_grpc.PostIndexServiceStub):
    """The stub of the post index service; it leaves the posts of a search serialised."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        super().__init__(channel)  # type: ignore[no-untyped-call] # generated
        self.SearchPosts = channel.unary_unary(
            f"/{_POST_INDEX_SERVICE}/SearchPosts",
            request_serializer=post_index_pb2.SearchPostsRequest.SerializeToString,
            response_deserializer=packed_pb2.PackedSearchPostsResponse.FromString,
        )


class GrpcPostSearch:
    """The post index service behind its replicas."""

    def __init__(self, replicas: Replicas[PostIndexStub], *, attempt_seconds: float) -> None:
        self._calls = RetryingCalls(replicas, attempt_seconds=attempt_seconds, elsewhere=ELSEWHERE)

    async def search_posts(self, search: Search[embedding_pb2.Embedding], *, seconds: float) -> FoundPosts:
        """Rank posts."""
        if shards_of(search.left_out):
            raise PostsNotHeldError("an earlier page went without a shard, and there are no shards now")
        request = write_search(search)
        try:
            answer = await self._calls.call(lambda stub: stub.SearchPosts, request, seconds=seconds)
        except (grpc.aio.AioRpcError, NoReplicaError) as error:
            raise feed_error(error, POST_INDEX) from error
        return FoundPosts(
            posts=answer.posts,
            has_more=answer.has_more,
            ranking=read_ranking(answer.ranking),
            bundle_id=answer.bundle_id,
            current_bundle_id=answer.current_bundle_id,
            counted_position=answer.counted_position,
            posts_position=answer.posts_position if answer.HasField("posts_position") else None,
            rules_moment_ms=answer.rules_moment_ms,
            is_approximate=answer.approximate,
            unavailable_engine=answer.unavailable_engine,
        )

    async def list_categories(self, *, bundle_id: str = "", seconds: float) -> tuple[FeedCategory, ...]:
        """List all valid categories."""
        request = post_index_pb2.ListCategoriesRequest(bundle_id=bundle_id)
        try:
            answer = await self._calls.call(lambda stub: stub.ListCategories, request, seconds=seconds)
        except (grpc.aio.AioRpcError, NoReplicaError) as error:
            raise feed_error(error, POST_INDEX) from error
        return tuple(
            FeedCategory(category.category_id, category.name, category.post_count) for category in answer.categories
        )


def write_search(search: Search[embedding_pb2.Embedding]) -> post_index_pb2.SearchPostsRequest:
    """A search as a message."""
    similar_to = search.similar_to
    return post_index_pb2.SearchPostsRequest(
        user_embedding=search.context.user,
        mood_embedding=search.context.mood,
        category_id=search.category_id,
        exclude_post_ids=search.exclude_post_ids,
        exclude_external_ids=search.exclude_external_ids,
        seen_post_ids=search.context.seen_post_ids,
        not_interested_post_ids=search.context.not_interested_post_ids,
        withheld_post_ids=search.context.withheld_post_ids,
        offset=search.offset,
        limit=search.limit,
        bundle_id=search.context.bundle_id,
        trending=search.trending,
        counted_position=search.counted_position,
        at_least_position=search.at_least_position,
        posts_position=search.posts_position,
        rules_moment_ms=search.rules_moment_ms,
        category_ids=search.filters.category_ids,
        excluded_category_ids=search.filters.excluded_category_ids,
        excluded_owner_usernames=search.filters.excluded_owner_usernames,
        created_after_ms=search.filters.created_after_ms,
        languages=search.filters.languages,
        diversity=search.diversity,
        most_per_owner=search.most_per_owner,
        explain=search.explain,
        exploration_share=search.exploration_share,
        exploration_seed=search.exploration_seed,
        recent_history=write_recent(search.context.recent),
        similar_to_post_id=similar_to.post_id if similar_to and similar_to.post_id else None,
        similar_to_external_id=similar_to.external_id if similar_to and not similar_to.post_id else None,
    )


def read_ranking(ranking: post_index_pb2.SearchRanking) -> FeedRanking:
    """The rule that ordered posts; DependencyUnavailableError for one that this gateway does not know."""
    known = _RANKINGS.get(ranking)
    if known is None:
        _log.error("unknown ranking", service=POST_INDEX, ranking=ranking)
        raise DependencyUnavailableError(f"{POST_INDEX} failed", service=POST_INDEX)
    return known


def feed_error(error: grpc.aio.AioRpcError | NoReplicaError, service: str) -> FeedError:
    """The error of the feed that a failed call to ``service`` means.

    The gateway sends only what it has checked, so any other status is a fault of the service, whatever its code: it is
    logged, and the feed sees a service that is unavailable.
    """
    if isinstance(error, NoReplicaError):
        return DependencyUnavailableError(str(error), service=service)
    info = read_error_info(error)
    if info.reason == _BUNDLE_NOT_HELD and "current_bundle_id" in info.metadata:
        return BundleNotHeldError(error.details() or "", **info.metadata)
    if info.reason in _BY_REASON:
        return _BY_REASON[info.reason](error.details() or info.reason)
    code = error.code()
    if code is grpc.StatusCode.UNIMPLEMENTED:
        return DependencyTooOldError(
            f"{service} is older than the gateway, or its address is that of another service: try again later",
            service=service,
        )
    if code in _ERRORS:
        error_class, words = _ERRORS[code]
        return error_class(f"{service} {words}", service=service)
    _log.error("call failed", service=service, status=code.name, reason=info.reason, details=error.details())
    return DependencyUnavailableError(f"{service} failed", service=service, status=code.name)
