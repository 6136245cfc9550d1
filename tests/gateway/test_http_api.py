"""The HTTP API over fakes of its two ports: browsers of other origins, methods, ids, and what is counted."""

import asyncio
from collections.abc import Sequence

import httpx
import pytest
from prometheus_client import REGISTRY

from gateway.api_access import ApiAccess
from gateway.browser_guard import BrowserGuard
from gateway.explorer_page import ExplorerPage
from gateway.feed_types import FoundPosts, Search
from gateway.feedback_types import Interaction, PersonNotFoundError, Recorded, Result, RowResult
from gateway.http_api import build_app
from gateway.http_edge import CrossOrigin, HttpEdge
from gateway.http_parameters import read_feed_request, read_query
from gateway.readiness import Readiness
from gateway.settings import Settings
from moodfeed.feed.v1 import feed_pb2
from moodfeed.feedback.v1 import feedback_pb2
from rpc.admin_access import AdminAccess
from rpc.admission import InFlight
from tests.gateway.fake_keepers import FakePosts, FakeRules
from tests.gateway.test_feed import FakeIndex, FakeTower

LARGE = 2**53 + 1
PAGE = "https://example.com"


class Well:
    service = "a service"
    is_serving = True


class PackedIndex(FakeIndex):
    """Its posts are packed, as those of the true index; their ids begin at LARGE."""

    async def search_posts(self, search: Search, *, seconds: float) -> FoundPosts:
        self.searches.append(search)
        posts = [
            LARGE + number
            for number in range(3)
            if LARGE + number not in search.exclude_post_ids and f"video-{number}" not in search.exclude_external_ids
        ]
        found = await FakeIndex.search_posts(self, search, seconds=seconds)
        packed = tuple(feed_pb2.FeedPost(post_id=post_id).SerializeToString() for post_id in posts)
        return FoundPosts(packed, False, found.ranking, found.bundle_id, found.current_bundle_id)


class FakeRecorder:
    """Records nothing."""

    async def record(self, interactions: Sequence[Interaction], *, seconds: float) -> Recorded:
        return Recorded(7, [RowResult(Result.ACCEPTED, event_id=row.event_id) for row in interactions])


class FakePeople:
    """Knows nobody."""

    async def export_person(self, username: str, *, seconds: float) -> feedback_pb2.ExportPersonResponse:
        raise PersonNotFoundError

    async def delete_person(self, username: str, *, seconds: float) -> int:
        return 8

    async def merge_people(self, merged: str, *, into: str, seconds: float) -> int:
        return 9


def asked(
    method: str, target: str, *, origins: tuple[str, ...] = (), explorer: ExplorerPage | None = None, **headers: str
) -> httpx.Response:
    app = build_app(
        encoder=FakeTower(),
        index=PackedIndex(),
        recorder=FakeRecorder(),
        people=FakePeople(),
        posts=FakePosts(),
        rules=FakeRules(),
        readiness=Readiness(needed=Well(), wanted=Well()),
        access=ApiAccess(),
        guard=BrowserGuard(),
        admin=AdminAccess(None),
        admin_guard=BrowserGuard(),
        in_flight=InFlight(10),
        recordings=InFlight(10),
        deadline_seconds=5,
        explorer=explorer,
    )
    edge = HttpEdge(app)

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(CrossOrigin(edge, origins) if origins else edge)
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway", trust_env=False) as client:
            return await client.request(method, target, headers={k.replace("_", "-"): v for k, v in headers.items()})

    return asyncio.run(ask())


def counted(path: str, code: int) -> float:
    return REGISTRY.get_sample_value("moodfeed_http_requests_total", {"path": path, "code": str(code)}) or 0.0


def test_ids_are_numbers_or_exact_strings_and_can_be_excluded_exactly() -> None:
    def ids(query: str) -> list[object]:
        return [post["post_id"] for post in asked("GET", f"/feed?username=ana{query}").json()["posts"]]

    assert ids("") == ids("&ids=number") == ids("&ids=") == [LARGE, LARGE + 1, LARGE + 2]
    assert ids("&ids=string") == [str(LARGE), str(LARGE + 1), str(LARGE + 2)]
    assert ids(f"&ids=string&exclude={LARGE},{LARGE + 2}") == [str(LARGE + 1)]


@pytest.mark.parametrize(
    ("query", "numbers", "external_ids"),
    [
        ("exclude=1,%202%20,,-3", (1, 2, -3), ()),
        ("exclude=tt0133093,603", (603,), ("tt0133093",)),
        ("exclude=007", (7,), ()),  # written as an integer: a post id, whatever posts were called
        ("exclude_external_ids=007", (), ("007",)),
        ("exclude_external_ids=a,b&exclude_external_ids=%20c&exclude_external_ids=", (), ("a,b", " c")),
        ("exclude=1,x&exclude_external_ids=2", (1,), ("x", "2")),
        ("exclude=1.0,%2B1,0x1,%EF%BC%91,1e3,--1", (), ("1.0", "+1", "0x1", "１", "1e3", "--1")),
    ],
)
def test_what_is_written_as_an_integer_is_a_post_id_and_all_else_an_external_id(
    query: str, numbers: tuple[int, ...], external_ids: tuple[str, ...]
) -> None:
    request = read_feed_request(read_query(f"username=ana&{query}".encode()))
    assert request.exclude_post_ids == numbers
    assert request.exclude_external_ids == external_ids


def test_posts_are_excluded_by_external_id() -> None:
    def ids(query: str) -> list[object]:
        return [post["post_id"] for post in asked("GET", f"/feed?username=ana{query}").json()["posts"]]

    assert ids(f"&exclude=video-0,{LARGE + 1}") == [LARGE + 2]
    assert ids("&exclude_external_ids=video-2&exclude_external_ids=video-0") == [LARGE + 1]


def test_a_thousand_posts_are_excluded_by_external_ids_and_one_more_is_refused() -> None:
    most = "&exclude_external_ids=x" * 1000
    assert asked("GET", f"/feed?username=ana{most}").status_code == 200
    error = asked("GET", f"/feed?username=ana{most}&exclude=1").json()["error"]
    assert (error["code"], error["reason"]) == (400, "TOO_MANY_EXCLUSIONS")


def test_another_form_of_ids_is_refused_by_name() -> None:
    error = asked("GET", "/feed?username=ana&ids=text").json()["error"]
    assert error["message"] == "ids is 'text', it must be number or string"
    assert "is given twice" in asked("GET", "/feed?username=ana&ids=string&ids=string").json()["error"]["message"]


@pytest.mark.parametrize("path", ["/feed", "/categories", "/healthz", "/readyz", "/metrics", "/openapi.json"])
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND"])
def test_a_method_that_is_not_allowed_is_told_which_are(path: str, method: str) -> None:
    before = counted(path, 405)
    reply = asked(method, path)
    assert (reply.status_code, reply.headers["allow"]) == (405, "GET, HEAD")
    assert reply.json()["error"]["reason"] == "METHOD_NOT_ALLOWED"
    assert counted(path, 405) == before + 1


def test_unknown_paths_are_counted_together() -> None:
    before = counted("(unknown)", 404)
    assert asked("GET", "/nothing").status_code == asked("POST", "/invented/elsewhere").status_code == 404
    assert counted("(unknown)", 404) == before + 2


def test_what_a_host_header_says_is_not_part_of_a_path() -> None:
    before = counted("/categories", 200)
    assert asked("GET", "/categories", host="x/evil").status_code == 200
    assert counted("/categories", 200) == before + 1


def test_without_the_setting_no_other_origin_is_let_in() -> None:
    reply = asked("GET", "/categories", origin=PAGE)
    assert not [name for name in reply.headers if name.startswith("access-control-")]


@pytest.mark.parametrize("target", ["/categories", "/feed?username=ana", "/feed", "/nothing"])
def test_pages_of_an_allowed_origin_read_answers_and_errors(target: str) -> None:
    reply = asked("GET", target, origins=(PAGE,), origin=PAGE)
    assert reply.headers["access-control-allow-origin"] == PAGE
    assert "Origin" in reply.headers["vary"]
    assert "retry-after" in reply.headers["access-control-expose-headers"]
    other = asked("GET", target, origins=(PAGE,), origin="https://example.org")
    assert "access-control-allow-origin" not in other.headers
    assert asked("GET", target, origins=("*",), origin=PAGE).headers["access-control-allow-origin"] == "*"


def test_a_preflight_is_answered_without_a_token() -> None:
    wanted = {"access_control_request_method": "GET", "access_control_request_headers": "authorization"}
    reply = asked("OPTIONS", "/feed", origins=(PAGE,), origin=PAGE, **wanted)
    assert (reply.status_code, reply.text) == (204, "")
    assert reply.headers["access-control-allow-origin"] == PAGE
    assert "GET" in reply.headers["access-control-allow-methods"]
    assert "authorization" in reply.headers["access-control-allow-headers"].lower()


@pytest.mark.parametrize(
    ("origin", "method", "header"),
    [
        ("https://example.org", "GET", "authorization"),
        (PAGE, "PATCH", "authorization"),
        (PAGE, "GET", "x-other"),
    ],
)
def test_a_preflight_that_is_refused_is_in_our_form(origin: str, method: str, header: str) -> None:
    wanted = {"access_control_request_method": method, "access_control_request_headers": header}
    reply = asked("OPTIONS", "/feed", origins=(PAGE,), origin=origin, **wanted)
    assert (reply.status_code, reply.json()["error"]["reason"]) == (400, "PREFLIGHT_REFUSED")


@pytest.mark.parametrize(
    "value", ["https://example.com", "http://localhost:3000,https://a.example", "*", "", "null://x"]
)
def test_origins_are_read_from_the_environment(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("MOODFEED_GATEWAY_ALLOWED_ORIGINS", value)
    assert Settings().allowed_origins == tuple(part for part in value.split(",") if part)


@pytest.mark.parametrize("value", ["example.com", "https://example.com/", "https://example.com/page", "https://"])
def test_what_is_not_an_origin_is_refused(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("MOODFEED_GATEWAY_ALLOWED_ORIGINS", value)
    with pytest.raises(ValueError, match="scheme://host"):
        Settings()
