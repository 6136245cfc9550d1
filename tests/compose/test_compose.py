"""The stack of docker-compose.yml on a real engine: `make test-compose` runs it, for whoever has one."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from packaging.utils import canonicalize_name

from tests.compose.containers import (
    GATEWAY_GRPC,
    GATEWAY_HTTP,
    PROJECT,
    ROOT,
    compose,
    containers,
    docker,
    inspect,
    python,
)

GRPCURL = Path(sys.executable).parent / "grpcurl"
SERVICES = ("post_index_service", "user_tower_service", "gateway")

pytestmark = pytest.mark.timeout(1800)


@pytest.fixture(scope="module")
def stack(engine: None) -> None:
    """The three services, serving."""
    compose("up", "-d", "--build", "--wait", "--remove-orphans")


@pytest.mark.usefixtures("stack")
def test_a_feed_comes_out_of_the_containers_over_http_and_grpc() -> None:
    username = compose("run", "--rm", "--no-deps", "bundle", "users", "--limit", "1").strip()
    feed = httpx.get(f"http://{GATEWAY_HTTP}/feed", params={"username": username, "mood": "😂"}).json()
    assert len(feed["posts"]) == 10
    done = subprocess.run(
        [
            *(GRPCURL, "-plaintext", "-d", json.dumps({"username": username, "mood": "😂"})),
            *(GATEWAY_GRPC, "moodfeed.feed.v1.FeedService/GetFeed"),
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
@pytest.mark.parametrize("service", [*SERVICES, "bundle"])
def test_a_container_has_no_more_rights_than_it_needs(service: str) -> None:
    (container,) = containers(service)
    host = inspect(container)["HostConfig"]
    assert host["ReadonlyRootfs"]
    assert host["CapDrop"] == ["ALL"]
    assert host["SecurityOpt"] == ["no-new-privileges:true"]
    assert host["Memory"] > 0
    assert not host["Privileged"]


@pytest.mark.usefixtures("stack")
@pytest.mark.parametrize("service", SERVICES)
def test_a_process_is_nobody_and_can_write_nothing_that_lasts(service: str) -> None:
    (container,) = containers(service)
    assert inspect(container)["State"]["Health"]["Status"] == "healthy"
    status = dict(line.split(":\t") for line in docker("exec", container, "cat", "/proc/1/status").splitlines())
    assert status["Uid"].split() == ["10001"] * 4
    assert status["Gid"].split() == ["0"] * 4  # so that OpenShift may run it as any other user
    assert {int(status[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {0}
    assert status["NoNewPrivs"] == "1"
    for path in ("/app/x", "/usr/local/x", "/bundles/x", "/x"):
        assert "Read-only file system" in python(container, f"open({path!r}, 'w')", check=False), path


@pytest.mark.usefixtures("stack")
@pytest.mark.parametrize(
    ("service", "ours", "absent"),
    [
        ("gateway", {"gateway", "moodfeed", "rpc"}, ("torch", "faiss", "numpy")),
        (
            "post_index_service",
            {"bundle", "compute", "moodfeed", "post_collection", "post_index_service", "rpc", "store"},
            ("torch", "transformers", "pandas"),
        ),
        (
            "user_tower_service",
            {"bundle", "compute", "mood_encoder", "moodfeed", "rpc", "store", "two_tower", "user_tower_service"},
            ("faiss", "pandas", "torch", "transformers"),
        ),
    ],
)
def test_an_image_holds_only_what_its_process_needs(service: str, ours: set[str], absent: tuple[str, ...]) -> None:
    (container,) = containers(service)
    program = f"import importlib.util as u; print([m for m in {absent!r} if u.find_spec(m)])"
    assert python(container, program).strip() == "[]"
    packages = python(container, "import pathlib; [print(p.parent) for p in pathlib.Path().glob('*/__init__.py')]")
    assert set(packages.split()) == ours


@pytest.mark.usefixtures("stack")
@pytest.mark.parametrize(
    ("service", "megabytes"), [("gateway", 90), ("post_index_service", 300), ("user_tower_service", 480)]
)
def test_an_image_is_not_much_larger_than_its_base(service: str, megabytes: int) -> None:
    def size(image: str) -> int:
        return int(docker("image", "inspect", "--format", "{{.Size}}", image))

    added = size(f"{PROJECT}-{service}") - size(base_image())
    assert 0 < added < megabytes * 10**6


def base_image() -> str:
    """What the images were built on: PYTHON_IMAGE of the environment, or the one that the Dockerfile names."""
    named = re.search(r"^ARG PYTHON_IMAGE=(\S+)$", (ROOT / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE)
    return os.environ.get("PYTHON_IMAGE") or named[1]  # type: ignore[index]


@pytest.mark.usefixtures("stack")
@pytest.mark.parametrize("service", SERVICES)
def test_the_probe_says_what_the_health_service_says(service: str) -> None:
    (container,) = containers(service)
    health = inspect(container)["Config"]["Healthcheck"]["Test"]
    assert health[:5] == ["CMD", "python", "-I", "-S", "rpc/lean_probe.py"]
    assert docker("exec", container, *health[1:]) == "SERVING\n"
    assert docker("exec", container, *health[1:5], "127.0.0.1:1", check=False) == "NOT_SERVING\n"


@pytest.mark.usefixtures("stack")
def test_what_an_idle_stack_takes_can_be_measured() -> None:
    command = [sys.executable, "scripts/measure_idle.py", "--project", PROJECT, "--minutes", "0.2", "--json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=120)
    found = json.loads(done.stdout)
    assert set(found["containers"]) == {f"{PROJECT}-{service}-1" for service in SERVICES}
    assert 0 < found["all"] < 50  # per cent; what it is in peace stands in docs/operations.md


@pytest.mark.usefixtures("stack")
@pytest.mark.parametrize("service", SERVICES)
def test_everything_that_is_installed_in_an_image_has_the_version_of_the_lock(service: str) -> None:
    lock = dict(line.split("==") for line in (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines())
    (container,) = containers(service)
    installed = {
        canonicalize_name(item["name"]): item["version"].partition("+")[0]
        for item in json.loads(docker("exec", container, "pip", "list", "--format", "json"))
    }
    # The CUDA build of torch fixes the versions of its own libraries.
    ours = {name for name in installed if name != "moodfeed" and not name.startswith(("nvidia-", "cuda-", "triton"))}
    assert {name: installed[name] for name in ours} == {name: lock.get(name) for name in ours}


@pytest.mark.usefixtures("stack")
def test_a_second_start_makes_no_second_bundle() -> None:
    before = compose("run", "--rm", "--no-deps", "--entrypoint", "ls", "bundle", "/bundles")
    compose("up", "-d", "--wait")
    assert compose("run", "--rm", "--no-deps", "--entrypoint", "ls", "bundle", "/bundles") == before


@pytest.mark.usefixtures("stack")
def test_what_people_do_survives_a_restart_and_containers_that_are_made_anew() -> None:
    like = {"event_id": "of the first container", "username": "somebody-new", "post_id": 1, "verb": "LIKE"}

    def recorded() -> str:
        reply = httpx.post(f"http://{GATEWAY_HTTP}/interactions", json={"interactions": [like]}, timeout=30)
        return reply.json()["results"][0]["result"]

    def feed() -> list[int]:
        reply = httpx.get(f"http://{GATEWAY_HTTP}/feed", params={"username": "somebody-new"}, timeout=30)
        assert reply.status_code == 200, reply.text
        assert reply.json()["degradations"] == []
        return [post["post_id"] for post in reply.json()["posts"]]

    like["post_id"] = httpx.get(f"http://{GATEWAY_HTTP}/feed", params=stranger()).json()["posts"][0]["post_id"]
    assert recorded() == "ACCEPTED"
    before = feed()
    compose("restart", "--timeout", "20")
    compose("up", "-d", "--wait")
    assert feed() == before
    compose("down", "--timeout", "20")
    compose("up", "-d", "--wait")
    assert feed() == before
    assert recorded() == "DUPLICATE"


def stranger() -> dict[str, object]:
    """What somebody may ask for of whom nothing is known."""
    categories = httpx.get(f"http://{GATEWAY_HTTP}/categories").json()["categories"]
    return {"username": "nobody", "category_id": categories[0]["category_id"], "mood": "calm"}


@pytest.mark.usefixtures("stack")
def test_stopping_drains_and_ends_with_0() -> None:
    compose("stop", "--timeout", "20")
    codes = {service: compose("ps", "-a", "--format", "{{.ExitCode}}", service).strip() for service in SERVICES}
    assert codes == dict.fromkeys(SERVICES, "0")
