"""Exports spans to an OTLP receiver, in batches and from a background thread, with OpenTelemetry's SDK.

Only a process that traces imports this module. A receiver that is slow or dead delays no request: spans wait in a queue
of a limited length, and those that do not fit are lost.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from importlib.metadata import PackageNotFoundError, version

import requests
import structlog
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags, TraceState
from prometheus_client import Counter

from rpc.otlp_spans import encode
from rpc.tracing import Kind, Span

FLUSH_SECONDS = 2.0
"""How long a stopping process waits for the receiver to accept its last spans."""

_QUEUE, _BATCH = 8192, 512  # spans
_DELAY_MS = 5000.0  # each export takes some milliseconds of every process, however few spans there are
_RECEIVER_SECONDS = 5.0
_REDIRECTED = 300  # the first code of a redirection, which is not followed and which the library takes for a success
_LARGEST_ANSWER = 64 * 1024  # bytes; nobody asks what it says
_QUIET_SECONDS = 60.0
SPANS = Counter("moodfeed_trace_spans_total", "Trace spans sent to the receiver, and spans lost.", ["outcome"])

_SENT, _LOST = SPANS.labels("sent"), SPANS.labels("lost")

_log = structlog.get_logger("rpc.trace_export")
_KINDS: dict[Kind, SpanKind] = {
    "server": SpanKind.SERVER,
    "client": SpanKind.CLIENT,
    "internal": SpanKind.INTERNAL,
}
_SAMPLED = TraceFlags(TraceFlags.SAMPLED)
_ERROR = Status(StatusCode.ERROR)
_UNSET = Status()


class QuickExporter(OTLPSpanExporter):
    """OpenTelemetry's HTTP exporter with ``encode`` in place of its own encoder."""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send spans, with retries for a few seconds if the receiver asks for them."""
        sent = self._client.export(encode(spans))
        is_taken = sent.success and sent.status_code is not None and sent.status_code < _REDIRECTED
        return SpanExportResult.SUCCESS if is_taken else SpanExportResult.FAILURE


class WatchedExporter(SpanExporter):
    """Exports through another exporter, and logs failures (at most one a minute) and recovery."""

    def __init__(self, exporter: SpanExporter, *, now: Callable[[], float] = time.monotonic) -> None:
        """``now`` is a monotonic clock, in seconds."""
        self.waiting = 0
        """Spans that were handed over and are not exported yet; whoever hands them over counts them."""
        self.lock = threading.Lock()
        self._exporter = exporter
        self._now = now
        self._noted_at = float("-inf")
        self._lost = 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send spans; never raises."""
        try:
            result = self._exporter.export(spans)
        except Exception:  # noqa: BLE001 - the thread that exports must outlive whatever a receiver does
            result = SpanExportResult.FAILURE
        with self.lock:
            self.waiting -= len(spans)
        if result is SpanExportResult.SUCCESS:
            _SENT.inc(len(spans))
            if self._lost:
                _log.info("trace export recovered", lost_spans=self._lost)
                self._lost, self._noted_at = 0, float("-inf")
            return result
        _LOST.inc(len(spans))
        self._lost += len(spans)
        now = self._now()
        if now - self._noted_at >= _QUIET_SECONDS:
            self._noted_at = now
            _log.warning("trace export failed", lost_spans=self._lost)
        return result

    def shutdown(self) -> None:
        """Stop."""
        self._exporter.shutdown()


class SpanExport:
    """Exports the spans of this process, named ``service``; thread-safe."""

    def __init__(self, service: str, exporter: SpanExporter) -> None:
        self._resource = Resource.create({"service.name": service, "service.version": _version()})
        self._scope = InstrumentationScope("moodfeed", _version())
        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL + 1)  # WatchedExporter says it, less often
        self._exporter = WatchedExporter(exporter)
        self._processor = BatchSpanProcessor(
            self._exporter,
            max_queue_size=_QUEUE,
            schedule_delay_millis=_DELAY_MS,
            max_export_batch_size=_BATCH,
        )

    def take(self, span: Span) -> None:
        """Queue a span that has ended; if the queue is full, the span is lost. Never waits."""
        with self._exporter.lock:
            is_full = self._exporter.waiting >= _QUEUE
            self._exporter.waiting += not is_full
        if is_full:
            _LOST.inc()
            return
        self._processor.on_end(self._readable(span))

    def stop(self, *, seconds: float = FLUSH_SECONDS) -> None:
        """Send what is queued, for ``seconds`` at most."""
        stopping = threading.Thread(target=self._processor.shutdown, name="last spans", daemon=True)
        stopping.start()
        stopping.join(seconds)

    def _readable(self, span: Span) -> ReadableSpan:
        recording = span.recording
        trace_id, offset_ns = recording.trace_id, recording.offset_ns
        state = TraceState.from_header([recording.state]) if recording.state else None
        is_root = span.kind == "server"
        return ReadableSpan(
            span.name,
            SpanContext(trace_id, span.span_id, False, _SAMPLED, state),
            SpanContext(trace_id, span.parent_id, is_root, _SAMPLED) if span.parent_id else None,
            self._resource,
            {**span.attributes, "error.type": span.error} if span.error else span.attributes,
            (),
            [Link(SpanContext(*other, is_remote=False)) for other in span.links] if span.links else (),
            _KINDS[span.kind],
            status=_ERROR if span.error else _UNSET,
            start_time=span.started + offset_ns,
            end_time=span.ended + offset_ns,
            instrumentation_scope=self._scope,
        )


def otlp_exporter(endpoint: str) -> SpanExporter:
    """An exporter to the URL of an OTLP receiver over HTTP; no proxy of the environment is used."""
    session = requests.Session()
    session.trust_env = False
    session.hooks["response"].append(_read_beginning)
    return QuickExporter(endpoint=endpoint, timeout=_RECEIVER_SECONDS, session=session)


def _read_beginning(reply: requests.Response, **_: object) -> None:
    """Read an answer of usual length, so that the connection can be used again, and none that would fill the memory."""
    reply.raw.read(_LARGEST_ANSWER)
    reply.close()


def _version() -> str:
    try:
        return version("moodfeed")
    except PackageNotFoundError:
        return "unknown"
