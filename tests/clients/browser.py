"""A page on this machine that a real Chromium opens, and that sends back what it found."""

import json
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Empty, Queue
from threading import Thread
from types import TracebackType
from typing import Self

_TYPES = {".js": "text/javascript", ".json": "application/json", ".html": "text/html"}
NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")


def chromium() -> str | None:
    """The program, if this machine has one."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


class BrowserPage:
    """Serves ``files`` by path, and keeps what the page posts to /results."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self._results: Queue[object] = Queue()
        page = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                content = page.files.get(self.path)
                self.send_response(404 if content is None else 200)
                self.send_header("content-type", _TYPES.get(Path(self.path).suffix, "text/html; charset=utf-8"))
                self.end_headers()
                self.wfile.write(content or b"")

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                self.send_response(204)
                self.end_headers()
                page._results.put(json.loads(body))

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.origin = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def open(self, script: str, files: Mapping[str, bytes], *, seconds: float = 240) -> object:
        """What a page with this module script posts, in a Chromium that may reach this machine alone."""
        self.files = {"/": f'<!doctype html><script type="module">{script}</script>'.encode(), **files}
        program = chromium()
        assert program is not None
        options = [
            "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
            "--disable-dev-shm-usage", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
            "--remote-debugging-port=0",
        ]  # fmt: skip
        with tempfile.TemporaryDirectory() as profile:
            process = subprocess.Popen(
                [program, *options, f"--user-data-dir={profile}", f"{self.origin}/"],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            try:
                return self._results.get(timeout=seconds)
            except Empty:
                raise AssertionError(f"the page posted nothing within {seconds:g} s") from None
            finally:
                process.terminate()
                process.wait(20)
