"""Whatever is asked over HTTP, the answer comes in time, in our form, as the OpenAPI document says, and never 500."""

import http.client
import json
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any
from urllib.parse import quote, quote_from_bytes

import httpx
import pytest
import requests
import schemathesis
from hypothesis import given
from hypothesis import strategies as st
from schemathesis import BaseSchema, GenerationMode
from schemathesis.checks import (
    content_type_conformance,
    negative_data_rejection,
    not_a_server_error,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from gateway.http_api import LARGEST_URL_BYTES
from tests.faults.fleet import GATEWAY
from tests.fuzz import absurd
from tests.fuzz.inputs import BATCH, fuzzed
from tests.fuzz.world import DEADLINE_SECONDS, World

PATHS = ("/feed", "/trending", "/categories", "/healthz", "/readyz", "/metrics")
NAMES = (
    "username",
    "category_id",
    "mood",
    "page_size",
    "page_token",
    "exclude",
    "required_bundle_id",
    "strict",
    "exclude_external_ids",
    "fallback",
    "category_ids",
    "excluded_category_ids",
    "excluded_owner_usernames",
    "created_after",
    "languages",
    "diversity",
    "most_per_owner",
    "explain",
)
FEED_CODES = {200, 400, 404, 412, 414}
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    negative_data_rejection,
    unsupported_method,
]


@pytest.fixture(scope="module")
def schema(world: World) -> BaseSchema:
    document = httpx.get(f"http://{world.fleet.http_address}/openapi.json").json()
    described = schemathesis.openapi.from_dict(document)
    described.config.update(base_url=f"http://{world.fleet.http_address}")
    return described


@contextmanager
def connected(world: World) -> Iterator[http.client.HTTPConnection]:
    """One connection for several requests; unlike httpx it sends a target as it is."""
    connection = http.client.HTTPConnection(world.fleet.http_address, timeout=DEADLINE_SECONDS)
    with closing(connection):
        yield connection


@pytest.mark.parametrize(
    ("path", "mode"),
    [
        *((path, GenerationMode.POSITIVE) for path in PATHS),
        ("/feed", GenerationMode.NEGATIVE),
        ("/trending", GenerationMode.NEGATIVE),
    ],  # the others take nothing
)
@fuzzed(0.005)
@given(data=st.data())
def test_every_answer_is_one_that_the_document_promises(
    world: World, schema: BaseSchema, path: str, mode: GenerationMode, data: st.DataObject
) -> None:
    cases = schema[path]["POST" if path == "/interactions" else "GET"].as_strategy(generation_mode=mode)
    drawn = data.draw(st.lists(cases, min_size=BATCH, max_size=BATCH))
    with requests.Session() as session:
        for case in drawn:
            response = case.call(session=session, timeout=DEADLINE_SECONDS)
            world.tally.count(f"HTTP {path} by OpenAPI", str(response.status_code))
            with world.tally.judged(f"{path} {case.query}"):
                is_too_long = response.status_code == 414  # schemathesis does not take that for a rejection
                has_empty = "" in (case.query or {}).values()  # which counts as missing, and an enum does not say that
                is_not_reached = (  # the promised answer to a position that the log has not got
                    response.status_code == 503
                    and response.json()["error"]["reason"] == "POSITION_NOT_REACHED"
                    and int(case.query["at_least_position"]) > 0
                )
                case.validate_response(
                    response,
                    checks=[
                        check
                        for check in CHECKS
                        if not ((is_too_long or has_empty) and check is negative_data_rejection)
                        and not (is_not_reached and check is not_a_server_error)
                    ],
                )


def percent_encoded() -> st.SearchStrategy[str]:
    """Right and wrong escapes, invalid UTF-8 among them."""
    broken = st.sampled_from(
        ["%", "%%", "%zz", "%u0041", "%C0%80", "%ED%A0%80", "%F5%80", "%ff%fe", "+", "%00", "%0d%0a"]
    )
    return absurd.texts.map(quote) | st.binary(max_size=12).map(quote_from_bytes) | broken


def cut_to_what_is_ours(target: str) -> str:
    """A target that is a little too long at most: far longer ones uvicorn refuses, in its own words."""
    return target[: LARGEST_URL_BYTES + 1000]


@st.composite
def queries(draw: st.DrawFn, world: World) -> str:
    """Pairs of known and unknown names, once or more often, in any order; or no pairs at all."""
    right = {
        "username": st.sampled_from(world.usernames).map(quote),
        "category_id": st.sampled_from(sorted(world.post_counts)).map(str),
        "mood": st.sampled_from(["calm", "%F0%9F%98%82", ""]),
        "page_size": st.integers(0, 101).map(str),
        "exclude": st.lists(st.sampled_from(sorted(world.category_of)), max_size=3).map(
            lambda ids: ",".join(map(str, ids))
        ),
        "strict": st.sampled_from(["true", "false", ""]),
        "fallback": st.sampled_from(["NONE", "POPULAR", "TRENDING", ""]),
        "category_ids": st.lists(st.sampled_from(sorted(world.post_counts)), max_size=3).map(
            lambda ids: ",".join(map(str, ids))
        ),
        "created_after": st.sampled_from(["0", "2026-05-04T09:30:00Z", "1777879800500", ""]),
        "languages": st.sampled_from(["en", "en,de", ",", ""]),
        "diversity": st.sampled_from(["0", ".5", "1", "1.1", "-1", "1e-3"]),
        "most_per_owner": st.sampled_from(["0", "1", "-1"]),
        "explain": st.sampled_from(["true", "false", ""]),
    }
    numbers = st.sampled_from(["0", "-1", "2147483648", "-2147483649", "1e3", "0x1", "٣", "1.0", " 1", "9" * 5000]).map(
        quote
    )
    names = draw(st.sets(st.sampled_from(sorted(right)), max_size=3)) | (
        {"username"} if draw(st.integers(0, 7)) else set()
    )
    pairs = [f"{name}={draw(right[name])}" for name in sorted(names)]
    for _ in range(draw(st.sampled_from([0, 0, 1, 1, 2]))):
        match draw(st.sampled_from(["value", "value", "number", "name", "twice", "many", "huge", "text"])):
            case "value":
                pairs.append(f"{draw(st.sampled_from(NAMES))}={draw(percent_encoded())}")
            case "number":
                pairs.append(f"{draw(st.sampled_from(['category_id', 'page_size', 'exclude']))}={draw(numbers)}")
            case "name":
                pairs.append(f"{draw(percent_encoded())}={draw(percent_encoded())}")
            case "twice" if pairs:
                pairs.append(pairs[0])
            case "many":
                pairs += ["&", ";", "="] * draw(st.sampled_from([1, 10, 1000]))
            case "huge":
                pairs.append(f"mood={'a' * draw(st.sampled_from([1000, LARGEST_URL_BYTES - 200, LARGEST_URL_BYTES]))}")
            case _:
                pairs.append(draw(percent_encoded()))
    return cut_to_what_is_ours(draw(st.sampled_from([*["&"] * 6, "&&", ";"])).join(draw(st.permutations(pairs))))


def assert_is_ours(code: int, body: bytes, codes: set[int]) -> Any:
    """One of our codes, and JSON of our form."""
    assert code in codes, f"{code} {body[:300]!r}"
    document = json.loads(body)
    if code != 200:
        assert set(document) == {"error"}
        assert set(document["error"]) == {"code", "status", "reason", "message"}
        assert document["error"]["code"] == code
        assert len(document["error"]["message"]) < 1500  # it repeats what was wrong in part only
    return document


@fuzzed(0.10)
@given(data=st.data())
def test_feeds_of_any_query(world: World, data: st.DataObject) -> None:
    drawn = data.draw(st.lists(queries(world), min_size=BATCH, max_size=BATCH))
    with connected(world) as connection:
        for query in drawn:
            connection.request("GET", f"/feed?{query}")
            response = connection.getresponse()
            body = response.read()
            world.tally.count("HTTP /feed of any query", str(response.status))
            with world.tally.judged(f"/feed?{query[:500]}"):
                document = assert_is_ours(response.status, body, FEED_CODES)
                if response.status == 200:
                    ids = [post["post_id"] for post in document["posts"]]
                    assert len(set(ids)) == len(ids) <= 100
                    assert document["bundle_id"] == world.bundle_id
                    assert not document["degradations"]
    world.assert_serves(GATEWAY)


ROWS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | absurd.texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(absurd.texts, inner, max_size=3),
    max_leaves=8,
)
INTERACTIONS = st.fixed_dictionaries(
    {"username": absurd.texts.map(lambda text: f"of the fuzz tests {text}") | ROWS},
    optional={
        "post_id": st.integers() | st.integers().map(str) | ROWS,
        "verb": st.sampled_from(["VIEW", "LIKE", "INSPIRE", "RATING", "SKIP", "NOT_INTERESTED"]) | ROWS,
        "event_id": absurd.texts | ROWS,
        "occurred_at": st.datetimes().map(lambda moment: f"{moment.isoformat()}Z") | ROWS,
        "rating_percent": st.integers(0, 101) | ROWS,
        "watched_share": st.floats() | ROWS,
        "place": st.integers(0, 101) | ROWS,
        "retracts": absurd.texts | ROWS,
    },
)


@st.composite
def bodies(draw: st.DrawFn) -> bytes:
    """Interactions, other JSON, or bytes of either that are mutated."""
    rows = draw(st.lists(INTERACTIONS | ROWS, max_size=4)) * draw(st.sampled_from([1, 1, 1, 1, 1, 251]))
    document = draw(st.sampled_from([{"interactions": rows}] * 6 + [rows, {"interactions": rows, "more": 1}]))
    body = json.dumps(document).encode()
    return body if draw(st.integers(0, 3)) else draw(absurd.mutated(body))


@fuzzed(0.02)
@given(data=st.data())
def test_interactions_of_any_body(world: World, data: st.DataObject) -> None:
    drawn = data.draw(st.lists(bodies(), min_size=BATCH, max_size=BATCH))
    with connected(world) as connection:
        for body in drawn:
            connection.request("POST", "/interactions", body=body, headers={"content-type": "application/json"})
            response = connection.getresponse()
            answer = response.read()
            world.tally.count("HTTP /interactions of any body", str(response.status))
            with world.tally.judged(f"/interactions {body[:500]!r}"):
                document = assert_is_ours(response.status, answer, {200, 400, 413})
                if response.status == 200:
                    assert len(document["results"]) == len(json.loads(body)["interactions"])
                    assert {row["result"] for row in document["results"]} <= {"ACCEPTED", "DUPLICATE", "REJECTED"}
    world.assert_serves(GATEWAY)


@fuzzed(0.02, batch=2 * BATCH)
@given(data=st.data())
def test_paths_of_any_kind(world: World, data: st.DataObject) -> None:
    method = data.draw(st.sampled_from(["GET", "POST", "PUT", "DELETE", "OPTIONS"]))
    some = percent_encoded().map(cut_to_what_is_ours).map(lambda path: path or "nothing")  # / is the explorer
    paths = data.draw(st.lists(some, min_size=BATCH, max_size=BATCH))
    with connected(world) as connection:
        for target in [f"/{path}" for path in paths] + [f"/feed/{path}" for path in paths]:
            connection.request(method, target)
            response = connection.getresponse()
            body = response.read()
            world.tally.count("HTTP paths that do not exist", str(response.status))
            with world.tally.judged(f"{method} {target[:500]}"):
                assert_is_ours(response.status, body, {404, 405, 414})


@fuzzed(0.005, batch=1)
@given(target=st.binary(max_size=60), rest=st.binary(max_size=60))
def test_bytes_that_are_no_request_are_refused_or_answered(world: World, target: bytes, rest: bytes) -> None:
    host, port = world.fleet.http_address.split(":")
    head = b"GET /feed?" + target + b" HTTP/1.1\r\nhost: x\r\nconnection: close\r\n" + rest + b"\r\n\r\n"
    with (
        world.tally.judged(f"{target!r} {rest!r}"),
        socket.create_connection((host, int(port)), timeout=DEADLINE_SECONDS) as client,
        http.client.HTTPResponse(client) as response,  # to its end only: `rest` may have undone `connection: close`
    ):
        client.sendall(head)
        response.begin()
        response.read()
        world.tally.count("HTTP bytes", str(response.status))
        assert response.status in {200, 400, 404, 412}, response.status
    world.assert_serves(GATEWAY)


def test_the_gateway_met_no_unexpected_error(world: World) -> None:
    log = world.fleet.log(GATEWAY)
    assert "unexpected error" not in log
    assert "Traceback" not in log
