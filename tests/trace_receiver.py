"""A receiver of traces: oteltap, which decodes and passes on what it gets to a server that keeps it as it came."""

import gzip
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from oteltap.oteltap_core import OtelTapCore

from tests.held_port import held_port


@dataclass(frozen=True, slots=True)
class ReceivedSpan:
    """A span and the process that it is of."""

    process: str
    span: Span

    @property
    def name(self) -> str:
        return self.span.name

    @property
    def seconds(self) -> float:
        return (self.span.end_time_unix_nano - self.span.start_time_unix_nano) / 1e9

    @property
    def attributes(self) -> Mapping[str, object]:
        return {item.key: getattr(item.value, item.value.WhichOneof("value")) for item in self.span.attributes}


@dataclass(slots=True)
class TraceReceiver:
    """What has come so far; ``url`` is what MOODFEED_TRACES_ENDPOINT names.

    What is sent to ``url_behind`` is kept as well, without oteltap, which cannot read what is compressed.
    """

    url: str
    url_behind: str = ""
    requests: list[ExportTraceServiceRequest] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)

    def spans(self) -> Sequence[ReceivedSpan]:
        return [
            ReceivedSpan(_service_of(of_process.resource.attributes), span)
            for request in tuple(self.requests)
            for of_process in request.resource_spans
            for of_scope in of_process.scope_spans
            for span in of_scope.spans
        ]

    def trace(self, trace_id: str) -> Sequence[ReceivedSpan]:
        return [received for received in self.spans() if received.span.trace_id.hex() == trace_id]

    def wait_for(self, is_there: Callable[[Sequence[ReceivedSpan]], object], *, seconds: float = 30) -> None:
        deadline = time.monotonic() + seconds
        while not is_there(self.spans()):
            assert time.monotonic() < deadline, sorted((item.process, item.name) for item in self.spans())
            time.sleep(0.02)

    def wait_for_whole_trace(self, trace_id: str) -> Sequence[ReceivedSpan]:
        """Wait for the spans of a trace until each one's parent is there too, and nothing came for two exports."""
        seen, quiet_since = -1, time.monotonic()
        deadline = quiet_since + 30
        while True:
            found = self.trace(trace_id)
            if len(found) != seen:
                seen, quiet_since = len(found), time.monotonic()
            ids = {received.span.span_id for received in found}
            missing = {item.span.parent_span_id for item in found} - ids - {b""}  # the caller's own span never comes
            if found and len(missing) <= 1 and time.monotonic() - quiet_since > 2.5:
                return found
            assert time.monotonic() < deadline, [(item.process, item.name) for item in found]
            time.sleep(0.05)


@contextmanager
def trace_receiver() -> Iterator[TraceReceiver]:
    """Run one until the block ends."""
    receiver = TraceReceiver("")

    class Keep(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.headers["content-encoding"] == "gzip":
                body = gzip.decompress(body)
            receiver.raw.append(body)
            receiver.requests.append(ExportTraceServiceRequest.FromString(body))
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Keep) as keeper, held_port() as port:
        threading.Thread(target=keeper.serve_forever, daemon=True).start()
        receiver.url_behind = f"http://127.0.0.1:{keeper.server_port}"
        kept_at = f"{receiver.url_behind}/v1/traces"
        code, handle = OtelTapCore.oteltap_start_receiving_http_protobuf(port, 0, kept_at, None, None)
        assert code == 0, code
        receiver.url = f"http://127.0.0.1:{port}"
        try:
            yield receiver
        finally:
            OtelTapCore.oteltap_stop_receiving(handle)
            keeper.shutdown()


@contextmanager
def silent_receiver() -> Iterator[str]:
    """Accepts connections and never answers; gives its URL."""
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


def _service_of(attributes: Sequence[object]) -> str:
    return next(item.value.string_value for item in attributes if item.key == "service.name")  # type: ignore[attr-defined]
