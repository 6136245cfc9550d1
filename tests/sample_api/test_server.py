import os
import signal
import socket
import subprocess
import sys

import httpx
import pytest

from sample_api.faults import Faults, FaultTextError
from sample_api.server import PortTakenError, running_sample_api, serve
from sample_api.world import World, generate_world
from tests.held_port import held_port

TOKEN = {"Flic-Token": "sample-token"}
ALGORITHM = {"resonance_algorithm": "sample-algorithm"}


@pytest.fixture(scope="module")
def world() -> World:
    return generate_world(scale=0.1)


def test_the_envelope_counts_the_rows_of_the_page(world: World) -> None:
    with running_sample_api(world) as url:
        reply = httpx.get(f"{url}/posts/view", params=ALGORITHM | {"page": 1, "page_size": 50}).json()
        assert (reply["status"], reply["page"], reply["page_size"], reply["max_page_size"]) == ("success", 1, 50, 50)
        assert [row["id"] for row in reply["posts"]] == [row["id"] for row in world.tables.views[:50]]


def test_pages_hold_every_row_once_and_beyond_the_end_there_is_none(world: World) -> None:
    with running_sample_api(world, faults=Faults(short_pages_every=2)) as url:
        found, page = [], 1
        while rows := httpx.get(f"{url}/posts/view", params=ALGORITHM | {"page": page, "page_size": 60}).json()[
            "posts"
        ]:
            found += [row["id"] for row in rows]
            page += 1
        assert found == [row["id"] for row in world.tables.views]


def test_a_missing_token_is_401_where_one_is_needed(world: World) -> None:
    with running_sample_api(world) as url:
        for path in ("/posts/summary/get", "/users/get_all"):
            assert httpx.get(url + path).status_code == 401
            assert httpx.get(url + path, headers=TOKEN).status_code == 200


@pytest.mark.parametrize("parameters", [{}, {"resonance_algorithm": "wrong"}])
def test_events_without_the_right_secret_are_posts_with_status_200(world: World, parameters: dict[str, str]) -> None:
    with running_sample_api(world) as url:
        reply = httpx.get(f"{url}/posts/like", params=parameters)
        assert reply.status_code == 200
        assert "post_summary" in reply.json()["posts"][0]


def test_each_fault_comes_when_it_is_due(world: World) -> None:
    with running_sample_api(world, faults=Faults.parse("429:every=2,retry_after=3 500:every=3 at_most=1")) as url:
        replies = [httpx.get(f"{url}/posts/view", params=ALGORITHM) for _ in range(6)]
    assert [reply.status_code for reply in replies] == [200, 429, 500, 200, 200, 200]
    assert replies[1].headers["Retry-After"] == "3"


def test_a_cut_connection_ends_in_the_middle_of_the_body(world: World) -> None:
    with running_sample_api(world, faults=Faults.parse("cut:every=1 at_most=1")) as url:
        with pytest.raises(httpx.RemoteProtocolError):
            httpx.get(f"{url}/posts/view", params=ALGORITHM)
        assert httpx.get(f"{url}/posts/view", params=ALGORITHM).status_code == 200


def test_an_older_schema_lacks_the_newer_keys(world: World) -> None:
    with running_sample_api(world, faults=Faults.parse("old-schema")) as url:
        post = httpx.get(f"{url}/posts/summary/get", headers=TOKEN).json()["posts"][0]
    assert "exit_count" not in post
    assert "title" in post


@pytest.mark.parametrize("text", ["418:every=2", "429:each=2", "429", "cut:every=-1", "short"])
def test_a_fault_that_is_none_is_refused_by_name(text: str) -> None:
    with pytest.raises(FaultTextError, match=text):
        Faults.parse(text)


def test_a_taken_port_is_named(world: World) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortTakenError, match=str(port)):
            serve(world, port=port, on_listening=print)


def test_the_command_serves_until_it_is_stopped_and_ends_with_0() -> None:
    with held_port() as port:
        process = subprocess.Popen(
            [sys.executable, "-m", "cli", "sample-api", "--port", str(port), "--scale", "1"],
            env=os.environ | {"COLUMNS": "200"},
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            assert process.stdout
            assert any(f"http://127.0.0.1:{port}" in line for line in process.stdout)  # it accepts connections by then
            assert httpx.get(f"http://127.0.0.1:{port}/users/get_all", headers=TOKEN).status_code == 200
            process.send_signal(signal.SIGTERM)
            assert process.wait(20) == 0
        finally:
            process.kill()
            process.communicate()


@pytest.mark.parametrize(
    ("scale", "cause"), [("0.5", "greater than or equal to 1"), ("1001", "less than or equal to 1000")]
)
def test_the_command_refuses_a_scale_that_is_too_small_or_too_large(scale: str, cause: str) -> None:
    command = [sys.executable, "-m", "cli", "sample-api", "--scale", scale]
    refused = subprocess.run(command, env=os.environ | {"COLUMNS": "200"}, capture_output=True, text=True, check=False)
    assert refused.returncode == 2
    assert cause in refused.stderr
