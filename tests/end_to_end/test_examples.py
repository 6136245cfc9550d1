"""The examples get a whole feed from a gateway that asks for a token and pushes back."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import grpc
import httpx
import pytest

from moodfeed.feed.v1 import feed_pb2, feed_pb2_grpc
from rpc.probe import is_serving
from tests.end_to_end.conftest import Running, free_addresses
from tests.waiting import wait_until

ROOT = Path(__file__).parents[2]
TOKEN = "token-of-the-examples"
NO_NETWORK = re.compile(r"ENOTFOUND|ECONNREFUSED|ECONNRESET|ETIMEDOUT|EAI_AGAIN|ENETUNREACH")


@dataclass(frozen=True, slots=True)
class Guarded:
    """A gateway before the compute services of the stack: one token, two requests a second."""

    grpc_address: str
    http_address: str

    @property
    def environment(self) -> dict[str, str]:
        return {
            "MOODFEED_GATEWAY": self.grpc_address,
            "MOODFEED_URL": f"http://{self.http_address}",
            "MOODFEED_API_TOKEN": TOKEN,
        }

    def refused(self) -> float:
        """How many calls the rate limit has refused so far."""
        text = httpx.get(f"http://{self.http_address}/metrics").text
        series = r'^moodfeed_api_calls_total{outcome="rate_limited",token_name="examples"} (.*)$'
        found = re.search(series, text, re.MULTILINE)
        return float(found[1]) if found else 0.0


@pytest.fixture(scope="module")
def guarded(three_processes: Running, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    tokens = tmp_path_factory.mktemp("tokens") / "api-tokens"
    tokens.write_text(f"examples:{sha256(TOKEN.encode()).hexdigest()}:feeds,feedback\n", encoding="utf-8")
    own, behind = free_addresses(), three_processes.addresses
    variables = {
        "GRPC_ADDRESS": own.gateway_grpc,
        "HTTP_ADDRESS": own.gateway_http,
        "USER_TOWER_ADDRESS": behind.user_tower,
        "POST_INDEX_ADDRESS": behind.post_index,
        "API_TOKENS_FILE": str(tokens),
        "TOKEN_REQUESTS_PER_SECOND": "2",
        "TOKEN_BURST": "1",
    }
    environment = os.environ | {f"MOODFEED_GATEWAY_{name}": value for name, value in variables.items()}
    with subprocess.Popen([sys.executable, "-m", "gateway"], env=environment) as process:
        try:
            wait_until(lambda: is_serving(own.gateway_grpc))
            yield Guarded(own.gateway_grpc, own.gateway_http)
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def node_examples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy with its packages installed, beside the protos."""
    if not (shutil.which("node") and shutil.which("npm")):
        pytest.skip("node and npm are not installed")
    root = tmp_path_factory.mktemp("examples")
    (root / "protos").symlink_to(ROOT / "protos")
    directory = root / "examples" / "node"
    shutil.copytree(ROOT / "examples" / "node", directory, ignore=shutil.ignore_patterns("node_modules"))
    installed = run(["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"], directory)
    if NO_NETWORK.search(installed.stderr):
        pytest.skip("npm cannot reach its registry")
    assert installed.returncode == 0, installed.stderr
    return directory


def run(command: list[str], directory: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=directory, env=os.environ | variables, capture_output=True, text=True, timeout=120, check=False
    )


def whole_feed(running: Running, mood: str) -> list[int]:
    """By the stack's own gateway, which asks for nothing."""
    request = feed_pb2.GetFeedRequest(username=running.busiest_username(), mood=mood, page_size=100)
    found: list[int] = []
    with grpc.insecure_channel(running.addresses.gateway_grpc) as channel:
        while True:
            page = feed_pb2_grpc.FeedServiceStub(channel).GetFeed(request, timeout=20)
            found += [post.post_id for post in page.posts]
            if not page.next_page_token:
                return found
            request.page_token = page.next_page_token


def assert_prints_the_whole_feed(running: Running, guarded: Guarded, command: list[str], directory: Path) -> None:
    refused = guarded.refused()
    done = run([*command, running.busiest_username(), "calm"], directory, **guarded.environment)
    assert done.returncode == 0, done.stderr
    expected = whole_feed(running, "calm")
    assert [int(line.split("\t")[0]) for line in done.stdout.splitlines()] == expected
    assert len(expected) > 20  # more than one page, so more than the rate allows at once
    assert guarded.refused() > refused  # it was pushed back, and went on


def assert_says_what_is_wrong(guarded: Guarded, command: list[str], directory: Path) -> None:
    refused = run([*command, "nobody at all"], directory, **guarded.environment | {"MOODFEED_API_TOKEN": "wrong"})
    assert (refused.returncode, refused.stderr.count("\n")) == (1, 1)
    assert "UNAUTHENTICATED" in refused.stderr


def test_the_python_example(three_processes: Running, guarded: Guarded) -> None:
    command = [sys.executable, "examples/python/feed.py"]
    assert_prints_the_whole_feed(three_processes, guarded, command, ROOT)
    assert_says_what_is_wrong(guarded, command, ROOT)


@pytest.mark.parametrize("file", ["feed.mjs", "feed_http.mjs"])
def test_the_node_examples(three_processes: Running, guarded: Guarded, node_examples: Path, file: str) -> None:
    assert_prints_the_whole_feed(three_processes, guarded, ["node", file], node_examples)
    assert_says_what_is_wrong(guarded, ["node", file], node_examples)


def like_and_ask_again(
    username: str, liked: int, file: str, node_examples: Path, three_processes: Running, guarded: Guarded
) -> tuple[list[int], list[int]]:
    """The posts that the example shows after the like, and those of the person's feed a moment later."""
    done = run(["node", file, username, str(liked)], node_examples, **guarded.environment)
    assert done.returncode == 0, done.stderr
    result, *shown = done.stdout.splitlines()
    assert result == "ACCEPTED"
    with grpc.insecure_channel(three_processes.addresses.gateway_grpc) as channel:
        request = feed_pb2.GetFeedRequest(username=username)
        feed = feed_pb2_grpc.FeedServiceStub(channel).GetFeed(request, timeout=20)
    return [int(post_id) for post_id in shown], [post.post_id for post in feed.posts]


@pytest.mark.parametrize("file", ["like.mjs", "like_http.mjs"])
def test_the_node_examples_that_record_a_like(
    three_processes: Running, guarded: Guarded, node_examples: Path, file: str
) -> None:
    liked = int(three_processes.posts.post_ids[0])
    shown, feed = like_and_ask_again(f"a newcomer of {file}", liked, file, node_examples, three_processes, guarded)
    if shown != feed:  # new counts came between the two calls: the next ones stay for a minute
        shown, feed = like_and_ask_again(f"another of {file}", liked, file, node_examples, three_processes, guarded)
    assert shown == feed
    assert liked not in feed  # what has been seen comes last
    refused = run(["node", file, " ", str(liked)], node_examples, **guarded.environment)
    assert (refused.returncode, refused.stderr.count("\n")) == (1, 1)
    assert "username: must not be empty or blank" in refused.stderr


def test_the_lock_of_the_node_examples_pins_exactly_and_names_no_registry() -> None:
    directory = ROOT / "examples" / "node"
    assert '"resolved"' not in (directory / "package-lock.json").read_text(encoding="utf-8")
    pins = re.findall(r'"@grpc/[\w-]+": "(.*)"', (directory / "package.json").read_text(encoding="utf-8"))
    assert len(pins) == 2
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", pin) for pin in pins)
