"""Posts that were seen or shown, over real sockets: one process, three processes, and two replicas of each."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import grpc
import httpx
import pytest

from benchmarks.processes import NO_TLS
from moodfeed.feed.v1 import feed_pb2, feed_pb2_grpc
from tests.end_to_end.test_feedback import LAYOUTS, POSTS, Product, likes, running
from tests.gateway.conftest import running_gateway


@pytest.fixture(scope="module", params=LAYOUTS)
def product(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    with running(request.param, tmp_path_factory.mktemp("product")) as product:
        yield product


def get(product: Product, **query: object) -> dict[str, object]:
    answer = httpx.get(f"http://{product.http_address}/feed", params=query, timeout=10, trust_env=False, verify=NO_TLS)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_over_both_edges_no_post_comes_again_until_the_feed_is_exhausted(product: Product) -> None:
    product.record(likes("remembers", 20))
    found = product.ids("remembers", page_size=2, remember_served=True)
    page = get(product, username="remembers", page_size=2, remember_served="true")
    assert page["exhausted"] is False
    found += [post["post_id"] for post in page["posts"]]
    last = product.feed("remembers", page_size=2, remember_served=True)
    assert not last.exhausted
    assert sorted([*found, *(post.post_id for post in last.posts)]) == sorted(POSTS)
    again = product.feed("remembers", page_size=2, remember_served=True)
    assert again.exhausted
    assert {post.post_id for post in again.posts} == set(found[:2])


def test_over_both_edges_seen_posts_are_left_out(product: Product) -> None:
    product.record(likes("excludes", 20), likes("excludes", 10))
    assert set(product.ids("excludes", seen=feed_pb2.SEEN_EXCLUDED)) == POSTS - {10, 20}
    page = get(product, username="excludes", seen="EXCLUDED")
    assert {post["post_id"] for post in page["posts"]} == POSTS - {10, 20}
    product.record(*(likes("excludes", post_id) for post_id in sorted(POSTS - {10, 20})))
    assert get(product, username="excludes", seen="EXCLUDED") | {"feed_id": "", "position": 0} == {
        "posts": [],
        "next_page_token": "",
        "bundle_id": page["bundle_id"],
        "ranking": "RANKING_USER",
        "degradations": [],
        "feed_id": "",
        "position": 0,
        "exhausted": True,
    }


def test_what_becomes_of_seen_posts_must_be_something_known(product: Product) -> None:
    assert product.refusal("ana", seen=7)[:2] == ("INVALID_ARGUMENT", "SEEN_INVALID")


def test_a_gateway_that_knows_a_person_hears_of_what_another_one_shows(product: Product, tmp_path: Path) -> None:
    if not product.services:
        pytest.skip("one process has one gateway")
    variables = {**product.services, "MOODFEED_GATEWAY_CONTEXT_CACHE_SIZE": "1000"}
    with ExitStack() as stack:
        gateway = stack.enter_context(running_gateway(tmp_path, variables))
        channel = stack.enter_context(grpc.insecure_channel(gateway.grpc_address))
        other = feed_pb2_grpc.FeedServiceStub(channel)
        gateways = (product.feeds, other)
        asked = {"page_size": 1, "remember_served": True}
        people = [f"of two gateways {number}" for number in range(10)]
        answer = product.record(*(likes(username, 10) for username in people))
        shown: dict[str, list[int]] = {username: [] for username in people}

        def ask(first: int) -> None:
            """Both threads ask for each person's next post, through different gateways."""
            for turn in range(2):
                for username in people:
                    request = feed_pb2.GetFeedRequest(username=username, at_least_position=answer.position, **asked)
                    feed = gateways[(first + turn) % 2].GetFeed(request, timeout=20)
                    assert not feed.exhausted
                    shown[username].extend(post.post_id for post in feed.posts)

        threads = [threading.Thread(target=ask, args=(first,)) for first in (0, 1)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for username in people:
            assert len(shown[username]) == len(set(shown[username])) == 4
