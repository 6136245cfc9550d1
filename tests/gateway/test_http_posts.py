"""Posts, rules, similar posts and several feeds over HTTP, above fakes: who may ask, which post a path names."""

import asyncio
import json
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openapi_schema_validator import OAS31Validator
from prometheus_client import REGISTRY
from starlette.applications import Starlette

from gateway.api_access import ApiAccess
from gateway.browser_guard import BrowserGuard
from gateway.catalog_types import KeptPost, Post, PostNames, PostState
from gateway.feed_types import FoundPosts, PostNotFoundError, Search, SimilarTo
from gateway.feedback_types import NoStoreError
from gateway.http_api import build_app
from gateway.http_edge import HttpEdge
from gateway.openapi import DOCUMENT
from gateway.rate_limit import RateLimit
from gateway.readiness import Readiness
from gateway.rules_types import Rule, RuleAction
from gateway.settings import SCOPES
from moodfeed.feed.v1 import feed_pb2
from rpc.admin_access import AdminAccess
from rpc.admission import InFlight
from rpc.token_file import TokenFile
from tests.gateway.fake_keepers import FIRST_GIVEN_ID, FakePosts, FakeRules
from tests.gateway.test_feed import CATEGORY, FakeIndex, FakeTower
from tests.gateway.test_http_api import FakePeople, FakeRecorder, Well

FOREIGN = "https://evil.example"
JSON = {"content_type": "application/json"}
POST = json.dumps({"category_id": 2, "video_link": "https://a/7.mp4", "title": "seven"})
RULE = json.dumps({"action": "HIDE", "post_ids": [7]})
FEEDS = json.dumps({"feeds": [{"username": "ana"}]})


class PackedIndex(FakeIndex):
    """The posts of FakeIndex, packed as those of the true index; it knows the posts that others are to be like."""

    async def search_posts(self, search: Search, *, seconds: float) -> FoundPosts:
        if search.similar_to and search.similar_to.post_id > 24:
            raise PostNotFoundError
        found = await super().search_posts(search, seconds=seconds)
        packed = tuple(feed_pb2.FeedPost(post_id=int(post)).SerializeToString() for post in found.posts)
        return FoundPosts(packed, found.has_more, found.ranking, found.bundle_id, found.current_bundle_id)


@dataclass
class Asked:
    """A gateway over fakes, and what it is asked."""

    posts: FakePosts = field(default_factory=FakePosts)
    rules: FakeRules = field(default_factory=FakeRules)
    index: PackedIndex = field(default_factory=PackedIndex)
    access: ApiAccess = field(default_factory=ApiAccess)
    admin: AdminAccess = field(default_factory=lambda: AdminAccess(None))
    guard: BrowserGuard = field(default_factory=BrowserGuard)
    admin_guard: BrowserGuard = field(default_factory=BrowserGuard)
    in_flight: InFlight = field(default_factory=lambda: InFlight(10))
    app: Starlette | None = None

    def __call__(
        self, method: str, target: str, body: str = "", client: tuple[str, int] = ("127.0.0.1", 4711), **headers: str
    ) -> httpx.Response:
        self.app = self.app or build_app(
            encoder=FakeTower(),
            index=self.index,
            recorder=FakeRecorder(),
            people=FakePeople(),
            posts=self.posts,
            rules=self.rules,
            readiness=Readiness(needed=Well(), wanted=Well()),
            access=self.access,
            guard=self.guard,
            admin=self.admin,
            admin_guard=self.admin_guard,
            in_flight=self.in_flight,
            recordings=InFlight(10),
            deadline_seconds=5,
        )

        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(HttpEdge(self.app), client=client)
            async with httpx.AsyncClient(transport=transport, base_url="http://gateway", trust_env=False) as asking:
                named = {name.replace("_", "-"): value for name, value in headers.items()}
                return await asking.request(method, target, content=body or None, headers=named)

        return asyncio.run(ask())


def reason(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["reason"]


def validate(answer: httpx.Response, schema: str) -> None:
    form = {"$ref": f"#/components/schemas/{schema}", "components": DOCUMENT["components"]}
    OAS31Validator(form).validate(answer.json())


def test_a_post_is_stored_shown_replaced_and_deleted() -> None:
    gateway = Asked()
    stored = gateway("PUT", "/posts/7", POST, **JSON)
    assert (stored.status_code, stored.json()) == (200, {"position": 1, "post_id": 7})
    validate(stored, "StoredPost")
    shown = gateway("GET", "/posts/7")
    validate(shown, "KeptPost")
    assert (shown.json()["state"], shown.json()["post"]["title"]) == ("PENDING", "seven")
    assert gateway("GET", "/posts/7?ids=string").json()["post"]["post_id"] == "7"
    hidden = json.dumps(
        {"category_id": 3, "video_link": "v", "is_servable": False, "created_at": "2026-01-01T00:00:00Z"}
    )
    assert gateway("PUT", "/posts/7", hidden, **JSON).json()["position"] == 2
    shown = gateway("GET", "/posts/7")
    validate(shown, "KeptPost")
    assert (shown.json()["state"], shown.json()["position"]) == ("NOT_SERVABLE", 2)
    assert gateway("DELETE", "/posts/7").json() == {"position": 3}
    validate(gateway("GET", "/posts/7"), "KeptPost")
    assert gateway("GET", "/posts/7").json()["state"] == "DELETED"
    assert reason(gateway("GET", "/posts/8")) == (404, "POST_NOT_FOUND")


def test_a_post_is_named_by_its_id_at_the_source() -> None:
    gateway = Asked()
    path = f"/posts/external:{quote('a/b?c:é', safe='')}"
    assert gateway("PUT", path, POST, **JSON).json() == {"position": 1, "post_id": FIRST_GIVEN_ID + 1}
    assert gateway("GET", path).json()["post"]["external_id"] == "a/b?c:é"
    assert gateway("DELETE", path).status_code == 200
    assert gateway.posts.asked[-1] == ("delete", PostNames(external_ids=("a/b?c:é",)))


@settings(deadline=None, max_examples=25)
@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=200))
def test_an_external_id_of_any_characters_is_a_path(external_id: str) -> None:
    if not external_id.strip():
        return
    gateway = Asked()
    target = f"/posts/external:{quote(external_id, safe='')}"
    assert gateway("DELETE", target).status_code == 200
    assert gateway.posts.asked == [("delete", PostNames(external_ids=(external_id,)))]
    assert gateway("GET", f"{target}/similar").status_code == 200
    assert gateway.index.searches[-1].similar_to == SimilarTo(external_id=external_id)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("seven", (400, "PARAMETER_INVALID")),
        ("0", (400, "PARAMETER_INVALID")),
        ("-7", (400, "PARAMETER_INVALID")),
        ("7.0", (400, "PARAMETER_INVALID")),
        ("%D9%A3", (400, "PARAMETER_INVALID")),
        (str(2**63), (400, "PARAMETER_INVALID")),
        ("9" * 5000, (400, "PARAMETER_INVALID")),
        ("external:", (400, "PARAMETER_INVALID")),
        ("%FF", (400, "PARAMETER_INVALID")),
        ("external:%C0%80", (400, "PARAMETER_INVALID")),
        ("external:%00", (400, "POST_INVALID")),
        ("external:%20", (400, "POST_INVALID")),
        ("external:" + "a" * 201, (400, "POST_INVALID")),
        ("7?dry_run=true", (400, "PARAMETER_INVALID")),
        ("7/", (404, "PATH_NOT_FOUND")),
        ("7/similar/", (404, "PATH_NOT_FOUND")),
        ("", (404, "PATH_NOT_FOUND")),
    ],
)
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_a_path_that_names_no_post_is_refused(method: str, path: str, expected: tuple[int, str]) -> None:
    gateway = Asked()
    answer = gateway(method, f"/posts/{path}", POST if method == "PUT" else "", **(JSON if method == "PUT" else {}))
    assert reason(answer) == expected
    assert gateway.posts.asked == []
    assert len(answer.json()["error"]["message"]) < 400


@pytest.mark.parametrize(
    ("body", "expected", "words"),
    [
        ("{", (400, "BODY_MALFORMED"), "the body is not JSON"),
        ("[]", (400, "BODY_MALFORMED"), "the body must be a JSON object"),
        ("{}", (400, "POST_INVALID"), "category_id: "),
        ('{"category_id": 2}', (400, "POST_INVALID"), "video_link: "),
        ('{"category_id": "x", "video_link": "v"}', (400, "POST_INVALID"), "category_id: "),
        ('{"category_id": 2, "video_link": "v", "colour": 1}', (400, "POST_INVALID"), "colour: "),
        ('{"category_id": 2, "video_link": "v", "post_id": 8}', (400, "POST_INVALID"), "post_id: "),
        (
            '{"category_id": 2, "video_link": "v", "created_at": "1999-12-31T23:59:59Z"}',
            (400, "POST_INVALID"),
            "created_at: is before",
        ),
        (
            '{"category_id": 2, "video_link": "v", "created_at": "9999-01-01T00:00:00Z"}',
            (400, "POST_INVALID"),
            "created_at: is more",
        ),
    ],
)
def test_a_post_that_cannot_be_stored_is_refused_by_the_name_of_its_field(
    body: str, expected: tuple[int, str], words: str
) -> None:
    gateway = Asked()
    answer = gateway("PUT", "/posts/7", body, **JSON)
    assert reason(answer) == expected
    assert answer.json()["error"]["message"].startswith(words)
    assert gateway.posts.asked == []


def test_a_rule_is_kept_listed_and_deleted() -> None:
    gateway = Asked()
    assert gateway("PUT", "/rules/a%2Fb", RULE, **JSON).json() == {"position": 1}
    assert gateway.rules.kept == {"a/b": Rule(name="a/b", action=RuleAction.HIDE, post_ids=(7,))}
    validate(gateway("GET", "/rules"), "Rules")
    assert gateway("GET", "/rules?ids=string").json()["rules"][0]["post_ids"] == ["7"]
    assert gateway("DELETE", "/rules/a%2Fb").json() == {"position": 2}
    assert reason(gateway("DELETE", "/rules/a%2Fb")) == (404, "RULE_NOT_FOUND")
    assert gateway("GET", "/rules").json() == {"rules": []}


@pytest.mark.parametrize(
    ("target", "body", "expected"),
    [
        ("/rules/x", "{", (400, "BODY_MALFORMED")),
        ("/rules/x", "{}", (400, "RULE_INVALID")),
        ("/rules/x", '{"action": "HIDE"}', (400, "RULE_INVALID")),
        ("/rules/%00", RULE, (400, "RULE_INVALID")),
        ("/rules/%20", RULE, (400, "RULE_INVALID")),
        ("/rules/%FF", RULE, (400, "PARAMETER_INVALID")),
        (f"/rules/{'n' * 101}", RULE, (400, "RULE_INVALID")),
        ("/rules/x?y=1", RULE, (400, "PARAMETER_INVALID")),
        ("/rules/", RULE, (404, "PATH_NOT_FOUND")),
    ],
)
def test_a_rule_that_cannot_be_kept_is_refused(target: str, body: str, expected: tuple[int, str]) -> None:
    gateway = Asked()
    assert reason(gateway("PUT", target, body, **JSON)) == expected
    assert gateway.rules.kept == {}


def test_similar_posts_are_for_anybody() -> None:
    gateway = Asked()
    page = gateway("GET", "/posts/7/similar?page_size=2&exclude=1,tt1&seen=EXCLUDED&username=ana").json()
    assert set(page) == {"posts", "next_page_token", "bundle_id", "degradations", "position", "feed_id"}
    assert len(page["posts"]) == 2
    search = gateway.index.searches[0]
    assert (search.similar_to, search.exclude_post_ids, search.exclude_external_ids) == (SimilarTo(7), (1,), ("tt1",))
    assert gateway("GET", "/posts/7/similar").status_code == 200
    assert reason(gateway("GET", "/posts/99/similar")) == (404, "POST_NOT_FOUND")
    assert reason(gateway("GET", "/posts/7/similar?mood=calm")) == (400, "PARAMETER_INVALID")
    assert reason(gateway("GET", "/posts/7/similar?post_id=8")) == (400, "PARAMETER_INVALID")
    assert reason(gateway("GET", "/posts/0/similar")) == (400, "PARAMETER_INVALID")


def test_several_feeds_are_answered_each_for_itself() -> None:
    gateway = Asked()
    body = {
        "feeds": [
            {"username": "ana", "page_size": 2},
            {"username": "ana", "page_size": 2, "exclude_post_ids": ["3"], "fallback": "POPULAR", "mood": None},
            {"username": " "},
            {"username": "nobody"},
            {"username": "ana", "colour": "red"},
            {"username": 5},
            {"username": "ana", "fallback": "hot"},
            {"username": "ana", "category_id": CATEGORY + 1},
            "ana",
        ],
        "distinct": True,
    }
    answer = gateway("POST", "/feeds?ids=string", json.dumps(body), **JSON)
    assert answer.status_code == 200
    results = answer.json()["results"]
    assert [post["post_id"] for post in results[0]["feed"]["posts"]] == ["0", "1"]
    assert list(gateway.index.searches[1].context.not_interested_post_ids) == [0, 1]
    assert [result.get("error", {}).get("reason") for result in results] == [
        None,
        None,
        "USERNAME_BLANK",
        "USER_NOT_FOUND",
        "PARAMETER_INVALID",
        "PARAMETER_INVALID",
        "PARAMETER_INVALID",
        "CATEGORY_NOT_FOUND",
        "PARAMETER_INVALID",
    ]
    assert results[4]["error"] == {
        "code": 400,
        "status": "INVALID_ARGUMENT",
        "reason": "PARAMETER_INVALID",
        "message": results[4]["error"]["message"],
    }
    assert results[4]["error"]["message"].startswith("colour: is not a known field")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("{", (400, "BODY_MALFORMED")),
        ("{}", (400, "BODY_MALFORMED")),
        ('{"feeds": {}}', (400, "BODY_MALFORMED")),
        ('{"feeds": [], "distinct": 1}', (400, "BODY_MALFORMED")),
        ('{"feeds": [], "more": 1}', (400, "BODY_MALFORMED")),
        ('{"feeds": []}', (400, "FEED_COUNT_OUT_OF_RANGE")),
        (json.dumps({"feeds": [{}] * 65}), (400, "FEED_COUNT_OUT_OF_RANGE")),
        (json.dumps({"feeds": [{"username": "a" * 1024 * 1024}]}), (413, "REQUEST_TOO_LARGE")),
    ],
)
def test_a_body_that_asks_for_no_feeds_is_refused(body: str, expected: tuple[int, str]) -> None:
    assert reason(Asked()("POST", "/feeds", body, **JSON)) == expected


def test_several_feeds_count_as_so_many_requests(tmp_path: Path) -> None:
    body = json.dumps({"feeds": [{"username": "ana"}] * 6})
    gateway = Asked(in_flight=InFlight(8))
    with gateway.in_flight.admitted("GET /feed"), gateway.in_flight.admitted("GET /feed"):
        assert gateway("POST", "/feeds", body, **JSON).status_code == 200
        with gateway.in_flight.admitted("GET /feed"):
            assert reason(gateway("POST", "/feeds", body, **JSON)) == (429, "OVERLOADED")
    limited = Asked(in_flight=InFlight(2))
    assert limited("POST", "/feeds", body, **JSON).status_code == 200  # alone it is admitted
    assert limited.in_flight.count == 0

    now = [0.0]
    rate = RateLimit(requests_per_second=1, burst=2, now=lambda: now[0])
    gateway = Asked(access=ApiAccess(tokens=tokens(tmp_path, "web"), rate_limit=rate))
    token = {"authorization": "Bearer web"}
    assert gateway("POST", "/feeds", body, **JSON, **token).status_code == 200
    now[0] = 4.9  # 6 of 2 are owed
    assert reason(gateway("GET", "/feed?username=ana", **token)) == (429, "RATE_LIMITED")
    now[0] = 5.0
    assert gateway("GET", "/feed?username=ana", **token).status_code == 200


def tokens(directory: Path, *lines: str) -> TokenFile:
    """A file of tokens, each line the token and perhaps its scopes."""
    path = directory / "tokens"
    named = [line.partition(":") for line in lines]
    path.write_text(
        "".join(f"{token}:{sha256(token.encode()).hexdigest()}{colon}{scopes}\n" for token, colon, scopes in named),
        encoding="utf-8",
    )
    return TokenFile(path, scopes=SCOPES)


def operators(directory: Path) -> AdminAccess:
    path = directory / "operators"
    path.write_text(f"operator:{sha256(b'right').hexdigest()}\n", encoding="utf-8")
    return AdminAccess(path, is_public=True)


POST_CALLS = [("GET", "/posts/7", ""), ("PUT", "/posts/7", POST), ("DELETE", "/posts/7", "")]
RULE_CALLS = [("GET", "/rules", ""), ("PUT", "/rules/x", RULE), ("DELETE", "/rules/x", "")]


def known() -> dict[str, object]:
    kept = KeptPost(Post(post_id=7, category_id=2, video_link="v"), PostState.SERVED, 1)
    return {
        "posts": FakePosts({7: kept}),
        "rules": FakeRules({"x": Rule(name="x", action=RuleAction.HIDE, post_ids=(7,))}),
    }


@pytest.mark.parametrize(("method", "target", "body"), POST_CALLS)
def test_posts_are_for_tokens_of_the_scope_and_for_operators(
    method: str, target: str, body: str, tmp_path: Path
) -> None:
    access = ApiAccess(tokens=tokens(tmp_path, "reader", "teller:feeds,feedback", "writer:catalog"))

    def asked(token: str, admin: AdminAccess) -> httpx.Response:
        headers = {"authorization": f"Bearer {token}"} if token else {}
        return Asked(access=access, admin=admin, **known())(method, target, body, **(JSON if body else {}), **headers)

    for admin in (AdminAccess(None), AdminAccess(None, is_public=True), operators(tmp_path)):
        assert asked("writer", admin).status_code == 200
        assert reason(asked("reader", admin)) == (403, "TOKEN_SCOPE_MISSING")
        assert reason(asked("teller", admin)) == (403, "TOKEN_SCOPE_MISSING")
        assert reason(asked("wrong", admin)) == (401, "API_TOKEN_INVALID")
        assert reason(asked("", admin)) == (401, "API_TOKEN_INVALID")
    assert asked("right", operators(tmp_path)).status_code == 200
    assert reason(asked("right", AdminAccess(None))) == (401, "API_TOKEN_INVALID")


@pytest.mark.parametrize(("method", "target", "body"), RULE_CALLS)
def test_rules_are_for_operators_alone(method: str, target: str, body: str, tmp_path: Path) -> None:
    access = ApiAccess(tokens=tokens(tmp_path, "writer:feeds,feedback,catalog"))
    gateway = Asked(access=access, admin=operators(tmp_path), **known())
    form = JSON if body else {}
    assert gateway(method, target, body, **form, authorization="Bearer right").status_code == 200
    for headers in ({}, {"authorization": "Bearer writer"}):
        assert reason(gateway(method, target, body, **form, **headers)) == (401, "ADMIN_TOKEN_INVALID")


@pytest.mark.parametrize(("method", "target", "body"), [*POST_CALLS, *RULE_CALLS])
@pytest.mark.parametrize(
    "changed",
    [
        {"client": ("192.0.2.7", 1)},
        {"client": ("2001:db8::1", 1)},
        {"x_forwarded_for": "127.0.0.1"},
        {"via": "1.1 proxy"},
        {"is_public": True},  # as a gateway is by default
    ],
)
def test_without_tokens_only_this_machine_may_ask_and_only_where_that_is_set(
    method: str, target: str, body: str, changed: dict[str, object]
) -> None:
    form = JSON if body else {}
    assert Asked(**known())(method, target, body, client=("::1", 1), **form).status_code == 200
    admin = AdminAccess(None, is_public=bool(changed.get("is_public")))
    headers = {name: value for name, value in changed.items() if name != "is_public"}
    gateway = Asked(admin=admin, **known())
    assert reason(gateway(method, target, body, **form, **headers)) == (403, "ADMIN_FORBIDDEN")  # type: ignore[arg-type]
    assert gateway.posts.asked == []


@pytest.mark.parametrize(("method", "target", "body"), [*POST_CALLS, *RULE_CALLS])
def test_no_page_of_a_foreign_origin_or_host_reads_or_changes_posts_and_rules(
    method: str, target: str, body: str
) -> None:
    gateway = Asked(**known())
    rules = dict(gateway.rules.kept)
    form = JSON if body else {}
    assert reason(gateway(method, target, body, **form, origin=FOREIGN)) == (403, "ORIGIN_NOT_ALLOWED")
    assert reason(gateway(method, target, body, **form, origin="null")) == (403, "ORIGIN_NOT_ALLOWED")
    assert reason(gateway(method, target, body, **form, host="evil.example")) == (403, "HOST_NOT_ALLOWED")
    if body:
        for kind in ("text/plain", "application/x-www-form-urlencoded", ""):
            assert reason(gateway(method, target, body, content_type=kind)) == (415, "CONTENT_TYPE_UNSUPPORTED")
    assert (gateway.posts.asked, gateway.rules.kept) == ([], rules)
    allowed = BrowserGuard(allowed_origins={FOREIGN})
    gateway = Asked(guard=allowed, admin_guard=allowed, **known())
    assert gateway(method, target, body, **form, origin=FOREIGN).status_code == 200


def test_a_form_of_a_page_asks_for_no_feeds() -> None:
    assert reason(Asked()("POST", "/feeds", FEEDS, content_type="text/plain")) == (415, "CONTENT_TYPE_UNSUPPORTED")


def test_without_a_store_a_change_says_so() -> None:
    class NoStore(FakePosts):
        async def delete_posts(self, names: PostNames, *, seconds: float) -> int:
            raise NoStoreError("nothing can be stored")

    assert reason(Asked(posts=NoStore())("DELETE", "/posts/7")) == (503, "NO_STORE")


def test_other_methods_are_told_which_ones_are_allowed() -> None:
    for method, target, allowed in (
        ("POST", "/posts/7", "DELETE, GET, HEAD, PUT"),
        ("PUT", "/posts/7/similar", "GET, HEAD"),
        ("GET", "/feeds", "POST"),
        ("POST", "/rules", "GET, HEAD"),
        ("GET", "/rules/x", "DELETE, PUT"),
    ):
        answer = Asked()(method, target)
        assert reason(answer) == (405, "METHOD_NOT_ALLOWED")
        assert answer.headers["allow"] == allowed


def test_metrics_hold_no_name() -> None:
    gateway = Asked()
    gateway("GET", "/posts/external:secret-name")
    gateway("GET", "/posts/external:secret-name/similar")
    gateway("POST", "/posts/external:secret-name")
    gateway("DELETE", "/rules/secret-name")
    gateway("GET", "/rules/secret-name")
    gateway("GET", "/posts/secret-name/other")
    labels = [sample.labels for metric in REGISTRY.collect() for sample in metric.samples]
    for path in ("/posts/{post_id}", "/posts/{post_id}/similar", "/rules/{name}"):
        assert any(label.get("path") == path for label in labels)
    assert not [label for label in labels if "secret-name" in str(label)]
