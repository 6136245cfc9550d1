"""The adapters against real peers: dead, slow, and on another bundle."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest

from gateway.clients import GrpcPostIndex, GrpcUserTower
from gateway.feed import Context, DeadlineExceededError, Embedding, Search, UnavailableError
from moodfeed.post_index.v1 import post_index_pb2_grpc
from moodfeed.user_tower.v1 import user_tower_pb2, user_tower_pb2_grpc
from post_index_service.index import PostIndex
from post_index_service.service import ERRORS, SERVICE_NAME, PostIndexService
from rpc.channel import open_channel
from rpc.server import ServerOptions, start_server
from two_tower.bundle import current_bundle, open_bundle
from two_tower.bundle_files import IndexPosts

Call = Callable[[grpc.aio.Channel], Coroutine[object, object, object]]


def over(address: str, call: Call) -> object:
    async def run() -> object:
        async with open_channel(address) as channel:
            return await call(channel)

    return asyncio.run(run())


def test_a_dead_peer_is_unavailable_and_named() -> None:
    with pytest.raises(UnavailableError, match="user_tower_service is unavailable"):
        over("127.0.0.1:1", lambda channel: GrpcUserTower(channel).encode_context("ana", "", seconds=2))


def test_a_peer_that_does_not_answer_in_time_is_a_deadline_of_our_own() -> None:
    class Sleeper(user_tower_pb2_grpc.UserTowerServiceServicer):
        def EncodeContext(self, request, context):  # noqa: N802
            while context.is_active():
                time.sleep(0.01)
            return user_tower_pb2.EncodeContextResponse()

    server = grpc.server(ThreadPoolExecutor(1))
    user_tower_pb2_grpc.add_UserTowerServiceServicer_to_server(Sleeper(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        with pytest.raises(DeadlineExceededError, match="user_tower_service did not answer in time"):
            over(f"127.0.0.1:{port}", lambda channel: GrpcUserTower(channel).encode_context("ana", "", seconds=0.1))
    finally:
        server.stop(0).wait()


def test_an_index_on_another_bundle_is_unavailable_never_a_mixed_feed(small_bundles: Path) -> None:
    bundle = open_bundle(current_bundle(small_bundles))
    index = PostIndex(IndexPosts.read(bundle), bundle_id=bundle.bundle_id, user_weight=0.5)
    options = ServerOptions("index", "127.0.0.1:0", "ADDRESS", pool_size=1, grace_seconds=0)
    running = start_server(
        options,
        add_services=lambda server: post_index_pb2_grpc.add_PostIndexServiceServicer_to_server(
            PostIndexService(index), server
        ),
        service_names=[SERVICE_NAME],
        errors=ERRORS,
    )
    dimension = bundle.manifest.tower_dimension
    foreign = Embedding("0" * 64, 1, dimension, b"\0" * 4 * dimension)
    search = Search(Context(foreign, None, ()), None, (), 0, 10)
    try:
        with pytest.raises(UnavailableError, match="EMBEDDING_SPACE_MISMATCH"):
            over(f"127.0.0.1:{running.port}", lambda channel: GrpcPostIndex(channel).search_posts(search, seconds=2))
    finally:
        running.stop(0)
