"""The images as another user, without anything of the checkout, and the tower in torch: `make test-compose` runs it."""

import json
from collections.abc import Iterator

import pytest

from tests.compose.containers import docker, inspect, remove_images

PROJECT = "moodfeed-user-test"
SERVICES = ("post_index_service", "user_tower_service", "gateway")
ANY_USER = ("-f", "docker-compose.yml", "-f", "tests/compose/any_user.yml")
IN_TORCH = ("-f", "docker-compose.yml", "-f", "docker-compose.torch.yml", "-f", "tests/compose/any_user.yml")
ASK = """
import json, urllib.request as u
def ask(path, body=None):
    data = body and json.dumps(body).encode()
    request = u.Request("http://127.0.0.1:8000" + path, data, {"content-type": "application/json"})
    return json.load(u.urlopen(request, timeout=30))
category = ask("/categories")["categories"][0]["category_id"]
feed = ask(f"/feed?username=nobody&category_id={category}&mood=calm")
like = {"event_id": "1", "username": "somebody", "post_id": feed["posts"][0]["post_id"], "verb": "LIKE"}
print(json.dumps([feed["degradations"], [post["post_id"] for post in feed["posts"]],
    ask("/interactions", {"interactions": [like]})["results"][0]["result"]]))
"""

pytestmark = pytest.mark.timeout(1800)


def compose(*arguments: str, files: tuple[str, ...] = ANY_USER) -> str:
    return docker("compose", "-p", PROJECT, *files, *arguments, seconds=1700)


@pytest.fixture(scope="module")
def stack(request: pytest.FixtureRequest) -> Iterator[None]:
    if not request.config.getoption("--run-compose"):
        pytest.skip("needs a Docker engine: run `make test-compose`")
    compose("up", "-d", "--build", "--wait")
    yield
    compose("down", "--volumes", "--rmi", "local", "--timeout", "20", files=IN_TORCH)
    remove_images(PROJECT)


def asked() -> list[object]:
    return json.loads(compose("exec", "-T", "gateway", "python", "-c", ASK))


def container(service: str) -> str:
    (found,) = compose("ps", "-aq", service).split()
    return found


@pytest.mark.usefixtures("stack")
@pytest.mark.parametrize("service", [*SERVICES, "bundle"])
def test_a_container_runs_as_any_user_and_mounts_nothing_of_the_checkout(service: str) -> None:
    found = inspect(container(service))
    assert found["Config"]["User"] == "12345:0"
    assert {mount["Type"] for mount in found["Mounts"]} <= {"volume"}
    assert found["HostConfig"]["ReadonlyRootfs"]
    if service != "bundle":
        status = docker("exec", container(service), "cat", "/proc/1/status")
        assert "Uid:\t12345\t12345\t12345\t12345\n" in status


@pytest.mark.usefixtures("stack")
def test_another_user_makes_a_bundle_serves_it_and_records() -> None:
    degradations, posts, result = asked()
    assert (degradations, len(posts), result) == ([], 10, "ACCEPTED")


@pytest.mark.usefixtures("stack")
@pytest.mark.parametrize("service", SERVICES)
def test_the_user_of_an_image_is_a_number_so_that_a_cluster_can_tell_that_it_is_not_root(service: str) -> None:
    assert docker("image", "inspect", "--format", "{{.Config.User}}", f"{PROJECT}-{service}").strip() == "10001:0"


@pytest.mark.usefixtures("stack")
def test_the_default_image_refuses_to_run_in_torch_by_the_name_of_the_setting() -> None:
    image = f"{PROJECT}-user_tower_service"
    said = docker("run", "--rm", "--env", "MOODFEED_USER_TOWER_RUNTIME=torch", image, check=False)
    assert said.startswith("MOODFEED_USER_TOWER_RUNTIME=")
    assert "user_tower_service_torch" in said


@pytest.mark.usefixtures("stack")
def test_the_image_with_torch_gives_the_same_posts() -> None:
    _, before, _ = asked()
    compose("up", "-d", "--build", "--wait", files=IN_TORCH)
    program = "import torch; import os; print(os.environ['MOODFEED_USER_TOWER_RUNTIME'])"
    assert compose("exec", "-T", "user_tower_service", "python", "-c", program, files=IN_TORCH).strip() == "torch"
    degradations, after, result = asked()
    assert (degradations, result) == ([], "DUPLICATE")
    assert len(set(before) & set(after)) >= 9  # 8-bit weights may order two close ones otherwise
