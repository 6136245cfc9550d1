"""A user with a longer history than any message for strangers may hold is served as everybody is."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import grpc
import httpx
import numpy as np
import pytest
from safetensors.numpy import save_file

from bundle import file_names
from bundle.canary_embeddings import CanaryEmbeddings
from bundle.directory import open_bundle, point_current_at, write_bundle
from bundle.index_posts import Category, IndexPosts
from bundle.known_users import HistoryPosts, KnownUsers
from bundle.post_steps import PostSteps
from bundle.post_trends import PostTrends
from bundle.served_posts import PostTable, ServedPost
from cli.stack import Addresses, running_stack
from moodfeed.feed.v1 import feed_pb2, feed_pb2_grpc
from tests.end_to_end.conftest import free_addresses
from tests.tiny_bundle import MANIFEST, TINY_ENCODER, TOWER, random_weights
from two_tower.features import NUMERIC_FEATURES
from two_tower.tower_files import post_tower_shapes, user_tower_shapes, write_words
from user_tower_service.encoder import MOST_SEEN, Encoder

SEEN = 150_000
FIRST = 2**62  # as long on the wire as an id can be
POSTS = FIRST + np.arange(SEEN + 10)
OLDEST, NEWEST, UNSEEN = POSTS[:10], POSTS[SEEN - 10 : SEEN], POSTS[SEEN:]


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One user has met 150,000 posts, another one three; the index holds 30 posts."""
    root = tmp_path_factory.mktemp("bundles")
    tower = replace(TOWER, post_count=len(POSTS))
    random = np.random.default_rng(0)

    def unit_rows(count: int) -> np.ndarray:
        vectors = random.normal(size=(count, 8)).astype(np.float32)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    def write_files(directory: Path) -> None:
        served = np.concatenate([OLDEST, NEWEST, UNSEEN])
        IndexPosts(
            post_ids=served,
            category_ids=np.full(len(served), 2, dtype=np.int32),
            tower_embeddings=unit_rows(len(served)),
            text_embeddings=unit_rows(len(served)).astype(np.float16),
            popularity=random.random(len(served), dtype=np.float32),
            created_ms=np.zeros(len(served), dtype=np.int64),
            posts=PostTable.of(
                ServedPost(int(post_id), "", "", "", 2, "", external_id=f"video-{number}")
                for number, post_id in enumerate(served)
            ),
            categories=(Category(2, "calm"),),
        ).write(directory)
        PostTrends.none(len(served)).write(directory)
        PostSteps.none(len(served)).write(directory)
        HistoryPosts(post_ids=POSTS, representations=random.normal(size=(len(POSTS), 4)).astype(np.float32)).write(
            directory
        )
        met = np.concatenate([POSTS[:SEEN], POSTS[:3]])
        KnownUsers(
            user_ids=np.array([1, 2]),
            usernames=("reads everything", "reads little"),
            offsets=np.array([0, SEEN, SEEN + 3]),
            post_ids=met,
            verbs=np.zeros(len(met), dtype=np.int8),
            strengths=np.ones(len(met), dtype=np.float32),
            days=np.concatenate([np.linspace(-400, 0, SEEN), [-3, -2, -1]]).astype(np.float32),
        ).write(directory)
        CanaryEmbeddings(np.zeros((0, 8), dtype=np.float32), np.zeros((0, 8), dtype=np.float32)).write(directory)
        shutil.copytree(TINY_ENCODER, directory / file_names.MOOD_ENCODER)
        save_file(random_weights(random, user_tower_shapes(tower), spread=0.2), directory / file_names.USER_TOWER)
        save_file(
            random_weights(random, post_tower_shapes(tower), spread=0.2)
            | {
                "known.numeric": np.zeros((len(POSTS), len(NUMERIC_FEATURES)), dtype=np.float32),
                "known.category_rows": np.ones(len(POSTS), dtype=np.int64),
                "known.category_ids": np.array([2, 7]),
                "known.is_new": np.zeros(len(POSTS), dtype=np.bool_),
            },
            directory / file_names.POST_TOWER,
        )
        write_words(("one", "two", "one two"), directory)

    manifest = replace(MANIFEST, canaries=(), tower=tower.as_facts())
    directory = write_bundle(root, manifest, write_files=write_files, sidecar={})
    point_current_at(root, directory.name)
    return root


@pytest.fixture(scope="module", params=[False, True], ids=["three processes", "one process"])
def addresses(
    request: pytest.FixtureRequest, bundles: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Addresses]:
    addresses = free_addresses()
    with pytest.MonkeyPatch.context() as environment:
        for service in ("POST_INDEX", "USER_TOWER"):
            environment.setenv(f"MOODFEED_{service}_METRICS_PORT", "0")
        environment.setenv("MOODFEED_GATEWAY_DEADLINE_SECONDS", "20")
        logs = tmp_path_factory.mktemp("logs")
        with running_stack(bundles, addresses, logs=logs, embedded=request.param):
            yield addresses


def whole_feed(addresses: Addresses, username: str, **fields: object) -> list[feed_pb2.FeedPost]:
    request = feed_pb2.GetFeedRequest(username=username, page_size=7, **fields)
    posts: list[feed_pb2.FeedPost] = []
    with grpc.insecure_channel(addresses.gateway_grpc) as channel:
        while True:
            page = feed_pb2_grpc.FeedServiceStub(channel).GetFeed(request, timeout=30)
            posts += page.posts
            request.page_token = page.next_page_token
            if not page.next_page_token:
                return posts


@pytest.mark.parametrize("fields", [{}, {"category_id": 2}, {"mood": "calm"}, {"mood": "calm", "category_id": 2}])
def test_the_newest_of_a_long_history_count_as_seen_and_come_last(
    addresses: Addresses, fields: dict[str, object]
) -> None:
    posts = whole_feed(addresses, "reads everything", **fields)
    assert {post.post_id for post in posts[:20]} == {*OLDEST.tolist(), *UNSEEN.tolist()}
    assert {post.post_id for post in posts[20:]} == set(NEWEST.tolist())
    numbers = [post.ranking_score for post in posts]
    assert numbers == sorted(numbers, reverse=True)
    assert numbers[19] - numbers[20] > 1


def test_posts_are_excluded_by_external_id_on_every_page(addresses: Addresses) -> None:
    everything = whole_feed(addresses, "reads little")
    out = [post.external_id for post in everything[::2]]
    left = whole_feed(addresses, "reads little", exclude_external_ids=out)
    assert left == everything[1::2]
    parameters = {"username": "reads little", "page_size": "100", "exclude": ",".join(out)}
    page = httpx.get(f"http://{addresses.gateway_http}/feed", params=parameters, timeout=30).json()
    assert [post["external_id"] for post in page["posts"]] == [post.external_id for post in left]


def test_the_newest_posts_are_told_each_once(bundles: Path) -> None:
    encoder = Encoder(open_bundle((bundles / "current").resolve()), mood_cache_size=0)
    seen = encoder.encode_context("reads everything", "").seen_post_ids
    assert seen == tuple(POSTS[SEEN - MOST_SEEN : SEEN].tolist())
    assert encoder.encode_context("reads little", "").seen_post_ids == tuple(POSTS[:3].tolist())
