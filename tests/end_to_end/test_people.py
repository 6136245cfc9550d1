"""A person's data over HTTP and gRPC: three processes, with one and with two replicas, and one process."""

import json
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import quote

import grpc
import httpx
import pytest

from benchmarks.processes import NO_TLS
from moodfeed.feedback.v1 import feedback_pb2
from rpc.errors import read_error_info
from tests.end_to_end.test_feedback import LAYOUTS, POSTS, STRANGER_MESSAGE, Product, likes, running
from tests.waiting import wait_until

HARD = "sl/ash 100% 😀\nbéla?#"


@pytest.fixture(scope="module", params=LAYOUTS)
def product(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("MOODFEED_GATEWAY_ADMIN_FROM_THIS_MACHINE", "true")
        with running(request.param, tmp_path_factory.mktemp("product")) as product:
            yield product


def asked(product: Product, method: str, path: str, **options: object) -> httpx.Response:
    return httpx.request(
        method, f"http://{product.http_address}{path}", timeout=10, trust_env=False, verify=NO_TLS, **options
    )


def path_of(username: str) -> str:
    return f"/people/{quote(username, safe='')}"


def reason(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["reason"]


def test_a_page_is_offered_people_of_the_bundle_until_they_are_deleted(product: Product) -> None:
    def offered() -> list[str]:
        names: list[str] = asked(product, "GET", "/explorer/people").json()["usernames"]
        return names

    before, gone = offered(), "😀"
    assert gone in before
    assert all(product.ids(username) for username in before)
    asked(product, "DELETE", path_of(gone))
    wait_until(
        lambda: offered() == [username for username in before if username != gone]
    )  # replicas read it a moment later


def test_a_page_is_told_what_a_mood_is_understood_as_and_by_which_words(product: Product) -> None:
    def told(mood: str) -> dict[str, Any]:
        told: dict[str, Any] = asked(product, "GET", f"/explorer/mood?mood={quote(mood)}").json()
        return told

    meant = told("ruhig, aber nicht traurig")
    assert [family["name"] for family in meant["avoided"]] == ["sadness"]
    assert "calm" in {family["name"] for family in meant["wanted"]}
    assert (meant["language"], meant["is_understood"]) == ("german", True)
    assert [(word["text"], word["is_avoided"]) for word in meant["words"]] == [("ruhig", False), ("traurig", True)]
    nothing = told("x" * 40)
    assert (nothing["wanted"], nothing["words"], nothing["is_understood"]) == ([], [], False)


@pytest.mark.parametrize("username", ["plain", HARD])
def test_what_was_recorded_is_given_out_deleted_and_may_be_posted_again(product: Product, username: str) -> None:
    product.record(likes(username, 20, event_id=f"liked by {username}"))
    person = asked(product, "GET", path_of(username)).json()
    (row,) = person["interactions"]
    assert (person["username"], row["interaction"]["username"]) == (username, username)
    assert (row["interaction"]["post_id"], row["interaction"]["verb"]) == (20, "LIKE")
    over_grpc = product.feedback.ExportPerson(feedback_pb2.ExportPersonRequest(username=username), timeout=10)
    assert [item.position for item in over_grpc.interactions] == [row["position"]]
    assert [row["result"] for row in product.post([row["interaction"]]).json()["results"]] == ["DUPLICATE"]

    deleted = asked(product, "DELETE", path_of(username))
    assert deleted.json()["position"] > person["position"]
    assert product.refusal(username)[2] == STRANGER_MESSAGE
    assert reason(asked(product, "GET", path_of(username))) == (404, "PERSON_NOT_FOUND")
    fresh = {**row["interaction"], "event_id": f"again by {username}"}
    assert product.post([fresh]).json()["results"][0]["result"] == "ACCEPTED"
    assert set(product.ids(username)) == POSTS  # the name has signed up again


def test_a_person_whom_the_bundle_holds_is_unknown_once_deleted(product: Product) -> None:
    assert product.ids("béla")
    assert asked(product, "DELETE", path_of("béla")).status_code == 200
    assert product.refusal("béla")[2] == STRANGER_MESSAGE


def test_a_visitor_who_signs_in_becomes_one_with_their_past(product: Product) -> None:
    product.record(likes("visitor", 20), likes("signed in", 30))
    merge = {"merged_username": "visitor", "into_username": "signed in"}
    merged = asked(product, "POST", "/people/merge", json=merge)
    assert merged.status_code == 200
    person = asked(product, "GET", path_of("signed in")).json()
    assert {row["interaction"]["post_id"] for row in person["interactions"]} == {20, 30}
    assert set(product.ids("signed in")[-2:]) == {20, 30}
    assert product.refusal("visitor")[2] == STRANGER_MESSAGE
    into_themselves = {"merged_username": "ana", "into_username": "ana"}
    assert reason(asked(product, "POST", "/people/merge", json=into_themselves)) == (400, "PERSON_INVALID")


def test_a_page_of_a_foreign_host_or_origin_and_a_proxy_are_refused(product: Product) -> None:
    for headers, expected in (
        ({"origin": "https://evil.example"}, "ORIGIN_NOT_ALLOWED"),
        ({"host": "evil.example"}, "HOST_NOT_ALLOWED"),
        ({"x-forwarded-for": "127.0.0.1"}, "ADMIN_FORBIDDEN"),
    ):
        for method, path, body in (
            ("GET", path_of("ana"), None),
            ("DELETE", path_of("ana"), None),
            ("POST", "/people/merge", {"merged_username": "ana", "into_username": "b"}),
        ):
            answer = asked(product, method, path, headers=headers, json=body)
            assert reason(answer) == (403, expected)
    assert product.ids("ana")


def test_with_admin_tokens_operators_alone_may_ask(tmp_path: Path) -> None:
    tokens = tmp_path / "admins"
    tokens.write_text(f"operator:{sha256(b'right').hexdigest()}\n", encoding="utf-8")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("MOODFEED_ADMIN_TOKEN_FILE", str(tokens))
        with running("three processes", tmp_path) as product:
            product.record(likes("person", 20))
            assert reason(asked(product, "GET", path_of("person"))) == (401, "ADMIN_TOKEN_INVALID")
            operator = {"authorization": "Bearer right", "host": "any.example"}
            assert asked(product, "GET", path_of("person"), headers=operator).status_code == 200
            assert asked(product, "DELETE", path_of("person"), headers=operator).status_code == 200


def test_a_gateway_that_nobody_has_told_otherwise_refuses_and_says_what_to_set(tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as environment:
        environment.delenv("MOODFEED_GATEWAY_ADMIN_FROM_THIS_MACHINE", raising=False)
        with running("one process", tmp_path, store_url="") as product:
            answer = asked(product, "DELETE", path_of("ana"))
            assert reason(answer) == (403, "ADMIN_FORBIDDEN")
            assert "MOODFEED_ADMIN_TOKEN_FILE" in json.dumps(answer.json())
            with pytest.raises(grpc.RpcError) as caught:
                product.feedback.DeletePerson(feedback_pb2.DeletePersonRequest(username="ana"), timeout=10)
            assert read_error_info(caught.value).reason == "ADMIN_FORBIDDEN"
