"""The page at /: served by a setting, of this host alone, small, and free of what a browser would refuse."""

import gzip
import re
from pathlib import Path

import pytest

from gateway import explorer_page
from gateway.explorer_page import EXPLORER_FILES
from gateway.settings import Settings
from tests.gateway.test_http_api import asked

DIRECTORY = Path(explorer_page.__file__).parent / "explorer"
LARGEST_COMPRESSED_BYTES = 200_000
_VARIABLES = {
    "HTTP_ADDRESS": "MOODFEED_GATEWAY_HTTP_ADDRESS",
    "PLAINTEXT": "MOODFEED_ALLOW_PLAINTEXT",
    "EXPLORER": "MOODFEED_GATEWAY_EXPLORER",
}


def test_the_page_names_only_files_of_this_host_that_are_served() -> None:
    page = asked("GET", "/", has_explorer=True)
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'self'" in page.headers["content-security-policy"]
    linked = [name for name in re.findall(r'(?:href|src)="([^"#]+)"', page.text) if name not in {"data:,", "/docs"}]
    assert linked == [path for path in EXPLORER_FILES if path != "/"]
    for path in linked:
        assert asked("GET", path, has_explorer=True).status_code == 200
    assert not re.search(r"<script(?![^>]*src=)|\son\w+=", page.text), "the policy allows no script in the page"


def test_all_files_are_served_and_are_small() -> None:
    assert {name for name, _ in EXPLORER_FILES.values()} == {path.name for path in DIRECTORY.iterdir()}
    assert sum(len(gzip.compress(path.read_bytes())) for path in DIRECTORY.iterdir()) < LARGEST_COMPRESSED_BYTES


@pytest.mark.parametrize("path", EXPLORER_FILES)
def test_without_the_explorer_its_paths_do_not_exist(path: str) -> None:
    assert asked("GET", path).status_code == 404


@pytest.mark.parametrize(
    "path", ["/explorer", "/explorer/", "/explorer/../settings.py", "/explorer/%2e%2e/settings.py"]
)
def test_no_other_file_is_served(path: str) -> None:
    assert asked("GET", path, has_explorer=True).status_code == 404


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, True),
        ({"HTTP_ADDRESS": "[::1]:8000"}, True),
        ({"HTTP_ADDRESS": "0.0.0.0:8000", "PLAINTEXT": "true"}, False),
        ({"HTTP_ADDRESS": "0.0.0.0:8000", "PLAINTEXT": "true", "EXPLORER": "ON"}, True),
        ({"EXPLORER": "off"}, False),
    ],
)
def test_it_is_served_on_loopback_unless_a_setting_says_otherwise(
    environment: dict[str, str], expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(_VARIABLES[name], value)
    assert Settings().has_explorer is expected  # type: ignore[call-arg]
