"""What people do changes their next feed: three processes, with one and with two replicas, and one process.

The bundle is tiny: posts 10 to 50, and the known users ana, béla and 😀.
"""

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc
import httpx
import pytest

from cli.stack import running_stack
from moodfeed.feed.v1 import feed_pb2, feed_pb2_grpc
from moodfeed.feedback.v1 import feedback_pb2, feedback_pb2_grpc
from rpc.errors import read_error_info
from tests.end_to_end.conftest import free_addresses
from tests.faults.fleet import running_fleet
from tests.gateway.conftest import running_gateway
from tests.tiny_bundle import write_servable_tiny_bundle

STRANGER_MESSAGE = "User is not in database so give input of mood and category_id"
POSTS = {10, 20, 30, 40, 50}


@dataclass(frozen=True, slots=True)
class Product:
    """Where a running product answers, and clients of it."""

    grpc_address: str
    http_address: str
    store: Path
    feeds: feed_pb2_grpc.FeedServiceStub
    feedback: feedback_pb2_grpc.FeedbackServiceStub
    services: Mapping[str, str]  # the variables with which another gateway finds the services; none in one process

    def feed(self, username: str, **fields: object) -> feed_pb2.GetFeedResponse:
        return self.feeds.GetFeed(feed_pb2.GetFeedRequest(username=username, **fields), timeout=10)

    def ids(self, username: str, **fields: object) -> list[int]:
        return [post.post_id for post in self.feed(username, **fields).posts]

    def refusal(self, username: str, **fields: object) -> tuple[str, str, str]:
        """Status, reason and message of a feed that is refused."""
        with pytest.raises(grpc.RpcError) as caught:
            self.feed(username, **fields)
        return caught.value.code().name, read_error_info(caught.value).reason, caught.value.details()

    def record(self, *rows: Mapping[str, object]) -> feedback_pb2.RecordInteractionsResponse:
        interactions = [feedback_pb2.Interaction(**row) for row in rows]
        return self.feedback.RecordInteractions(
            feedback_pb2.RecordInteractionsRequest(interactions=interactions), timeout=10
        )

    def post(self, rows: Sequence[object]) -> httpx.Response:
        return httpx.post(
            f"http://{self.http_address}/interactions", json={"interactions": rows}, timeout=10, trust_env=False
        )


@contextmanager
def clients(
    grpc_address: str, http_address: str, store: Path, services: Mapping[str, str] | None = None
) -> Iterator[Product]:
    with grpc.insecure_channel(grpc_address) as channel:
        yield Product(
            grpc_address,
            http_address,
            store,
            feed_pb2_grpc.FeedServiceStub(channel),
            feedback_pb2_grpc.FeedbackServiceStub(channel),
            services or {},
        )


LAYOUTS = ("one process", "three processes", "two replicas of each")


@contextmanager
def running(layout: str, directory: Path, *, store_url: str | None = None) -> Iterator[Product]:
    """The product over a tiny bundle, with a store in ``directory`` unless ``store_url`` says otherwise."""
    bundles, store = directory / "bundles", directory / "store.sqlite"
    write_servable_tiny_bundle(bundles)
    url = f"sqlite:///{store}" if store_url is None else store_url
    if layout == "two replicas of each":
        settings = {"MOODFEED_STORE_URL": url, "MOODFEED_GATEWAY_CONTEXT_CACHE_SIZE": "1000"}
        with (
            running_fleet(bundles, directory / "logs", replicas=2, settings=settings) as fleet,
            clients(fleet.target, fleet.http_address, store, services_of(fleet.settings)) as product,
        ):
            yield product
        return
    addresses = free_addresses()
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("MOODFEED_POST_INDEX_METRICS_PORT", "0")
        environment.setenv("MOODFEED_USER_TOWER_METRICS_PORT", "0")
        environment.setenv("MOODFEED_STORE_URL", url)
        with (
            running_stack(bundles, addresses, logs=directory / "logs", embedded=layout == "one process"),
            clients(
                addresses.gateway_grpc,
                addresses.gateway_http,
                store,
                {} if layout == "one process" else services_of(addresses.as_environment()),
            ) as product,
        ):
            yield product


def services_of(variables: Mapping[str, str]) -> dict[str, str]:
    names = ("MOODFEED_GATEWAY_USER_TOWER_ADDRESS", "MOODFEED_GATEWAY_POST_INDEX_ADDRESS")
    return {name: variables[name] for name in names}


@pytest.fixture(scope="module", params=LAYOUTS)
def product(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    with running(request.param, tmp_path_factory.mktemp("product")) as product:
        yield product


def likes(username: str, post_id: int, **fields: object) -> dict[str, object]:
    return {"username": username, "post_id": post_id, "verb": "VERB_LIKE", **fields}


def test_a_stranger_with_one_like_gets_a_feed_at_once(product: Product) -> None:
    assert product.refusal("stranger") == ("NOT_FOUND", "USER_NOT_FOUND", STRANGER_MESSAGE)
    answer = product.record(likes("stranger", 20))
    assert [row.result for row in answer.results] == [feedback_pb2.RECORD_RESULT_ACCEPTED]
    feed = product.feed("stranger")
    assert feed.ranking == feed_pb2.RANKING_USER
    assert feed.position >= answer.position > 0
    assert {post.post_id for post in feed.posts} == POSTS
    assert feed.posts[-1].post_id == 20  # it has been seen


def test_what_a_known_user_does_changes_the_next_feed_and_nobody_elses(product: Product) -> None:
    before, of_another = product.feed("béla"), product.ids("😀")
    product.record(likes("béla", before.posts[0].post_id))
    after = product.feed("béla")
    assert after.posts[-1].post_id == before.posts[0].post_id
    assert [post.score for post in after.posts] != [post.score for post in before.posts]
    assert product.ids("😀") == of_another


def test_each_answer_has_a_name_of_its_own(product: Product) -> None:
    names = {product.feed("ana").feed_id for _ in range(3)}
    assert len(names) == 3
    assert "" not in names


def test_an_event_is_recorded_once_whatever_a_repetition_says(product: Product) -> None:
    first = product.record(likes("repeats", 10, event_id="once"))
    feed = product.ids("repeats")
    again = product.record(likes("repeats", 30, event_id="once"), likes("repeats", 40, event_id="once"))
    assert [row.result for row in again.results] == [feedback_pb2.RECORD_RESULT_DUPLICATE] * 2
    assert again.position >= first.position
    assert product.ids("repeats") == feed


def test_a_retraction_forgets(product: Product) -> None:
    product.record(likes("regrets", 10, event_id="regretted"))
    assert product.ids("regrets")
    product.record({"username": "regrets", "retracts": "regretted"})
    assert product.refusal("regrets")[2] == STRANGER_MESSAGE


def test_a_post_that_does_not_interest_leaves_until_it_is_liked(product: Product) -> None:
    product.record({"username": "picky", "post_id": 30, "verb": "VERB_NOT_INTERESTED"})
    assert set(product.ids("picky")) == POSTS - {30}
    assert product.ids("picky", category_id=2) == [20]
    product.record(likes("picky", 30))
    assert set(product.ids("picky")) == POSTS


def test_one_bad_row_refuses_none_of_its_neighbours(product: Product) -> None:
    answer = product.record(
        likes("careless", 10), likes(" ", 10), {"username": "careless", "post_id": 1}, likes("careless", 999_999)
    )
    accepted, rejected = feedback_pb2.RECORD_RESULT_ACCEPTED, feedback_pb2.RECORD_RESULT_REJECTED
    assert [row.result for row in answer.results] == [accepted, rejected, rejected, accepted]
    assert [row.reason.partition(":")[0] for row in answer.results] == ["", "username", "verb", ""]
    assert set(product.ids("careless")) == POSTS


def test_http_takes_the_same_interactions_as_json(product: Product) -> None:
    reply = product.post(
        [
            {"username": "of the web", "post_id": "20", "verb": "VIEW", "occurred_at": "2026-01-01T00:00:00+02:00"},
            {"username": "of the web", "post_id": 30, "verb": "RATING", "rating_percent": 90, "event_id": "rated"},
            {"username": "of the web", "post_id": 30, "verb": "ADMIRE"},
            "not an object",
        ]
    )
    assert reply.status_code == 200
    document = reply.json()
    assert [row["result"] for row in document["results"]] == ["ACCEPTED", "ACCEPTED", "REJECTED", "REJECTED"]
    assert document["results"][1]["event_id"] == "rated"
    query = {"username": "of the web", "at_least_position": document["position"]}
    feed = httpx.get(f"http://{product.http_address}/feed", params=query, timeout=10, trust_env=False).json()
    assert [post["post_id"] for post in feed["posts"]][-2:] != []
    assert {post["post_id"] for post in feed["posts"][-2:]} == {20, 30}
    assert feed["position"] >= document["position"]
    assert feed["feed_id"]


def test_a_position_that_is_not_reached_is_unavailable_and_named(product: Product) -> None:
    position = product.record(likes("waits", 10)).position
    assert product.ids("waits", at_least_position=position)
    status, reason, _ = product.refusal("waits", at_least_position=2**62)
    assert (status, reason) == ("UNAVAILABLE", "POSITION_NOT_REACHED")
    assert product.refusal("waits", at_least_position=-1)[:2] == ("INVALID_ARGUMENT", "POSITION_NEGATIVE")


@pytest.mark.parametrize("fields", [{}, {"mood": "calm"}], ids=["by user", "by mood and user"])
def test_pages_stay_as_they_were_while_their_user_goes_on(product: Product, fields: dict[str, object]) -> None:
    username = f"reads {len(fields)}"
    product.record(likes(username, 20))
    whole = product.ids(username, **fields)
    stop = threading.Event()

    def go_on() -> None:
        number = 0
        while not stop.is_set():
            product.record(likes(username, 10 + 10 * (number % 5), event_id=f"{username} {number}"))
            number += 1

    for _ in range(4):
        first = product.feed(username, page_size=1, **fields)
        whole = [post.post_id for post in product.feed(username, page_size=5, **fields).posts]
        found, token = [first.posts[0].post_id], first.next_page_token
        writer = threading.Thread(target=go_on)
        stop.clear()
        writer.start()
        try:
            while token:
                page = product.feed(username, page_size=1, page_token=token, **fields)
                assert page.position == first.position
                found += [post.post_id for post in page.posts]
                token = page.next_page_token
        finally:
            stop.set()
            writer.join()
        assert found == whole


def test_of_the_pages_to_come_a_post_that_does_not_interest_leaves_alone(product: Product) -> None:
    product.record(likes("changes", 20))
    whole = product.ids("changes")
    first = product.feed("changes", page_size=2)
    product.record({"username": "changes", "post_id": whole[3], "verb": "VERB_NOT_INTERESTED"})
    second = product.feed("changes", page_size=2, page_token=first.next_page_token)
    third = product.feed("changes", page_size=2, page_token=second.next_page_token)
    assert [post.post_id for page in (first, second, third) for post in page.posts] == [*whole[:3], whole[4]]


def test_a_read_after_a_write_sees_it_however_often(product: Product) -> None:
    for number in range(20):
        answer = product.record(
            {"username": "hurries", "post_id": 10, "verb": "VERB_NOT_INTERESTED", "event_id": f"off {number}"}
        )
        assert 10 not in product.ids("hurries")
        product.record({"username": "hurries", "retracts": f"off {number}"}, likes("hurries", 20))
        assert 10 in product.ids("hurries"), number
        assert product.feed("hurries").position > answer.position


def test_another_gateway_hears_of_a_change_and_reads_it_at_once_if_asked_to(product: Product, tmp_path: Path) -> None:
    if not product.services:
        pytest.skip("there is one process")
    product.record(likes("moves about", 20, event_id="at first"))
    with (
        running_gateway(tmp_path, product.services) as other,
        clients(other.grpc_address, other.http_address, product.store) as elsewhere,
    ):
        deadline = time.monotonic() + 20
        while elsewhere.feed("ana").degradations:
            assert time.monotonic() < deadline, "it does not find the services"
        for number in range(10):
            assert 10 in elsewhere.ids("moves about")
            off = product.record(
                {"username": "moves about", "post_id": 10, "verb": "VERB_NOT_INTERESTED", "event_id": f"away {number}"}
            )
            assert 10 not in elsewhere.ids("moves about", at_least_position=off.position)
            product.record({"username": "moves about", "retracts": f"away {number}"})
            while 10 not in elsewhere.ids("moves about"):
                assert time.monotonic() < deadline, "it does not hear of it"


def test_without_a_store_feeds_are_as_ever_and_writes_say_why_not(tmp_path: Path) -> None:
    with running("three processes", tmp_path, store_url="") as product:
        feed = product.feed("ana")
        assert (feed.position, set(product.ids("ana"))) == (0, POSTS)
        with pytest.raises(grpc.RpcError) as caught:
            product.record(likes("ana", 10))
        assert (caught.value.code().name, read_error_info(caught.value).reason) == ("UNAVAILABLE", "NO_STORE")
        reply = product.post([{"username": "ana", "post_id": 10, "verb": "LIKE"}])
        assert (reply.status_code, reply.json()["error"]["reason"]) == (503, "NO_STORE")
        assert product.refusal("ana", at_least_position=1)[1] == "POSITION_NOT_REACHED"


@pytest.mark.parametrize("layout", LAYOUTS[:2])
def test_while_the_store_is_down_feeds_go_on_and_writes_are_unavailable(layout: str, tmp_path: Path) -> None:
    place = tmp_path / "place"
    place.write_text("a file where a directory must be", encoding="utf-8")
    with running(layout, tmp_path, store_url=f"sqlite:///{place}/store.sqlite") as product:
        assert set(product.ids("ana")) == POSTS
        reply = product.post([{"username": "ana", "post_id": 10, "verb": "LIKE"}])
        assert (reply.status_code, reply.json()["error"]["reason"]) == (503, "STORE_UNAVAILABLE")
        place.unlink()
        place.mkdir()  # the store comes back
        deadline = time.monotonic() + 20
        while product.post([likes_of_the_web("ana", 10)]).status_code != 200:
            assert time.monotonic() < deadline, "not in time"
        assert product.ids("ana")[-1] in {10, 20}
        assert product.feed("ana").position > 0


def likes_of_the_web(username: str, post_id: int) -> dict[str, object]:
    return {"username": username, "post_id": post_id, "verb": "LIKE"}
