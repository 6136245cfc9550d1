"""Who may change posts and rules over gRPC, and how much they may send: a real gateway, with nobody behind it."""

import hashlib
from collections.abc import Iterator
from typing import Any

import grpc
import httpx
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

from moodfeed.catalog.v1 import catalog_pb2, catalog_pb2_grpc
from moodfeed.feed.v1 import feed_pb2, feed_pb2_grpc
from moodfeed.rules.v1 import rules_pb2, rules_pb2_grpc
from rpc.errors import read_error_info
from tests.gateway.conftest import RunningGateway, running_gateway

ADMITTED = "DOWNSTREAM_UNAVAILABLE"  # nobody stands behind this gateway: whoever is let in learns that
CATALOG, RULES = "moodfeed.catalog.v1.CatalogService", "moodfeed.rules.v1.RuleService"
POST = catalog_pb2.Post(post_id=7, category_id=2, video_link="v")
RULE = rules_pb2.Rule(name="x", action=rules_pb2.RULE_ACTION_HIDE, post_ids=[7])
POST_CALLS = [
    ("UpsertPosts", catalog_pb2.UpsertPostsRequest(posts=[POST])),
    ("DeletePosts", catalog_pb2.DeletePostsRequest(post_ids=[7])),
    ("GetPosts", catalog_pb2.GetPostsRequest(post_ids=[7])),
]
RULE_CALLS = [
    ("SetRule", rules_pb2.SetRuleRequest(rule=RULE)),
    ("DeleteRule", rules_pb2.DeleteRuleRequest(name="x")),
    ("ListRules", rules_pb2.ListRulesRequest()),
]


def line(token: str, scopes: str = "") -> str:
    return f"{token}:{hashlib.sha256(token.encode()).hexdigest()}{scopes}\n"


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    directory = tmp_path_factory.mktemp("gateway")
    (directory / "tokens").write_text(
        line("reader") + line("teller", ":feeds,feedback") + line("writer", ":catalog"), encoding="utf-8"
    )
    (directory / "operators").write_text(line("operator"), encoding="utf-8")
    variables = {
        "MOODFEED_GATEWAY_API_TOKENS_FILE": str(directory / "tokens"),
        "MOODFEED_ADMIN_TOKEN_FILE": str(directory / "operators"),
    }
    with running_gateway(directory, variables) as running:
        yield running


@pytest.fixture(scope="module")
def channel(gateway: RunningGateway) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(gateway.grpc_address) as channel:
        yield channel


def refusal(method: Any, request: Any, token: str = "") -> tuple[str, str]:
    metadata = [("authorization", f"Bearer {token}")] if token else []
    with pytest.raises(grpc.RpcError) as caught:
        method(request, metadata=metadata, timeout=10)
    return caught.value.code().name, read_error_info(caught.value).reason


@pytest.mark.parametrize(("name", "request_"), POST_CALLS)
def test_posts_are_for_tokens_of_the_scope_and_for_operators(channel: grpc.Channel, name: str, request_: Any) -> None:
    method = getattr(catalog_pb2_grpc.CatalogServiceStub(channel), name)
    for token in ("writer", "operator"):
        assert refusal(method, request_, token) == ("UNAVAILABLE", ADMITTED)
    for token in ("reader", "teller"):
        assert refusal(method, request_, token) == ("PERMISSION_DENIED", "TOKEN_SCOPE_MISSING")
    for token in ("", "wrong"):
        assert refusal(method, request_, token) == ("UNAUTHENTICATED", "API_TOKEN_INVALID")


@pytest.mark.parametrize(("name", "request_"), RULE_CALLS)
def test_rules_are_for_operators_alone(channel: grpc.Channel, name: str, request_: Any) -> None:
    method = getattr(rules_pb2_grpc.RuleServiceStub(channel), name)
    assert refusal(method, request_, "operator") == ("UNAVAILABLE", ADMITTED)
    for token in ("", "reader", "teller", "writer", "wrong"):
        assert refusal(method, request_, token) == ("UNAUTHENTICATED", "ADMIN_TOKEN_INVALID")


def test_feeds_need_no_more_than_a_token_for_feeds(channel: grpc.Channel) -> None:
    feeds = feed_pb2_grpc.FeedServiceStub(channel)
    assert refusal(feeds.GetSimilarPosts, feed_pb2.GetSimilarPostsRequest(post_id=7), "reader")[1] == ADMITTED
    assert (
        refusal(feeds.GetSimilarPosts, feed_pb2.GetSimilarPostsRequest(post_id=7), "writer")[1] == "TOKEN_SCOPE_MISSING"
    )
    one = feed_pb2.GetFeedsRequest(feeds=[feed_pb2.GetFeedRequest(username="ana")])
    assert refusal(feeds.GetFeeds, one, "writer")[1] == "TOKEN_SCOPE_MISSING"
    answer = feeds.GetFeeds(one, metadata=[("authorization", "Bearer reader")], timeout=10)
    assert answer.results[0].error.code == grpc.StatusCode.UNAVAILABLE.value[0]
    assert answer.results[0].error.reason == ADMITTED


def test_what_cannot_be_stored_costs_no_call_and_is_named(channel: grpc.Channel) -> None:
    catalog = catalog_pb2_grpc.CatalogServiceStub(channel)
    writer = [("authorization", "Bearer writer")]
    answer = catalog.UpsertPosts(
        catalog_pb2.UpsertPostsRequest(posts=[catalog_pb2.Post(post_id=7)]), metadata=writer, timeout=10
    )
    assert answer.position == 0
    assert answer.results[0].reason == "category_id: must be from 1 to 2147483647, not 0"
    rules = rules_pb2_grpc.RuleServiceStub(channel)
    nothing = rules_pb2.SetRuleRequest(rule=rules_pb2.Rule(name="x", action=rules_pb2.RULE_ACTION_HIDE))
    assert refusal(rules.SetRule, nothing, "operator") == ("INVALID_ARGUMENT", "RULE_INVALID")
    assert refusal(rules.SetRule, rules_pb2.SetRuleRequest(), "operator") == ("INVALID_ARGUMENT", "RULE_INVALID")
    for request, reason in (
        (catalog_pb2.UpsertPostsRequest(), "POST_COUNT_OUT_OF_RANGE"),
        (catalog_pb2.UpsertPostsRequest(posts=[POST] * 65), "POST_COUNT_OUT_OF_RANGE"),
    ):
        assert refusal(catalog.UpsertPosts, request, "writer") == ("INVALID_ARGUMENT", reason)
    many = catalog_pb2.DeletePostsRequest(post_ids=range(1, 1002))
    assert refusal(catalog.DeletePosts, many, "writer") == ("INVALID_ARGUMENT", "POST_COUNT_OUT_OF_RANGE")
    feeds = feed_pb2_grpc.FeedServiceStub(channel)
    too_many = feed_pb2.GetFeedsRequest(feeds=[feed_pb2.GetFeedRequest()] * 65)
    assert refusal(feeds.GetFeeds, too_many, "reader") == ("INVALID_ARGUMENT", "FEED_COUNT_OUT_OF_RANGE")


def test_each_method_takes_as_much_as_it_needs(channel: grpc.Channel) -> None:
    large = catalog_pb2.Post(post_id=7, category_id=2, video_link="v", title="😂" * 10_000, description="d" * 10_000)
    catalog = catalog_pb2_grpc.CatalogServiceStub(channel)
    fits = catalog_pb2.UpsertPostsRequest(posts=[large] * 64)  # 3.2 MB
    assert refusal(catalog.UpsertPosts, fits, "writer")[1] == ADMITTED
    too_large = catalog_pb2.UpsertPostsRequest(posts=[catalog_pb2.Post(title="a" * (4 * 1024 * 1024))])
    assert refusal(catalog.UpsertPosts, too_large, "writer")[0] == "RESOURCE_EXHAUSTED"
    feeds = feed_pb2_grpc.FeedServiceStub(channel)
    much = feed_pb2.GetFeedsRequest(feeds=[feed_pb2.GetFeedRequest(username="a" * 1024 * 1024)])
    assert refusal(feeds.GetFeeds, much, "reader") == ("RESOURCE_EXHAUSTED", "REQUEST_TOO_LARGE")
    one = feed_pb2.GetSimilarPostsRequest(post_id=7, username="a" * 130 * 1024)
    assert refusal(feeds.GetSimilarPosts, one, "reader") == ("RESOURCE_EXHAUSTED", "REQUEST_TOO_LARGE")


def test_the_new_services_are_described_and_have_a_health(channel: grpc.Channel, gateway: RunningGateway) -> None:
    services = set(ProtoReflectionDescriptorDatabase(channel).get_services())
    assert {CATALOG, RULES} <= services
    for name in (CATALOG, RULES):
        answer = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(service=name), timeout=10)
        assert answer.status == health_pb2.HealthCheckResponse.NOT_SERVING  # nobody stands behind it
    ready = httpx.get(f"http://{gateway.http_address}/readyz", timeout=10, trust_env=False).json()
    assert (ready["missing"], ready["degraded"]) == (["post_index_service"], ["user_tower_service"])
