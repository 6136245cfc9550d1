"""Spans on their way to a receiver that is there, one that is slow, and one that is not."""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import structlog
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import REGISTRY

from rpc.otlp_spans import encode
from rpc.trace_context import Carried
from rpc.trace_export import FLUSH_SECONDS, SpanExport, WatchedExporter, otlp_exporter
from rpc.tracing import Tracer, stage
from tests.held_port import held_port
from tests.trace_receiver import silent_receiver, trace_receiver

SAMPLED = Carried(trace_id=7, parent_id=8, is_sampled=True, state="a=1,b=2")


def spans_of_one_request() -> Sequence[ReadableSpan]:
    kept = InMemorySpanExporter()
    export = SpanExport("gateway", kept)
    with (
        Tracer(export.take).request("GetFeed", SAMPLED) as request,
        suppress(ValueError),
        stage("search posts", "client") as span,
    ):
        span.note(rows=3, bundle="abc", remembered=True)
        span.link(request)
        raise ValueError("no")
    export.stop()
    return kept.get_finished_spans()


def test_a_span_reaches_the_sdk_with_all_that_it_says() -> None:
    search, request = spans_of_one_request()
    assert (search.name, request.name) == ("search posts", "GetFeed")
    assert search.attributes == {"rows": 3, "bundle": "abc", "remembered": True, "error.type": "ValueError"}
    assert (search.kind.name, request.kind.name) == ("CLIENT", "SERVER")
    assert search.parent is not None
    assert request.parent is not None
    assert request.context is not None
    assert (search.parent.span_id, search.parent.is_remote) == (request.context.span_id, False)
    assert (request.parent.trace_id, request.parent.span_id, request.parent.is_remote) == (7, 8, True)
    assert request.context.trace_state.to_header() == "a=1,b=2"
    assert (search.status.status_code.name, search.status.description) == ("ERROR", None)
    assert [link.context.span_id for link in search.links] == [request.context.span_id]
    assert search.resource.attributes["service.name"] == "gateway"
    assert abs((search.end_time or 0) - time.time_ns()) < 60e9


def test_our_encoder_says_what_opentelemetrys_own_says() -> None:
    spans = spans_of_one_request()
    ours, theirs = ExportTraceServiceRequest.FromString(encode(spans)), encode_spans(spans)
    for message in (ours, theirs):
        for span in message.resource_spans[0].scope_spans[0].spans:
            assert span.flags & 0x100
            span.flags &= 0x300  # theirs leaves out that the trace is sampled
            span.ClearField("status") if not span.status.code else None
            for link in span.links:
                link.ClearField("flags")
                link.ClearField("trace_state")
    assert ours == theirs


def test_a_real_receiver_gets_the_spans_that_wait_when_the_process_ends() -> None:
    with trace_receiver() as receiver:
        export = SpanExport("gateway", otlp_exporter(f"{receiver.url}/v1/traces"))
        tracer = Tracer(export.take, ratio=1.0)
        for _ in range(1500):
            with tracer.request("GetFeed"), stage("search posts"):
                pass
        export.stop()
        receiver.wait_for(lambda spans: len(spans) == 3000)
        assert {(item.process, item.name) for item in receiver.spans()} == {
            ("gateway", "GetFeed"),
            ("gateway", "search posts"),
        }


def seconds_of(export: SpanExport, *, requests: int) -> float:
    tracer, started = Tracer(export.take, ratio=1.0), time.monotonic()
    for _ in range(requests):
        with tracer.request("GetFeed"), stage("search posts"):
            pass
    return time.monotonic() - started


MINUTES_IF_THEY_WAITED = 20  # seconds; 10,000 requests take one on a quiet machine


def test_a_receiver_that_never_answers_delays_no_request_and_no_end() -> None:
    sent, lost = outcomes()
    with silent_receiver() as url:
        export = SpanExport("gateway", otlp_exporter(url))
        assert seconds_of(export, requests=10_000) < MINUTES_IF_THEY_WAITED
        assert outcomes() == [sent, lost + 20_000 - 8192]  # what the queue does not hold
        started = time.monotonic()
        export.stop()
        assert time.monotonic() - started < FLUSH_SECONDS + 0.5


def test_a_receiver_that_is_not_there_delays_no_request_and_no_end(capfd: pytest.CaptureFixture[str]) -> None:
    with held_port() as port:
        export = SpanExport("gateway", otlp_exporter(f"http://127.0.0.1:{port}"))
        assert seconds_of(export, requests=10_000) < MINUTES_IF_THEY_WAITED
        started = time.monotonic()
        export.stop()
        assert time.monotonic() - started < FLUSH_SECONDS + 0.5
    assert "Traceback" not in capfd.readouterr().err


class Answering(BaseHTTPRequestHandler):
    """Answers as the path says: a code, or 200 and megabytes without an end."""

    protocol_version = "HTTP/1.1"
    connections, written = 0, 0

    def setup(self) -> None:
        super().setup()
        type(self).connections += 1

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        is_endless = self.path == "/endless"
        self.send_response(200 if is_endless else int(self.path[1:]))
        self.send_header("location", "/200")
        self.send_header("content-length", str(10**12 if is_endless else 2))
        self.end_headers()
        with suppress(OSError):
            self.wfile.write(b"{}")
            while is_endless:
                type(self).written += self.wfile.write(b"x" * 1_000_000)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def answering() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Answering) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize(
    ("code", "expected"),
    [(200, SpanExportResult.SUCCESS), (202, SpanExportResult.SUCCESS), (400, SpanExportResult.FAILURE)]
    + [(code, SpanExportResult.FAILURE) for code in (301, 302, 307, 308)],  # of a proxy that wants https, say
)
def test_only_a_receiver_that_says_so_has_taken_the_spans(
    answering: str, code: int, expected: SpanExportResult
) -> None:
    assert otlp_exporter(f"{answering}/{code}").export(spans_of_one_request()) is expected


def test_connections_are_used_again_and_an_answer_without_an_end_is_left(answering: str) -> None:
    spans, before = spans_of_one_request(), Answering.connections
    exporter = otlp_exporter(f"{answering}/200")
    for _ in range(3):
        exporter.export(spans)
    assert Answering.connections == before + 1
    otlp_exporter(f"{answering}/endless").export(spans)
    assert Answering.written < 50_000_000  # what the buffers of the network hold


class Failing(SpanExporter):
    """Fails as long as ``fails`` says so."""

    fails: SpanExportResult | Exception | None = None

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        if isinstance(self.fails, Exception):
            raise self.fails
        return self.fails or SpanExportResult.SUCCESS


def outcomes() -> list[float]:
    name = "moodfeed_trace_spans_total"
    return [REGISTRY.get_sample_value(name, {"outcome": outcome}) or 0 for outcome in ("sent", "lost")]


def test_failures_are_counted_each_time_and_told_once_a_minute() -> None:
    moments = iter([1.0, 2.0, 60.0, 61.5, 62.0])
    failing = Failing()
    watched = WatchedExporter(failing, now=lambda: next(moments))
    sent, lost = outcomes()
    with structlog.testing.capture_logs() as log:
        watched.export([None, None])  # type: ignore[list-item]
        failing.fails = SpanExportResult.FAILURE
        for _ in range(4):
            watched.export([None])  # type: ignore[list-item]
        failing.fails = RuntimeError("ana feels sad")
        watched.export([None])  # type: ignore[list-item]
        failing.fails = None
        watched.export([None])  # type: ignore[list-item]
    assert outcomes() == [sent + 3, lost + 5]
    assert [(line["event"], line["lost_spans"]) for line in log] == [
        ("trace export failed", 1),
        ("trace export failed", 4),
        ("trace export recovered", 5),
    ]
