"""A web page that a person visits cannot write through their browser: real requests to a real gateway."""

import http.client
import json
from collections.abc import Iterator
from contextlib import closing
from hashlib import sha256
from pathlib import Path

import pytest

from gateway.browser_guard import BrowserGuard, BrowserGuardError, HostNotAllowedError
from tests.gateway.conftest import RunningGateway, running_gateway

OURS, FOREIGN = "https://app.example", "https://evil.example"
BODY = json.dumps({"interactions": [{"username": "ana", "post_id": 1, "verb": "LIKE"}]})
PASSED = (503, "DOWNSTREAM_UNAVAILABLE")  # nobody stands behind this gateway: the request has been let through
JSON = {"content-type": "application/json"}


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    variables = {"MOODFEED_GATEWAY_ALLOWED_ORIGINS": f"{OURS},*", "MOODFEED_GATEWAY_ALLOWED_HOSTS": "api.example"}
    with running_gateway(tmp_path_factory.mktemp("gateway"), variables) as running:
        yield running


def sent(
    gateway: RunningGateway, headers: dict[str, str], *, body: str = BODY, method: str = "POST"
) -> tuple[int, str]:
    """The code and the reason of an answer."""
    connection = http.client.HTTPConnection(gateway.http_address, timeout=20)
    with closing(connection):
        connection.request(method, "/interactions", body=body, headers=headers)
        response = connection.getresponse()
        content = response.read()
    return response.status, json.loads(content)["error"]["reason"] if response.status >= 400 else ""


def test_a_program_on_this_machine_may_write(gateway: RunningGateway) -> None:
    assert sent(gateway, JSON) == PASSED
    assert sent(gateway, {"content-type": "Application/JSON; charset=utf-8"}) == PASSED


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_what_a_page_can_send_without_asking_is_refused(gateway: RunningGateway, kind: str) -> None:
    assert sent(gateway, {"content-type": kind}) == (415, "CONTENT_TYPE_UNSUPPORTED")


@pytest.mark.parametrize("origin", [FOREIGN, "null", "http://localhost:1", "file://", OURS.upper() + ".evil.example"])
def test_a_page_of_a_foreign_origin_is_refused_though_it_may_read(gateway: RunningGateway, origin: str) -> None:
    assert sent(gateway, {**JSON, "origin": origin}) == (403, "ORIGIN_NOT_ALLOWED")


def test_a_page_of_an_origin_that_is_named_may_write_and_so_may_our_own(gateway: RunningGateway) -> None:
    assert sent(gateway, {**JSON, "origin": OURS}) == PASSED
    assert sent(gateway, {**JSON, "origin": f"http://{gateway.http_address}"}) == PASSED


def test_the_browser_of_a_named_origin_is_told_that_it_may(gateway: RunningGateway) -> None:
    asking = {
        "origin": OURS,
        "access-control-request-method": "POST",
        "access-control-request-headers": "content-type",
    }
    assert sent(gateway, asking, body="", method="OPTIONS") == (204, "")


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8000", "127.0.0.1.evil.example", "api.example@evil", ""]
)
def test_a_name_that_a_page_has_pointed_at_this_machine_is_refused(gateway: RunningGateway, host: str) -> None:
    assert sent(gateway, {**JSON, "host": host}) == (403, "HOST_NOT_ALLOWED")
    assert sent(gateway, {**JSON, "host": host, "origin": f"http://{host}"}) == (403, "HOST_NOT_ALLOWED")


@pytest.mark.parametrize(
    "host", ["localhost:8000", "127.0.0.1", "[::1]:8000", "gateway:8000", "API.example", "10.0.0.7"]
)
def test_names_that_no_page_can_own_and_those_that_are_allowed_pass(gateway: RunningGateway, host: str) -> None:
    assert sent(gateway, {**JSON, "host": host}) == PASSED


def test_where_tokens_are_required_any_host_will_do_and_origins_count_all_the_same(tmp_path: Path) -> None:
    tokens = tmp_path / "tokens"
    reads, writes = (sha256(token).hexdigest() for token in (b"reads", b"writes"))
    tokens.write_text(f"reads:{reads}\nwrites:{writes}:feedback\n", encoding="utf-8")
    with running_gateway(tmp_path, {"MOODFEED_GATEWAY_API_TOKENS_FILE": str(tokens)}) as gateway:
        writes = {**JSON, "host": "api.anything.example", "authorization": "Bearer writes"}
        assert sent(gateway, writes) == PASSED
        assert sent(gateway, {**writes, "origin": FOREIGN}) == (403, "ORIGIN_NOT_ALLOWED")
        assert sent(gateway, {**writes, "authorization": "Bearer reads"}) == (403, "TOKEN_SCOPE_MISSING")
        assert sent(gateway, {**writes, "authorization": "Bearer nobody"}) == (401, "API_TOKEN_INVALID")


def test_bodies_have_a_limit_whether_their_length_is_told_or_not(gateway: RunningGateway) -> None:
    large = '{"interactions": ["' + "x" * (4 * 1024 * 1024) + '"]}'
    assert sent(gateway, JSON, body=large) == (413, "REQUEST_TOO_LARGE")
    assert sent(gateway, JSON, body="{") == (400, "BODY_MALFORMED")
    assert sent(gateway, JSON, body='{"interactions": []}') == (400, "INTERACTION_COUNT_OUT_OF_RANGE")


def test_other_methods_are_told_which_one_is_allowed(gateway: RunningGateway) -> None:
    for method in ("GET", "PUT", "DELETE"):
        assert sent(gateway, JSON, method=method) == (405, "METHOD_NOT_ALLOWED")


def test_two_hosts_or_two_content_types_are_none() -> None:
    with pytest.raises(HostNotAllowedError):
        BrowserGuard().check([("content-type", "application/json"), ("host", "a"), ("host", "b")], scheme="http")
    with pytest.raises(BrowserGuardError):
        BrowserGuard().check([("content-type", "application/json")] * 2 + [("host", "a")], scheme="http")
