"""The page at /docs: whole, unmodified, and of this host alone."""

import hashlib
import re
from pathlib import Path

import pytest

from gateway import docs_page
from tests.gateway.test_http_api import asked

DIRECTORY = Path(docs_page.__file__).parent / "swagger_ui"
OURS = {"index.html", "start.js", "README.md"}


def test_vendored_files_are_those_that_their_readme_names() -> None:
    named = dict(
        re.findall(
            r"^\| (\S+) \| ([0-9a-f]{64}) \|$", (DIRECTORY / "README.md").read_text(encoding="utf-8"), re.MULTILINE
        )
    )
    found = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in DIRECTORY.iterdir()}
    assert named == {name: digest for name, digest in found.items() if name not in OURS}


def test_the_page_names_only_files_that_are_served_beside_it() -> None:
    page = asked("GET", "/docs")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'self'" in page.headers["content-security-policy"]
    linked = [name for name in re.findall(r'(?:href|src)="([^"]*)"', page.text) if name != "data:,"]
    assert [f"/{name}" for name in linked] == [path for path in docs_page.FILES if path != "/docs"]
    for name in linked:
        assert asked("GET", f"/{name}").status_code == 200
    assert '"openapi.json"' in asked("GET", "/docs/start.js").text


@pytest.mark.parametrize("path", ["/docs/", "/docs/README.md", "/docs/../settings.py", "/docs/%2e%2e/settings.py"])
def test_no_other_file_is_served(path: str) -> None:
    assert asked("GET", path).status_code == 404
