"""What people do, kept in PostgreSQL: two gateways behind nginx, two towers, and what is acknowledged is never lost."""

import itertools
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from tests.compose.containers import (
    GATEWAY_GRPC,
    GATEWAY_HTTP,
    TWO_REPLICAS,
    addresses,
    compose,
    containers,
    docker,
    inspect,
)
from tests.compose.test_compose_faults import are_all_well
from tests.waiting import wait_until

SERVICES = ("gateway", "nginx", "post_index_service", "postgres", "user_tower_service")
RECORD = "moodfeed.feedback.v1.FeedbackService/RecordInteractions"

pytestmark = [pytest.mark.timeout(1800), pytest.mark.usefixtures("replicas")]


@pytest.fixture(scope="module")
def replicas(other_images: None) -> None:
    """Two of each service, one PostgreSQL and one nginx."""
    compose("up", "-d", "--build", "--wait", files=TWO_REPLICAS)
    wait_until(are_all_well, what="both gateways see two of each")


@pytest.fixture(scope="module")
def posts(replicas: None) -> list[int]:
    """Posts that feeds show."""
    categories = httpx.get(f"http://{GATEWAY_HTTP}/categories", timeout=30).json()["categories"]
    largest = max(categories, key=lambda category: category["post_count"])["category_id"]
    query = {"username": "nobody", "category_id": largest, "mood": "calm"}
    return [post["post_id"] for post in httpx.get(f"http://{GATEWAY_HTTP}/feed", params=query).json()["posts"]]


def record(address: str, event_id: str, username: str, post_id: int, verb: str = "LIKE") -> httpx.Response:
    row = {"event_id": event_id, "username": username, "post_id": post_id, "verb": verb}
    return httpx.post(f"http://{address}/interactions", json={"interactions": [row]}, timeout=30)


def feed(address: str, username: str, **query: object) -> httpx.Response:
    return httpx.get(f"http://{address}/feed", params={"username": username, **query}, timeout=30)


def shown(reply: httpx.Response) -> list[int]:
    assert reply.status_code == 200, reply.text
    assert reply.json()["degradations"] == []
    return [post["post_id"] for post in reply.json()["posts"]]


def test_what_one_gateway_writes_the_other_reads_at_once(posts: list[int]) -> None:
    first, second = addresses("gateway", 8000)
    for number in range(20):
        writer, reader = (first, second) if number % 2 else (second, first)
        username = f"across {number}"
        answer = record(writer, username, username, posts[0], verb="NOT_INTERESTED").json()
        read = feed(reader, username, at_least_position=answer["position"])
        assert posts[0] not in shown(read)
        assert read.json()["position"] >= answer["position"]


def test_through_nginx_both_gateways_write_and_read_over_both_protocols(posts: list[int]) -> None:
    before = [answered(address) for address in addresses("gateway", 8000)]
    for number in range(40):
        position = record(GATEWAY_HTTP, f"nginx {number}", "of nginx", posts[number % 10]).json()["position"]
        assert shown(feed(GATEWAY_HTTP, "of nginx", at_least_position=position))
    after = [answered(address) for address in addresses("gateway", 8000)]
    assert all(now > then for then, now in zip(before, after, strict=True))
    like = f'{{"interactions": [{{"username": "of grpc", "post_id": {posts[0]}, "verb": "VERB_LIKE"}}]}}'
    assert "RECORD_RESULT_ACCEPTED" in grpcurl(RECORD, like)
    assert "category_id" in grpcurl("moodfeed.feed.v1.FeedService/ListCategories", "{}")
    assert httpx.get(f"http://{GATEWAY_HTTP}/metrics").status_code == 404


def answered(address: str) -> float:
    """How many feeds a gateway has answered over HTTP."""
    name = 'moodfeed_http_requests_total{code="200",path="/feed"}'
    for line in httpx.get(f"http://{address}/metrics", timeout=10).text.splitlines():
        if line.startswith(name):
            return float(line.rsplit(" ", 1)[1])
    return 0.0


def grpcurl(method: str, request: str) -> str:
    command = [Path(sys.executable).parent / "grpcurl", "-plaintext", "-d", request, GATEWAY_GRPC, method]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout


def test_a_page_of_a_foreign_host_writes_nothing_through_nginx(posts: list[int]) -> None:
    row = {"interactions": [{"username": "page", "post_id": posts[0], "verb": "LIKE"}]}
    for headers in ({"host": "evil.example"}, {"origin": "https://evil.example"}):
        reply = httpx.post(f"http://{GATEWAY_HTTP}/interactions", json=row, headers=headers, timeout=30)
        assert reply.status_code == 403
    assert feed(GATEWAY_HTTP, "page").status_code == 404


def test_nobody_but_an_operator_reads_people_through_nginx() -> None:
    reply = httpx.get(f"http://{GATEWAY_HTTP}/people/of%20nginx", timeout=30)
    assert (reply.status_code, reply.json()["error"]["reason"]) == (403, "ADMIN_FORBIDDEN")


def test_the_password_stands_in_no_environment_and_in_no_log(store_password: str) -> None:
    for service in SERVICES:
        for container in containers(service):
            assert store_password not in str(inspect(container)["Config"]), service
    assert store_password not in compose("logs", "--no-color", files=TWO_REPLICAS)


@pytest.mark.parametrize("service", ["nginx", "postgres"])
def test_the_other_containers_have_no_more_rights_than_they_need(service: str) -> None:
    (container,) = containers(service)
    host = inspect(container)["HostConfig"]
    assert host["ReadonlyRootfs"]  # type: ignore[index]
    assert host["CapDrop"] == ["ALL"]  # type: ignore[index]
    status = docker("exec", container, "cat", "/proc/1/status")
    assert "Uid:\t0\t" not in status
    assert int(status.split("CapEff:\t")[1].split()[0], 16) == 0


@dataclass
class Writes:
    """What a writer was told: event ids that were acknowledged, and the refusals."""

    acknowledged: list[str] = field(default_factory=list)
    refusals: set[tuple[int, str]] = field(default_factory=set)
    feeds: int = 0
    failed_feeds: list[str] = field(default_factory=list)


@contextmanager
def writing(name: str, posts: list[int]) -> Iterator[Writes]:
    """Write and read through nginx while the block runs; an event that was not acknowledged is sent again."""
    writes, stop = Writes(), threading.Event()

    def write() -> None:
        for number in itertools.count():
            event_id = f"{name} {number}"
            while not is_acknowledged(event_id, number):
                time.sleep(0.05)
            writes.acknowledged.append(event_id)
            if stop.is_set():
                return

    def is_acknowledged(event_id: str, number: int) -> bool:
        try:
            reply = record(GATEWAY_HTTP, event_id, name, posts[number % 10])
        except httpx.HTTPError as error:
            writes.refusals.add((0, type(error).__name__))
            return False
        if reply.status_code != 200:
            is_ours = reply.headers["content-type"] == "application/json"
            writes.refusals.add((reply.status_code, reply.json()["error"]["reason"] if is_ours else "nginx"))
        return reply.status_code == 200

    def read() -> None:
        while not stop.is_set():
            reply = feed(GATEWAY_HTTP, "of nginx")
            writes.feeds += 1
            if reply.status_code != 200:
                writes.failed_feeds.append(reply.text)

    threads = [threading.Thread(target=target) for target in (write, read)]
    for thread in threads:
        thread.start()
    try:
        yield writes
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def kill_and_start(service: str) -> Callable[[Writes], None]:
    def fault(writes: Writes) -> None:
        hit = containers(service)[0]
        docker("kill", "--signal", "KILL", hit)
        wait_for(writes, feeds=30)
        docker("start", hit)

    return fault


def restart(writes: Writes) -> None:
    docker("restart", containers("postgres")[0])


def wait_for(writes: Writes, *, acknowledged: int = 0, feeds: int = 0) -> None:
    """Wait until the writer has come so much further."""
    wanted = len(writes.acknowledged) + acknowledged, writes.feeds + feeds
    wait_until(
        lambda: len(writes.acknowledged) >= wanted[0] and writes.feeds >= wanted[1], what=f"{wanted} of {writes}"
    )


@pytest.mark.parametrize(
    ("name", "fault", "of_writes"),
    [
        ("tower is killed", kill_and_start("user_tower_service"), set()),
        ("database is killed", kill_and_start("postgres"), {(503, "STORE_UNAVAILABLE")}),
        ("database is restarted", restart, {(503, "STORE_UNAVAILABLE")}),
    ],
)
def test_nothing_that_was_acknowledged_is_lost_or_doubled_and_feeds_go_on(
    posts: list[int], name: str, fault: Callable[[Writes], None], of_writes: set[tuple[int, str]]
) -> None:
    with writing(name, posts) as writes:
        wait_for(writes, acknowledged=30, feeds=30)
        fault(writes)
        wait_for(writes, acknowledged=30, feeds=30)
    print(name, len(writes.acknowledged), writes.refusals, writes.feeds, writes.failed_feeds[:3])
    assert writes.failed_feeds == []
    assert writes.refusals <= of_writes | {(504, "DEADLINE_EXCEEDED")}
    assert rows_of(name) == len(writes.acknowledged) == len(set(writes.acknowledged))
    for event_id in writes.acknowledged[-5:]:
        again = record(GATEWAY_HTTP, event_id, name, posts[0]).json()
        assert [row["result"] for row in again["results"]] == ["DUPLICATE"]
    wait_until(are_all_well, what="both gateways see two of each")


def rows_of(username: str) -> int:
    """How many interactions of a person PostgreSQL holds."""
    query = f"SELECT count(*) FROM log JOIN people ON log.person = people.id WHERE username = '{username}'"
    asked = ("psql", "--username=moodfeed", "--tuples-only", "--no-align", "--command", query)
    return int(docker("exec", containers("postgres")[0], *asked))
