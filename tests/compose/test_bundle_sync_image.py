"""The Dockerfile's image of `python -m bundle_sync`, which docs/buckets.md runs in a cluster: `make test-compose`.

tests/scale/buckets runs the same program against a real bucket.
"""

import json
import time
from collections.abc import Iterator

import pytest

from tests.compose.containers import docker, inspect
from tests.waiting import wait_until

IMAGE = "moodfeed-sync-test"
AS_IN_A_CLUSTER = ("--user", "12345:0", "--read-only", "--cap-drop", "ALL", "--tmpfs", "/tmp")
# Nothing listens there.
SETTINGS = {
    "MOODFEED_BUNDLE_SYNC_BUCKET": "s3://moodfeed/test",
    "MOODFEED_BUNDLE_SYNC_EVERY_SECONDS": "1",
    "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
    "AWS_ACCESS_KEY_ID": "key",
    "AWS_SECRET_ACCESS_KEY": "secret-that-no-log-holds",
}
VARIABLES = tuple(part for name, value in SETTINGS.items() for part in ("--env", f"{name}={value}"))

pytestmark = pytest.mark.timeout(1800)


@pytest.fixture(scope="module")
def image(request: pytest.FixtureRequest) -> Iterator[str]:
    if not request.config.getoption("--run-compose"):
        pytest.skip("needs a Docker engine: run `make test-compose`")
    docker(
        "build", "--quiet", "--target", "bundle_sync", "--build-arg", "PYTHON_IMAGE", "--tag", IMAGE, ".", seconds=1700
    )
    yield IMAGE
    docker("image", "rm", "--force", IMAGE)


@pytest.fixture
def container(image: str) -> Iterator[str]:
    """One that follows a bucket which does not answer."""
    found = docker("run", "--detach", *AS_IN_A_CLUSTER, *VARIABLES, image).strip()
    yield found
    docker("rm", "--force", "--volumes", found)


def test_it_holds_what_follows_a_bucket_and_nothing_that_computes(image: str) -> None:
    program = (
        "import importlib.util as u, json, pathlib; print(json.dumps(["
        "sorted(str(path.parent) for path in pathlib.Path().glob('*/__init__.py')),"
        "[name for name in ('torch', 'faiss', 'pandas', 'openvino') if u.find_spec(name)]]))"
    )
    packages, computing = json.loads(docker("run", "--rm", *AS_IN_A_CLUSTER, image, "python", "-c", program))
    assert (packages, computing) == (["bundle", "bundle_sync", "rpc"], [])


def test_once_it_says_that_the_bucket_cannot_be_reached_and_ends_with_1(image: str) -> None:
    said = docker(
        "run",
        "--name",
        f"{IMAGE}-once",
        *AS_IN_A_CLUSTER,
        *VARIABLES,
        image,
        "python",
        "-m",
        "bundle_sync",
        "--once",
        check=False,
    )
    code = inspect(f"{IMAGE}-once")["State"]["ExitCode"]  # type: ignore[index]
    docker("rm", "--force", "--volumes", f"{IMAGE}-once")
    assert code == 1
    assert "cannot be reached" in said
    assert SETTINGS["AWS_SECRET_ACCESS_KEY"] not in said


def test_without_a_bucket_it_names_the_setting(image: str) -> None:
    assert "MOODFEED_BUNDLE_SYNC_BUCKET" in docker("run", "--rm", *AS_IN_A_CLUSTER, image, check=False)


def test_it_goes_on_looking_and_stops_at_once(container: str) -> None:
    wait_until(lambda: "cannot be reached" in docker("logs", container, check=False), what="a look at the bucket")
    assert inspect(container)["State"]["Running"]  # type: ignore[index]
    started = time.monotonic()
    docker("stop", "--time", "20", container)
    assert time.monotonic() - started < 15
    assert inspect(container)["State"]["ExitCode"] == 0  # type: ignore[index]
