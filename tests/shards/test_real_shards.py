"""Two shards and a gateway as real processes: a feed is that of one index, and one whose shard is killed under load."""

import json
import os
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path

import grpc
import pytest

from benchmarks.processes import free_addresses
from bundle.directory import open_bundle
from moodfeed.feed.v1 import feed_pb2, feed_pb2_grpc
from post_index_service.loading import load
from post_index_service.query import Query
from rpc.probe import is_serving
from tests.post_index_service.conftest import write_index_bundle
from tests.waiting import wait_until

LOST = ("shard 1 of 2", "SHARD_UNAVAILABLE")
NO_TOWER = ("user", "USER_TOWER_UNAVAILABLE")
NAMES = ("shard 0", "shard 1", "gateway", "http", "tower")
SIZE = 20


@dataclass
class Processes:
    """The shards, the gateway and where they are; what is started here ends with the test."""

    root: Path
    logs: Path
    addresses: Mapping[str, str] = field(
        default_factory=lambda: dict(
            zip(("shard 0", "shard 1", "gateway", "http", "tower"), free_addresses(5), strict=True)
        )
    )

    @contextmanager
    def running(self, module: str, address: str, **variables: str) -> Iterator[subprocess.Popen[bytes]]:
        environment = os.environ | {"OMP_NUM_THREADS": "1", "MOODFEED_BUNDLES": str(self.root)} | variables
        log = self.logs / f"{module}-{len(list(self.logs.iterdir()))}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", module], env=environment, stdout=output, stderr=output, start_new_session=True
            )
        try:
            wait_until(lambda: process.poll() is not None or module == "gateway" or is_serving(address), what=module)
            assert process.poll() is None, log.read_text(encoding="utf-8")
            yield process
        finally:
            process.kill()
            process.wait()

    def shard(self, number: int) -> AbstractContextManager[subprocess.Popen[bytes]]:
        return self.running(
            "post_index_service",
            self.addresses[f"shard {number}"],
            MOODFEED_POST_INDEX_ADDRESS=self.addresses[f"shard {number}"],
            MOODFEED_POST_INDEX_METRICS_PORT="0",
            MOODFEED_POST_INDEX_SHARDS="2",
            MOODFEED_POST_INDEX_SHARD=str(number),
        )

    def gateway(self, addresses: str = "") -> AbstractContextManager[subprocess.Popen[bytes]]:
        listed = addresses or f"{self.addresses['shard 0']};{self.addresses['shard 1']}"
        return self.running(
            "gateway",
            self.addresses["gateway"],
            MOODFEED_GATEWAY_GRPC_ADDRESS=self.addresses["gateway"],
            MOODFEED_GATEWAY_HTTP_ADDRESS=self.addresses["http"],
            MOODFEED_GATEWAY_USER_TOWER_ADDRESS=self.addresses["tower"],
            MOODFEED_GATEWAY_POST_INDEX_ADDRESS=listed,
        )

    def ask(self, **asked: object) -> feed_pb2.GetFeedResponse:
        request = feed_pb2.GetFeedRequest(
            **{"username": "bea", "page_size": SIZE, "fallback": feed_pb2.FALLBACK_POPULAR, **asked}
        )
        with grpc.insecure_channel(self.addresses["gateway"]) as channel:
            answer: feed_pb2.GetFeedResponse = feed_pb2_grpc.FeedServiceStub(channel).GetFeed(
                request, timeout=10, wait_for_ready=True
            )
        return answer


@pytest.fixture
def processes(tmp_path: Path) -> Processes:
    write_index_bundle(tmp_path / "bundles")
    (tmp_path / "logs").mkdir()
    return Processes(tmp_path / "bundles", tmp_path / "logs")


def degradations_of(answer: feed_pb2.GetFeedResponse) -> set[tuple[str, str]]:
    return {(item.stage, item.reason) for item in answer.degradations} - {NO_TOWER}


def seen_in(answer: feed_pb2.GetFeedResponse) -> tuple[tuple[int, float], ...]:
    return tuple((post.post_id, post.ranking_score) for post in answer.posts)


def test_a_shard_that_is_killed_under_load_is_named_and_comes_back_and_no_answer_is_wrong(
    processes: Processes,
) -> None:
    index = load(open_bundle(processes.root / "current"))
    ranked = index.search(Query(limit=100)).posts
    whole = tuple((item.post.post_id, item.ranking_score) for item in ranked)
    held = load(open_bundle(processes.root / "current"), shards=2, shard=0).search(Query(limit=100)).posts
    of_first = tuple((item.post.post_id, item.ranking_score) for item in held)
    assert 0 < len(of_first) < len(whole)
    counts: Counter[str] = Counter()
    is_over = threading.Event()

    def load_it() -> None:
        while not is_over.is_set():
            try:
                answer = processes.ask()
            except grpc.RpcError as error:
                counts[f"failed: {error.code()}"] += 1  # type: ignore[attr-defined] # an RpcError of a call is one
                continue
            match degradations_of(answer):
                case lost if lost == {LOST}:
                    counts["degraded" if seen_in(answer) == of_first[:SIZE] else "wrong"] += 1
                case lost if not lost:
                    counts["whole" if seen_in(answer) == whole[:SIZE] else "wrong"] += 1
                case _:
                    counts["wrong"] += 1

    with ExitStack() as stack:
        stack.enter_context(processes.shard(0))
        second = stack.enter_context(processes.shard(1))
        stack.enter_context(processes.gateway())
        wait_until(lambda: not degradations_of(processes.ask()), what="the gateway")
        threads = [threading.Thread(target=load_it) for _ in range(3)]
        for thread in threads:
            thread.start()
        wait_until(lambda: counts["whole"] > 20, what="load")
        second.kill()
        wait_until(lambda: counts["degraded"] > 20, what="the degradation")
        with pytest.raises(grpc.RpcError, match="shard 1 of 2 is unavailable"):
            processes.ask(category_id=7)
        with (
            grpc.insecure_channel(processes.addresses["gateway"]) as channel,
            pytest.raises(grpc.RpcError, match="shard 1 of 2 is unavailable"),
        ):
            feed_pb2_grpc.FeedServiceStub(channel).ListTrending(feed_pb2.ListTrendingRequest(), timeout=10)
        stack.enter_context(processes.shard(1))
        wait_until(lambda: not degradations_of(processes.ask()), what="the shard's return", seconds=60)
        before = counts["whole"]
        wait_until(lambda: counts["whole"] > before + 20, what="load")
        is_over.set()
        for thread in threads:
            thread.join()
    assert counts["wrong"] == 0, counts
    assert set(counts) <= {"whole", "degraded", "wrong"}, counts


def readiness_of(processes: Processes) -> Mapping[str, object]:
    host, _, port = processes.addresses["http"].partition(":")
    connection = HTTPConnection(host, int(port), timeout=10)
    try:
        connection.request("GET", "/readyz")
        answer = connection.getresponse()
        told: dict[str, object] = json.load(answer)
    except OSError:  # it does not listen yet
        return {"code": 0, "missing": [], "degraded": []}
    else:
        return {"code": answer.status, **told}
    finally:
        connection.close()


def test_a_gateway_that_is_wired_wrongly_refuses_feeds_by_name_and_is_not_ready(processes: Processes) -> None:
    first, second = processes.addresses["shard 0"], processes.addresses["shard 1"]
    with ExitStack() as stack:
        stack.enter_context(processes.shard(0))
        with processes.gateway(f"{second};{first}"):
            with pytest.raises(grpc.RpcError, match=r"shard 1 of 2 .* says that it is shard 0 of 2"):
                processes.ask()
            wait_until(lambda: "shard 1 of 2" in str(readiness_of(processes)["missing"]), what="not ready")
            assert readiness_of(processes)["code"] == 503
        with processes.gateway(first):
            with pytest.raises(grpc.RpcError, match="holds shard 0 of 2 alone"):
                processes.ask()
            wait_until(lambda: "holds shard 0 of 2 alone" in str(readiness_of(processes)["missing"]), what="not ready")
            assert readiness_of(processes)["code"] == 503


def test_a_shard_that_is_replaced_by_another_one_is_told_of_and_the_gateway_stays_ready(processes: Processes) -> None:
    with processes.gateway():
        with processes.shard(0), processes.shard(1):
            wait_until(lambda: readiness_of(processes)["degraded"] == ["user_tower_service"], what="whole")
            assert readiness_of(processes)["code"] == 200
        processes.addresses = {**processes.addresses, "shard 0": processes.addresses["shard 1"]}
        with processes.shard(0):
            wait_until(lambda: "says that it is shard 0 of 2" in str(readiness_of(processes)["degraded"]), what="told")
            assert readiness_of(processes)["code"] == 200
