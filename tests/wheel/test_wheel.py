"""The wheel, installed into an environment of its own: it runs the product where there is no checkout."""

import json
import os
import re
import signal
import subprocess
import sys
import venv
import zipfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from gateway.explorer_page import EXPLORER_FILES
from tests.end_to_end.conftest import free_addresses
from tests.waiting import wait_until

ROOT = Path(__file__).parents[2]
EXTRAS = "gateway,post-index,pipeline"

pytestmark = pytest.mark.timeout(1800)


@pytest.fixture(scope="module")
def wheel(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made of what git tracks, so that nothing else of this directory is in it."""
    if not request.config.getoption("--run-wheel"):
        pytest.skip("installs the product anew: run `make test-wheel`")
    source, made = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    for name in filter(None, tracked.decode().split("\0")):
        if (ROOT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes((ROOT / name).read_bytes())
    pip(Path(sys.executable), "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(made), str(source))
    (found,) = made.glob("moodfeed-*.whl")
    return found


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of an environment that holds the wheel, at the versions of the lock."""
    root = tmp_path_factory.mktemp("environment")
    venv.create(root, with_pip=True)
    python = root / "bin" / "python"
    lock = str(ROOT / "requirements.txt")
    torch = next(line for line in Path(lock).read_text(encoding="utf-8").splitlines() if line.startswith("torch=="))
    pip(python, "install", "--constraint", lock, torch)  # alone, as `make` does: with the bare pin it is a CPU build
    pip(python, "install", "--constraint", lock, f"moodfeed[{EXTRAS}] @ {wheel.as_uri()}")
    return python.parent


def pip(python: Path, *arguments: str) -> None:
    done = subprocess.run([python, "-m", "pip", *arguments], capture_output=True, text=True, check=False, timeout=1500)
    assert done.returncode == 0, done.stderr[-3000:]


@pytest.fixture(scope="module")
def nowhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty directory, far from the checkout."""
    return tmp_path_factory.mktemp("nowhere")


def environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "MOODFEED_", "PYTEST"))}


def test_every_tracked_file_of_a_package_is_in_the_wheel(wheel: Path) -> None:
    packages = set(re.findall(r'^    "(\w+)\*",$', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE))
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    needed = {name for name in tracked if name.partition("/")[0] in packages and not name.endswith((".md", ".pyi"))}
    held = set(zipfile.ZipFile(wheel).namelist())
    assert needed - held == set()
    assert {name.partition("/")[0] for name in held if not name.startswith("moodfeed-")} == packages


def test_the_command_says_what_it_does(installed: Path, nowhere: Path) -> None:
    for command in ("", "run", "serve", "store", "refresh"):
        done = subprocess.run(
            [installed / "moodfeed", *filter(None, [command]), "--help"],
            cwd=nowhere,
            env=environment(),
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        assert "Usage" in done.stdout
    where = "import bundle, cli, gateway, pipeline; print(bundle.__file__, cli.__file__, gateway.__file__)"
    printed = subprocess.run(
        [installed / "python", "-c", where], cwd=nowhere, env=environment(), capture_output=True, text=True, check=True
    ).stdout
    assert str(ROOT) not in printed


@pytest.fixture(scope="module")
def running(installed: Path, nowhere: Path) -> Iterator[str]:
    """`moodfeed run` in an empty directory, once it serves: the address of its HTTP API."""
    addresses = free_addresses()
    variables = environment() | addresses.as_environment()
    variables |= {"MOODFEED_USER_TOWER_METRICS_PORT": "0", "MOODFEED_POST_INDEX_METRICS_PORT": "0", "COLUMNS": "160"}
    log = (nowhere / "output").open("w", encoding="utf-8")
    with (
        log,
        subprocess.Popen([installed / "moodfeed", "run"], cwd=nowhere, env=variables, stdout=log, stderr=log) as it,
    ):

        def is_ready() -> bool:
            assert it.poll() is None, (nowhere / "output").read_text(encoding="utf-8")[-3000:]
            try:
                return httpx.get(f"http://{addresses.gateway_http}/readyz").json()["degraded"] == []
            except httpx.TransportError:
                return False

        wait_until(is_ready, seconds=900, what="both compute services serve")
        yield addresses.gateway_http
        it.send_signal(signal.SIGTERM)
        it.wait(60)


def test_run_makes_a_bundle_in_an_empty_directory_and_serves_it(running: str) -> None:
    categories = httpx.get(f"http://{running}/categories").json()["categories"]
    query = {"username": "nobody", "category_id": categories[0]["category_id"], "mood": "calm"}
    feed = httpx.get(f"http://{running}/feed", params=query, timeout=30).json()
    assert len(feed["posts"]) == 10
    assert feed["degradations"] == []
    like = {"event_id": "1", "username": "somebody", "post_id": feed["posts"][0]["post_id"], "verb": "LIKE"}
    answer = httpx.post(f"http://{running}/interactions", json={"interactions": [like]}, timeout=30).json()
    assert answer["results"][0]["result"] == "ACCEPTED"


@pytest.mark.parametrize("path", [*EXPLORER_FILES, "/docs", "/openapi.json"])
def test_the_pages_of_the_gateway_are_in_the_wheel(running: str, path: str) -> None:
    reply = httpx.get(f"http://{running}{path}", follow_redirects=True)
    assert (reply.status_code, len(reply.content) > 100) == (200, True)


def test_the_store_and_the_report_work_there(running: str, installed: Path, nowhere: Path) -> None:
    for command in (["store", "status"], ["bundles"], ["report"]):
        done = subprocess.run(
            [installed / "moodfeed", *command],
            cwd=nowhere,
            env=environment(),
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
    assert json.loads((nowhere / "bundles" / "current" / "manifest.json").read_text(encoding="utf-8"))
