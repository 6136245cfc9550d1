"""Feeds through gateway, user tower and post index, with Milvus beside the default engine.

All share one user tower and one store, so they differ in nothing but the engine. The bundle is the tiny one with some
thousand posts more, so that a category has more than an engine gives at once.
"""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import grpc
import httpx
import numpy as np
import pytest

from benchmarks.processes import free_addresses, running_process
from benchmarks.scale.index_bundle import BLEND, made_table
from bundle.canary_embeddings import CanaryEmbeddings
from bundle.directory import open_bundle, point_current_at, write_bundle
from bundle.index_posts import UNKNOWN_MOMENT, Category, IndexPosts
from bundle.post_steps import PostSteps
from bundle.post_trends import PostTrends
from moodfeed.feed.v1 import feed_pb2, feed_pb2_grpc
from moodfeed.feedback.v1 import feedback_pb2, feedback_pb2_grpc
from post_collection.form import IndexKind
from post_collection.server import Server
from post_index_service.trends import EPOCH_SECONDS
from rpc.probe import is_serving
from tests.post_index_service.conftest import unit_rows
from tests.scale.milvus.conftest import publishing
from tests.tiny_bundle import CATEGORY_IDS, MANIFEST, POST_IDS, TOWER, tiny_files
from tests.waiting import wait_until

MORE = 4_000  # posts of each of the two categories beside those of the tiny bundle
MOOD = "calm"
USERNAME, CATEGORY = "ana", 7
DEFAULT, EXACT, FAST = "the default engine", "Milvus, all lists", "Milvus, some lists"
VARIABLES: Mapping[str, Mapping[str, str]] = {
    DEFAULT: {},
    EXACT: {"MOODFEED_POST_INDEX_ENGINE": "milvus"},
    FAST: {
        "MOODFEED_POST_INDEX_ENGINE": "milvus",
        "MOODFEED_POST_INDEX_MILVUS_SEARCH": "fast",
        "MOODFEED_POST_INDEX_MILVUS_READ": "4",
    },
}


def write_larger_bundle(root: Path) -> Path:
    """The tiny bundle with more posts, ranked by a blend; it is made current."""
    with_blend = replace(MANIFEST, canaries=(), blend=BLEND)

    def write_files(directory: Path) -> None:
        tiny_files()(directory)
        random = np.random.default_rng(3)
        count = len(POST_IDS) + 2 * MORE
        category_ids = np.concatenate([CATEGORY_IDS, np.repeat(np.array([2, 7], np.int32), MORE)])
        post_ids = np.concatenate([POST_IDS, 1_000 + np.arange(2 * MORE)])
        order = np.lexsort((post_ids, category_ids))
        category_ids, post_ids = category_ids[order], post_ids[order]
        IndexPosts(
            post_ids=post_ids,
            category_ids=category_ids,
            tower_embeddings=unit_rows(random, count, TOWER.tower_dimension),
            text_embeddings=unit_rows(random, count, TOWER.text_dimension).astype(np.float16),
            popularity=random.random(count, dtype=np.float32),
            created_ms=np.full(count, UNKNOWN_MOMENT),
            posts=made_table(post_ids, category_ids),
            categories=(Category(2, "calm"), Category(7, "loud")),
        ).write(directory)
        PostTrends.none(count).write(directory)
        PostSteps.none(count).write(directory)
        CanaryEmbeddings(np.zeros((0, 8), np.float32), np.zeros((0, 8), np.float32)).write(directory)

    directory = write_bundle(root, with_blend, write_files=write_files, sidecar={})
    point_current_at(root, directory.name)
    return directory


@dataclass(frozen=True, slots=True)
class Products:
    """The gateways over each engine."""

    feeds: Mapping[str, feed_pb2_grpc.FeedServiceStub]
    http: Mapping[str, str]
    feedback: feedback_pb2_grpc.FeedbackServiceStub

    def feed(self, engine: str, **fields: Any) -> feed_pb2.GetFeedResponse:
        return self.feeds[engine].GetFeed(feed_pb2.GetFeedRequest(page_size=20, **fields), timeout=30)

    def same_feed(self, **fields: Any) -> feed_pb2.GetFeedResponse:
        """The feed of both engines, once their counts are the same: a feed by user does not wait for new counts."""
        found: list[feed_pb2.GetFeedResponse] = []

        def are_equal() -> bool:
            found[:] = [self.shown(engine, **fields)[0] for engine in (DEFAULT, EXACT)]
            return found[0] == found[1]

        wait_until(are_equal, what="the same feed of both engines", seconds=EPOCH_SECONDS + 30)
        return found[1]

    def shown(self, engine: str, **fields: Any) -> tuple[feed_pb2.GetFeedResponse, str]:
        """All that a response says but its own name, and the token of the next page."""
        feed = self.feed(engine, **fields)
        token, feed.feed_id, feed.next_page_token = feed.next_page_token, "", ""
        return feed, token

    def likes(self, username: str, post_id: int) -> int:
        """Record a like; the position from which it counts."""
        liked = feedback_pb2.Interaction(username=username, post_id=post_id, verb="VERB_LIKE")
        return self.feedback.RecordInteractions(
            feedback_pb2.RecordInteractionsRequest(interactions=[liked]), timeout=30
        ).position


@pytest.fixture(scope="module")
def products(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Products]:
    directory = tmp_path_factory.mktemp("whole_path")
    bundle = write_larger_bundle(directory / "bundles")
    publishing(server, IndexKind.IVF_FLAT, lists=16).bring(open_bundle(bundle))
    tower, *rest = free_addresses(1 + 3 * len(VARIABLES))
    common = {
        "MOODFEED_BUNDLES": str(directory / "bundles"),
        "MOODFEED_STORE_URL": f"sqlite:///{directory / 'store.sqlite'}",
        "MOODFEED_USER_TOWER_ADDRESS": tower,
        "MOODFEED_GATEWAY_USER_TOWER_ADDRESS": tower,
        "MOODFEED_POST_INDEX_MILVUS_URI": server.uri,
        "MOODFEED_POST_INDEX_MILVUS_LOCAL_POSTS": "0",
    }
    feeds, http = {}, {}
    with ExitStack() as stack:
        waited = []

        def start(name: str, address: str, variables: Mapping[str, str], logs: Path) -> None:
            process = stack.enter_context(running_process(name, logs=logs, variables={**common, **variables}))
            waited.append((process, address))

        start("user_tower_service", tower, {}, directory)
        for place, (engine, variables) in enumerate(VARIABLES.items()):
            index, gateway, http[engine] = rest[3 * place : 3 * place + 3]
            start("post_index_service", index, {**variables, "MOODFEED_POST_INDEX_ADDRESS": index}, directory / engine)
            addresses = {
                "MOODFEED_GATEWAY_POST_INDEX_ADDRESS": index,
                "MOODFEED_GATEWAY_GRPC_ADDRESS": gateway,
                "MOODFEED_GATEWAY_HTTP_ADDRESS": http[engine],
            }
            start("gateway", gateway, addresses, directory / engine)
            channel = stack.enter_context(grpc.insecure_channel(gateway))
            feeds[engine] = feed_pb2_grpc.FeedServiceStub(channel)
        for process, address in waited:
            process.wait_until(lambda address=address: is_serving(address))
        yield Products(feeds, http, feedback_pb2_grpc.FeedbackServiceStub(channel))


@pytest.mark.parametrize("mood", ["", MOOD])
@pytest.mark.parametrize("has_category", [False, True])
@pytest.mark.parametrize("is_known", [False, True])
def test_both_pages_of_a_feed_are_those_of_the_default_engine(
    products: Products, is_known: bool, has_category: bool, mood: str
) -> None:
    asked: dict[str, Any] = {"username": USERNAME if is_known else "a stranger", "mood": mood}
    if has_category:
        asked["category_id"] = CATEGORY
    if not is_known:
        asked["fallback"] = "FALLBACK_POPULAR"
    (expected, expected_token), (found, token) = (products.shown(engine, **asked) for engine in (DEFAULT, EXACT))
    assert found == expected
    assert len(found.posts) == 20
    assert not found.HasField("approximate")
    second = products.shown(EXACT, **asked, page_token=token)[0]
    assert second == products.shown(DEFAULT, **asked, page_token=expected_token)[0]
    assert len(second.posts) == 20
    assert not {post.post_id for post in found.posts} & {post.post_id for post in second.posts}


def test_a_like_changes_the_next_feed_of_either_engine_alike(products: Products) -> None:
    before = products.feed(EXACT, username=USERNAME)
    position = products.likes(USERNAME, 50)
    milvus = products.same_feed(username=USERNAME, at_least_position=position)
    assert milvus.position >= position
    assert [post.post_id for post in milvus.posts] != [post.post_id for post in before.posts]


def test_a_stranger_has_a_feed_of_their_own_after_one_like(products: Products) -> None:
    position = products.likes("new here", 50)
    milvus = products.same_feed(username="new here", at_least_position=position)
    assert milvus.ranking == feed_pb2.RANKING_USER


@pytest.mark.parametrize("mood", ["", MOOD])
def test_an_index_that_may_miss_posts_says_so_in_the_feed(products: Products, mood: str) -> None:
    asked: dict[str, Any] = {"username": USERNAME, "category_id": CATEGORY, "mood": mood}
    first = products.feed(FAST, **asked)
    second = products.feed(FAST, **asked, page_token=first.next_page_token)
    assert (first.approximate, second.approximate) == (True, True)
    assert not {post.post_id for post in first.posts} & {post.post_id for post in second.posts}
    numbers = [post.ranking_score for page in (first, second) for post in page.posts]
    assert numbers == sorted(numbers, reverse=True)
    exact = products.feed(EXACT, **asked)
    assert len({post.post_id for post in first.posts} & {post.post_id for post in exact.posts}) >= 10


def test_over_http_only_an_approximate_feed_says_so(products: Products) -> None:
    asked = {"username": USERNAME, "category_id": CATEGORY}
    fast, exact = (
        httpx.get(f"http://{products.http[engine]}/feed", params=asked, timeout=30).json() for engine in (FAST, EXACT)
    )
    assert fast["approximate"] is True
    assert "approximate" not in exact


@pytest.mark.parametrize(("engine", "is_exact"), [(EXACT, True), (FAST, False)])
def test_similar_posts_say_it_too(products: Products, engine: str, is_exact: bool) -> None:
    post_id = products.feed(EXACT, username=USERNAME).posts[0].post_id
    request = feed_pb2.GetSimilarPostsRequest(post_id=post_id, username=USERNAME)
    similar = products.feeds[engine].GetSimilarPosts(request, timeout=30)
    assert similar.HasField("approximate") is not is_exact
    if is_exact:
        expected = products.feeds[DEFAULT].GetSimilarPosts(request, timeout=30)
        assert list(similar.posts) == list(expected.posts)
