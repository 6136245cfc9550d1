"""The page at /: served by a setting, of this host alone, small, and free of what a browser would refuse.

What it does in a browser is tested there: make test-page.
"""

import gzip
import hashlib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from gateway import explorer_page
from gateway.explorer_page import EXPLORER_FILES, MOOD, PEOPLE, SETTINGS, TITLES, ExplorerPage
from gateway.settings import OffOn, Settings
from moodfeed.user_tower.v1 import user_tower_pb2
from tests.gateway.test_http_api import asked

DIRECTORY = Path(explorer_page.__file__).parent / "explorer"
LARGEST_COMPRESSED_BYTES = 200_000
LONGEST_FILE = 310  # lines, as in Python
VENDORED = ("hls.LICENSE.txt", "hls.light.min.mjs")
_VARIABLES = {
    "HTTP_ADDRESS": "MOODFEED_GATEWAY_HTTP_ADDRESS",
    "PLAINTEXT": "MOODFEED_ALLOW_PLAINTEXT",
    "EXPLORER": "MOODFEED_GATEWAY_EXPLORER",
    "PEOPLE": "MOODFEED_GATEWAY_EXPLORER_PEOPLE",
    "MEDIA": "MOODFEED_GATEWAY_EXPLORER_MEDIA",
    "TOKENS": "MOODFEED_GATEWAY_API_TOKENS_FILE",
}


class SomePeople:
    """Knows two."""

    async def list_people(self, *, seconds: float) -> Sequence[str]:
        return ["ana", "بن"]


class SomeFacts:
    """Understands every mood as calm, and knows keywords of post 7."""

    async def read_mood(self, mood: str, *, seconds: float) -> user_tower_pb2.ReadMoodResponse:
        return user_tower_pb2.ReadMoodResponse(
            wanted=[user_tower_pb2.WeightedFamily(name="calm", weight=1)],
            words=[user_tower_pb2.MoodWord(text=mood, families=["calm"])],
            language="en",
            is_understood=True,
        )

    async def stand_in_titles(self, post_ids: Sequence[int], *, seconds: float) -> Mapping[int, str]:
        return {post_id: "dice, rulebook" for post_id in post_ids if post_id == 7}


PAGE = ExplorerPage(SomeFacts(), people=SomePeople())


def test_the_page_names_only_files_of_this_host_that_are_served() -> None:
    page = asked("GET", "/", explorer=PAGE)
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    linked = [name for name in re.findall(r'(?:href|src)="([^"#]+)"', page.text) if name not in {"data:,", "/docs"}]
    imported = {
        f"/explorer/{name}"
        for path in DIRECTORY.glob("*.js")
        for name in re.findall(r'from "\./([\w.]+)"', path.read_text(encoding="utf-8"))
    }
    assert {*linked, *imported} == EXPLORER_FILES.keys() - {"/", "/explorer/hls.light.min.mjs"}
    for path in EXPLORER_FILES:
        assert asked("GET", path, explorer=PAGE).status_code == 200
    assert not re.search(r"<script(?![^>]*src=)|\son\w+=|style=", page.text), "the policy allows neither in the page"


def test_no_text_can_become_markup() -> None:
    for path in DIRECTORY.glob("*.js"):
        source = path.read_text(encoding="utf-8")
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|window\.prompt", source)


def test_all_files_are_served_and_all_of_them_together_are_small() -> None:
    served = {name for name, _ in EXPLORER_FILES.values()}
    assert served == {path.name for path in DIRECTORY.iterdir()} - {"README.md", "hls.LICENSE.txt"}
    assert sum(len(gzip.compress((DIRECTORY / name).read_bytes())) for name in served) < LARGEST_COMPRESSED_BYTES


def test_a_file_of_the_page_that_decides_one_thing_is_not_long() -> None:
    ours = [path for path in DIRECTORY.iterdir() if path.name not in VENDORED]
    lengths = {path.name: len(path.read_text(encoding="utf-8").splitlines()) for path in ours}
    assert {name for name, lines in lengths.items() if lines > LONGEST_FILE} == set()


def test_vendored_files_are_those_that_their_readme_names() -> None:
    readme = (DIRECTORY / "README.md").read_text(encoding="utf-8")
    named = dict(re.findall(r"^\| (\S+) \| ([0-9a-f]{64}) \|$", readme, re.MULTILINE))
    assert named == {name: hashlib.sha256((DIRECTORY / name).read_bytes()).hexdigest() for name in VENDORED}


def test_a_browser_gets_files_compressed_and_is_told_which_it_has() -> None:
    for path in EXPLORER_FILES:
        first = asked("GET", path, explorer=PAGE, accept_encoding="gzip")
        assert first.headers["content-encoding"] == "gzip"
        assert first.content == asked("GET", path, explorer=PAGE, accept_encoding="identity").content
        again = asked("GET", path, explorer=PAGE, if_none_match=first.headers["etag"])
        assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    ("accepted", "is_compressed"),
    [
        ("br, GZIP;q=0.5", True),
        ("gzip; q=0.001", True),
        ("gzip;q=0", False),
        ("*, gzip ; q=0.000", False),
        ("x-notgzip", False),
        ("", False),
    ],
)
def test_who_does_not_take_gzip_does_not_get_it(accepted: str, is_compressed: bool) -> None:
    answer = asked("GET", "/", explorer=PAGE, accept_encoding=accepted)
    assert ("content-encoding" in answer.headers) is is_compressed


@pytest.mark.parametrize("media", [False, True])
def test_the_policy_names_other_hosts_only_for_media_and_only_by_the_setting(media: bool) -> None:
    page = ExplorerPage(SomeFacts(), media=media)
    policy = asked("GET", "/", explorer=page).headers["content-security-policy"]
    parts = dict(part.split(" ", 1) for part in policy.split("; "))
    assert parts["default-src"] == parts["trusted-types"] == "'none'"
    assert parts["script-src"] == parts["style-src"] == "'self'"
    open_parts = {name for name, sources in parts.items() if "http:" in sources or "https:" in sources}
    assert open_parts == ({"connect-src", "img-src", "media-src"} if media else set())
    assert asked("GET", SETTINGS, explorer=page).json() == {
        "media": media,
        "people": False,
    }


def test_people_are_named_only_by_the_setting_and_never_to_the_page_of_another_site() -> None:
    assert asked("GET", PEOPLE, explorer=PAGE).json() == {"usernames": ["ana", "بن"]}
    assert asked("GET", SETTINGS, explorer=PAGE).json()["people"] is True
    assert asked("GET", PEOPLE, explorer=PAGE, host="rebound.example.com").status_code == 403
    assert asked("GET", PEOPLE, explorer=PAGE, origin="http://elsewhere.example.com").status_code == 403
    assert asked("GET", PEOPLE, explorer=ExplorerPage(SomeFacts())).status_code == 404


def test_what_a_mood_is_understood_as_is_told_to_this_page_alone() -> None:
    assert asked("GET", f"{MOOD}?mood=%20ruhe%20", explorer=PAGE).json() == {
        "wanted": [{"name": "calm", "weight": 1.0}],
        "avoided": [],
        "language": "en",
        "words": [{"text": "ruhe", "families": ["calm"], "is_avoided": False}],
        "is_understood": True,
    }
    assert asked("GET", f"{MOOD}?mood=calm", explorer=PAGE, origin="http://elsewhere.example.com").status_code == 403


def test_keywords_stand_for_missing_titles_on_this_page_alone() -> None:
    assert asked("GET", f"{TITLES}?post_ids=7,8", explorer=PAGE).json() == {"titles": {"7": "dice, rulebook"}}
    assert asked("GET", f"{TITLES}?post_ids=7", explorer=PAGE, origin="http://elsewhere.example.com").status_code == 403


@pytest.mark.parametrize(
    "query",
    [
        "post_ids=a",
        "post_ids=1.0",
        "post_ids=%d9%a3",
        "post_ids=%ff",
        f"post_ids={'1,' * 101}",
        f"post_ids={2**63}",
        "post_ids=1&post_ids=2",
        "ids=1",
    ],
)
def test_posts_that_cannot_be_named_so_are_refused(query: str) -> None:
    answer = asked("GET", f"{TITLES}?{query}", explorer=PAGE)
    assert (answer.status_code, answer.json()["error"]["reason"]) == (400, "PARAMETER_INVALID")


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        (f"mood={'a' * 513}", "MOOD_TOO_LONG"),
        ("moods=calm", "PARAMETER_INVALID"),
        ("mood=calm&mood=sad", "PARAMETER_INVALID"),
        ("mood=%ed%a0%80", "PARAMETER_INVALID"),
    ],
)
def test_a_mood_that_cannot_be_read_is_refused(query: str, reason: str) -> None:
    answer = asked("GET", f"{MOOD}?{query}", explorer=PAGE)
    assert (answer.status_code, answer.json()["error"]["reason"]) == (400, reason)


@pytest.mark.parametrize("path", [*EXPLORER_FILES, SETTINGS, PEOPLE, MOOD, TITLES])
def test_without_the_explorer_its_paths_do_not_exist(path: str) -> None:
    assert asked("GET", path).status_code == 404


@pytest.mark.parametrize(
    "path",
    ["/explorer", "/explorer/", "/explorer/README.md", "/explorer/../settings.py", "/explorer/%2e%2e/settings.py"],
)
def test_no_other_file_is_served(path: str) -> None:
    assert asked("GET", path, explorer=PAGE).status_code == 404


def settings_of(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Settings:
    for name, value in environment.items():
        monkeypatch.setenv(_VARIABLES[name], value)
    return Settings()  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, True),
        ({"HTTP_ADDRESS": "[::1]:8000"}, True),
        ({"HTTP_ADDRESS": "unix:/run/moodfeed"}, False),  # no browser opens it, a proxy does for the whole world
        ({"HTTP_ADDRESS": "0.0.0.0:8000", "PLAINTEXT": "true"}, False),
        ({"HTTP_ADDRESS": "0.0.0.0:8000", "PLAINTEXT": "true", "EXPLORER": "ON"}, True),
        ({"EXPLORER": "off"}, False),
    ],
)
def test_it_is_served_on_loopback_unless_a_setting_says_otherwise(
    environment: dict[str, str], expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_of(environment, monkeypatch)
    assert settings.has_explorer is expected
    assert (ExplorerPage.of(settings, SomePeople(), SomeFacts()) is not None) is expected


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, True),
        ({"PEOPLE": "off"}, False),
        ({"HTTP_ADDRESS": "unix:/run/moodfeed", "EXPLORER": "on"}, False),
        ({"HTTP_ADDRESS": "0.0.0.0:8000", "PLAINTEXT": "true", "EXPLORER": "on"}, False),
        ({"HTTP_ADDRESS": "0.0.0.0:8000", "PLAINTEXT": "true", "EXPLORER": "on", "PEOPLE": "on"}, True),
        ({"TOKENS": "tokens"}, False),
        ({"TOKENS": "tokens", "PEOPLE": "On"}, True),
    ],
)
def test_people_are_named_on_loopback_without_tokens_unless_a_setting_says_otherwise(
    environment: dict[str, str], expected: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    tokens = tmp_path / "tokens"
    tokens.write_text(f"one:{hashlib.sha256(b'secret').hexdigest()}\n", encoding="utf-8")
    environment = {name: str(tokens) if name == "TOKENS" else value for name, value in environment.items()}
    page = ExplorerPage.of(settings_of(environment, monkeypatch), SomePeople(), SomeFacts())
    assert page is not None
    assert (page.people is not None) is expected


def test_media_are_loaded_only_by_the_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    assert settings_of({}, monkeypatch).explorer_media is OffOn.OFF
    page = ExplorerPage.of(settings_of({"MEDIA": "On"}, monkeypatch), SomePeople(), SomeFacts())
    assert page is not None
    assert page.media
