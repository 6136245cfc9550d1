"""A client that sends its body slowly keeps nobody else out."""

import socket
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from gateway.body_memory import BodyMemory
from rpc.admission import TooManyRequestsError
from tests.gateway.conftest import running_gateway

HEAD = (
    "POST /interactions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
    "content-length: 1000\r\nexpect: 100-continue\r\n\r\n"
)


def test_a_body_that_does_not_end_holds_no_place(tmp_path: Path) -> None:
    with running_gateway(tmp_path, {"MOODFEED_GATEWAY_MOST_IN_FLIGHT": "1"}) as gateway:
        host, _, port = gateway.http_address.rpartition(":")
        with closing(socket.create_connection((host, int(port)), timeout=20)) as slow:
            slow.sendall(HEAD.encode())
            assert slow.recv(1000).startswith(b"HTTP/1.1 100")  # the body is being read
            row = {"username": "ana", "post_id": 1, "verb": "LIKE"}
            url = f"http://{gateway.http_address}/interactions"
            reply = httpx.post(url, json={"interactions": [row]}, timeout=20, trust_env=False)
    assert reply.json()["error"]["reason"] == "DOWNSTREAM_UNAVAILABLE"  # and not OVERLOADED


def test_bodies_hold_so_many_bytes_together_and_give_them_back() -> None:
    memory = BodyMemory(10)
    with memory.reading("a") as of_first:
        of_first(6)
        with memory.reading("b") as of_second:
            of_second(4)
            with pytest.raises(TooManyRequestsError):
                of_second(1)
        with memory.reading("c") as of_third:
            of_third(4)
    with memory.reading("d") as of_fourth:
        of_fourth(10)
