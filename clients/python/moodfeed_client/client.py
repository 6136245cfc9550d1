"""A client for threads."""

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
from moodfeed_client.pages import Pages
from moodfeed_client.requests import accepted, feeds_request, recording_of
from moodfeed_client.retries import Retries

DEFAULT_ADDRESS = "127.0.0.1:50050"
DEFAULT_TIMEOUT_SECONDS = 10.0
LONGEST_TIMEOUT_SECONDS = 365 * 86_400.0
"""gRPC takes a longer time, such as infinity, for one that is over."""


class MoodfeedClient:
    """Calls one gateway, or the gateways that stand behind one name; may be used by many threads.

    Every method raises a MoodfeedError. A call that fails is made again where that may help, as ``retries`` says, until
    ``timeout_seconds`` have passed since its beginning. Use it in a ``with`` block, or call ``close``.

        with MoodfeedClient("feeds.example.com:443", tls=Tls(), token=token) as client:
            for post in client.feed("ana", mood="calm").posts:
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
        options = channel_options(tls)
        self._channel = (
            grpc.secure_channel(address, tls.credentials(), options=options)
            if tls
            else grpc.insecure_channel(address, options=options)
        )
        self._is_closed = False
        self._token = token
        self._timeout_seconds = timeout_seconds
        self._retries = retries or Retries()

    def __enter__(self) -> Self:
        """The client itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()

    def close(self) -> None:
        """Close the connection; calls in progress fail, and later ones raise UnavailableError."""
        self._is_closed = True
        self._channel.close()

    def feed(
        self, username: str, *, timeout_seconds: float | None = None, **options: Unpack[FeedOptions]
    ) -> GetFeedResponse:
        """One page of a user's feed, best first."""
        return self.call(GET_FEED, GetFeedRequest(username=username, **options), timeout_seconds=timeout_seconds)

    def feed_pages(
        self, username: str, *, restart: bool = False, timeout_seconds: float | None = None,
        **options: Unpack[FeedOptions],
    ) -> Pages[GetFeedResponse]:  # fmt: skip
        """The pages of a user's feed; ``page_token`` resumes them. See Pages for ``restart``."""
        request = GetFeedRequest(username=username, **options)

        def ask(page_token: str) -> GetFeedResponse:
            request.page_token = page_token
            return self.call(GET_FEED, request, timeout_seconds=timeout_seconds)

        return Pages(ask, page_token=request.page_token, restart=restart)

    def feeds(
        self, feeds: Iterable[GetFeedRequest], *, distinct: bool = False, timeout_seconds: float | None = None
    ) -> list[FeedResult]:
        """1 to 64 feeds, in the order of the requests; ``feed_of`` gives the feed of a result, or raises its error.

        With ``distinct`` no post is in two of them.
        """
        request = feeds_request(feeds, distinct=distinct)
        return list(self.call(GET_FEEDS, request, timeout_seconds=timeout_seconds).results)

    def similar(
        self,
        post_id: int = 0,
        *,
        external_id: str = "",
        timeout_seconds: float | None = None,
        **options: Unpack[SimilarOptions],
    ) -> GetSimilarPostsResponse:
        """One page of the posts that are most like a post, for a user if ``username`` is given."""
        request = GetSimilarPostsRequest(post_id=post_id, external_id=external_id, **options)
        return self.call(GET_SIMILAR_POSTS, request, timeout_seconds=timeout_seconds)

    def similar_pages(
        self,
        post_id: int = 0,
        *,
        external_id: str = "",
        restart: bool = False,
        timeout_seconds: float | None = None,
        **options: Unpack[SimilarOptions],
    ) -> Pages[GetSimilarPostsResponse]:
        """The pages of similar posts."""
        request = GetSimilarPostsRequest(post_id=post_id, external_id=external_id, **options)

        def ask(page_token: str) -> GetSimilarPostsResponse:
            request.page_token = page_token
            return self.call(GET_SIMILAR_POSTS, request, timeout_seconds=timeout_seconds)

        return Pages(ask, page_token=request.page_token, restart=restart)

    def trending(
        self, *, timeout_seconds: float | None = None, **options: Unpack[TrendingOptions]
    ) -> ListTrendingResponse:
        """One page of the trending posts."""
        return self.call(LIST_TRENDING, ListTrendingRequest(**options), timeout_seconds=timeout_seconds)

    def trending_pages(
        self, *, restart: bool = False, timeout_seconds: float | None = None, **options: Unpack[TrendingOptions]
    ) -> Pages[ListTrendingResponse]:
        """The pages of the trending posts."""
        request = ListTrendingRequest(**options)

        def ask(page_token: str) -> ListTrendingResponse:
            request.page_token = page_token
            return self.call(LIST_TRENDING, request, timeout_seconds=timeout_seconds)

        return Pages(ask, page_token=request.page_token, restart=restart)

    def categories(self, *, timeout_seconds: float | None = None) -> list[Category]:
        """All categories with at least one post, ascending by id."""
        answer = self.call(LIST_CATEGORIES, ListCategoriesRequest(), timeout_seconds=timeout_seconds)
        return list(answer.categories)

    def record(
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
        answer = self.record_interactions([interaction], timeout_seconds=timeout_seconds)
        accepted(answer.results[0])
        return answer

    def record_interactions(
        self, interactions: Iterable[Interaction], *, timeout_seconds: float | None = None
    ) -> RecordInteractionsResponse:
        """Record 1 to 1000 interactions; each has a result of its own, in their order.

        Those without an ``event_id`` get one; a DUPLICATE was recorded before, also by an earlier attempt of this call.
        """
        return self.call(RECORD_INTERACTIONS, recording_of(interactions), timeout_seconds=timeout_seconds)

    def export_person(self, username: str, *, timeout_seconds: float | None = None) -> ExportPersonResponse:
        """Everything that is stored about a person; PersonNotFoundError if nothing is. For operators."""
        return self.call(EXPORT_PERSON, ExportPersonRequest(username=username), timeout_seconds=timeout_seconds)

    def delete_person(self, username: str, *, timeout_seconds: float | None = None) -> int:
        """Delete what is stored about a person; gives the position of the log. For operators."""
        request = DeletePersonRequest(username=username)
        return self.call(DELETE_PERSON, request, timeout_seconds=timeout_seconds).position

    def merge_people(self, merged_username: str, into_username: str, *, timeout_seconds: float | None = None) -> int:
        """Give all interactions of one person to another; gives the position of the log. For operators."""
        request = MergePeopleRequest(merged_username=merged_username, into_username=into_username)
        return self.call(MERGE_PEOPLE, request, timeout_seconds=timeout_seconds).position

    def upsert_posts(self, posts: Iterable[Post], *, timeout_seconds: float | None = None) -> UpsertPostsResponse:
        """Add or replace 1 to 64 posts; each has a result of its own, in their order."""
        return self.call(UPSERT_POSTS, UpsertPostsRequest(posts=posts), timeout_seconds=timeout_seconds)

    def delete_posts(
        self,
        post_ids: Iterable[int] = (),
        *,
        external_ids: Iterable[str] = (),
        timeout_seconds: float | None = None,
    ) -> int:
        """Delete posts, by either id; gives the position of the log from which on they are gone."""
        request = DeletePostsRequest(post_ids=post_ids, external_ids=external_ids)
        return self.call(DELETE_POSTS, request, timeout_seconds=timeout_seconds).position

    def posts(
        self,
        post_ids: Iterable[int] = (),
        *,
        external_ids: Iterable[str] = (),
        timeout_seconds: float | None = None,
    ) -> list[KeptPost]:
        """Posts as they are stored, ascending by id; unknown posts are left out."""
        request = GetPostsRequest(post_ids=post_ids, external_ids=external_ids)
        return list(self.call(GET_POSTS, request, timeout_seconds=timeout_seconds).posts)

    def set_rule(self, rule: Rule, *, timeout_seconds: float | None = None) -> int:
        """Add a rule, or replace the rule with its name; gives the position of the log. For operators."""
        return self.call(SET_RULE, SetRuleRequest(rule=rule), timeout_seconds=timeout_seconds).position

    def delete_rule(self, name: str, *, timeout_seconds: float | None = None) -> int:
        """Delete a rule; RuleNotFoundError if there is none of this name. For operators."""
        return self.call(DELETE_RULE, DeleteRuleRequest(name=name), timeout_seconds=timeout_seconds).position

    def rules(self, *, timeout_seconds: float | None = None) -> list[Rule]:
        """All rules, ascending by name. For operators."""
        return list(self.call(LIST_RULES, ListRulesRequest(), timeout_seconds=timeout_seconds).rules)

    def call(
        self, method: Method[RequestT, ResponseT], request: RequestT, *, timeout_seconds: float | None = None
    ) -> ResponseT:
        """Call a method of the contract by its message, with retries; the methods above all end here."""
        seconds = self._timeout_seconds if timeout_seconds is None else timeout_seconds
        end = time.monotonic() + min(seconds, LONGEST_TIMEOUT_SECONDS)
        make = self._channel.unary_unary(
            method.path,
            request_serializer=method.request.SerializeToString,
            response_deserializer=method.response.FromString,
        )
        attempt = 0
        while True:
            attempt += 1
            if self._is_closed:
                raise closed()
            try:
                answer: ResponseT = make(
                    request, timeout=max(0.0, end - time.monotonic()), metadata=metadata_of(self._token)
                )
            except grpc.RpcError as failure:
                error = error_of_call(failure)
                wait = self._wait_seconds(error, attempt, end, may_repeat=method.may_repeat)
                if wait is None or self._is_closed:  # closing cancels the calls in progress
                    raise error from failure
                time.sleep(wait)
            else:
                return answer

    def _wait_seconds(self, error: MoodfeedError, attempt: int, end: float, *, may_repeat: bool) -> float | None:
        return self._retries.wait_seconds(
            error, attempt=attempt, seconds_left=end - time.monotonic(), may_repeat=may_repeat
        )
