"""Each process by itself: what it refuses to start on, and how it ends."""

import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import grpc
import httpx
import pytest

from bundle.directory import current_bundle, open_bundle, point_current_at
from cli.stack import Addresses, running_stack
from cli.starting import StackError
from moodfeed.feed.v1 import feed_pb2, feed_pb2_grpc
from rpc.probe import is_serving
from tests.end_to_end.conftest import free_addresses
from tests.waiting import wait_until

COMPUTE_SERVICES = ("post_index_service", "user_tower_service")
VARIABLES = {"post_index_service": "MOODFEED_POST_INDEX", "user_tower_service": "MOODFEED_USER_TOWER"}


@pytest.fixture(autouse=True)
def no_metrics_ports(monkeypatch: pytest.MonkeyPatch) -> None:
    for prefix in VARIABLES.values():
        monkeypatch.setenv(f"{prefix}_METRICS_PORT", "0")


@pytest.fixture
def bundles_copy(small_bundles: Path, tmp_path: Path) -> Path:
    """Hard links: a damaged file is replaced, never written through."""
    root = tmp_path / "bundles"
    directory = current_bundle(small_bundles)
    shutil.copytree(directory, root / directory.name, copy_function=os.link)
    point_current_at(root, directory.name)
    return root


def run_to_its_end(name: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", name],
        env=os.environ | variables,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def replace(path: Path, content: bytes) -> None:
    path.unlink()
    path.write_bytes(content)


def flip_one_bit(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


@pytest.mark.parametrize("service", COMPUTE_SERVICES)
@pytest.mark.parametrize(
    ("file", "damage", "reason"),
    [
        ("index.safetensors", flip_one_bit, "was altered"),
        ("user_tower.safetensors", lambda content: content[:-1], "is truncated"),
        ("usernames.jsonl", None, "is missing"),
        ("manifest.json", flip_one_bit, ""),
    ],
)
def test_a_damaged_bundle_is_named_and_never_served(
    bundles_copy: Path, service: str, file: str, damage, reason: str
) -> None:
    path = current_bundle(bundles_copy) / file
    if damage:
        replace(path, damage(path.read_bytes()))
    else:
        path.unlink()
    ended = run_to_its_end(
        service, MOODFEED_BUNDLES=str(bundles_copy), **{f"{VARIABLES[service]}_ADDRESS": "127.0.0.1:0"}
    )
    assert ended.returncode == 1
    assert file in ended.stderr
    assert reason in ended.stderr


@pytest.mark.parametrize("service", COMPUTE_SERVICES)
def test_without_a_bundle_a_service_says_how_to_make_one(tmp_path: Path, service: str) -> None:
    ended = run_to_its_end(service, MOODFEED_BUNDLES=str(tmp_path))
    assert ended.returncode == 1
    assert "moodfeed export" in ended.stderr


def test_a_busy_port_is_named_with_the_variable_that_moves_it(small_bundles: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        index = run_to_its_end(
            "post_index_service", MOODFEED_BUNDLES=str(small_bundles), MOODFEED_POST_INDEX_ADDRESS=address
        )
        gateway = run_to_its_end("gateway", MOODFEED_GATEWAY_HTTP_ADDRESS=address)
    assert (index.returncode, gateway.returncode) == (1, 1)
    assert address in index.stderr
    assert "MOODFEED_POST_INDEX_ADDRESS" in index.stderr
    assert address in gateway.stderr
    assert "MOODFEED_GATEWAY_HTTP_ADDRESS" in gateway.stderr


def test_a_wrong_setting_is_named_at_start() -> None:
    ended = run_to_its_end("gateway", MOODFEED_GATEWAY_DEADLINE_SECONDS="soon")
    assert ended.returncode == 2
    assert "MOODFEED_GATEWAY_DEADLINE_SECONDS='soon'" in ended.stderr


def test_a_process_that_cannot_start_stops_the_stack_with_its_own_words(bundles_copy: Path, tmp_path: Path) -> None:
    (current_bundle(bundles_copy) / "index.safetensors").unlink()
    # Each service checks all files of the bundle, so either may be the first to end.
    with (
        pytest.raises(
            StackError, match=r"(user_tower|post_index)_service ended with exit code 1.*index\.safetensors.*is missing"
        ),
        running_stack(bundles_copy, free_addresses(), logs=tmp_path / "logs"),
    ):
        pass


def test_sigterm_answers_what_is_in_flight_and_every_process_ends_with_0(small_bundles: Path, tmp_path: Path) -> None:
    addresses = free_addresses()
    username = next(iter(open_bundle(current_bundle(small_bundles)).manifest.canaries)).username
    with running_stack(small_bundles, addresses, logs=tmp_path / "logs") as stack:
        wait_until(lambda: is_serving(addresses.gateway_grpc))
        with grpc.insecure_channel(addresses.gateway_grpc) as channel:
            stub = feed_pb2_grpc.FeedServiceStub(channel)
            asked = [
                stub.GetFeed.future(feed_pb2.GetFeedRequest(username=username, mood=f"mood {number}"), timeout=20)
                for number in range(60)
            ]
            asked[0].result()  # they came over one connection: the others are there too, waiting for their turn
            assert not all(call.done() for call in asked)
            for name in ("gateway", "user_tower_service", "post_index_service"):
                stack.processes[name].send_signal(signal.SIGTERM)
                assert stack.processes[name].wait(20) == 0
            assert [len(call.result().posts) for call in asked] == [10] * 60


def test_the_gateway_is_not_serving_while_a_service_behind_it_is_missing(small_bundles: Path, tmp_path: Path) -> None:
    addresses = free_addresses()
    with running_stack(small_bundles, addresses, logs=tmp_path / "logs") as stack:
        wait_until(lambda: is_serving(addresses.gateway_grpc))
        stack.processes["post_index_service"].send_signal(signal.SIGTERM)
        assert stack.processes["post_index_service"].wait(20) == 0
        wait_until(lambda: not is_serving(addresses.gateway_grpc))
        reply = httpx.get(f"http://{addresses.gateway_http}/readyz")
        assert (reply.status_code, reply.json()["missing"]) == (503, ["post_index_service"])
        refused = httpx.get(f"http://{addresses.gateway_http}/feed", params={"username": "anybody"})
        assert refused.status_code in {404, 503}
        categories = httpx.get(f"http://{addresses.gateway_http}/categories")
        assert (categories.status_code, categories.json()["error"]["status"]) == (503, "UNAVAILABLE")


def test_the_metrics_of_a_compute_service_say_what_it_holds_and_how_good_its_index_is(
    small_bundles: Path, tmp_path: Path
) -> None:
    bundle_id = current_bundle(small_bundles).name
    addresses = free_addresses()
    metrics = f"http://{addresses.user_tower}/metrics"  # a free port
    with subprocess.Popen(
        [sys.executable, "-m", "post_index_service"],
        env=os.environ
        | {
            "MOODFEED_BUNDLES": str(small_bundles),
            "MOODFEED_POST_INDEX_ADDRESS": addresses.post_index,
            "MOODFEED_POST_INDEX_METRICS_PORT": addresses.user_tower.rpartition(":")[2],
        },
    ) as process:
        try:
            wait_until(lambda: is_serving(addresses.post_index))
            text = httpx.get(metrics).text
        finally:
            process.terminate()
    assert f'moodfeed_bundle_held{{bundle_id="{bundle_id}",role="current"}} 1.0' in text
    assert "moodfeed_index_recall 1.0" in text


def test_addresses_move_with_the_variables_of_the_processes() -> None:
    moved = Addresses.from_environment({"MOODFEED_GATEWAY_GRPC_ADDRESS": "127.0.0.1:1", "OTHER": "x"})
    assert moved == Addresses(gateway_grpc="127.0.0.1:1")
