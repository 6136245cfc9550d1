"""Connections of the HTTP server: heads, bodies, targets and limits, on a server in this process."""

import asyncio
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from gateway import http_connection
from gateway.http_server import listen, make_http_server
from gateway.settings import Settings

Name = str | bytes | tuple[object, ...]


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Says what was asked; /wait never answers."""
    if scope["type"] != "http":
        return
    if scope["path"] == "/wait":
        await asyncio.Event().wait()
    said = {"path": scope["path"], "query": scope["query_string"].decode()}
    await JSONResponse(said)(scope, receive, send)


@contextmanager
def serving(address: str = "127.0.0.1:0", **fields: object) -> Iterator[Name]:
    """The name of the listening socket of a server for ``echo``."""
    listening = listen(address)
    server = make_http_server(echo, Settings(**fields), None)
    loops: list[asyncio.AbstractEventLoop] = []

    async def serve() -> None:
        loops.append(asyncio.get_running_loop())
        await server.serve(sockets=[listening])

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    name = listening.getsockname()
    thread.start()
    try:
        yield name
    finally:
        loops[0].call_soon_threadsafe(server.stop)
        thread.join()


@contextmanager
def connected(name: Name) -> Iterator[socket.socket]:
    family = socket.AF_UNIX if isinstance(name, str | bytes) else socket.AF_INET6 if len(name) == 4 else socket.AF_INET
    with socket.socket(family) as connection:
        connection.settimeout(30)
        connection.connect(name)
        yield connection


def answers(name: Name, sent: bytes) -> bytes:
    """Everything that comes back until the server closes the connection."""
    with connected(name) as connection, connection.makefile("rb") as reader:
        connection.sendall(sent)
        return reader.read()


def get(target: bytes, *, closes: bool = True) -> bytes:
    return b"GET " + target + b" HTTP/1.1\r\nhost: x\r\n" + (b"connection: close\r\n" if closes else b"") + b"\r\n"


def wait_for(connection: socket.socket, text: bytes) -> None:
    """Read until ``text`` has come."""
    read = b""
    while text not in read:
        part = connection.recv(10_000)
        assert part, read
        read += part


def body_of(answer: bytes) -> dict[str, object]:
    return json.loads(answer.partition(b"\r\n\r\n")[2])


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"GET / HTTP/1.1\r\nhost: x\r\n", id="half a head"),
        pytest.param(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n1", id="half a body"),
    ],
)
def test_a_client_that_stops_in_the_middle_loses_its_connection(monkeypatch: pytest.MonkeyPatch, sent: bytes) -> None:
    monkeypatch.setattr(http_connection, "HEAD_SECONDS", 0.2)
    with serving(keep_alive_seconds=600) as name:
        answers(name, sent)


@pytest.mark.parametrize("before", [b"", get(b"/", closes=False)], ids=["first", "second"])
def test_a_head_that_comes_in_drops_has_no_more_time(monkeypatch: pytest.MonkeyPatch, before: bytes) -> None:
    monkeypatch.setattr(http_connection, "HEAD_SECONDS", 0.5)
    with serving(keep_alive_seconds=600) as name, connected(name) as connection:
        connection.sendall(before)
        if before:
            wait_for(connection, b'"query"')
        connection.settimeout(0.05)
        for _ in range(400):
            try:
                connection.sendall(b"G")
                if connection.recv(1) == b"":
                    return
            except TimeoutError:
                continue
            except ConnectionError:
                return
        pytest.fail("it may go on for ever")


def test_an_answer_may_take_longer_than_a_head_and_an_idle_connection_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_connection, "HEAD_SECONDS", 0.1)
    with serving(grace_seconds=0.1) as name, connected(name) as idle, connected(name) as waiting:
        idle.sendall(get(b"/a", closes=False))
        wait_for(idle, b"/a")
        waiting.sendall(get(b"/wait"))
        answers(name, b"")  # until the deadline of another one has passed
        idle.sendall(get(b"/b"))
        wait_for(idle, b"/b")
        waiting.settimeout(0.1)
        with pytest.raises(TimeoutError):
            waiting.recv(1)


def test_probes_are_answered_at_the_limit_and_other_requests_refused_in_our_form() -> None:
    with serving(max_connections=2) as name, connected(name), connected(name) as held:
        assert b"200 OK" in answers(name, get(b"/healthz", closes=False))  # and the server closes it
        refusal = answers(name, get(b"/feed", closes=False))
        assert b" 503 " in refusal
        assert b"retry-after: 1" in refusal
        assert body_of(refusal)["error"]["reason"] == "TOO_MANY_CONNECTIONS"
        with connected(name):  # one too many takes nothing from those that have a place
            held.sendall(get(b"/feed"))
            wait_for(held, b"200 OK")


@pytest.mark.parametrize(
    "sent",
    [b"nonsense\r\n\r\n", b"\x16\x03\x01\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n", get(b"/", closes=False) + b"\0\r\n\r\n"],
)
def test_bytes_that_are_not_a_request_are_refused_in_our_form(sent: bytes) -> None:
    with serving() as name:
        *_, answer = answers(name, sent).split(b"HTTP/1.1 ")
        assert answer.startswith(b"400 ")
        assert body_of(answer)["error"] == {
            "code": 400,
            "status": "INVALID_ARGUMENT",
            "reason": "REQUEST_MALFORMED",
            "message": "not a request in HTTP/1.1, or its head is too long",
        }


@pytest.mark.parametrize(
    ("target", "path", "query"),
    [
        (b"http://example.com/feed?a=b", "/feed", "a=b"),
        (b"HTTPS://example.com:8000/feed", "/feed", ""),
        (b"http://example.com", "/", ""),
        (b"http://example.com?a", "/", "a"),
        ("/f?mood=\U0001f602é".encode(), "/f", "mood=%F0%9F%98%82%C3%A9"),
        ("/é".encode(), "/é", ""),
    ],
)
def test_a_target_is_read_in_every_form(target: bytes, path: str, query: str) -> None:
    with serving() as name:
        said = body_of(answers(name, get(target)))
        assert (said["path"], said["query"]) == (path, query)


def test_text_of_a_target_that_comes_byte_by_byte_is_whole() -> None:
    with serving() as name, connected(name) as connection, connection.makefile("rb") as reader:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        whole = "GET /f?mood=\U0001f602 HTTP/1.1\r\nhost: x\r\nx: \U0001f602\r\nconnection: close\r\n\r\n".encode()
        for place in range(len(whole)):
            connection.sendall(whole[place : place + 1])
        assert body_of(reader.read())["query"] == "mood=%F0%9F%98%82"


def test_a_request_that_a_stop_cuts_off_is_503_in_our_form() -> None:
    with serving(grace_seconds=0.2) as name:
        connection = socket.create_connection(name, timeout=30)
        connection.sendall(get(b"/wait"))
        assert b"200 OK" in answers(name, get(b"/later"))  # what was sent before has been read
    with connection, connection.makefile("rb") as reader:
        answer = reader.read()
    assert b" 503 " in answer
    assert body_of(answer)["error"]["reason"] == "SHUTTING_DOWN"


@pytest.mark.parametrize("address", ["127.0.0.1:0", "[::1]:0", "localhost:0", "[::]:0", "ipv4:127.0.0.1:0", ":0"])
def test_http_is_served_at_every_form_of_an_address(address: str) -> None:
    with serving(address) as name:
        assert body_of(answers(name, get(b"/a")))["path"] == "/a"


@pytest.mark.parametrize("form", ["unix:{}/s", "unix-abstract:{}/s"])
def test_http_is_served_on_unix_sockets_again_and_again(tmp_path: Path, form: str) -> None:
    for _ in range(2):
        with serving(form.format(tmp_path)) as name:
            assert body_of(answers(name, get(b"/a")))["path"] == "/a"


def test_ipv6_for_every_address_takes_ipv4_too() -> None:
    with serving("[::]:0") as name:
        assert b"200 OK" in answers(("127.0.0.1", name[1]), get(b"/"))
