"""A gateway that loses the first answer to each request, after it has taken effect, and that fails as it is told to.

A request for the feed of ``fails STATUS REASON`` is answered by that error. Everything else goes to a real gateway; the
first time a request is seen, its answer is lost.
"""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from urllib.parse import parse_qs, urlsplit

import grpc
import httpx

from gateway.http_errors import HTTP_CODES
from moodfeed.feed.v1 import feed_pb2
from rpc.errors import ErrorRow, status_of_row

FAILS = "fails "
TOLD = "as it was told"
THROTTLED, PUSHBACK_SECONDS = "RESOURCE_EXHAUSTED", 0.1
_LOST = (grpc.StatusCode.UNAVAILABLE, "the answer was lost")


class Seen:
    """Which requests were seen before."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._requests: set[object] = set()

    def is_new(self, request: object) -> bool:
        with self._lock:
            known = request in self._requests
            self._requests.add(request)
            return not known


class LossyHandlers(grpc.GenericRpcHandler):
    """Answers any unary method over gRPC."""

    def __init__(self, channel: grpc.Channel, seen: Seen) -> None:
        self._channel = channel
        self._seen = seen

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler:
        forward = self._channel.unary_unary(details.method)

        def answer(request: bytes, context: grpc.ServicerContext) -> bytes:
            if details.method.endswith("/GetFeed"):
                username = feed_pb2.GetFeedRequest.FromString(request).username
                if username.startswith(FAILS):
                    _, status, reason = username.split()
                    row = ErrorRow(grpc.StatusCode[status], reason)
                    wait = PUSHBACK_SECONDS if status == THROTTLED else None
                    context.abort_with_status(status_of_row(row, TOLD, retry_after_seconds=wait))
            try:
                found: bytes = forward(request, timeout=10)
            except grpc.RpcError as error:
                context.abort(error.code(), error.details())
            if self._seen.is_new((details.method, request)):
                context.abort(*_LOST)
            return found

        return grpc.unary_unary_rpc_method_handler(answer)


@contextmanager
def lossy_gateway(real_grpc: str, real_http: str) -> Iterator[tuple[str, str]]:
    """The gRPC and the HTTP address of one, host:port each, before a real gateway."""
    seen = Seen()

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            usernames = parse_qs(urlsplit(self.path).query).get("username", [""])
            if usernames[0].startswith(FAILS):
                _, status, reason = usernames[0].split()
                code = HTTP_CODES.get(grpc.StatusCode[status], 501)
                error = {"code": code, "status": status, "reason": reason, "message": TOLD}
                self.write(code, json.dumps({"error": error}).encode(), pushes_back=status == THROTTLED)
                return
            headers = {"content-type": "application/json"} if body else {}
            found = httpx.request(
                self.command, f"http://{real_http}{self.path}", content=body, headers=headers, timeout=10
            )
            if self.command != "OPTIONS" and seen.is_new((self.command, self.path, body)):
                self.write(503, b"")
            else:
                self.write(found.status_code, found.content)

        def preflight(self) -> None:
            self.write(204, b"")

        def write(self, code: int, content: bytes, *, pushes_back: bool = False) -> None:
            self.send_response(code)
            if pushes_back:
                self.send_header("retry-after", "1")
            self.send_header("access-control-expose-headers", "retry-after")
            self.send_header("content-length", str(len(content)))
            self.send_header("access-control-allow-origin", "*")
            self.send_header("access-control-allow-headers", "content-type, authorization")
            self.send_header("access-control-allow-methods", "GET, PUT, POST, DELETE")
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_PUT = do_POST = do_DELETE = answer  # noqa: N815 - the names of http.server
        do_OPTIONS = preflight  # noqa: N815

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with grpc.insecure_channel(real_grpc) as channel, ThreadPoolExecutor(4) as threads:
        server = grpc.server(threads, handlers=[LossyHandlers(channel, seen)])
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        web = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        Thread(target=web.serve_forever, daemon=True).start()
        try:
            yield f"127.0.0.1:{port}", f"127.0.0.1:{web.server_port}"
        finally:
            web.shutdown()
            web.server_close()
            server.stop(0)
