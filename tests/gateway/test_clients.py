"""The adapters against real peers: dead, slow, overloaded, and on another bundle."""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import grpc
import pytest

from bundle.directory import Bundle, current_bundle, point_current_at
from bundle.held_bundles import HeldBundles
from bundle.index_posts import IndexPosts
from compute.bundle_admin import LoggedBundles
from gateway.clients import GrpcContextEncoder, GrpcPostSearch
from gateway.edge import ERRORS as EDGE_ERRORS
from gateway.feed_types import (
    BundleNotHeldError,
    DeadlineExceededError,
    DependencyOverloadedError,
    DependencyUnavailableError,
    FeedContext,
    MoodTooLongError,
    Search,
)
from moodfeed.post_index.v1 import post_index_pb2_grpc
from moodfeed.user_tower.v1 import user_tower_pb2, user_tower_pb2_grpc
from post_index_service.index import PostIndex
from post_index_service.service import ERRORS, SERVICE_NAME, PostIndexService
from rpc.errors import ErrorRow, find_row, status_of_row
from rpc.replicas import Replicas
from rpc.server import ServerOptions, start_server
from tests.tiny_bundle import write_tiny_bundle

EXPECTED_CODES = {
    grpc.StatusCode.OK,
    grpc.StatusCode.CANCELLED,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
    grpc.StatusCode.UNAVAILABLE,
}
Stub = TypeVar("Stub")
Answer = TypeVar("Answer")


def ask_tower(address: str, *, seconds: float) -> FeedContext:
    async def ask(replicas: Replicas[user_tower_pb2_grpc.UserTowerServiceStub]) -> FeedContext:
        return await GrpcContextEncoder(replicas, attempt_seconds=0.5).encode_context(
            "ana", "", bundle_id="", seconds=seconds
        )

    return over(address, user_tower_pb2_grpc.UserTowerServiceStub, ask)


def over(
    address: str, stub: Callable[[grpc.aio.Channel], Stub], ask: Callable[[Replicas[Stub]], Awaitable[Answer]]
) -> Answer:
    async def run() -> Answer:
        replicas = Replicas("user_tower_service", [address], stub)
        await replicas.start()
        running = asyncio.create_task(replicas.run())
        try:
            return await ask(replicas)
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    return asyncio.run(run())


class Answering(user_tower_pb2_grpc.UserTowerServiceServicer):
    """Does what a test says."""

    def __init__(self, answer: Callable[[grpc.ServicerContext], None]) -> None:
        self._answer = answer

    def EncodeContext(self, request, context):  # noqa: N802
        self._answer(context)
        return user_tower_pb2.EncodeContextResponse()


def answer_of_a_tower_that(does: Callable[[grpc.ServicerContext], None], *, seconds: float) -> FeedContext:
    server = grpc.server(ThreadPoolExecutor(1))
    user_tower_pb2_grpc.add_UserTowerServiceServicer_to_server(Answering(does), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        return ask_tower(f"127.0.0.1:{port}", seconds=seconds)
    finally:
        server.stop(0).wait()


def test_a_dead_peer_is_unavailable_and_named() -> None:
    with pytest.raises(DependencyUnavailableError, match="user_tower_service"):
        ask_tower("127.0.0.1:1", seconds=2)


def test_a_peer_that_does_not_answer_in_time_is_a_deadline_of_our_own() -> None:
    def sleep(context: grpc.ServicerContext) -> None:
        while context.is_active():
            time.sleep(0.01)

    with pytest.raises(DeadlineExceededError, match="user_tower_service did not answer in time"):
        answer_of_a_tower_that(sleep, seconds=0.1)


def test_an_overloaded_peer_is_told_apart_from_a_dead_one() -> None:
    def refuse(context: grpc.ServicerContext) -> None:
        context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "full")

    with pytest.raises(DependencyOverloadedError, match="user_tower_service is overloaded"):
        answer_of_a_tower_that(refuse, seconds=1)


@pytest.mark.parametrize("code", sorted(set(grpc.StatusCode) - EXPECTED_CODES, key=lambda code: code.name))
def test_a_peer_that_fails_in_any_other_way_is_unavailable_and_its_words_stay_inside(code: grpc.StatusCode) -> None:
    def fail(context: grpc.ServicerContext) -> None:
        context.abort(code, "secret of the tower")

    said = "is older than the gateway" if code is grpc.StatusCode.UNIMPLEMENTED else "failed"
    with pytest.raises(DependencyUnavailableError, match=f"user_tower_service {said}") as caught:
        answer_of_a_tower_that(fail, seconds=1)
    row = find_row(EDGE_ERRORS, caught.value)
    assert row is not None
    assert row.status == grpc.StatusCode.UNAVAILABLE
    assert "secret" not in str(caught.value)


def test_a_peer_that_cannot_run_is_unavailable() -> None:
    def break_down(context: grpc.ServicerContext) -> None:
        raise ZeroDivisionError

    with pytest.raises(DependencyUnavailableError, match="user_tower_service failed"):
        answer_of_a_tower_that(break_down, seconds=1)


def test_a_mood_that_a_tower_finds_too_long_is_a_fault_of_the_request() -> None:
    def refuse(context: grpc.ServicerContext) -> None:
        row = ErrorRow(grpc.StatusCode.INVALID_ARGUMENT, "MOOD_TOO_LONG")
        context.abort_with_status(status_of_row(row, "mood has 300 code points, the maximum is 256"))

    with pytest.raises(MoodTooLongError, match="the maximum is 256"):
        answer_of_a_tower_that(refuse, seconds=1)


class TowerOfBefore(user_tower_pb2_grpc.UserTowerServiceServicer):
    """Does not know EncodeContexts; refuses one user, and holds back the first answer until it is told."""

    def __init__(self) -> None:
        self.may_answer = threading.Event()

    def EncodeContext(self, request, context):  # noqa: N802
        assert self.may_answer.wait(10)
        if request.username == "refused":
            context.abort(grpc.StatusCode.INTERNAL, "this one alone")
        return user_tower_pb2.EncodeContextResponse(seen_post_ids=[len(request.username)])


def test_users_whom_a_tower_does_not_take_together_are_asked_one_by_one() -> None:
    servicer = TowerOfBefore()
    running = start_server(
        ServerOptions("tower", "127.0.0.1:0", "ADDRESS", pool_size=4, grace_seconds=0),
        add_services=lambda server: user_tower_pb2_grpc.add_UserTowerServiceServicer_to_server(servicer, server),
        service_names=["moodfeed.user_tower.v1.UserTowerService"],
        errors={},
    )
    usernames = ["a", "bb", "refused", "dddd"]

    async def ask(replicas: Replicas[user_tower_pb2_grpc.UserTowerServiceStub]) -> list[FeedContext | BaseException]:
        tower = GrpcContextEncoder(replicas, attempt_seconds=0.5)
        asking = [
            asyncio.create_task(tower.encode_context(username, "", bundle_id="", seconds=10)) for username in usernames
        ]
        await asyncio.sleep(0)  # the first is out, the others wait for it
        servicer.may_answer.set()
        return await asyncio.gather(*asking, return_exceptions=True)

    try:
        answers = over(f"127.0.0.1:{running.port}", user_tower_pb2_grpc.UserTowerServiceStub, ask)
    finally:
        running.stop(0)
    refused = answers.pop(2)
    assert isinstance(refused, DependencyUnavailableError)
    assert isinstance(refused.__cause__, grpc.aio.AioRpcError)
    assert refused.__cause__.details() == "this one alone"
    assert [list(answer.seen_post_ids) for answer in answers if isinstance(answer, FeedContext)] == [[1], [2], [4]]


def index_of(bundle: Bundle) -> PostIndex:
    """Without the canaries, which know a trained bundle."""
    return PostIndex(IndexPosts.read(bundle), bundle_id=bundle.bundle_id, user_weight=bundle.manifest.user_weight)


def test_an_index_without_the_bundle_says_which_it_has_and_never_mixes(tmp_path: Path) -> None:
    point_current_at(tmp_path, write_tiny_bundle(tmp_path).name)
    indexes = HeldBundles(tmp_path, index_of, listener=LoggedBundles())
    running = start_server(
        ServerOptions("index", "127.0.0.1:0", "ADDRESS", pool_size=1, grace_seconds=0),
        add_services=lambda server: post_index_pb2_grpc.add_PostIndexServiceServicer_to_server(
            PostIndexService(indexes), server
        ),
        service_names=[SERVICE_NAME],
        errors=ERRORS,
    )
    search = Search(FeedContext(bundle_id="0" * 64), None, (), 0, 10)

    async def ask(replicas: Replicas[post_index_pb2_grpc.PostIndexServiceStub]) -> object:
        return await GrpcPostSearch(replicas, attempt_seconds=0.5).search_posts(search, seconds=2)

    try:
        with pytest.raises(BundleNotHeldError) as caught:
            over(f"127.0.0.1:{running.port}", post_index_pb2_grpc.PostIndexServiceStub, ask)
    finally:
        running.stop(0)
    assert caught.value.metadata["current_bundle_id"] == current_bundle(tmp_path).name
