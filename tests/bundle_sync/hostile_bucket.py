"""A small object store over a real socket that can misbehave as no real one would on demand: slow, silent, lying."""

import hashlib
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

_RANGE = re.compile(r"bytes=(\d+)-(\d+)")


@dataclass(slots=True)
class HostileBucket:
    """Objects by their path without the bucket's name, and what is done in place of an honest answer.

    ``trick`` gets the request and the name of the object, and returns whether it has dealt with the request itself;
    ``lose`` the same once an object is stored.
    """

    objects: dict[str, bytes] = field(default_factory=dict)
    trick: Callable[["Request", str], bool] = lambda _request, _name: False
    lose: Callable[["Request", str], bool] = lambda _request, _name: False
    asked: list[str] = field(default_factory=list)
    let_go: threading.Event = field(default_factory=threading.Event)
    """Set when the test is over: what hangs then ends."""
    endpoint: str = ""

    def environment(self) -> dict[str, str]:
        """The standard variables that reach it."""
        return {
            "AWS_ACCESS_KEY_ID": "some-key",
            "AWS_SECRET_ACCESS_KEY": "some-secret",
            "AWS_ENDPOINT_URL": self.endpoint,
        }


class Request(BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"
    bucket: HostileBucket

    def answer(self, status: int, content: bytes = b"", *, length: int | None = None, **headers: str) -> None:
        """Answer with ``content``, of which ``length`` may claim another size."""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(content) if length is None else length))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)
            self.wfile.flush()

    def do_GET(self) -> None:
        """Answer a GET or a HEAD, for a range too."""
        name = self._name()
        if name is None:
            return
        content = self.bucket.objects.get(name)
        if content is None:
            self.answer(404, b"<Error><Code>NoSuchKey</Code></Error>")
            return
        tag = f'"{hashlib.sha256(content).hexdigest()}"'
        known = {"ETag": tag, "Last_Modified": "Fri, 27 Nov 2026 00:00:00 GMT"}
        if self.headers.get("If-None-Match") == tag:
            self.answer(304, **known)
        elif found := _RANGE.fullmatch(self.headers.get("Range", "")):
            start, end = int(found[1]), min(int(found[2]) + 1, len(content))
            self.answer(206, content[start:end], Content_Range=f"bytes {start}-{end - 1}/{len(content)}", **known)
        else:
            self.answer(200, content, **known)

    def do_HEAD(self) -> None:
        """As a GET, of which the content is left out."""
        self.do_GET()

    def do_PUT(self) -> None:
        """Store an object."""
        content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        name = self._name()
        if name is None:
            return
        there = self.bucket.objects.get(name)
        wanted = self.headers.get("If-Match")
        if (self.headers.get("If-None-Match") and there is not None) or (
            wanted and (there is None or wanted != f'"{hashlib.sha256(there).hexdigest()}"')
        ):
            self.answer(412)
            return
        self.bucket.objects[name] = content
        if not self.bucket.lose(self, name):
            self.answer(200, ETag=f'"{hashlib.sha256(content).hexdigest()}"')

    def _name(self) -> str | None:
        """The object that is asked for; None if a trick has answered."""
        path = unquote(urlsplit(self.path).path).lstrip("/")
        name = path.partition("/")[2]
        self.bucket.asked.append(f"{self.command} {name}")
        return None if self.bucket.trick(self, name) else name

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """A client that has gone is no news."""


@contextmanager
def hostile_bucket() -> Iterator[HostileBucket]:
    """Serve one on the loopback while the block runs."""
    bucket = HostileBucket()
    server = _Server(("127.0.0.1", 0), type("Bound", (Request,), {"bucket": bucket}))
    bucket.endpoint = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield bucket
    finally:
        bucket.let_go.set()
        server.shutdown()
        thread.join()
        server.server_close()
