"""A wrong setting ends a fetch at the first request, with the variable to set and the cause."""

import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from pipeline.upstream import ENDPOINTS, UpstreamClient, UpstreamError
from pipeline.upstream_faults import proxy_variable
from tests.certificate_files import CertificateFiles
from tests.held_port import held_port

FAR = "upstream.example"
VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR")
PAGE = json.dumps({"posts": [{"id": 1, "post_id": 1, "user_id": 1, "viewed_at": "2025-01-01"}]})


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


def fault_of(url: str, *, token: str = "a token") -> str:
    """The message of a fetch that must end at its first attempt."""
    waits: list[float] = []
    with (
        pytest.raises(UpstreamError) as caught,
        UpstreamClient(url, token, "an algorithm", silence_seconds=20, sleep=waits.append) as client,
    ):
        list(client.pages(ENDPOINTS[0]))
    assert waits == []
    assert "\n" not in str(caught.value)
    return str(caught.value)


@contextmanager
def answering(status: int, body: str = "", *, files: CertificateFiles | None = None, **headers: str) -> Iterator[int]:
    """A server that gives one answer to whatever it is asked, over TLS with ``files``; yields its port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            for name, value in ({"content-length": str(len(body.encode()))} | headers).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body.encode())

        do_CONNECT = do_GET  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        if files:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(files.certificate, files.key)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


def test_an_address_where_nothing_listens() -> None:
    with held_port() as port:
        assert fault_of(f"http://127.0.0.1:{port}") == (
            f"http://127.0.0.1:{port}: nothing answers at 127.0.0.1:{port} ([Errno 111] Connection refused): "
            "check MOODFEED_UPSTREAM_URL"
        )


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_host_that_does_not_exist(scheme: str) -> None:
    message = fault_of(f"{scheme}://no-such-host.invalid")
    assert message.startswith(f"{scheme}://no-such-host.invalid: ")
    assert message.endswith("): check MOODFEED_UPSTREAM_URL")


def test_a_web_page_in_place_of_json() -> None:
    with answering(200, " <!doctype html><p>Welcome</p>") as port:
        assert "is a web page, not JSON: check MOODFEED_UPSTREAM_URL" in fault_of(f"http://127.0.0.1:{port}")


def test_a_redirect_says_where_it_leads_without_secrets() -> None:
    with answering(301, location="https://me:secret@api.example/v2?key=secret") as port:
        message = fault_of(f"http://127.0.0.1:{port}")
    assert "status 301, which leads to https://api.example/v2: check MOODFEED_UPSTREAM_URL" in message


def test_tls_asked_of_a_server_without_it() -> None:
    with answering(200, PAGE) as port:
        message = fault_of(f"https://127.0.0.1:{port}")
    assert "does not speak TLS (" in message
    assert "check MOODFEED_UPSTREAM_URL, it may need http instead of https" in message


def test_a_certificate_of_an_unknown_authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = CertificateFiles(tmp_path).write()
    with answering(404, files=files) as port:
        message = fault_of(f"https://localhost:{port}")
        assert "the certificate of localhost is not trusted (" in message
        assert "set SSL_CERT_FILE to the certificate of its authority" in message
        monkeypatch.setenv("SSL_CERT_FILE", str(files.authority))
        assert "status 404" in fault_of(f"https://localhost:{port}")


@pytest.mark.parametrize("content", [None, "not a certificate"])
def test_a_file_of_authorities_that_cannot_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str | None
) -> None:
    path = tmp_path / "authorities.pem"
    if content:
        path.write_text(content, encoding="utf-8")
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    assert f"SSL_CERT_FILE={str(path)!r} cannot be read (" in fault_of("https://localhost:1")


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"])
def test_a_proxy_that_is_not_there(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    with held_port() as port:
        monkeypatch.setenv(variable, f"http://me:secret@127.0.0.1:{port}")
        message = fault_of(f"http://{FAR}")
    assert message.endswith(f"check {variable} and MOODFEED_UPSTREAM_URL")
    assert "secret" not in message


@pytest.mark.parametrize(
    ("scheme", "words"), [("http", "(407): set them in HTTP"), ("https", "refuses the connection")]
)
def test_a_proxy_that_wants_a_password(monkeypatch: pytest.MonkeyPatch, scheme: str, words: str) -> None:
    with answering(407) as port:
        monkeypatch.setenv(f"{scheme.upper()}_PROXY", f"http://127.0.0.1:{port}")
        message = fault_of(f"{scheme}://{FAR}")
    assert words in message
    assert f"{scheme.upper()}_PROXY" in message
    assert "407" in message


@pytest.mark.parametrize("proxy", ["ftp://127.0.0.1:1", "socks5://me:secret@127.0.0.1:1", "http://127.0.0.1:port"])
def test_a_proxy_of_another_kind(monkeypatch: pytest.MonkeyPatch, proxy: str) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    message = fault_of(f"https://{FAR}")
    assert message.startswith(f"https://{FAR}: HTTPS_PROXY is not the http(s) URL of a proxy")
    assert "secret" not in message


def test_a_proxy_is_named_only_for_hosts_that_it_is_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", FAR)
    assert proxy_variable(httpx.URL(f"https://{FAR}")) == ""
    assert proxy_variable(httpx.URL("https://other.example")) == "HTTPS_PROXY"
    assert proxy_variable(httpx.URL("http://other.example")) == ""


def test_a_token_that_no_header_can_hold() -> None:
    with answering(200, PAGE) as port:
        assert "set MOODFEED_FLIC_TOKEN" in fault_of(f"http://127.0.0.1:{port}", token="a\nb")


def test_a_server_that_goes_away_after_it_answered_is_tried_again() -> None:
    waits: list[float] = []
    with answering(200, PAGE, connection="close") as port:
        client = UpstreamClient(f"http://127.0.0.1:{port}", "t", "a", attempts=3, sleep=waits.append)
        pages = client.pages(ENDPOINTS[0])
        assert next(pages)[0] == 1
    with client, pytest.raises(UpstreamError, match=r"Connection refused.*, 3 times; .* resumes here"):
        list(pages)
    assert len(waits) == 2
