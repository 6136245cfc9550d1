"""Where the page is, for a browser on this machine, and what `moodfeed open` says where there is none."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.open_command import NoPageError
from cli.page_address import Page, look_for_page, page_address
from cli.subcommands import app
from rpc.tls import ClientTls


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("127.0.0.1:8000", "http://127.0.0.1:8000/"),
        ("localhost:8000", "http://localhost:8000/"),
        ("[::1]:8000", "http://[::1]:8000/"),
        ("0.0.0.0:8000", "http://127.0.0.1:8000/"),
        ("[::]:8000", "http://[::1]:8000/"),
        ("unix:/tmp/gateway", ""),
    ],
)
def test_the_address_is_one_that_a_browser_can_open(address: str, expected: str) -> None:
    assert page_address(address, None) == expected


def test_with_tls_the_address_is_https_and_a_question_stands_in_it() -> None:
    assert (
        page_address("a.test:443", ClientTls(Path("x.pem"), None, None), "mood=calm") == "https://a.test:443/?mood=calm"
    )


@contextmanager
def answering(code: int, kind: str) -> Iterator[str]:
    """The address of a server that answers everything alike."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(code)
            self.send_header("content-type", kind)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize(
    ("code", "kind", "expected"),
    [
        (200, "text/html; charset=utf-8", Page.SERVED),
        (404, "application/json", Page.SWITCHED_OFF),
        (200, "text/plain", Page.SWITCHED_OFF),
    ],
)
def test_what_answers_is_told_apart(code: int, kind: str, expected: Page) -> None:
    with answering(code, kind) as address:
        assert look_for_page(page_address(address, None), None) is expected


def test_a_gateway_without_the_page_says_which_setting_serves_it() -> None:
    with answering(404, "application/json") as address:
        result = CliRunner().invoke(app, ["open", "--address", address])
    assert isinstance(result.exception, NoPageError)
    assert "does not serve the explorer: start it with MOODFEED_GATEWAY_EXPLORER=on" in str(result.exception)


def test_an_address_that_is_none_is_refused_by_its_name() -> None:
    result = CliRunner().invoke(app, ["open", "--address", "8000"])
    assert isinstance(result.exception, NoPageError)
    assert str(result.exception).startswith("--address '8000' is not host:port")


@pytest.mark.parametrize("host", ["a\x01b", "\u00e9..x", "xn--a", "a" * 300])
def test_a_host_that_no_url_can_name_answers_nothing(host: str) -> None:
    assert look_for_page(f"http://{host}:80/", None) is Page.NOTHING
