"""What HTTP may bring, on a real process."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from benchmarks.processes import NO_TLS
from gateway.http_api import LARGEST_HEADERS_BYTES, LARGEST_URL_BYTES
from gateway.http_parameters import InvalidParameterError, read_query
from gateway.http_server import listen
from tests.certificate_files import CertificateFiles
from tests.gateway.conftest import RunningGateway, running_gateway


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    variables = {"MOODFEED_GATEWAY_MAX_CONNECTIONS": "8"}
    with running_gateway(tmp_path_factory.mktemp("gateway"), variables) as running:
        yield running


def raw_answer(gateway: RunningGateway, target: bytes, headers: bytes = b"") -> bytes:
    """What comes back for bytes that no client library would send."""
    host, port = gateway.http_address.split(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection, connection.makefile("rb") as reader:
        connection.sendall(b"GET " + target + b" HTTP/1.1\r\nhost: x\r\nconnection: close\r\n" + headers + b"\r\n")
        return reader.read()


def code_of(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


@pytest.mark.parametrize("value", ["%ED%A0%80", "%FF", "a%C3", "%C0%80", "%F5%80%80%80"])
@pytest.mark.parametrize("name", ["username", "mood"])
def test_a_parameter_that_is_not_utf8_is_400_and_named(gateway: RunningGateway, name: str, value: str) -> None:
    others = "" if name == "username" else "username=ana&"
    reply = httpx.get(f"http://{gateway.http_address}/feed?{others}{name}={value}", verify=NO_TLS)
    assert reply.status_code == 400
    assert reply.json()["error"]["reason"] == "PARAMETER_INVALID"
    assert name in reply.json()["error"]["message"]


@pytest.mark.parametrize("text", ["😂", "\ufffd", "é", "\x00\x01\x1b[31m", "a+b & c=d"])
def test_what_is_utf8_arrives_as_it_is(text: str) -> None:
    query = str(httpx.QueryParams({"mood": text})).encode()
    assert read_query(query)["mood"] == text


def test_more_parameters_than_make_sense_are_refused() -> None:
    with pytest.raises(InvalidParameterError, match="too many parameters"):
        read_query(b"&".join(b"a=%d" % number for number in range(2000)))


@pytest.mark.parametrize("name", ["username", "mood"])
def test_control_characters_reach_neither_a_fault_nor_the_log(gateway: RunningGateway, name: str) -> None:
    parameters = {"username": "ana", "category_id": "1", "mood": "calm"} | {name: "x\x00\x1b[31m\x07y"}
    assert httpx.get(f"http://{gateway.http_address}/feed", params=parameters, verify=NO_TLS).status_code == 503
    assert "\x1b" not in gateway.log.read_text(encoding="utf-8")


def test_the_longest_request_that_makes_sense_fits(gateway: RunningGateway) -> None:
    parameters = {"username": "a", "mood": "😂" * 512, "exclude": ",".join([str(-(2**63))] * 1000)}
    assert httpx.get(f"http://{gateway.http_address}/feed", params=parameters, verify=NO_TLS).status_code == 503


def test_a_longer_url_is_refused_in_our_form(gateway: RunningGateway) -> None:
    reply = httpx.get(f"http://{gateway.http_address}/feed?username={'a' * LARGEST_URL_BYTES}", verify=NO_TLS)
    assert (reply.status_code, reply.json()["error"]["reason"]) == (414, "REQUEST_TOO_LARGE")
    reply = httpx.get(f"http://{gateway.http_address}/feed?username={'a' * (LARGEST_URL_BYTES - 100)}", verify=NO_TLS)
    assert reply.status_code == 503


def test_longer_headers_are_refused_in_our_form(gateway: RunningGateway) -> None:
    def asked_with(length: int) -> httpx.Response:
        return httpx.get(f"http://{gateway.http_address}/categories", headers={"x-long": "a" * length}, verify=NO_TLS)

    assert asked_with(LARGEST_HEADERS_BYTES - 1000).status_code == 503
    reply = asked_with(LARGEST_HEADERS_BYTES)
    assert (reply.status_code, reply.json()["error"]["reason"]) == (431, "REQUEST_TOO_LARGE")


def test_a_head_without_end_is_cut_off_cleanly(gateway: RunningGateway) -> None:
    host, port = gateway.http_address.split(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection, connection.makefile("rb") as reader:
        sent = 0
        connection.sendall(b"GET /feed HTTP/1.1\r\nx: ")
        try:
            while sent < 10_000_000:
                sent += connection.send(b"a" * 10_000)
            answer = b""
        except ConnectionError:
            answer = b"reset"
        assert sent < 10_000_000
        assert answer == b"reset" or code_of(reader.read()) == 400
    assert httpx.get(f"http://{gateway.http_address}/healthz", verify=NO_TLS).status_code == 200


def test_bytes_beyond_ascii_in_a_target_are_400(gateway: RunningGateway) -> None:
    assert code_of(raw_answer(gateway, b"/feed?username=\xff")) == 400


def test_a_path_is_repeated_in_part_only(gateway: RunningGateway) -> None:
    reply = httpx.get(f"http://{gateway.http_address}/{'a' * 5000}", verify=NO_TLS)
    assert reply.status_code == 404
    assert len(reply.text) < 500


@pytest.mark.parametrize("path", ["/feed/", "/feed//", "//feed"])
def test_a_path_with_another_slash_is_another_path(gateway: RunningGateway, path: str) -> None:
    reply = httpx.get(f"http://{gateway.http_address}{path}", follow_redirects=False, verify=NO_TLS)
    assert (reply.status_code, reply.json()["error"]["reason"]) == (404, "PATH_NOT_FOUND")


def test_answers_do_not_wait_for_acknowledgements() -> None:
    with listen("127.0.0.1:0") as listening, socket.create_connection(listening.getsockname()):
        accepted, _ = listening.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_connections_beyond_the_limit_are_503_and_a_place_that_gets_free_is_given(gateway: RunningGateway) -> None:
    host, port = gateway.http_address.split(":")
    with ExitStack() as held:
        for _ in range(8):
            held.enter_context(socket.create_connection((host, int(port)), timeout=10))
        assert code_of(raw_answer(gateway, b"/openapi.json")) == 503
        assert code_of(raw_answer(gateway, b"/healthz")) == 200
        assert b"not ready" in raw_answer(gateway, b"/readyz")
    for _ in range(500):
        if code_of(raw_answer(gateway, b"/openapi.json")) == 200:
            return
    pytest.fail("a free place is never given")


def test_https_speaks_with_the_certificate_of_the_moment(tmp_path: Path) -> None:
    files = CertificateFiles(tmp_path / "server").write()
    ours, others = CertificateFiles(tmp_path / "ours").write(), CertificateFiles(tmp_path / "others").write("other")
    variables = {
        "MOODFEED_GATEWAY_TLS_CERTIFICATE": str(files.certificate),
        "MOODFEED_GATEWAY_TLS_KEY": str(files.key),
    }

    def is_answered(trusted: CertificateFiles) -> bool:
        try:
            reply = httpx.get(f"https://{gateway.http_address}/healthz", verify=trusted.ssl_context())
        except httpx.ConnectError:
            return False
        return reply.json() == {"status": "alive"}

    with running_gateway(tmp_path, variables) as gateway:
        assert is_answered(ours)
        assert not is_answered(others)
        with pytest.raises(httpx.TransportError):
            httpx.get(f"http://{gateway.http_address}/healthz", verify=NO_TLS)
        files.write("other")
        assert is_answered(others)
        assert not is_answered(ours)
