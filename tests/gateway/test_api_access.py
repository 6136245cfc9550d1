"""Who may ask the gateway, over both of its edges: a real process, real sockets."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import grpc
import httpx
import pytest
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_status import rpc_status

from benchmarks.processes import NO_TLS
from gateway.api_access import ACCESS_ERRORS, FEEDBACK, FEEDS, ApiAccess, ApiAccessError
from gateway.rate_limit import RateLimit
from gateway.settings import SCOPES
from moodfeed.feed.v1 import feed_pb2, feed_pb2_grpc
from rpc.errors import read_error_info
from rpc.token_file import TokenFile
from tests.gateway.conftest import RunningGateway, running_gateway

TOKEN = "the-token-of-the-web"
OTHER_TOKEN = "the-token-of-the-app"
LIMITED_TOKEN = "a-token-that-is-used-up"
ADMITTED = "UNAVAILABLE"  # nobody stands behind this gateway: whoever is let in learns that


def line(name: str, token: str) -> str:
    return f"{name}:{hashlib.sha256(token.encode()).hexdigest()}\n"


@pytest.fixture(scope="module")
def tokens_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tokens") / "tokens"
    path.write_text(line("web", TOKEN) + line("app", OTHER_TOKEN) + line("limited", LIMITED_TOKEN), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def gateway(tokens_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    variables = {
        "MOODFEED_GATEWAY_API_TOKENS_FILE": str(tokens_file),
        "MOODFEED_GATEWAY_TOKEN_REQUESTS_PER_SECOND": "0.001",  # nothing comes back while a test runs
        "MOODFEED_GATEWAY_TOKEN_BURST": "40",
    }
    with running_gateway(tmp_path_factory.mktemp("gateway"), variables) as running:
        yield running


@pytest.fixture(scope="module")
def channel(gateway: RunningGateway) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(gateway.grpc_address) as channel:
        yield channel


def grpc_error(channel: grpc.Channel, method: str, *authorizations: str) -> grpc.RpcError:
    stub = feed_pb2_grpc.FeedServiceStub(channel)
    metadata = [("authorization", value) for value in authorizations]
    request = feed_pb2.GetFeedRequest(username="ana") if method == "GetFeed" else feed_pb2.ListCategoriesRequest()
    with pytest.raises(grpc.RpcError) as caught:
        getattr(stub, method)(request, metadata=metadata, timeout=10)
    return caught.value


def http_reply(gateway: RunningGateway, path: str, *authorizations: str) -> httpx.Response:
    headers = [("authorization", value) for value in authorizations]
    return httpx.get(f"http://{gateway.http_address}{path}", headers=headers, timeout=10, verify=NO_TLS)


PATHS = pytest.mark.parametrize("path", ["/feed?username=ana", "/categories"])
METHODS = pytest.mark.parametrize("method", ["GetFeed", "ListCategories"])
WRONG = pytest.mark.parametrize(
    "authorizations",
    [(), ("Bearer wrong",), (TOKEN,), (f"Basic {TOKEN}",), (f"Bearer {TOKEN}", f"Bearer {TOKEN}")],
    ids=["none", "wrong", "no scheme", "other scheme", "twice"],
)


@METHODS
def test_over_grpc_each_valid_token_is_let_in(channel: grpc.Channel, method: str) -> None:
    for token in (TOKEN, OTHER_TOKEN):
        assert grpc_error(channel, method, f"Bearer {token}").code().name == ADMITTED


@METHODS
@WRONG
def test_over_grpc_anything_else_is_unauthenticated(
    channel: grpc.Channel, method: str, authorizations: tuple[str, ...]
) -> None:
    error = grpc_error(channel, method, *authorizations)
    assert error.code() == grpc.StatusCode.UNAUTHENTICATED
    assert read_error_info(error).reason == "API_TOKEN_INVALID"
    assert TOKEN not in error.details()


@PATHS
def test_over_http_each_valid_token_is_let_in(gateway: RunningGateway, path: str) -> None:
    for token in (TOKEN, OTHER_TOKEN):
        assert http_reply(gateway, path, f"Bearer {token}").json()["error"]["status"] == ADMITTED


@PATHS
@WRONG
def test_over_http_anything_else_is_401(gateway: RunningGateway, path: str, authorizations: tuple[str, ...]) -> None:
    reply = http_reply(gateway, path, *authorizations)
    assert reply.status_code == 401
    assert reply.headers["www-authenticate"].startswith("Bearer ")
    error = reply.json()["error"]
    assert (error["code"], error["status"], error["reason"]) == (401, "UNAUTHENTICATED", "API_TOKEN_INVALID")
    assert TOKEN not in reply.text


def test_the_token_is_asked_for_before_the_request_is_looked_at(gateway: RunningGateway, channel: grpc.Channel) -> None:
    assert http_reply(gateway, "/feed?colour=red").status_code == 401
    with pytest.raises(grpc.RpcError) as caught:
        channel.unary_unary("/moodfeed.feed.v1.FeedService/GetFeed")(b"\xff\xff", timeout=10)
    assert caught.value.code() == grpc.StatusCode.UNAUTHENTICATED


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/openapi.json"])
def test_what_tells_of_the_process_needs_no_token(gateway: RunningGateway, path: str) -> None:
    assert http_reply(gateway, path).status_code == (503 if path == "/readyz" else 200)


def test_health_needs_no_token(channel: grpc.Channel) -> None:
    answer = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=10)
    assert answer.status == health_pb2.HealthCheckResponse.NOT_SERVING


def test_a_token_used_up_is_told_when_to_come_back_over_both_edges(
    gateway: RunningGateway, channel: grpc.Channel
) -> None:
    for _ in range(40):
        assert http_reply(gateway, "/categories", f"Bearer {LIMITED_TOKEN}").status_code == 503
    reply = http_reply(gateway, "/categories", f"Bearer {LIMITED_TOKEN}")
    assert (reply.status_code, reply.json()["error"]["reason"]) == (429, "RATE_LIMITED")
    assert 900 < int(reply.headers["retry-after"]) <= 1000
    error = grpc_error(channel, "GetFeed", f"Bearer {LIMITED_TOKEN}")
    assert (error.code(), read_error_info(error).reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "RATE_LIMITED")
    retry = error_details_pb2.RetryInfo()
    assert any(detail.Unpack(retry) for detail in rpc_status.from_call(error).details)
    assert 900 < retry.retry_delay.seconds <= 1000
    assert grpc_error(channel, "GetFeed", f"Bearer {TOKEN}").code().name == ADMITTED


def test_a_token_taken_out_of_the_file_is_refused_and_one_put_in_is_let_in(
    tokens_file: Path, gateway: RunningGateway, channel: grpc.Channel
) -> None:
    before = tokens_file.read_text(encoding="utf-8")
    assert http_reply(gateway, "/categories", f"Bearer {OTHER_TOKEN}").status_code == 503
    tokens_file.write_text(line("web", TOKEN) + line("late", "late-token"), encoding="utf-8")
    try:
        assert http_reply(gateway, "/categories", f"Bearer {OTHER_TOKEN}").status_code == 401
        assert grpc_error(channel, "GetFeed", f"Bearer {OTHER_TOKEN}").code() == grpc.StatusCode.UNAUTHENTICATED
        assert http_reply(gateway, "/categories", "Bearer late-token").status_code == 503
        assert http_reply(gateway, "/categories", f"Bearer {TOKEN}").status_code == 503
    finally:
        tokens_file.write_text(before, encoding="utf-8")


def test_metrics_count_by_name_and_neither_they_nor_the_log_hold_a_token(
    gateway: RunningGateway, channel: grpc.Channel
) -> None:
    http_reply(gateway, "/categories", f"Bearer {TOKEN}")
    http_reply(gateway, "/categories", "Bearer a-wrong-token")
    grpc_error(channel, "GetFeed", "Bearer a-wrong-token")
    metrics = http_reply(gateway, "/metrics").text
    assert 'moodfeed_api_calls_total{outcome="admitted",token_name="web"}' in metrics
    assert 'moodfeed_api_calls_total{outcome="token_invalid",token_name=""}' in metrics
    for token in (TOKEN, OTHER_TOKEN, LIMITED_TOKEN, "a-wrong-token"):
        for secret in (token, hashlib.sha256(token.encode()).hexdigest()):
            assert secret not in metrics + gateway.log.read_text(encoding="utf-8")


def test_without_a_tokens_file_the_api_is_open(tmp_path: Path) -> None:
    with running_gateway(tmp_path, {}) as open_gateway:
        assert http_reply(open_gateway, "/categories").status_code == 503
        with grpc.insecure_channel(open_gateway.grpc_address) as channel:
            assert grpc_error(channel, "GetFeed").code().name == ADMITTED


def test_a_token_is_admitted_to_what_its_line_names_and_counts_apart(tmp_path: Path) -> None:
    path = tmp_path / "tokens"
    lines = {"reads": "", "writes": ":feedback", "both": ":feeds,feedback"}
    digests = {name: hashlib.sha256(name.encode()).hexdigest() for name in lines}
    path.write_text("".join(f"{name}:{digests[name]}{scopes}\n" for name, scopes in lines.items()), encoding="utf-8")
    access = ApiAccess(
        tokens=TokenFile(path, scopes=SCOPES),
        feedback_rate_limit=RateLimit(requests_per_second=0.001, burst=1),
    )

    def outcome(name: str, scope: str) -> str:
        try:
            access.admit([f"Bearer {name}"], scope=scope)
        except ApiAccessError as error:
            return ACCESS_ERRORS[type(error)].reason
        return ""

    assert [outcome(name, FEEDS) for name in lines] == ["", "TOKEN_SCOPE_MISSING", ""]
    assert [outcome(name, FEEDBACK) for name in lines] == ["TOKEN_SCOPE_MISSING", "", ""]
    assert outcome("both", FEEDBACK) == "RATE_LIMITED"
    assert outcome("both", FEEDS) == ""
