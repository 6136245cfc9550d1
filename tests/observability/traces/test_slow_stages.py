"""A stage that is made slow is the one that the trace names; a receiver that is silent makes none slow."""

import signal
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.trace_receiver import ReceivedSpan, TraceReceiver, silent_receiver, trace_receiver
from tests.traced_product import Traced, parent_of, traced_product

STOPPED_SECONDS, LOCKED_SECONDS = 2.0, 0.7  # less than a request, or the store, waits


@pytest.fixture(scope="module")
def traced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Traced]:
    with (
        trace_receiver() as receiver,
        traced_product(tmp_path_factory.mktemp("slow"), embedded=False, ratio="1", receiver=receiver) as product,
    ):
        yield product


@contextmanager
def stopped(traced: Traced, process: str) -> Iterator[None]:
    """SIGSTOP a process for STOPPED_SECONDS from now on; it goes on in any case."""
    running = traced.stack.processes[process]
    running.send_signal(signal.SIGSTOP)
    timer = threading.Timer(STOPPED_SECONDS, lambda: running.send_signal(signal.SIGCONT))
    timer.start()
    try:
        yield
    finally:
        timer.join()


@contextmanager
def locked(database: Path) -> Iterator[None]:
    """Another program holds the write lock of the store for LOCKED_SECONDS."""
    is_held = threading.Event()

    def hold() -> None:
        with closing(sqlite3.connect(database, isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            is_held.set()
            time.sleep(LOCKED_SECONDS)
            connection.execute("ROLLBACK")

    thread = threading.Thread(target=hold)
    thread.start()
    assert is_held.wait(10)
    try:
        yield
    finally:
        thread.join()


def slowest(spans: Sequence[ReceivedSpan]) -> tuple[str, float]:
    """The span with the most time of its own, which is not that of its children, and this time."""
    own = {item.span.span_id: item.seconds for item in spans}
    for item in spans:
        if item.span.parent_span_id in own:
            own[item.span.parent_span_id] -= item.seconds
    most = max(spans, key=lambda item: own[item.span.span_id])
    return most.name, own[most.span.span_id]


def longest_stage(spans: Sequence[ReceivedSpan], root: str) -> str:
    """The longest of the stages right below the request's own span."""
    (request,) = [item for item in spans if item.name == root]
    return max(
        (item for item in spans if item.span.parent_span_id == request.span.span_id), key=lambda i: i.seconds
    ).name


@pytest.mark.parametrize(
    ("number", "process", "stage"),
    [(75, "user_tower_service", "encode context"), (76, "post_index_service", "search posts")],
)
def test_a_service_that_does_not_answer_is_named(traced: Traced, number: int, process: str, stage: str) -> None:
    mood = f"calm {process}"
    traced.ask(username="user1", mood=mood)  # the tower remembers it: on a busy machine a new one takes long as well
    with stopped(traced, process):
        traced.get(f"/feed?username=user2&mood={quote(mood)}", {"traceparent": parent_of(number)})
    spans = traced.receiver.wait_for_whole_trace(f"{number:032x}")
    name, seconds = slowest(spans)
    assert name == f"call {process}"
    assert seconds > STOPPED_SECONDS / 4
    assert longest_stage(spans, "GET /feed") == stage


def test_a_store_that_is_locked_is_named(traced: Traced) -> None:
    with locked(traced.logs.parent / "store.sqlite"):
        traced.post(
            "/interactions",
            {"interactions": [{"username": "user3", "verb": "LIKE", "post_id": 1}]},
            {"traceparent": parent_of(77)},
        )
    spans = traced.receiver.wait_for_whole_trace(f"{77:032x}")
    assert slowest(spans)[0] == "store: record"


def test_the_claim_of_what_is_shown_is_named_where_the_store_is_locked(traced: Traced) -> None:
    with locked(traced.logs.parent / "store.sqlite"):
        traced.ask([("traceparent", parent_of(78))], username="user4", remember_served=True)
    spans = traced.receiver.wait_for_whole_trace(f"{78:032x}")
    assert slowest(spans)[0] == "store: claim served"
    assert longest_stage(spans, "moodfeed.feed.v1.FeedService/GetFeed") == "claim served"


def test_a_silent_receiver_fails_no_request_and_hardly_delays_the_end(tmp_path: Path) -> None:
    with silent_receiver() as url:
        with traced_product(tmp_path, embedded=False, ratio="1", receiver=TraceReceiver(url)) as product:
            for number in range(200):
                answer, _ = product.ask(username=f"user{number % 20}")
                assert answer.posts
                assert not answer.degradations
            started = time.monotonic()
            for process in product.stack.processes.values():
                process.send_signal(signal.SIGTERM)
            for process in product.stack.processes.values():
                assert process.wait(15) == 0
            assert time.monotonic() - started < 10
        log = (product.logs / "gateway.log").read_text(encoding="utf-8")
        assert log.count("trace export failed") <= 1
        assert "Traceback" not in log
        assert "exception" not in log
