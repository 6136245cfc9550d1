"""`moodfeed run` and `moodfeed feed` as a person or a script uses them."""

import json
import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.end_to_end.conftest import Running, free_addresses

BIN = Path(sys.executable).parent


@pytest.fixture(scope="module")
def running(three_processes: Running) -> Running:
    """What `make run` starts."""
    return three_processes


def test_feed_as_json_is_what_a_machine_reads(running: Running) -> None:
    done = subprocess.run(
        [BIN / "moodfeed", "feed", running.busiest_username(), "--json", "--address", running.addresses.gateway_grpc],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert len(json.loads(done.stdout)["posts"]) == 10


def test_a_refusal_is_one_line_and_exit_code_1(running: Running) -> None:
    done = subprocess.run(
        [BIN / "moodfeed", "feed", "nobody at all", "--address", running.addresses.gateway_grpc],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 1
    assert "NOT_FOUND: User is not in database so give input of mood and category_id" in done.stderr
    assert "Traceback" not in done.stderr


def test_run_shows_every_case_and_ends_cleanly(small_bundles: Path, tmp_path: Path, running: Running) -> None:
    addresses = free_addresses()
    done = subprocess.run(
        [BIN / "moodfeed", "run", "--once", "--data", tmp_path, "--bundles", small_bundles],
        env=os.environ
        | addresses.as_environment()
        | {
            "MOODFEED_USER_TOWER_METRICS_PORT": "0",
            "MOODFEED_POST_INDEX_METRICS_PORT": "0",
            "COLUMNS": "160",
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for ranking in ("RANKING_USER", "RANKING_MOOD_THEN_USER", "RANKING_MOOD,"):
        assert ranking in done.stdout
    assert "User is not in database so give input of mood and category_id" in done.stdout
    assert "invalid category id" in done.stdout
    assert f"curl -s 'http://{addresses.gateway_http}/feed?" in done.stdout
    person = quote(running.busiest_username())
    assert done.stdout.splitlines()[-1] == f"Explorer: http://{addresses.gateway_http}/?username={person}&mood=calm"


@pytest.mark.parametrize("browser", ["true %s", ""])
def test_open_opens_the_page_or_says_where_it_is(running: Running, browser: str) -> None:
    done = open_page(running.addresses.gateway_http, browser)
    assert done.returncode == 0, done.stderr
    first, *others = done.stdout.splitlines()
    assert first == f"{running.http}/"
    assert others == ([] if browser else ["No browser found: open this address in one."])


def test_open_says_how_to_start_what_does_not_run() -> None:
    address = free_addresses().gateway_http
    done = open_page(address, "true %s")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"error: nothing answers at http://{address}/: start the product with `moodfeed run`\n"


def open_page(address: str, browser: str) -> subprocess.CompletedProcess[str]:
    """`moodfeed open` where this is the only browser; none if it is empty."""
    environment = {name: value for name, value in os.environ.items() if name not in {"DISPLAY", "WAYLAND_DISPLAY"}}
    paths = {"PATH": os.environ["PATH"] if browser else str(BIN), "BROWSER": browser}
    return subprocess.run(
        [BIN / "moodfeed", "open", "--address", address],
        env=environment | paths,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
