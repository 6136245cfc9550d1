"""A person's data over HTTP, above a fake that keeps it: who may ask, which names a path holds, what is counted."""

import asyncio
import json
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given
from hypothesis import strategies as st
from openapi_schema_validator import OAS31Validator
from prometheus_client import REGISTRY

from gateway.api_access import ApiAccess
from gateway.browser_guard import BrowserGuard
from gateway.feedback_types import PersonNotFoundError
from gateway.http_api import build_app
from gateway.http_edge import HttpEdge
from gateway.openapi import DOCUMENT
from gateway.readiness import Readiness
from moodfeed.feedback.v1 import feedback_pb2
from rpc.admin_access import AdminAccess
from rpc.admission import InFlight
from tests.gateway.fake_keepers import FakePosts, FakeRules
from tests.gateway.test_feed import FakeIndex, FakeTower
from tests.gateway.test_http_api import FakeRecorder, Well

FOREIGN = "https://evil.example"
LARGE = 2**53 + 1
MOMENT = Timestamp(seconds=1, nanos=5_000_000)
JSON = {"content-type": "application/json"}
MERGE = json.dumps({"merged_username": "visitor", "into_username": "ana"})


def ana() -> feedback_pb2.ExportPersonResponse:
    liked = feedback_pb2.Interaction(
        event_id="e1",
        username="ana",
        post_id=LARGE,
        verb="VERB_LIKE",
        occurred_at=MOMENT,
    )
    retracted = feedback_pb2.Interaction(event_id="e2", username="ana", retracts="e1", occurred_at=Timestamp(seconds=2))
    return feedback_pb2.ExportPersonResponse(
        username="ana",
        position=7,
        interactions=[
            feedback_pb2.RecordedInteraction(interaction=liked, position=3, is_taken_back=True),
            feedback_pb2.RecordedInteraction(interaction=retracted, position=4),
        ],
        served=[feedback_pb2.ServedPosts(post_ids=[LARGE, 2], shown_at=Timestamp(seconds=3), feed_id="f")],
        merged_usernames=["visitor"],
    )


@dataclass
class FakePeople:
    """Keeps whom it is asked about; knows those of whom nothing has been deleted."""

    asked: list[tuple[str, ...]] = field(default_factory=list)
    unknown: set[str] = field(default_factory=set)

    async def export_person(self, username: str, *, seconds: float) -> feedback_pb2.ExportPersonResponse:
        self.asked.append(("export", username))
        if username in self.unknown:
            raise PersonNotFoundError
        return ana()

    async def delete_person(self, username: str, *, seconds: float) -> int:
        self.asked.append(("delete", username))
        self.unknown.add(username)
        return 8

    async def merge_people(self, merged: str, *, into: str, seconds: float) -> int:
        self.asked.append(("merge", merged, into))
        return 9


def asked(
    method: str,
    target: str,
    *,
    people: FakePeople | None = None,
    admin: AdminAccess | None = None,
    guard: BrowserGuard | None = None,
    client: tuple[str, int] = ("127.0.0.1", 4711),
    body: str = "",
    **headers: str,
) -> httpx.Response:
    app = build_app(
        encoder=FakeTower(),
        index=FakeIndex(),
        recorder=FakeRecorder(),
        people=people or FakePeople(),
        posts=FakePosts(),
        rules=FakeRules(),
        readiness=Readiness(needed=Well(), wanted=Well()),
        access=ApiAccess(),
        guard=BrowserGuard(),
        admin=admin or AdminAccess(None),
        admin_guard=guard or BrowserGuard(),
        in_flight=InFlight(10),
        recordings=InFlight(10),
        deadline_seconds=5,
    )

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(HttpEdge(app), client=client)
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway", trust_env=False) as asking:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            return await asking.request(method, target, content=body or None, headers=named)

    return asyncio.run(ask())


def reason(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["reason"]


def test_a_person_is_exported_in_the_form_in_which_interactions_are_posted() -> None:
    answer = asked("GET", "/people/ana")
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json() == {
        "username": "ana",
        "position": 7,
        "interactions": [
            {
                "interaction": {
                    "event_id": "e1",
                    "username": "ana",
                    "post_id": LARGE,
                    "verb": "LIKE",
                    "occurred_at": "1970-01-01T00:00:01.005Z",
                },
                "position": 3,
                "is_taken_back": True,
            },
            {
                "interaction": {
                    "event_id": "e2",
                    "username": "ana",
                    "retracts": "e1",
                    "occurred_at": "1970-01-01T00:00:02Z",
                },
                "position": 4,
                "is_taken_back": False,
            },
        ],
        "served": [{"post_ids": [LARGE, 2], "shown_at": "1970-01-01T00:00:03Z", "feed_id": "f"}],
        "merged_usernames": ["visitor"],
    }
    exact = asked("GET", "/people/ana?ids=string").json()
    assert exact["interactions"][0]["interaction"]["post_id"] == str(LARGE)
    assert exact["served"][0]["post_ids"] == [str(LARGE), "2"]


@pytest.mark.parametrize("target", ["/people/ana", "/people/ana?ids=string"])
def test_an_export_has_the_form_that_the_document_promises(target: str) -> None:
    schema = {"$ref": "#/components/schemas/Person", "components": DOCUMENT["components"]}
    OAS31Validator(schema).validate(asked("GET", target).json())


def test_a_person_is_deleted_and_unknown_afterwards() -> None:
    people = FakePeople()
    assert asked("DELETE", "/people/ana", people=people).json() == {"position": 8}
    assert reason(asked("GET", "/people/ana", people=people)) == (404, "PERSON_NOT_FOUND")


def test_two_people_become_one() -> None:
    people = FakePeople()
    assert asked("POST", "/people/merge", people=people, body=MERGE, **JSON).json() == {"position": 9}
    assert people.asked == [("merge", "visitor", "ana")]


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=200))
def test_a_name_of_any_characters_is_a_path(username: str) -> None:
    if not username.strip():
        return
    people = FakePeople()
    target = f"/people/{quote(username, safe='')}".replace("/.", "/%2E")
    assert asked("DELETE", target, people=people).status_code == 200
    assert people.asked == [("delete", username)]


@pytest.mark.parametrize(
    ("path", "username"),
    [
        ("a%2Fb", "a/b"),
        ("a/b", "a/b"),
        ("100%25", "100%"),
        ("a%252Fb", "a%2Fb"),
        ("b%C3%A9la", "béla"),
        ("%F0%9F%98%80", "😀"),
        ("a%20b+c", "a b+c"),
        ("a%3Fb%23c", "a?b#c"),
        ("line%0Abreak%0A", "line\nbreak\n"),
        ("merge", "merge"),
        ("http://x/ana", "http://x/ana"),
    ],
)
def test_a_path_is_decoded_once(path: str, username: str) -> None:
    people = FakePeople()
    assert asked("GET", f"/people/{path}", people=people).status_code == 200
    assert people.asked == [("export", username)]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("%FF", (400, "PARAMETER_INVALID")),
        ("%C0%80", (400, "PARAMETER_INVALID")),
        ("%00", (400, "PERSON_INVALID")),
        ("%20", (400, "PERSON_INVALID")),
        ("a" * 201, (400, "PERSON_INVALID")),
        ("ana?dry_run=true", (400, "PARAMETER_INVALID")),
        ("", (404, "PATH_NOT_FOUND")),
    ],
)
@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_a_path_that_names_nobody_is_refused(method: str, path: str, expected: tuple[int, str]) -> None:
    people = FakePeople()
    assert reason(asked(method, f"/people/{path}", people=people)) == expected
    assert people.asked == []


@pytest.mark.parametrize(
    "body",
    [
        "{",
        "[]",
        "{}",
        '{"merged_username": "a"}',
        '{"merged_username": "a", "into_username": 1}',
        '{"merged_username": "a", "into_username": "b", "dry_run": true}',
    ],
)
def test_a_merge_whose_names_cannot_be_read_says_its_form(body: str) -> None:
    answer = asked("POST", "/people/merge", body=body, **JSON)
    assert reason(answer) == (400, "BODY_MALFORMED")
    assert body == "{" or "merged_username" in answer.json()["error"]["message"]


def test_a_merge_of_nobody_is_refused() -> None:
    blank = json.dumps({"merged_username": " ", "into_username": "ana"})
    assert reason(asked("POST", "/people/merge", body=blank, **JSON)) == (400, "PERSON_INVALID")


CALLS = [("GET", "/people/ana", ""), ("DELETE", "/people/ana", ""), ("POST", "/people/merge", MERGE)]


@pytest.mark.parametrize(("method", "target", "body"), CALLS)
def test_an_admin_token_is_needed_where_there_are_any(method: str, target: str, body: str, tmp_path: Path) -> None:
    tokens = tmp_path / "admins"
    tokens.write_text(f"operator:{sha256(b'right').hexdigest()}\n", encoding="utf-8")
    admin = AdminAccess(tokens, is_public=True)
    people = FakePeople()
    for headers in ({}, {"authorization": "Bearer wrong"}, {"authorization": "right"}):
        refused = asked(method, target, people=people, admin=admin, body=body, **JSON, **headers)
        assert reason(refused) == (401, "ADMIN_TOKEN_INVALID")
        assert refused.headers["www-authenticate"].startswith("Bearer")
    assert people.asked == []
    anywhere = {"client": ("192.0.2.7", 1), "x_forwarded_for": "192.0.2.8", "authorization": "Bearer right"}
    assert asked(method, target, people=people, admin=admin, body=body, **JSON, **anywhere).status_code == 200


@pytest.mark.parametrize(("method", "target", "body"), CALLS)
@pytest.mark.parametrize(
    "changed",
    [
        {"client": ("192.0.2.7", 1)},
        {"client": ("2001:db8::1", 1)},
        {"x_forwarded_for": "127.0.0.1"},
        {"via": "1.1 proxy"},
        {"forwarded": "for=127.0.0.1"},
        {"admin": AdminAccess(None, is_public=True)},  # as a gateway is by default
    ],
)
def test_without_tokens_only_this_machine_may_ask_and_only_where_that_is_set(
    method: str, target: str, body: str, changed: dict[str, object]
) -> None:
    people = FakePeople()
    assert asked(method, target, body=body, **JSON).status_code == 200
    assert asked(method, target, body=body, client=("::1", 1), **JSON).status_code == 200
    refused = asked(method, target, people=people, body=body, **JSON, **changed)  # type: ignore[arg-type]
    assert reason(refused) == (403, "ADMIN_FORBIDDEN")
    assert people.asked == []


@pytest.mark.parametrize(("method", "target", "body"), CALLS)
def test_no_page_of_a_foreign_origin_or_host_reads_or_changes_people(method: str, target: str, body: str) -> None:
    people = FakePeople()
    foreign = asked(method, target, people=people, body=body, **JSON, origin=FOREIGN)
    assert reason(foreign) == (403, "ORIGIN_NOT_ALLOWED")
    rebound = asked(method, target, people=people, body=body, **JSON, host="evil.example")
    assert reason(rebound) == (403, "HOST_NOT_ALLOWED")
    assert people.asked == []
    guard = BrowserGuard(allowed_origins={FOREIGN})
    assert asked(method, target, guard=guard, body=body, **JSON, origin=FOREIGN).status_code == 200


def test_a_form_of_a_page_merges_nobody() -> None:
    assert reason(asked("POST", "/people/merge", body=MERGE, content_type="text/plain")) == (
        415,
        "CONTENT_TYPE_UNSUPPORTED",
    )


def test_other_methods_are_told_which_ones_are_allowed() -> None:
    for method, target, allowed in (
        ("PUT", "/people/ana", "DELETE, GET, HEAD"),
        ("POST", "/people/ana", "DELETE, GET, HEAD"),
    ):
        answer = asked(method, target)
        assert reason(answer) == (405, "METHOD_NOT_ALLOWED")
        assert answer.headers["allow"] == allowed
        assert "DELETE, GET and HEAD are" in answer.json()["error"]["message"]


def test_metrics_hold_no_name() -> None:
    asked("GET", "/people/secret-name")
    asked("PUT", "/people/secret-name")
    asked("GET", "/people/secret-name/%FF")
    labels = [sample.labels for metric in REGISTRY.collect() for sample in metric.samples]
    assert any(label.get("path") == "/people/{username}" for label in labels)
    assert not [label for label in labels if "secret-name" in str(label)]
