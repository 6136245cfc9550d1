"""docker-compose.shards.yml on a real engine: feeds are those of one index, and a lost shard is named."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

import grpc
import httpx
import pytest

from moodfeed.feed.v1 import feed_pb2, feed_pb2_grpc
from tests.compose.containers import GATEWAY_GRPC, GATEWAY_HTTP, ONE_OF_EACH, compose, docker, inspect
from tests.waiting import wait_until

SHARDS = (*ONE_OF_EACH, "-f", "docker-compose.shards.yml")
SECOND = "post_index_shard_1"
SERVICES = ("post_index_service", SECOND, "user_tower_service", "gateway")
LOST = ("shard 1 of 2", "SHARD_UNAVAILABLE")

pytestmark = pytest.mark.timeout(1800)


@dataclass(frozen=True, slots=True)
class OneIndex:
    """Requests, what one index answered them, and the ids of all categories, ascending."""

    feeds: tuple[tuple[feed_pb2.GetFeedRequest, "Seen"], ...]
    trending: "Seen"
    categories: tuple[int, ...]


Seen = tuple[tuple[int, float], ...]
"""The posts of an answer, each with the number that it is sorted by."""


@pytest.fixture(scope="module")
def one_index(engine: None) -> OneIndex:
    """What one index answers, of the bundle and the store that the shards have afterwards."""
    compose("up", "-d", "--build", "--wait", "--remove-orphans")
    found = httpx.get(f"http://{GATEWAY_HTTP}/categories", timeout=30).json()["categories"]
    categories = sorted(category["category_id"] for category in found)
    usernames = compose("run", "--rm", "--no-deps", "bundle", "users", "--limit", "4").split()
    asked = [
        feed_pb2.GetFeedRequest(username=username, category_id=category_id, mood=mood, page_size=30)
        for username in usernames
        for category_id in (None, categories[0], categories[-1])
        for mood in ("", "calm and happy", "😢")
    ]
    asked += [
        feed_pb2.GetFeedRequest(username="nobody", mood="calm", page_size=30, fallback=feed_pb2.FALLBACK_POPULAR),
        feed_pb2.GetFeedRequest(username="nobody", page_size=30, fallback=feed_pb2.FALLBACK_TRENDING),
    ]
    answers = [(request, both_pages(request)) for request in asked]
    assert max(len(seen) for _, seen in answers) == 60
    return OneIndex(tuple(answers), trending(), tuple(categories))


@pytest.fixture(scope="module")
def shards(one_index: OneIndex) -> Iterator[None]:
    """Two shards of two processes each in place of the one index."""
    compose("up", "-d", "--build", "--wait", "--remove-orphans", files=SHARDS)
    wait_until(lambda: readiness() == ("ready", []), what="the gateway sees both shards")
    yield
    compose("down", "--rmi", "local", "--timeout", "20", files=SHARDS)


def ask(request: feed_pb2.GetFeedRequest) -> feed_pb2.GetFeedResponse:
    with grpc.insecure_channel(GATEWAY_GRPC) as channel:
        answer: feed_pb2.GetFeedResponse = feed_pb2_grpc.FeedServiceStub(channel).GetFeed(request, timeout=20)
    return answer


def seen_in(answer: feed_pb2.GetFeedResponse | feed_pb2.ListTrendingResponse) -> Seen:
    return tuple((post.post_id, post.ranking_score) for post in answer.posts)


def both_pages(request: feed_pb2.GetFeedRequest) -> Seen:
    """The first two pages of a feed of which nothing is left out."""
    first = ask(request)
    assert degradations_of(first) == set()
    assert first.posts
    if not first.next_page_token:  # of a small category
        return seen_in(first)
    following = feed_pb2.GetFeedRequest()
    following.CopyFrom(request)
    following.page_token = first.next_page_token
    return seen_in(first) + seen_in(ask(following))


def trending() -> Seen:
    with grpc.insecure_channel(GATEWAY_GRPC) as channel:
        return seen_in(feed_pb2_grpc.FeedServiceStub(channel).ListTrending(feed_pb2.ListTrendingRequest(), timeout=20))


def degradations_of(answer: feed_pb2.GetFeedResponse) -> set[tuple[str, str]]:
    return {(item.stage, item.reason) for item in answer.degradations}


def readiness() -> tuple[str, list[str]]:
    found = httpx.get(f"http://{GATEWAY_HTTP}/readyz", timeout=10).json()
    return found["status"], found["degraded"]


def containers_of(service: str) -> list[str]:
    return sorted(compose("ps", "-aq", service, files=SHARDS).split())


def assert_feeds_are_those_of(one_index: OneIndex) -> None:
    for request, expected in one_index.feeds:
        assert both_pages(request) == expected, request
    assert trending() == one_index.trending


@pytest.mark.usefixtures("shards")
def test_feeds_of_two_shards_are_those_of_one_index(one_index: OneIndex) -> None:
    assert [len(containers_of(service)) for service in SERVICES] == [2, 2, 1, 1]
    assert_feeds_are_those_of(one_index)


@pytest.mark.usefixtures("shards")
def test_a_shard_with_one_process_of_two_answers_as_before(one_index: OneIndex) -> None:
    hit = containers_of(SECOND)[0]
    docker("kill", "--signal", "KILL", hit)
    assert_feeds_are_those_of(one_index)
    docker("start", hit)
    wait_until(lambda: is_healthy(hit), what="the process serves again", seconds=120)


@pytest.mark.usefixtures("shards")
def test_a_shard_without_any_process_is_named_and_comes_back(one_index: OneIndex) -> None:
    anybody = next(request for request, _ in one_index.feeds if not request.HasField("category_id"))
    whole = both_pages(anybody)
    (of_first, expected), (of_second, _) = (
        next((request, seen) for request, seen in one_index.feeds if request.category_id == category_id)
        for category_id in (one_index.categories[0], one_index.categories[-1])
    )
    hit = containers_of(SECOND)
    docker("kill", "--signal", "KILL", *hit)
    wait_until(lambda: degradations_of(ask(anybody)) == {LOST}, what="the degradation")
    degraded = seen_in(ask(anybody))
    of_both = tuple(post for post in whole if post in degraded)
    assert len(degraded) == 30
    assert 0 < len(of_both) < len(whole)
    assert degraded[: len(of_both)] == of_both[:30]
    assert both_pages(of_first) == expected
    with pytest.raises(grpc.RpcError, match="shard 1 of 2 is unavailable"):
        ask(of_second)
    assert readiness() == ("ready", ["post_index_service shard 1 of 2"])
    docker("start", *hit)
    wait_until(lambda: readiness() == ("ready", []), what="the shard is back", seconds=120)
    assert_feeds_are_those_of(one_index)


def is_healthy(container: str) -> bool:
    state: dict[str, dict[str, str]] = inspect(container)["State"]  # type: ignore[assignment]
    return state["Health"]["Status"] == "healthy"


@pytest.mark.usefixtures("shards")
def test_stopping_drains_every_shard_and_ends_with_0() -> None:
    started = time.monotonic()
    compose("stop", "--timeout", "20", files=SHARDS)
    print(f"stopped after {time.monotonic() - started:.1f} s")
    codes = {
        container: inspect(container)["State"]["ExitCode"]  # type: ignore[index]
        for service in SERVICES
        for container in containers_of(service)
    }
    assert codes == dict.fromkeys(codes, 0)
