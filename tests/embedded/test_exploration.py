"""What a search asks to explore reaches the index, in one process and over gRPC alike."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from bundle.embedding_space import Embedding
from bundle.held_bundles import HeldBundles
from compute.bundle_admin import LoggedBundles
from compute.embedding_messages import write_embedding
from compute.log_tail import LogTail
from embedded.coroutines import run_at_once
from embedded.ports import LocalPostSearch, Models
from gateway.clients import GrpcPostSearch, PostIndexStub
from gateway.feed_types import FeedContext, Search
from moodfeed.feed.v1 import feed_pb2
from moodfeed.post_index.v1 import post_index_pb2_grpc
from post_index_service.loading import load as load_index
from post_index_service.service import ERRORS, SERVICE_NAME, PostIndexService
from rpc import wall_clock
from rpc.server import ServerOptions, start_server
from store.posts import NewPost, Post, PostEmbedding
from store.sql_store import open_store
from tests.gateway.test_clients import over
from tests.tiny_bundle import write_servable_tiny_bundle
from user_tower_service.encoder import Encoder


def test_in_one_process_and_over_grpc_the_same_post_is_explored(tmp_path: Path) -> None:
    bundle_id = write_servable_tiny_bundle(tmp_path / "bundles").name
    url = f"sqlite:///{tmp_path}/store.sqlite"
    user = np.eye(8, dtype=np.float32)[0]
    with open_store(url) as store:
        posts = [NewPost(post=_new_post(post_id)) for post_id in (71, 72, 73)]
        last, _ = store.upsert_posts(posts)
        vector = (-user).astype("<f4").tobytes(), np.zeros(8, "<f2").tobytes()  # in the last places
        store.keep_embeddings(
            bundle_id,
            [
                PostEmbedding(post_id=post_id, revision=last - 2 + place, tower=vector[0], text=vector[1])
                for place, post_id in enumerate((71, 72, 73))
            ],
        )
    log = LogTail(lambda: open_store(url))
    with log.followed():
        held = HeldBundles(
            tmp_path / "bundles",
            lambda bundle: Models(Encoder(bundle, live=None), load_index(bundle, log=log, explores=True)),
            listener=LoggedBundles(),
        )
        index = held.current.index
        embedding = Embedding(index.tower_space, user)
        search = Search(FeedContext(user=embedding, bundle_id=bundle_id), None, (), 0, 3)
        asked = replace(search, exploration_share=1.0, exploration_seed=2**64 - 1)
        here = _found(run_at_once(LocalPostSearch(held).search_posts(asked, seconds=30)).posts)
        assert [reason for _, reason in here] == [feed_pb2.REASON_USER] * 2 + [feed_pb2.REASON_EXPLORATION]
        assert here[-1][0] in {71, 72, 73}
        plain = _found(run_at_once(LocalPostSearch(held).search_posts(search, seconds=30)).posts)
        assert [reason for _, reason in plain] == [feed_pb2.REASON_USER] * 3

        indexes = HeldBundles(tmp_path / "bundles", lambda _: index, listener=LoggedBundles())
        running = start_server(
            ServerOptions("index", "127.0.0.1:0", "ADDRESS", pool_size=2, grace_seconds=0),
            add_services=lambda server: post_index_pb2_grpc.add_PostIndexServiceServicer_to_server(
                PostIndexService(indexes, log), server
            ),
            service_names=[SERVICE_NAME],
            errors=ERRORS,
        )
        try:
            remote = replace(asked, context=FeedContext(user=write_embedding(embedding), bundle_id=bundle_id))
            there = over(
                f"127.0.0.1:{running.port}",
                PostIndexStub,
                lambda replicas: GrpcPostSearch(replicas, attempt_seconds=10).search_posts(remote, seconds=30),
            )
        finally:
            running.stop(0)
        assert _found(there.posts) == here


def _new_post(post_id: int) -> Post:
    return Post(
        post_id=post_id,
        category_id=2,
        video_link="https://video.example/new",
        created_at_ms=wall_clock.now_ms(),
        title="new",
    )


def _found(posts: object) -> list[tuple[int, int]]:
    return [(post.post_id, post.reason) for post in map(feed_pb2.FeedPost.FromString, posts)]
