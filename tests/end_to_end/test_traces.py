"""Traces of the running product, in three processes and in one, as a real receiver gets them."""

import re
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import grpc
import httpx
import pytest

from cli.stack import running_stack
from moodfeed.feedback.v1 import feedback_pb2, feedback_pb2_grpc
from tests.end_to_end.conftest import free_addresses
from tests.trace_receiver import ReceivedSpan, trace_receiver
from tests.traced_product import PARENT, Traced, parent_of, tiny_bundles, traced_product

FEED = "moodfeed.feed.v1.FeedService/GetFeed"
OPENMETRICS = {"accept": "application/openmetrics-text; version=1.0.0"}


@pytest.fixture(scope="module", params=["three", "one"])
def traced(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Traced]:
    """Every request that does not say otherwise is traced."""
    directory = tmp_path_factory.mktemp(request.param)
    with (
        trace_receiver() as receiver,
        traced_product(directory, embedded=request.param == "one", ratio="1", receiver=receiver) as product,
    ):
        yield product


def lineage(spans: Sequence[ReceivedSpan]) -> set[tuple[str, ...]]:
    """The names on the way from the root to each span, without the calls between processes."""
    by_id = {item.span.span_id: item for item in spans}

    def way(item: ReceivedSpan) -> tuple[str, ...]:
        parent = by_id.get(item.span.parent_span_id)
        return (*(way(parent) if parent else ()), item.name)

    def is_stage(name: str) -> bool:
        return not name.startswith(("call ", "moodfeed."))

    return {tuple(filter(is_stage, way(item))) for item in spans if is_stage(item.name)}


STAGES = {
    ("encode context",),
    ("encode context", "encode moods"),
    ("search posts",),
    ("search posts", "rank posts"),
    ("search posts", "pack posts"),
    ("claim served",),
    ("claim served", "store: claim served"),
    ("claim served", "read log"),
}


def test_a_request_is_one_trace_from_the_caller_to_the_store_with_the_same_stages_in_both_layouts(
    traced: Traced,
) -> None:
    answer, _ = traced.ask([("traceparent", parent_of(1))], username="user1", mood="calm", remember_served=True)
    spans = traced.receiver.wait_for_whole_trace(f"{1:032x}")
    assert lineage(spans) >= STAGES
    (root,) = [item for item in spans if item.span.parent_span_id.hex() == PARENT]
    assert root.name == FEED
    assert root.attributes["rpc.grpc.status_code"] == 0
    ids = {item.span.span_id for item in spans}
    assert all(item is root or item.span.parent_span_id in ids for item in spans)
    (search,) = [item for item in spans if item.name == "search posts"]
    assert search.attributes == {"bundle": answer.bundle_id, "ranking": "RANKING_MOOD_THEN_USER"}
    if traced.is_one_process:
        assert {item.process for item in spans} == {"embedded"}
        return
    assert {item.process for item in spans} == {"gateway", "user_tower_service", "post_index_service"}
    calls = [item for item in spans if item.name.startswith("call ")]
    assert sorted((str(item.attributes["rpc.method"]), item.attributes["attempt"]) for item in calls) == [
        ("EncodeContext", 1),
        ("RememberServed", 1),
        ("SearchPosts", 1),
    ]
    for item in spans:
        if item.process != "gateway":
            continue
        inner = [other for other in spans if other.span.parent_span_id == item.span.span_id]
        assert all(other.seconds <= item.seconds for other in inner), item.name


def test_http_takes_the_context_in_as_grpc_does_and_passes_the_state_on(traced: Traced) -> None:
    headers = {"traceparent": parent_of(2), "tracestate": "vendor=abc"}
    assert traced.get("/feed?username=user2", headers).status_code == 200
    spans = traced.receiver.wait_for_whole_trace(f"{2:032x}")
    (root,) = [item for item in spans if item.span.parent_span_id.hex() == PARENT]
    assert (root.name, root.attributes) == ("GET /feed", {"http.response.status_code": 200})
    assert {("encode context",), ("search posts", "rank posts")} <= {
        tuple(name for name in names if name != "GET /feed") for names in lineage(spans)
    }
    assert {item.span.trace_state for item in spans} == {"vendor=abc"}


def test_a_caller_who_does_not_trace_is_not_traced(traced: Traced) -> None:
    traced.ask([("traceparent", parent_of(3, "00"))], username="user3")
    traced.get("/feed?username=user3", {"traceparent": parent_of(3, "00")})
    traced.ask([("traceparent", parent_of(4))], username="user3")
    traced.receiver.wait_for_whole_trace(f"{4:032x}")
    assert traced.receiver.trace(f"{3:032x}") == []


def test_an_error_is_a_trace_with_its_code(traced: Traced) -> None:
    with pytest.raises(grpc.RpcError):
        traced.ask([("traceparent", parent_of(5))], username="user1", category_id=99)
    spans = traced.receiver.wait_for_whole_trace(f"{5:032x}")
    (root,) = [item for item in spans if item.name == FEED]
    assert root.attributes["rpc.grpc.status_code"] == grpc.StatusCode.NOT_FOUND.value[0]
    assert traced.get("/feed?username=user1&category_id=99", {"traceparent": parent_of(6)}).status_code == 404
    spans = traced.receiver.wait_for_whole_trace(f"{6:032x}")
    assert [item.attributes["http.response.status_code"] for item in spans if item.name == "GET /feed"] == [404]


def test_whoever_asks_is_told_the_timings_of_the_reply(traced: Traced) -> None:
    _, trailing = traced.ask([("moodfeed-timings", "1")], username="user4")
    told = traced.get("/feed?username=user5", {"moodfeed-timings": "1"}).headers["server-timing"]
    for text in (str(trailing["server-timing"]), told):
        names = [part.split(";")[0] for part in text.split(", ")]
        assert {"encode-context", "search-posts"} < set(names)
        assert names[-1] == "total"
        assert all(re.fullmatch(r"[a-z_-]+;dur=\d+\.\d{3}", part) for part in text.split(", ")), text
    assert "server-timing" not in traced.ask(username="user4")[1]
    assert "server-timing" not in traced.get("/feed?username=user5").headers


def test_metrics_point_at_traces_where_openmetrics_is_asked_for(traced: Traced) -> None:
    traced.ask([("traceparent", parent_of(7))], username="user6")
    traced.get("/feed?username=user6", {"traceparent": parent_of(8)})
    answer = traced.get("/metrics", OPENMETRICS)
    assert answer.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    assert answer.text.endswith("# EOF\n")
    for metric, number in (("moodfeed_rpc_duration_seconds_bucket", 7), ("moodfeed_http_duration_seconds_bucket", 8)):
        assert [
            line for line in answer.text.splitlines() if line.startswith(metric) and f'trace_id="{number:032x}"' in line
        ], metric
    plain = traced.get("/metrics", {"accept": "text/plain"})
    assert plain.headers["content-type"].startswith("text/plain")
    assert "trace_id" not in plain.text


SECRETS = {
    "username": "Anastasia-Secretname",
    "mood": "melancholic-secretmood",
    "title": "Secrettitle of a post",
    "token": "secrettoken4711",
    "owner": "Secretowner",
    "event": "secretevent1",
}
VIDEO = "https://example.org/secretvideo.mp4"


def test_nothing_that_a_caller_wrote_is_in_anything_that_the_receiver_got_nor_in_any_log(traced: Traced) -> None:
    secret = SECRETS
    headers = {
        "traceparent": parent_of(9),
        "baggage": f"user={secret['username']},mood={secret['mood']}",
        "authorization": f"Bearer {secret['token']}",
    }
    metadata = [("traceparent", parent_of(9)), ("baggage", headers["baggage"])]
    post = {"title": secret["title"], "category_id": 1, "owner_username": secret["owner"], "video_link": VIDEO}
    event = {"username": secret["username"], "event_id": secret["event"], "verb": "LIKE", "post_id": 1}
    asked = {"username": secret["username"], "mood": secret["mood"]}
    with httpx.Client(base_url=f"http://{traced.addresses.gateway_http}", headers=headers, timeout=20) as client:
        assert client.put("/posts/external:secretpost", json=post).status_code == 200
        assert secret["title"] in client.get("/posts/external:secretpost").text
        assert client.post("/interactions", json={"interactions": [event]}).status_code == 200
        assert client.get("/feed", params=asked | {"category_id": 1}).status_code == 200
        for query in ({}, {"category_id": 999}, {"page_token": "secretpagetoken"}, {"diversity": "x"}):
            client.get("/feed", params=asked | query)
        assert client.post("/feeds", json={"feeds": [asked, asked | {"category_id": 1}]}).status_code == 200
        client.put("/rules/secretrule", json={"pin": {"post_ids": [1]}})
        client.get(f"/people/{secret['username']}")
        client.delete(f"/people/{secret['username']}")
        client.delete("/posts/external:secretpost")
        client.get(f"/nothing/{secret['username']}")
    for fields in (
        {**asked, "category_id": 1, "remember_served": True},
        {**asked, "mood": secret["mood"] * 40},
        {**asked, "page_token": "secretpagetoken"},
    ):
        with suppress(grpc.RpcError):
            traced.ask(metadata, **fields)
    with grpc.insecure_channel(traced.addresses.gateway_grpc) as channel:
        interaction = feedback_pb2.Interaction(username=secret["username"], verb="VERB_LIKE", post_id=1)
        feedback_pb2_grpc.FeedbackServiceStub(channel).RecordInteractions(
            feedback_pb2.RecordInteractionsRequest(interactions=[interaction]), metadata=metadata, timeout=20
        )
    spans = traced.receiver.wait_for_whole_trace(f"{9:032x}")
    assert {"GET /feed", "POST /interactions", "PUT /posts/{post_id}", "store: record", FEED} <= {
        item.name for item in spans
    }
    got = b"".join(traced.receiver.raw).lower()
    written = b"".join(path.read_bytes() for path in traced.logs.iterdir()).lower()
    for place in (got, written):
        assert place
        assert not re.findall(rb".{40}(?:secret|anastasia|melancholic).{40}", place)


def test_every_name_of_a_span_or_an_attribute_is_in_the_documentation(traced: Traced) -> None:
    page = (Path(__file__).parents[2] / "docs" / "traces.md").read_text(encoding="utf-8")
    traced.ask([("traceparent", parent_of(10))], username="user1", mood="calm", remember_served=True)
    traced.receiver.wait_for_whole_trace(f"{10:032x}")
    for item in traced.receiver.spans():
        if not item.name.startswith(("moodfeed.", "GET ", "POST ", "PUT ", "DELETE ")):
            assert f"`{item.name}`" in page, item.name
        assert all(f"`{key}`" in page for key in item.attributes), item.attributes


@pytest.mark.parametrize("embedded", [False, True], ids=["three", "one"])
def test_spans_that_wait_are_sent_when_the_process_is_told_to_end(tmp_path: Path, *, embedded: bool) -> None:
    with trace_receiver() as receiver:
        with traced_product(tmp_path, embedded=embedded, ratio="1", receiver=receiver) as product:
            for number in range(20):
                product.ask([("traceparent", parent_of(100 + number))], username=f"user{number}")
            for process in product.stack.processes.values():
                process.send_signal(signal.SIGTERM)
            started = time.monotonic()
            for process in product.stack.processes.values():
                assert process.wait(15) == 0
            assert time.monotonic() - started < 10
        receiver.wait_for(lambda spans: sum(item.name == FEED for item in spans) == 20, seconds=5)


def test_a_share_of_the_requests_is_traced_as_a_whole(tmp_path: Path) -> None:
    with trace_receiver() as receiver:
        with traced_product(tmp_path, embedded=False, ratio="0.2", receiver=receiver) as product:
            for number in range(200):
                product.ask(username=f"user{number % 20}")
        by_trace: dict[bytes, set[str]] = {}
        for item in receiver.spans():
            by_trace.setdefault(item.span.trace_id, set()).add(item.name)
        assert 15 <= len(by_trace) <= 75
        assert all(FEED in names and "rank posts" in names for names in by_trace.values())


def test_without_a_receiver_nothing_of_the_sdk_is_loaded_and_timings_are_told_all_the_same(tmp_path: Path) -> None:
    bundles, addresses = tiny_bundles(tmp_path), free_addresses()
    with running_stack(bundles, addresses, logs=tmp_path / "logs", embedded=True) as stack:
        told = httpx.get(
            f"http://{addresses.gateway_http}/feed?username=user1", headers={"moodfeed-timings": "1"}, timeout=20
        )
        assert "search-posts;dur=" in told.headers["server-timing"]
        threads = {
            (path / "comm").read_text(encoding="utf-8").strip()
            for process in stack.processes.values()
            for path in Path(f"/proc/{process.pid}/task").iterdir()
        }
        assert not [name for name in threads if name.startswith("Otel")]
