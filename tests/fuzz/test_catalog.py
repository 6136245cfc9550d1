"""Whatever is sent about posts and rules, a gateway answers in time and in our form: one with nobody behind it.

What it lets through is answered with UNAVAILABLE; so nothing that is sent here changes any posts.
"""

import hashlib
import http.client
import json
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

import grpc
import pytest
from google.protobuf.message import DecodeError, Message
from hypothesis import given
from hypothesis import strategies as st

from moodfeed.catalog.v1 import catalog_pb2
from moodfeed.rules.v1 import rules_pb2
from rpc.errors import read_error_info
from tests.fuzz import absurd
from tests.fuzz.inputs import BATCH, fuzzed
from tests.gateway.conftest import RunningGateway, running_gateway

SECONDS = 5.0
OPERATOR = {"authorization": "Bearer operator"}
CATALOG, RULES = "/moodfeed.catalog.v1.CatalogService", "/moodfeed.rules.v1.RuleService"
METHODS: dict[str, type[Any]] = {
    f"{CATALOG}/UpsertPosts": catalog_pb2.UpsertPostsRequest,
    f"{CATALOG}/DeletePosts": catalog_pb2.DeletePostsRequest,
    f"{CATALOG}/GetPosts": catalog_pb2.GetPostsRequest,
    f"{RULES}/SetRule": rules_pb2.SetRuleRequest,
    f"{RULES}/DeleteRule": rules_pb2.DeleteRuleRequest,
    f"{RULES}/ListRules": rules_pb2.ListRulesRequest,
}
EXPECTED = {grpc.StatusCode.OK, grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.UNAVAILABLE}


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    directory = tmp_path_factory.mktemp("gateway")
    tokens: Path = directory / "operators"
    tokens.write_text(f"operator:{hashlib.sha256(b'operator').hexdigest()}\n", encoding="utf-8")
    with running_gateway(directory, {"MOODFEED_ADMIN_TOKEN_FILE": str(tokens)}) as running:
        yield running
        log = running.log.read_text(encoding="utf-8")
        assert "unexpected error" not in log
        assert "Traceback" not in log


@pytest.fixture(scope="module")
def channel(gateway: RunningGateway) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(gateway.grpc_address) as channel:
        yield channel


moments = st.fixed_dictionaries({"seconds": absurd.int64s, "nanos": absurd.int32s})
posts = st.builds(
    catalog_pb2.Post,
    post_id=st.none() | st.integers(1, 9) | absurd.int64s,
    title=absurd.texts,
    description=absurd.texts,
    emotions=st.lists(absurd.texts, max_size=3),
    category_id=st.integers(1, 9) | absurd.int32s,
    category_name=absurd.texts,
    video_link=st.just("v") | absurd.texts,
    thumbnail_url=absurd.texts,
    owner_username=absurd.texts,
    language=absurd.texts,
    is_servable=st.none() | st.booleans(),
    created_at=st.none() | moments,
    external_id=absurd.texts,
)
rules = st.builds(
    rules_pb2.Rule,
    name=absurd.texts,
    action=st.integers(0, 3) | absurd.int32s,
    post_ids=st.lists(absurd.int64s, max_size=12),
    category_ids=st.lists(absurd.int32s, max_size=3),
    owner_usernames=st.lists(absurd.texts, max_size=3),
    boost=absurd.floats,
    feed_category_id=st.none() | absurd.int32s,
    starts_at=st.none() | moments,
    ends_at=st.none() | moments,
)
names = {"post_ids": st.lists(absurd.int64s, max_size=3), "external_ids": st.lists(absurd.texts, max_size=3)}
REQUESTS: dict[str, st.SearchStrategy[Message]] = {
    "UpsertPosts": st.builds(catalog_pb2.UpsertPostsRequest, posts=st.lists(posts, max_size=4)),
    "DeletePosts": st.builds(catalog_pb2.DeletePostsRequest, **names),
    "GetPosts": st.builds(catalog_pb2.GetPostsRequest, **names),
    "SetRule": st.builds(rules_pb2.SetRuleRequest, rule=st.none() | rules),
    "DeleteRule": st.builds(rules_pb2.DeleteRuleRequest, name=absurd.texts),
    "ListRules": st.just(rules_pb2.ListRulesRequest()),
}


def judge(path: str, data: bytes, call: Any) -> None:
    code = call.code()
    assert code in EXPECTED, f"{code} {call.details()}"
    try:
        request = METHODS[path].FromString(data)
    except DecodeError:
        assert read_error_info(call).reason == "REQUEST_MALFORMED"
        return
    if code != grpc.StatusCode.OK:
        assert read_error_info(call).reason not in {"", "INTERNAL"}
        return
    assert path.endswith("/UpsertPosts"), "nobody is there to answer it"
    answer = catalog_pb2.UpsertPostsResponse.FromString(call.result())
    assert len(answer.results) == len(request.posts)
    for row in answer.results:  # a post that could be stored would have been passed on
        assert row.result == catalog_pb2.UPSERT_RESULT_REJECTED
        assert row.reason.partition(":")[0] in catalog_pb2.Post.DESCRIPTOR.fields_by_name


@pytest.mark.parametrize("path", METHODS)
@fuzzed(0.01)
@given(data=st.data())
def test_messages_of_any_kind_are_refused_by_name_or_passed_on(
    channel: grpc.Channel, path: str, data: st.DataObject
) -> None:
    contents = REQUESTS[path.rsplit("/", 1)[1]].map(lambda request: request.SerializeToString())
    one = contents | contents.flatmap(absurd.mutated) | st.binary(max_size=40)
    drawn = data.draw(st.lists(one, min_size=BATCH, max_size=BATCH))
    method = channel.unary_unary(path)
    calls = [method.future(item, metadata=list(OPERATOR.items()), timeout=SECONDS) for item in drawn]
    for item, call in zip(drawn, calls, strict=True):
        judge(path, item, call)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | absurd.texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(absurd.texts, inner, max_size=2),
    max_leaves=5,
)


def documents(message: type[Any]) -> st.SearchStrategy[Any]:
    fields = [field.name for field in message.DESCRIPTOR.fields]
    right: dict[str, Any] = {"category_id": 2, "video_link": "v", "action": "HIDE", "post_ids": [1]}
    told = st.dictionaries(st.sampled_from(fields) | absurd.texts, values, max_size=4)
    return told | told.map(lambda row: {name: right[name] for name in fields if name in right} | row) | values


def bodies(document: st.SearchStrategy[Any]) -> st.SearchStrategy[bytes]:
    whole = document.map(lambda item: json.dumps(item).encode())
    return whole | whole.flatmap(absurd.mutated) | st.binary(max_size=30)


segments = (
    st.integers(-2, 9).map(str)
    | absurd.texts.map(lambda text: quote(text, safe=""))
    | absurd.texts.map(lambda text: f"external:{quote(text, safe='')}")
    | st.sampled_from(["%FF", "external:", "external:%C0%80", "%2F", "..", "%00", "9" * 30])
)
FEED_DOCUMENT = st.fixed_dictionaries(
    {"feeds": st.lists(documents(catalog_pb2.Post) | st.just({"username": "ana"}), max_size=3)},
    optional={"distinct": st.booleans() | values},
)
CALLS: dict[str, tuple[Callable[[str], str], st.SearchStrategy[bytes]]] = {
    "PUT post": (lambda segment: f"/posts/{segment}", bodies(documents(catalog_pb2.Post))),
    "GET post": (lambda segment: f"/posts/{segment}", st.just(b"")),
    "DELETE post": (lambda segment: f"/posts/{segment}", st.just(b"")),
    "GET similar": (lambda segment: f"/posts/{segment}/similar", st.just(b"")),
    "PUT rule": (lambda segment: f"/rules/{segment}", bodies(documents(rules_pb2.Rule))),
    "DELETE rule": (lambda segment: f"/rules/{segment}", st.just(b"")),
    "GET rules": (lambda segment: f"/rules?{segment}", st.just(b"")),
    "POST feeds": (lambda segment: f"/feeds?{segment}" if len(segment) > 9 else "/feeds", bodies(FEED_DOCUMENT)),
}


@pytest.mark.parametrize("call", CALLS)
@fuzzed(0.01)
@given(data=st.data())
def test_http_refuses_by_name_or_passes_on(gateway: RunningGateway, call: str, data: st.DataObject) -> None:
    target, content = CALLS[call]
    method = call.partition(" ")[0]
    drawn = data.draw(st.lists(st.tuples(segments, content), min_size=BATCH, max_size=BATCH))
    connection = http.client.HTTPConnection(gateway.http_address, timeout=SECONDS)
    with closing(connection):
        for segment, body in drawn:
            path = target(segment)[:30_000]
            connection.request(method, path, body=body, headers={"content-type": "application/json", **OPERATOR})
            response = connection.getresponse()
            answer = json.loads(response.read())
            shown = f"{method} {path[:200]} {body[:200]!r}: {response.status} {answer}"
            if response.status == 200:
                assert call == "POST feeds", shown
                assert len(answer["results"]) == len(json.loads(body)["feeds"]), shown
                assert all(result["error"]["reason"] != "INTERNAL" for result in answer["results"]), shown
                continue
            assert response.status in {400, 404, 405, 503}, shown
            assert answer["error"]["code"] == response.status, shown
            assert len(answer["error"]["message"]) < 1500, shown
