"""The start of the product asks its own gateway, whatever proxy the environment names."""

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import ThreadingUnixStreamServer
from threading import Thread

import pytest

from cli.starting import wait_until_whole


class Ready(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"degraded": []}')

    def log_message(self, *_: object) -> None:
        """Be silent."""

    def address_string(self) -> str:
        return "somebody"


class IPv6Server(ThreadingHTTPServer):
    address_family = socket.AF_INET6


@contextmanager
def running(server: ThreadingHTTPServer | ThreadingUnixStreamServer) -> Iterator[None]:
    with server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield
        server.shutdown()
        thread.join()


@pytest.fixture(autouse=True, params=["http://127.0.0.1:1", "socks5://127.0.0.1:1"])
def proxies(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, request.param)
        monkeypatch.setenv(name.upper(), request.param)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)


@pytest.mark.parametrize(("kind", "host"), [(ThreadingHTTPServer, "127.0.0.1"), (IPv6Server, "[::1]")])
def test_the_gateway_is_asked_without_a_proxy(kind: type[ThreadingHTTPServer], host: str) -> None:
    server = kind((host.strip("[]"), 0), Ready)
    with running(server):
        wait_until_whole(f"{host}:{server.server_port}", None, deadline=time.monotonic() + 10)


def test_the_gateway_is_asked_on_its_unix_socket(tmp_path: Path) -> None:
    with running(ThreadingUnixStreamServer(str(tmp_path / "s"), Ready)):
        wait_until_whole(f"unix:{tmp_path}/s", None, deadline=time.monotonic() + 10)
