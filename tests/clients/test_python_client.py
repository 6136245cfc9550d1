"""What the Python client decides by itself: retries, pages, errors, event ids."""

import asyncio
import math
import pickle
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "clients" / "python"))

from moodfeed_client import (
    AsyncMoodfeedClient,
    AsyncPages,
    DeadlineError,
    FeedPost,
    GetFeedResponse,
    Interaction,
    MoodfeedClient,
    MoodfeedError,
    NoStoreError,
    OverloadedError,
    Pages,
    PageTokenError,
    RateLimitedError,
    Retries,
    Tls,
    UnauthenticatedError,
    UnavailableError,
    Verb,
)
from moodfeed_client.access import Token, metadata_of
from moodfeed_client.contract.feed_pb2 import Category, ListCategoriesRequest, ListCategoriesResponse
from moodfeed_client.errors import error_of
from moodfeed_client.requests import recording_of

RETRIES = Retries(attempts=3, first_wait_seconds=1, longest_wait_seconds=4)


@pytest.mark.parametrize("attempts", [0, -1])
def test_a_call_that_is_never_made_cannot_be_asked_for(attempts: int) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        Retries(attempts=attempts)


def failure(kind: type[MoodfeedError], wait: float | None = None) -> MoodfeedError:
    return kind("UNAVAILABLE", "", "it failed", retry_after_seconds=wait)


def wait_after(error: MoodfeedError, *, attempt: int = 1, left: float = 60, may_repeat: bool = True) -> float | None:
    return RETRIES.wait_seconds(error, attempt=attempt, seconds_left=left, may_repeat=may_repeat)


def test_a_push_back_is_waited_for_exactly_and_only_if_the_deadline_allows_it() -> None:
    assert wait_after(failure(RateLimitedError, 0.75)) == 0.75
    assert wait_after(failure(OverloadedError, 0.1), may_repeat=False) == 0.1  # it was refused before it began
    assert wait_after(failure(RateLimitedError, 5), left=5) is None
    assert wait_after(failure(RateLimitedError, -1)) is None
    assert wait_after(failure(RateLimitedError, 0.1), attempt=3) is None


def test_without_a_push_back_the_waits_double_and_are_random() -> None:
    first = {wait_after(failure(UnavailableError)) for _ in range(50)}
    assert len(first) > 1
    assert all(wait is not None and 0.5 <= wait <= 1.5 for wait in first)
    assert 1 <= (wait_after(failure(UnavailableError), attempt=2) or 0) <= 3


@pytest.mark.parametrize("kind", [NoStoreError, DeadlineError, PageTokenError, RateLimitedError])
def test_what_a_retry_cannot_help_is_not_made_again(kind: type[MoodfeedError]) -> None:
    assert wait_after(failure(kind)) is None


def test_a_call_that_may_have_taken_effect_and_cannot_be_repeated_is_not_made_again() -> None:
    assert wait_after(failure(UnavailableError), may_repeat=False) is None


def test_each_interaction_gets_an_event_id_of_its_own_and_keeps_one_that_it_has() -> None:
    given = Interaction(username="ana", post_id=2**53 + 1, verb=Verb.LIKE)
    first, second, third = recording_of([given, given, Interaction(event_id="mine")]).interactions
    assert len({first.event_id, second.event_id, ""}) == 3
    assert third.event_id == "mine"
    assert given.event_id == ""
    assert first.post_id == 2**53 + 1


class Feed:
    """Pages of two posts, whose tokens die as often as is wanted."""

    def __init__(self, posts: int, *, dying: set[int]) -> None:
        self.calls: list[str] = []
        self._posts = posts
        self._dying = dying

    def ask(self, page_token: str) -> GetFeedResponse:
        self.calls.append(page_token)
        if page_token and len(self.calls) in self._dying:
            raise error_of("INVALID_ARGUMENT", "PAGE_TOKEN_INVALID", "too old")
        start = int(page_token or 0)
        ids = range(start, min(start + 2, self._posts))
        token = str(start + 2) if start + 2 < self._posts else ""
        return GetFeedResponse(posts=[FeedPost(post_id=post_id) for post_id in ids], next_page_token=token)

    async def ask_async(self, page_token: str) -> GetFeedResponse:
        return self.ask(page_token)


def test_pages_end_and_can_be_resumed_by_their_token() -> None:
    pages = Pages(Feed(5, dying=set()).ask)
    assert [post.post_id for post in next(pages).posts] == [0, 1]
    resumed = Pages(Feed(5, dying=set()).ask, page_token=pages.next_page_token)
    assert [post.post_id for post in resumed.posts()] == [2, 3, 4]
    assert list(resumed) == []


def test_a_token_that_dies_is_an_error_after_which_the_same_page_can_be_asked_for() -> None:
    feed = Feed(5, dying={2})
    pages = Pages(feed.ask)
    next(pages)
    with pytest.raises(PageTokenError):
        next(pages)
    assert [post.post_id for post in next(pages).posts] == [2, 3]
    assert feed.calls == ["", "2", "2"]


def test_pages_that_restart_say_so_and_give_no_post_twice() -> None:
    pages = Pages(Feed(7, dying={3}).ask, restart=True)
    assert [[post.post_id for post in page.posts] for page in pages] == [[0, 1], [2, 3], [4, 5], [6]]
    assert pages.restarts == 1


def test_pages_do_not_restart_for_ever() -> None:
    pages = Pages(Feed(7, dying=set(range(2, 100))).ask, restart=True)
    with pytest.raises(PageTokenError):
        list(pages)
    assert pages.restarts == 3


def test_pages_of_an_event_loop_do_the_same() -> None:
    async def read() -> tuple[list[int], int]:
        pages = AsyncPages(Feed(7, dying={3}).ask_async, restart=True)
        return [post.post_id async for post in pages.posts()], pages.restarts

    assert asyncio.run(read()) == ([0, 1, 2, 3, 4, 5, 6], 1)


def test_an_error_of_a_later_release_has_the_class_of_its_status_and_survives_pickling() -> None:
    error = error_of("UNAVAILABLE", "OF_LATER", "not now", metadata={"a": "b"}, retry_after_seconds=2)
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is UnavailableError
    assert (again.reason, again.metadata, again.retry_after_seconds) == ("OF_LATER", {"a": "b"}, 2)
    assert str(again) == "OF_LATER: not now"


def test_half_a_certificate_is_refused() -> None:
    with pytest.raises(ValueError, match="belong together"):
        Tls(certificate="certificate.pem")


class Gateway:
    """Ends the first call of each method with CANCELLED, as a gateway that is being stopped, or lets calls wait."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.has_begun = threading.Event()
        self.may_answer = threading.Event()
        self.waits = False

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler:
        name = details.method.rpartition("/")[2]

        def answer(_: bytes, context: grpc.ServicerContext) -> bytes:
            self.calls.append(name)
            self.has_begun.set()
            if self.waits:
                self.may_answer.wait(20)
            elif self.calls.count(name) == 1:
                context.abort(grpc.StatusCode.CANCELLED, "")
            return b""

        return grpc.unary_unary_rpc_method_handler(answer)


@pytest.fixture
def stopped() -> Iterator[tuple[Gateway, str]]:
    """A gateway that ends calls, and its address."""
    gateway = Gateway()
    handler = type("Handler", (grpc.GenericRpcHandler,), {"service": staticmethod(gateway.service)})()
    server = grpc.server(ThreadPoolExecutor(2), handlers=[handler])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield gateway, f"127.0.0.1:{port}"
    gateway.may_answer.set()
    server.stop(None).wait()


def test_a_call_that_a_stopped_gateway_cancels_is_repeated_where_one_that_finds_no_gateway_is(
    stopped: tuple[Gateway, str],
) -> None:
    gateway, address = stopped
    with MoodfeedClient(address, retries=Retries(first_wait_seconds=0.01)) as client:
        assert client.categories() == []
        client.delete_posts([1])
        with pytest.raises(UnavailableError) as refused:
            client.delete_rule("a")
    assert refused.value.status == "UNAVAILABLE"
    once = ["ListCategories"] * 2 + ["DeletePosts"] * 2 + ["DeleteRule"]
    assert gateway.calls == once
    gateway.calls.clear()

    async def ask() -> None:
        async with AsyncMoodfeedClient(address, retries=Retries(first_wait_seconds=0.01)) as client:
            assert await client.categories() == []
            await client.delete_posts([1])
            with pytest.raises(UnavailableError):
                await client.delete_rule("a")

    asyncio.run(ask())
    assert gateway.calls == once


def test_a_call_that_its_caller_cancels_is_no_error_of_the_gateway_and_is_not_repeated(
    stopped: tuple[Gateway, str],
) -> None:
    gateway, address = stopped
    gateway.waits = True

    async def cancel() -> None:
        async with AsyncMoodfeedClient(address) as client:
            asked = asyncio.create_task(client.categories())
            await asyncio.to_thread(gateway.has_begun.wait, 20)
            asked.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asked

    asyncio.run(cancel())
    assert gateway.calls == ["ListCategories"]


def test_a_client_that_is_closed_does_not_repeat_what_it_cancels(stopped: tuple[Gateway, str]) -> None:
    gateway, address = stopped
    gateway.waits = True
    client = MoodfeedClient(
        address, timeout_seconds=300, retries=Retries(first_wait_seconds=60, longest_wait_seconds=60)
    )
    with ThreadPoolExecutor(1) as threads:
        asked = threads.submit(client.categories)
        assert gateway.has_begun.wait(20)
        client.close()
        with pytest.raises(UnavailableError):
            asked.result(timeout=20)
    assert gateway.calls == ["ListCategories"]


@pytest.fixture
def address() -> Iterator[str]:
    """Of a server that names the header `authorization` of each call as a category."""

    def categories(_: ListCategoriesRequest, context: grpc.ServicerContext) -> ListCategoriesResponse:
        token = str(dict(context.invocation_metadata()).get("authorization", ""))
        return ListCategoriesResponse(categories=[Category(name=token)])

    server = grpc.server(ThreadPoolExecutor(2))
    method = grpc.unary_unary_rpc_method_handler(
        categories, ListCategoriesRequest.FromString, ListCategoriesResponse.SerializeToString
    )
    service = grpc.method_handlers_generic_handler("moodfeed.feed.v1.FeedService", {"ListCategories": method})
    server.add_generic_rpc_handlers((service,))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield f"127.0.0.1:{port}"
    server.stop(None).wait()


def test_one_asyncio_client_serves_one_event_loop_after_another(address: str) -> None:
    client = AsyncMoodfeedClient(address, token="abc")  # of a module, say, before there is a loop

    async def name() -> str:
        return (await client.categories())[0].name

    assert [asyncio.run(name()) for _ in range(3)] == ["Bearer abc"] * 3
    assert len(client._channels) == 1  # those of loops that are over are gone
    asyncio.run(client.close())


def test_a_closed_client_says_so_and_may_be_closed_again(address: str) -> None:
    client = MoodfeedClient(address)
    client.categories()
    client.close()
    client.close()
    with pytest.raises(UnavailableError, match="the client is closed"):
        client.categories()

    async def use_closed() -> None:
        closed = AsyncMoodfeedClient(address)
        await closed.categories()
        await closed.close()
        await closed.close()
        await closed.categories()

    with pytest.raises(UnavailableError, match="the client is closed"):
        asyncio.run(use_closed())


@pytest.mark.parametrize("seconds", [math.inf, 1e12])
def test_a_call_may_take_for_ever(address: str, seconds: float) -> None:
    with MoodfeedClient(address, timeout_seconds=seconds) as client:
        assert client.categories()

    async def ask() -> int:
        async with AsyncMoodfeedClient(address) as client:
            return len(await client.categories(timeout_seconds=seconds))

    assert asyncio.run(ask()) == 1


def test_a_token_may_end_with_the_line_of_its_file(address: str) -> None:
    with MoodfeedClient(address, token=lambda: " abc\r\n") as client:
        assert client.categories()[0].name == "Bearer abc"


@pytest.mark.parametrize("token", ["s\u00e9cret", "one\ntwo", lambda: "a\x00b"])
def test_a_token_that_no_header_can_hold_is_refused_and_not_shown(token: Token) -> None:
    with pytest.raises(UnauthenticatedError) as refused:
        metadata_of(token)
    assert str(refused.value) == "UNAUTHENTICATED: the token holds a character that no header can hold"
