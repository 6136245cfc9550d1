"""A rolling upgrade from earlier releases: their processes, out of the git history, beside those of today."""

import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import grpc
import httpx
import pytest

from moodfeed.feed.v1 import feed_pb2, feed_pb2_grpc
from moodfeed.feedback.v1 import feedback_pb2, feedback_pb2_grpc
from rpc.errors import read_error_info
from store.sql_store import open_store
from tests.faults.fleet import GATEWAY, INDEXES, TOWERS, Fleet, running_fleet
from tests.tiny_bundle import write_servable_tiny_bundle

ROOT = Path(__file__).parents[2]
WITHOUT_FEEDBACK = "a969f50e0ae8"
"""The newest commit without FeedbackService: the contract of 0.2.0, as tests/golden had it, and the bundle format 5."""
WITH_TABLES_0002 = "c4d2669bfa2e"
"""The newest commit with today's bundle format whose store has tables of version 0002: it cannot open today's."""

PEOPLE = ("ana", "béla", "😀")
POSTS = {10, 20, 30, 40, 50}
IN_OLD = "import runpy, sys; sys.path.insert(0, {old!r}); runpy.run_module({module!r}, run_name='__main__')"
WRITE_BUNDLE = "import pathlib, sys, tests.tiny_bundle as t; t.write_servable_tiny_bundle(pathlib.Path(sys.argv[1]))"


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory, only_when_asked_for: None) -> Path:
    """The tree of the last release without FeedbackService."""
    return tree_of(WITHOUT_FEEDBACK, tmp_path_factory.mktemp("old"))


@pytest.fixture(scope="module")
def recent(tmp_path_factory: pytest.TempPathFactory, only_when_asked_for: None) -> Path:
    """The tree of the last release with tables of version 0002."""
    return tree_of(WITH_TABLES_0002, tmp_path_factory.mktemp("recent"))


def tree_of(commit: str, directory: Path) -> Path:
    packed = subprocess.run(["git", "archive", commit], cwd=ROOT, capture_output=True, check=False, timeout=60)
    if packed.returncode:
        pytest.skip(f"this clone has no commit {commit}: fetch the whole history")
    subprocess.run(["tar", "-x", "-C", str(directory)], input=packed.stdout, check=True, timeout=60)
    return directory


def of_old(old: Path, *names: str) -> dict[str, tuple[str, ...]]:
    """How Python starts the processes of these names from the old tree."""
    return {name: ("-c", IN_OLD.format(old=str(old), module=name.partition("-")[0])) for name in names}


@contextmanager
def fleet_of(
    directory: Path, modules: dict[str, tuple[str, ...]], *, old_bundle: Path | None = None
) -> Iterator[Fleet]:
    """``old_bundle``: the tree whose bundle format the services read."""
    bundles = directory / "bundles"
    if old_bundle is None:
        write_servable_tiny_bundle(bundles)
    else:
        subprocess.run([sys.executable, "-c", WRITE_BUNDLE, str(bundles)], cwd=old_bundle, check=True, timeout=120)
    store_url = f"sqlite:///{directory / 'store.sqlite'}"
    open_store(store_url).close()  # today's tables, whoever starts first
    settings = {
        "MOODFEED_STORE_URL": store_url,
        "MOODFEED_GATEWAY_ADMIN_FROM_THIS_MACHINE": "true",
    }
    with running_fleet(bundles, directory / "logs", settings=settings, modules=modules) as fleet:
        yield fleet
        for name in fleet.processes:
            assert "Traceback" not in fleet.log(name), fleet.log(name)
            assert "INTERNAL" not in fleet.log(name), fleet.log(name)


def feed(fleet: Fleet, username: str, **fields: object) -> feed_pb2.GetFeedResponse:
    with grpc.insecure_channel(fleet.target) as channel:
        request = feed_pb2.GetFeedRequest(username=username, **fields)
        return feed_pb2_grpc.FeedServiceStub(channel).GetFeed(request, timeout=10)


def refusal(fleet: Fleet, method: str, request: object) -> tuple[str, str]:
    """Status and reason with which a call of FeedbackService is refused."""
    with grpc.insecure_channel(fleet.target) as channel, pytest.raises(grpc.RpcError) as caught:
        getattr(feedback_pb2_grpc.FeedbackServiceStub(channel), method)(request, timeout=10)
    return caught.value.code().name, read_error_info(caught.value).reason


def like(username: str) -> feedback_pb2.RecordInteractionsRequest:
    return feedback_pb2.RecordInteractionsRequest(
        interactions=[feedback_pb2.Interaction(username=username, post_id=20, verb="VERB_LIKE")]
    )


def assert_feeds_are_whole(fleet: Fleet) -> None:
    for username in PEOPLE:
        for fields in ({}, {"mood": "calm"}, {"category_id": 2, "mood": "calm"}):
            answer = feed(fleet, username, **fields)
            assert list(answer.degradations) == []
            assert answer.posts
        first = feed(fleet, username, page_size=2)
        second = feed(fleet, username, page_size=3, page_token=first.next_page_token)
        assert {post.post_id for page in (first, second) for post in page.posts} == POSTS


def test_a_new_gateway_serves_feeds_of_old_services_and_says_that_writes_are_not_to_be_had(
    old: Path, tmp_path: Path
) -> None:
    with fleet_of(tmp_path, of_old(old, *TOWERS, *INDEXES), old_bundle=old) as fleet:
        assert_feeds_are_whole(fleet)
        for method, request in (
            ("RecordInteractions", like("ana")),
            ("ExportPerson", feedback_pb2.ExportPersonRequest(username="ana")),
            ("DeletePerson", feedback_pb2.DeletePersonRequest(username="ana")),
            ("MergePeople", feedback_pb2.MergePeopleRequest(merged_username="ana", into_username="béla")),
        ):
            assert refusal(fleet, method, request) == ("UNAVAILABLE", "DOWNSTREAM_TOO_OLD")
        row = {"username": "ana", "post_id": 20, "verb": "LIKE"}
        reply = httpx.post(f"http://{fleet.http_address}/interactions", json={"interactions": [row]}, timeout=10)
        assert (reply.status_code, reply.json()["error"]["reason"]) == (503, "DOWNSTREAM_TOO_OLD")
        with pytest.raises(grpc.RpcError) as caught:
            feed(fleet, "ana", at_least_position=1)
        assert (caught.value.code().name, read_error_info(caught.value).reason) == (
            "UNAVAILABLE",
            "POSITION_NOT_REACHED",
        )


def test_an_old_gateway_serves_feeds_of_new_services(old: Path, tmp_path: Path) -> None:
    with fleet_of(tmp_path, of_old(old, GATEWAY)) as fleet:
        assert_feeds_are_whole(fleet)
        assert httpx.post(f"http://{fleet.http_address}/interactions", json={}, timeout=10).status_code == 404


def test_while_one_tower_cannot_open_the_store_writes_that_are_sent_again_reach_the_new_one(
    recent: Path, tmp_path: Path
) -> None:
    with fleet_of(tmp_path, of_old(recent, TOWERS[0], INDEXES[0])) as fleet:
        assert_feeds_are_whole(fleet)
        with grpc.insecure_channel(fleet.target) as channel:
            stub = feedback_pb2_grpc.FeedbackServiceStub(channel)
            for number in range(10):
                answer = recorded(stub, like(f"new {number}"))
                assert [row.result for row in answer.results] == [feedback_pb2.RECORD_RESULT_ACCEPTED]
                was_read = partial(is_read, fleet, f"new {number}", answer.position)
                fleet.wait_until(was_read, what="a new tower is asked")


def recorded(
    stub: feedback_pb2_grpc.FeedbackServiceStub, request: feedback_pb2.RecordInteractionsRequest
) -> feedback_pb2.RecordInteractionsResponse:
    """The answer to a write that is sent again while it meets the tower that cannot open the store."""
    for _ in range(20):
        try:
            return stub.RecordInteractions(request, timeout=10)
        except grpc.RpcError as error:
            if read_error_info(error).reason != "STORE_UNAVAILABLE":
                raise
    raise AssertionError("never reached the tower that has the store")


def is_read(fleet: Fleet, username: str, position: int) -> bool:
    """Whether the feed is read. An old tower knows no positions: that is UNAVAILABLE, so that callers ask again."""
    try:
        return feed(fleet, username, at_least_position=position).position >= position
    except grpc.RpcError as error:
        if read_error_info(error).reason == "POSITION_NOT_REACHED":
            return False
        raise


@dataclass
class Outcomes:
    """Feeds that were whole, degraded by reason, and failed by status."""

    whole: int = 0
    others: Counter[str] = field(default_factory=Counter)


@contextmanager
def asking(fleet: Fleet) -> Iterator[Outcomes]:
    """Ask for feeds while the block runs."""
    outcomes, stop = Outcomes(), threading.Event()

    def ask() -> None:
        with grpc.insecure_channel(fleet.target) as channel:
            stub = feed_pb2_grpc.FeedServiceStub(channel)
            while not stop.is_set():
                for username in PEOPLE:
                    try:
                        answer = stub.GetFeed(feed_pb2.GetFeedRequest(username=username, mood="calm"), timeout=5)
                    except grpc.RpcError as error:
                        outcomes.others[f"{error.code().name}: {error.details()}"] += 1
                        continue
                    is_whole = {post.post_id for post in answer.posts} == POSTS and not answer.degradations
                    outcomes.whole += is_whole
                    outcomes.others.update(() if is_whole else [str(answer.degradations)])

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield outcomes
    finally:
        stop.set()
        thread.join()


def test_services_are_replaced_one_by_one_under_load_and_back_again_without_a_failed_feed(
    recent: Path, tmp_path: Path
) -> None:
    with fleet_of(tmp_path, of_old(recent, *TOWERS, *INDEXES)) as fleet, asking(fleet) as outcomes:
        for modules in ({}, of_old(recent, *TOWERS, *INDEXES)):  # forward, and back
            fleet.modules = modules
            for name in (*TOWERS, *INDEXES):
                fleet.processes[name].terminate()
                assert fleet.wait_for_end(name) == 0
                fleet.start(name)
                fleet.wait_until_serving(name)
                fleet.wait_until_gateway_sees(towers=2, indexes=2)
                wanted, deadline = outcomes.whole + 50, time.monotonic() + 60
                while outcomes.whole < wanted:
                    assert time.monotonic() < deadline, outcomes
                    time.sleep(0.02)
    print(outcomes)
    assert outcomes.others == Counter()
