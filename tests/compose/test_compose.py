"""The stack of docker-compose.yml on a real engine: `make test-compose` runs it, for whoever has one."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).parents[2]
GRPCURL = Path(sys.executable).parent / "grpcurl"
PROJECT = "moodfeed-test"
SERVICES = ("post_index_service", "user_tower_service", "gateway")

pytestmark = pytest.mark.timeout(1800)


def compose(*arguments: str, check: bool = True) -> str:
    done = subprocess.run(
        ["docker", "compose", "-p", PROJECT, *arguments],
        cwd=ROOT,
        env=os.environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=1700,
    )
    assert not check or done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.fixture(scope="module")
def stack(request: pytest.FixtureRequest) -> Iterator[None]:
    if not request.config.getoption("--run-compose"):
        pytest.skip("needs a Docker engine: run `make test-compose`")
    compose("up", "-d", "--build", "--wait")
    yield
    compose("down", "--volumes", "--timeout", "20")


def inspect(service: str) -> dict[str, object]:
    container = compose("ps", "-q", service).strip()
    done = subprocess.run(
        ["docker", "inspect", container],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return json.loads(done.stdout)[0]


@pytest.mark.usefixtures("stack")
def test_a_feed_comes_out_of_the_containers_over_http_and_grpc() -> None:
    username = compose("run", "--rm", "--no-deps", "bundle", "users", "--limit", "1").strip()
    feed = httpx.get("http://127.0.0.1:8000/feed", params={"username": username, "mood": "😂"}).json()
    assert len(feed["posts"]) == 10
    done = subprocess.run(
        [
            *(GRPCURL, "-plaintext", "-d", json.dumps({"username": username, "mood": "😂"})),
            *("127.0.0.1:50050", "moodfeed.feed.v1.FeedService/GetFeed"),
        ],
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    assert [int(post["post_id"]) for post in json.loads(done.stdout)["posts"]] == [
        post["post_id"] for post in feed["posts"]
    ]


@pytest.mark.usefixtures("stack")
@pytest.mark.parametrize("service", SERVICES)
def test_each_container_is_healthy_and_hardened(service: str) -> None:
    container = inspect(service)
    assert container["State"]["Health"]["Status"] == "healthy"  # type: ignore[index]
    host = container["HostConfig"]
    assert host["ReadonlyRootfs"]  # type: ignore[index]
    assert host["CapDrop"] == ["ALL"]  # type: ignore[index]
    assert host["Memory"] > 0  # type: ignore[index]
    assert compose("exec", "-T", service, "id", "-u").strip() == "10001"


@pytest.mark.usefixtures("stack")
@pytest.mark.parametrize(
    ("service", "absent"),
    [
        ("gateway", ("torch", "faiss", "numpy")),
        ("post_index_service", ("torch", "transformers", "pandas")),
        ("user_tower_service", ("faiss", "pandas")),
    ],
)
def test_an_image_holds_only_what_its_process_needs(service: str, absent: tuple[str, ...]) -> None:
    program = f"import importlib.util as u; print([m for m in {absent!r} if u.find_spec(m)])"
    assert compose("exec", "-T", service, "python", "-c", program).strip() == "[]"


@pytest.mark.usefixtures("stack")
def test_services_cannot_write_the_bundle() -> None:
    program = "open('/bundles/current/x', 'w')"
    assert (
        "Read-only file system"
        in subprocess.run(
            ["docker", "compose", "-p", PROJECT, "exec", "-T", "post_index_service", "python", "-c", program],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        ).stderr
    )


@pytest.mark.usefixtures("stack")
def test_a_second_start_makes_no_second_bundle() -> None:
    before = compose("run", "--rm", "--no-deps", "--entrypoint", "ls", "bundle", "/bundles")
    compose("up", "-d", "--wait")
    assert compose("run", "--rm", "--no-deps", "--entrypoint", "ls", "bundle", "/bundles") == before


@pytest.mark.usefixtures("stack")
def test_stopping_drains_and_ends_with_0() -> None:
    compose("stop", "--timeout", "20")
    codes = {service: compose("ps", "-a", "--format", "{{.ExitCode}}", service).strip() for service in SERVICES}
    assert codes == dict.fromkeys(SERVICES, "0")
