"""A client for event loops."""

import asyncio
import time
from collections.abc import Iterable
from types import TracebackType
from typing import Self, Unpack

import grpc

from moodfeed_client.access import Tls, Token, channel_options, metadata_of
from moodfeed_client.contract.catalog_pb2 import (
    DeletePostsRequest,
    GetPostsRequest,
    KeptPost,
    Post,
    UpsertPostsRequest,
    UpsertPostsResponse,
)
from moodfeed_client.contract.feed_pb2 import (
    Category,
    FeedResult,
    GetFeedRequest,
    GetFeedResponse,
    GetSimilarPostsRequest,
    GetSimilarPostsResponse,
    ListCategoriesRequest,
    ListTrendingRequest,
    ListTrendingResponse,
)
from moodfeed_client.contract.feedback_pb2 import (
    DeletePersonRequest,
    ExportPersonRequest,
    ExportPersonResponse,
    Interaction,
    MergePeopleRequest,
    RecordInteractionsResponse,
)
from moodfeed_client.contract.options import FeedOptions, InteractionOptions, SimilarOptions, TrendingOptions
from moodfeed_client.contract.rules_pb2 import DeleteRuleRequest, ListRulesRequest, Rule, SetRuleRequest
from moodfeed_client.errors import MoodfeedError, closed, error_of_call
from moodfeed_client.methods import (
    DELETE_PERSON,
    DELETE_POSTS,
    DELETE_RULE,
    EXPORT_PERSON,
    GET_FEED,
    GET_FEEDS,
    GET_POSTS,
    GET_SIMILAR_POSTS,
    LIST_CATEGORIES,
    LIST_RULES,
    LIST_TRENDING,
    MERGE_PEOPLE,
    RECORD_INTERACTIONS,
    SET_RULE,
    UPSERT_POSTS,
    Method,
    RequestT,
    ResponseT,
)
from moodfeed_client.pages import AsyncPages
from moodfeed_client.requests import accepted, feeds_request, recording_of
from moodfeed_client.retries import Retries

DEFAULT_ADDRESS = "127.0.0.1:50050"
DEFAULT_TIMEOUT_SECONDS = 10.0
LONGEST_TIMEOUT_SECONDS = 365 * 86_400.0
"""gRPC takes a longer time, such as infinity, for one that is over."""


class AsyncMoodfeedClient:
    """Calls one gateway, or the gateways that stand behind one name; each event loop gets a connection of its own.

    Every method raises a MoodfeedError. A call that fails is made again where that may help, as ``retries`` says, until
    ``timeout_seconds`` have passed since its beginning. Use it in an ``async with`` block, or call ``close``.

        async with AsyncMoodfeedClient("feeds.example.com:443", tls=Tls(), token=token) as client:
            for post in (await client.feed("ana", mood="calm")).posts:
                print(post.title, post.video_link)
    """

    def __init__(
        self,
        address: str = DEFAULT_ADDRESS,
        *,
        token: Token | None = None,
        tls: Tls | None = None,
        timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS,
        retries: Retries | None = None,
    ) -> None:
        """``address`` is host:port of a gateway's gRPC; without ``tls`` the connection is plaintext.

        Errors: OSError if a file of ``tls`` cannot be read. The connection is made with the first call.
        """
        self._address = address
        self._options = channel_options(tls)
        self._credentials = tls.credentials() if tls else None
        self._channels: dict[asyncio.AbstractEventLoop, grpc.aio.Channel] = {}
        self._is_closed = False
        self._token = token
        self._timeout_seconds = timeout_seconds
        self._retries = retries or Retries()

    async def __aenter__(self) -> Self:
        """The client itself."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        await self.close()

    async def close(self) -> None:
        """Close the connection; calls in progress fail, and later ones raise UnavailableError."""
        self._is_closed = True
        channels, self._channels = self._channels, {}
        if channel := channels.get(asyncio.get_running_loop()):
            await channel.close()

    def _channel(self) -> grpc.aio.Channel:
        """The channel of the loop that runs: gRPC binds each to the loop in which it is made."""
        if self._is_closed:
            raise closed()
        loop = asyncio.get_running_loop()
        channel = self._channels.get(loop)
        if channel is None:
            self._channels = {other: held for other, held in self._channels.items() if not other.is_closed()}
            if self._credentials is None:
                channel = grpc.aio.insecure_channel(self._address, options=self._options)
            else:
                channel = grpc.aio.secure_channel(self._address, self._credentials, options=self._options)
            self._channels[loop] = channel
        return channel

    async def feed(
        self, username: str, *, timeout_seconds: float | None = None, **options: Unpack[FeedOptions]
    ) -> GetFeedResponse:
        """One page of a user's feed, best first."""
        return await self.call(GET_FEED, GetFeedRequest(username=username, **options), timeout_seconds=timeout_seconds)

    def feed_pages(
        self, username: str, *, restart: bool = False, timeout_seconds: float | None = None,
        **options: Unpack[FeedOptions],
    ) -> AsyncPages[GetFeedResponse]:  # fmt: skip
        """The pages of a user's feed; ``page_token`` resumes them. See Pages for ``restart``."""
        request = GetFeedRequest(username=username, **options)

        async def ask(page_token: str) -> GetFeedResponse:
            request.page_token = page_token
            return await self.call(GET_FEED, request, timeout_seconds=timeout_seconds)

        return AsyncPages(ask, page_token=request.page_token, restart=restart)

    async def feeds(
        self, feeds: Iterable[GetFeedRequest], *, distinct: bool = False, timeout_seconds: float | None = None
    ) -> list[FeedResult]:
        """1 to 64 feeds, in the order of the requests; ``feed_of`` gives the feed of a result, or raises its error.

        With ``distinct`` no post is in two of them.
        """
        request = feeds_request(feeds, distinct=distinct)
        return list((await self.call(GET_FEEDS, request, timeout_seconds=timeout_seconds)).results)

    async def similar(
        self,
        post_id: int = 0,
        *,
        external_id: str = "",
        timeout_seconds: float | None = None,
        **options: Unpack[SimilarOptions],
    ) -> GetSimilarPostsResponse:
        """One page of the posts that are most like a post, for a user if ``username`` is given."""
        request = GetSimilarPostsRequest(post_id=post_id, external_id=external_id, **options)
        return await self.call(GET_SIMILAR_POSTS, request, timeout_seconds=timeout_seconds)

    def similar_pages(
        self,
        post_id: int = 0,
        *,
        external_id: str = "",
        restart: bool = False,
        timeout_seconds: float | None = None,
        **options: Unpack[SimilarOptions],
    ) -> AsyncPages[GetSimilarPostsResponse]:
        """The pages of similar posts."""
        request = GetSimilarPostsRequest(post_id=post_id, external_id=external_id, **options)

        async def ask(page_token: str) -> GetSimilarPostsResponse:
            request.page_token = page_token
            return await self.call(GET_SIMILAR_POSTS, request, timeout_seconds=timeout_seconds)

        return AsyncPages(ask, page_token=request.page_token, restart=restart)

    async def trending(
        self, *, timeout_seconds: float | None = None, **options: Unpack[TrendingOptions]
    ) -> ListTrendingResponse:
        """One page of the trending posts."""
        return await self.call(LIST_TRENDING, ListTrendingRequest(**options), timeout_seconds=timeout_seconds)

    def trending_pages(
        self, *, restart: bool = False, timeout_seconds: float | None = None, **options: Unpack[TrendingOptions]
    ) -> AsyncPages[ListTrendingResponse]:
        """The pages of the trending posts."""
        request = ListTrendingRequest(**options)

        async def ask(page_token: str) -> ListTrendingResponse:
            request.page_token = page_token
            return await self.call(LIST_TRENDING, request, timeout_seconds=timeout_seconds)

        return AsyncPages(ask, page_token=request.page_token, restart=restart)

    async def categories(self, *, timeout_seconds: float | None = None) -> list[Category]:
        """All categories with at least one post, ascending by id."""
        answer = await self.call(LIST_CATEGORIES, ListCategoriesRequest(), timeout_seconds=timeout_seconds)
        return list(answer.categories)

    async def record(
        self,
        username: str,
        verb: int,
        *,
        timeout_seconds: float | None = None,
        **options: Unpack[InteractionOptions],
    ) -> RecordInteractionsResponse:
        """Record one thing that a person did, such as ``record("ana", Verb.LIKE, post_id=3)``.

        The client gives it an ``event_id``, unless one is given, so that a retry never counts twice. The response has
        the ``position`` that ``feed`` takes as ``at_least_position``. InvalidRequestError if it is rejected.
        """
        interaction = Interaction(username=username, verb=verb, **options)
        answer = await self.record_interactions([interaction], timeout_seconds=timeout_seconds)
        accepted(answer.results[0])
        return answer

    async def record_interactions(
        self, interactions: Iterable[Interaction], *, timeout_seconds: float | None = None
    ) -> RecordInteractionsResponse:
        """Record 1 to 1000 interactions; each has a result of its own, in their order.

        Those without an ``event_id`` get one; a DUPLICATE was recorded before, also by an earlier attempt of this call.
        """
        return await self.call(RECORD_INTERACTIONS, recording_of(interactions), timeout_seconds=timeout_seconds)

    async def export_person(self, username: str, *, timeout_seconds: float | None = None) -> ExportPersonResponse:
        """Everything that is stored about a person; PersonNotFoundError if nothing is. For operators."""
        return await self.call(EXPORT_PERSON, ExportPersonRequest(username=username), timeout_seconds=timeout_seconds)

    async def delete_person(self, username: str, *, timeout_seconds: float | None = None) -> int:
        """Delete what is stored about a person; gives the position of the log. For operators."""
        request = DeletePersonRequest(username=username)
        return (await self.call(DELETE_PERSON, request, timeout_seconds=timeout_seconds)).position

    async def merge_people(
        self, merged_username: str, into_username: str, *, timeout_seconds: float | None = None
    ) -> int:
        """Give all interactions of one person to another; gives the position of the log. For operators."""
        request = MergePeopleRequest(merged_username=merged_username, into_username=into_username)
        return (await self.call(MERGE_PEOPLE, request, timeout_seconds=timeout_seconds)).position

    async def upsert_posts(self, posts: Iterable[Post], *, timeout_seconds: float | None = None) -> UpsertPostsResponse:
        """Add or replace 1 to 64 posts; each has a result of its own, in their order."""
        return await self.call(UPSERT_POSTS, UpsertPostsRequest(posts=posts), timeout_seconds=timeout_seconds)

    async def delete_posts(
        self,
        post_ids: Iterable[int] = (),
        *,
        external_ids: Iterable[str] = (),
        timeout_seconds: float | None = None,
    ) -> int:
        """Delete posts, by either id; gives the position of the log from which on they are gone."""
        request = DeletePostsRequest(post_ids=post_ids, external_ids=external_ids)
        return (await self.call(DELETE_POSTS, request, timeout_seconds=timeout_seconds)).position

    async def posts(
        self,
        post_ids: Iterable[int] = (),
        *,
        external_ids: Iterable[str] = (),
        timeout_seconds: float | None = None,
    ) -> list[KeptPost]:
        """Posts as they are stored, ascending by id; unknown posts are left out."""
        request = GetPostsRequest(post_ids=post_ids, external_ids=external_ids)
        return list((await self.call(GET_POSTS, request, timeout_seconds=timeout_seconds)).posts)

    async def set_rule(self, rule: Rule, *, timeout_seconds: float | None = None) -> int:
        """Add a rule, or replace the rule with its name; gives the position of the log. For operators."""
        return (await self.call(SET_RULE, SetRuleRequest(rule=rule), timeout_seconds=timeout_seconds)).position

    async def delete_rule(self, name: str, *, timeout_seconds: float | None = None) -> int:
        """Delete a rule; RuleNotFoundError if there is none of this name. For operators."""
        return (await self.call(DELETE_RULE, DeleteRuleRequest(name=name), timeout_seconds=timeout_seconds)).position

    async def rules(self, *, timeout_seconds: float | None = None) -> list[Rule]:
        """All rules, ascending by name. For operators."""
        return list((await self.call(LIST_RULES, ListRulesRequest(), timeout_seconds=timeout_seconds)).rules)

    async def call(
        self, method: Method[RequestT, ResponseT], request: RequestT, *, timeout_seconds: float | None = None
    ) -> ResponseT:
        """Call a method of the contract by its message, with retries; the methods above all end here."""
        seconds = self._timeout_seconds if timeout_seconds is None else timeout_seconds
        end = time.monotonic() + min(seconds, LONGEST_TIMEOUT_SECONDS)
        attempt = 0
        while True:
            attempt += 1
            make = self._channel().unary_unary(
                method.path,
                request_serializer=method.request.SerializeToString,
                response_deserializer=method.response.FromString,
            )
            try:
                answer: ResponseT = await make(
                    request, timeout=max(0.0, end - time.monotonic()), metadata=metadata_of(self._token)
                )
            except grpc.RpcError as failure:
                error = error_of_call(failure)
                wait = self._wait_seconds(error, attempt, end, may_repeat=method.may_repeat)
                if wait is None:
                    raise error from failure
                await asyncio.sleep(wait)
            else:
                return answer

    def _wait_seconds(self, error: MoodfeedError, attempt: int, end: float, *, may_repeat: bool) -> float | None:
        return self._retries.wait_seconds(
            error, attempt=attempt, seconds_left=end - time.monotonic(), may_repeat=may_repeat
        )
