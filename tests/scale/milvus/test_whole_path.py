"""Feeds through gateway, user tower and post index, with Milvus beside the default engine.

All share one user tower and one store, so they differ in nothing but the engine.
"""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import httpx
import numpy as np
import pytest

from benchmarks.processes import free_addresses, running_process
from bundle.directory import current_bundle, open_bundle
from bundle.index_posts import IndexPosts
from bundle.known_users import KnownUsers
from moodfeed.feed.v1 import feed_pb2, feed_pb2_grpc
from moodfeed.feedback.v1 import feedback_pb2, feedback_pb2_grpc
from post_collection.form import IndexKind
from post_collection.server import Server
from rpc.probe import is_serving
from tests.scale.milvus.conftest import publishing

NOON = 1_767_225_600
DEFAULT, EXACT, FAST = "the default engine", "Milvus, all lists", "Milvus, one list"
VARIABLES: Mapping[str, Mapping[str, str]] = {
    DEFAULT: {},
    EXACT: {"MOODFEED_POST_INDEX_ENGINE": "milvus"},
    FAST: {
        "MOODFEED_POST_INDEX_ENGINE": "milvus",
        "MOODFEED_POST_INDEX_MILVUS_SEARCH": "fast",
        "MOODFEED_POST_INDEX_MILVUS_READ": "1",
    },
}


@dataclass(frozen=True, slots=True)
class Products:
    """The gateways over each engine, and a user and a category of the bundle."""

    feeds: Mapping[str, feed_pb2_grpc.FeedServiceStub]
    http: Mapping[str, str]
    feedback: feedback_pb2_grpc.FeedbackServiceStub
    username: str
    category_id: int

    def feed(self, engine: str, **fields: Any) -> feed_pb2.GetFeedResponse:
        return self.feeds[engine].GetFeed(feed_pb2.GetFeedRequest(page_size=20, **fields), timeout=30)

    def shown(self, engine: str, **fields: Any) -> tuple[object, str]:
        """All that a response says but its own name, and the token of the next page."""
        feed = self.feed(engine, **fields)
        token, feed.feed_id, feed.next_page_token = feed.next_page_token, "", ""
        return feed, token

    def likes(self, username: str, post_id: int, *, second: int) -> int:
        """Record a like; the position from which it counts."""
        liked = feedback_pb2.Interaction(username=username, post_id=post_id, verb="VERB_LIKE")
        liked.occurred_at.FromSeconds(NOON + second)
        return self.feedback.RecordInteractions(
            feedback_pb2.RecordInteractionsRequest(interactions=[liked]), timeout=30
        ).position


@pytest.fixture(scope="module")
def products(small_bundles: Path, server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Products]:
    bundle = open_bundle(current_bundle(small_bundles))
    publishing(server, IndexKind.IVF_FLAT, lists=16).bring(bundle)
    users, posts = KnownUsers.read(bundle), IndexPosts.read(bundle)
    directory = tmp_path_factory.mktemp("whole_path")
    tower, *rest = free_addresses(1 + 3 * len(VARIABLES))
    common = {
        "MOODFEED_BUNDLES": str(small_bundles),
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
        yield Products(
            feeds,
            http,
            feedback_pb2_grpc.FeedbackServiceStub(channel),
            users.usernames[int(np.diff(users.offsets).argmax())],
            int(np.bincount(posts.category_ids[posts.category_ids > 0]).argmax()),
        )


@pytest.mark.parametrize("mood", ["", "calm evening by the sea"])
@pytest.mark.parametrize("has_category", [False, True])
@pytest.mark.parametrize("is_known", [False, True])
def test_both_pages_of_a_feed_are_those_of_the_default_engine(
    products: Products, is_known: bool, has_category: bool, mood: str
) -> None:
    asked: dict[str, Any] = {"username": products.username if is_known else "a stranger", "mood": mood}
    if has_category:
        asked["category_id"] = products.category_id
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
    before = products.feed(EXACT, username=products.username)
    position = products.likes(products.username, before.posts[0].post_id, second=0)
    (default, _), (milvus, _) = (
        products.shown(engine, username=products.username, at_least_position=position) for engine in (DEFAULT, EXACT)
    )
    assert milvus == default
    assert milvus.position >= position
    assert [post.post_id for post in milvus.posts] != [post.post_id for post in before.posts]
    assert before.posts[0].post_id not in {post.post_id for post in milvus.posts}, "what was met comes last"


def test_a_stranger_has_a_feed_of_their_own_after_one_like(products: Products) -> None:
    liked = products.feed(EXACT, username=products.username, category_id=products.category_id).posts[0].post_id
    position = products.likes("new here", liked, second=1)
    (default, _), (milvus, _) = (
        products.shown(engine, username="new here", at_least_position=position) for engine in (DEFAULT, EXACT)
    )
    assert milvus == default
    assert milvus.ranking == feed_pb2.RANKING_USER


@pytest.mark.parametrize("mood", ["", "calm evening by the sea"])
def test_an_index_that_may_miss_posts_says_so_in_the_feed(products: Products, mood: str) -> None:
    asked: dict[str, Any] = {"username": products.username, "category_id": products.category_id, "mood": mood}
    first = products.feed(FAST, **asked)
    second = products.feed(FAST, **asked, page_token=first.next_page_token)
    assert (first.approximate, second.approximate) == (True, True)
    assert not {post.post_id for post in first.posts} & {post.post_id for post in second.posts}
    numbers = [post.ranking_score for page in (first, second) for post in page.posts]
    assert numbers == sorted(numbers, reverse=True)
    exact = products.feed(EXACT, **asked)
    assert len({post.post_id for post in first.posts} & {post.post_id for post in exact.posts}) >= 10


def test_over_http_only_an_approximate_feed_says_so(products: Products) -> None:
    asked = {"username": products.username, "category_id": products.category_id}
    fast, exact = (
        httpx.get(f"http://{products.http[engine]}/feed", params=asked, timeout=30).json() for engine in (FAST, EXACT)
    )
    assert fast["approximate"] is True
    assert "approximate" not in exact


@pytest.mark.parametrize(("engine", "is_exact"), [(EXACT, True), (FAST, False)])
def test_similar_posts_say_it_too(products: Products, engine: str, is_exact: bool) -> None:
    post_id = products.feed(EXACT, username=products.username).posts[0].post_id
    request = feed_pb2.GetSimilarPostsRequest(post_id=post_id, username=products.username)
    similar = products.feeds[engine].GetSimilarPosts(request, timeout=30)
    assert similar.HasField("approximate") is not is_exact
    if is_exact:
        expected = products.feeds[DEFAULT].GetSimilarPosts(request, timeout=30)
        assert list(similar.posts) == list(expected.posts)
