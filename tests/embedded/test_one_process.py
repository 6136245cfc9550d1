"""The one-process mode: the same feeds as three processes, and everything else that an operator relies on."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc
import httpx
import pytest

from benchmarks.synthetic import Size, write_synthetic_bundle
from bundle.directory import point_current_at
from cli.stack import Addresses, running_stack
from embedded.coroutines import run_at_once
from moodfeed.bundle.v1 import bundle_pb2, bundle_pb2_grpc
from moodfeed.feed.v1 import feed_pb2, feed_pb2_grpc
from rpc.errors import read_error_info
from rpc.probe import is_serving
from tests.certificate_files import CertificateFiles
from tests.end_to_end.conftest import free_addresses

SIZE = Size(posts=300, users=20, categories=2, category_posts=100)
MOODS = ("", "calm", "😂")


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two bundles of the same people and posts with other embeddings; the first is current."""
    root = tmp_path_factory.mktemp("bundles")
    names = [write_synthetic_bundle(root, SIZE, seed=seed).name for seed in (1, 2)]
    point_current_at(root, names[0])
    return root


@contextmanager
def running(bundles: Path, logs: Path, *, embedded: bool = True, **variables: str) -> Iterator[tuple[Addresses, Path]]:
    addresses = free_addresses()
    with pytest.MonkeyPatch.context() as environment:
        for name, value in ({"POST_INDEX_METRICS_PORT": "0", "USER_TOWER_METRICS_PORT": "0"} | variables).items():
            environment.setenv(f"MOODFEED_{name}", value)
        with running_stack(bundles, addresses, logs=logs, embedded=embedded) as stack:
            for variable in variables:
                environment.delenv(f"MOODFEED_{variable}")
            yield addresses, stack
        for process in stack.processes.values():
            assert process.returncode == 0


def feed_of(channel: grpc.Channel, **fields: object) -> feed_pb2.GetFeedResponse:
    return feed_pb2_grpc.FeedServiceStub(channel).GetFeed(feed_pb2.GetFeedRequest(**fields), timeout=20)


def test_feeds_are_those_of_three_processes_to_the_last_bit(bundles: Path, tmp_path: Path) -> None:
    asked = [
        {"username": username, "mood": mood} | ({"category_id": category} if category else {})
        for username in ("user1", "user7", "somebody new")
        for mood in MOODS
        for category in (None, 1, 2, 99)
    ]

    def answers(address: str) -> list[object]:
        found: list[object] = []
        with grpc.insecure_channel(address) as channel:
            for fields in asked:
                try:
                    first = feed_of(channel, **fields)
                except grpc.RpcError as error:
                    found.append((error.code(), error.details(), read_error_info(error)))
                else:
                    second = feed_of(channel, **fields, page_token=first.next_page_token)
                    found += [comparable(first), comparable(second)]
        return found

    with running(bundles, tmp_path / "three", embedded=False) as (three, _):
        expected = answers(three.gateway_grpc)
    with running(bundles, tmp_path / "one") as (one, _):
        assert answers(one.gateway_grpc) == expected
    assert sum(isinstance(answer, feed_pb2.GetFeedResponse) for answer in expected) > 30


def test_a_new_bundle_goes_live_and_the_old_one_answers_who_names_it(bundles: Path, tmp_path: Path) -> None:
    old, new = sorted((path.name for path in bundles.iterdir() if not path.is_symlink()), key=bundle_order(bundles))
    operators = [("authorization", f"Bearer {make_token('ops', tmp_path / 'admin')}")]
    variables = {"ADMIN_TOKEN_FILE": str(tmp_path / "admin")}
    with (
        running(bundles, tmp_path, **variables) as (addresses, _),
        grpc.insecure_channel(addresses.gateway_grpc) as channel,
    ):
        before = feed_of(channel, username="user1")
        assert before.bundle_id == old
        point_current_at(bundles, new)
        try:
            operator = bundle_pb2_grpc.BundleServiceStub(channel)
            with pytest.raises(grpc.RpcError, match="admin token"):
                operator.ReloadBundle(bundle_pb2.ReloadBundleRequest(), timeout=60)
            reloaded = operator.ReloadBundle(bundle_pb2.ReloadBundleRequest(), metadata=operators, timeout=60)
            assert reloaded.current_bundle_id == new
            assert feed_of(channel, username="user1").bundle_id == new
            assert comparable(feed_of(channel, username="user1", required_bundle_id=old)) == comparable(before)
            second = feed_of(channel, username="user1", page_token=before.next_page_token)
            assert second.bundle_id == old
            assert not {post.post_id for post in second.posts} & {post.post_id for post in before.posts}
        finally:
            point_current_at(bundles, old)


def comparable(feed: feed_pb2.GetFeedResponse) -> feed_pb2.GetFeedResponse:
    """The feed without what no two answers share: its name, and the time in its token."""
    copy = feed_pb2.GetFeedResponse()
    copy.CopyFrom(feed)
    assert copy.feed_id
    copy.ClearField("feed_id")
    copy.next_page_token = "there is one" if feed.next_page_token else ""
    return copy


def bundle_order(bundles: Path):
    current = (bundles / "current").resolve().name
    return lambda name: name != current


def test_sigterm_answers_what_is_in_flight(bundles: Path, tmp_path: Path) -> None:
    with running(bundles, tmp_path) as (addresses, stack), grpc.insecure_channel(addresses.gateway_grpc) as channel:
        stub = feed_pb2_grpc.FeedServiceStub(channel)
        calls = [
            stub.GetFeed.future(feed_pb2.GetFeedRequest(username="user1", mood=f"mood {number}"), timeout=20)
            for number in range(60)
        ]
        calls[0].result()  # they came over one connection: the others are there too
        assert not all(call.done() for call in calls)
        stack.processes["embedded"].send_signal(signal.SIGTERM)
        assert stack.processes["embedded"].wait(20) == 0
        assert [len(call.result().posts) for call in calls] == [10] * 60


def test_beyond_its_bound_it_refuses_at_once_and_its_health_answers(bundles: Path, tmp_path: Path) -> None:
    bound = {"USER_TOWER_POOL_SIZE": "1", "USER_TOWER_MOST_WAITING": "2"}
    with running(bundles, tmp_path, **bound) as (addresses, _):
        with grpc.insecure_channel(addresses.gateway_grpc) as channel:
            stub = feed_pb2_grpc.FeedServiceStub(channel)
            words = " ".join(f"word{number}" for number in range(60))
            calls = [
                stub.GetFeed.future(feed_pb2.GetFeedRequest(username="user1", mood=f"{number} {words}"), timeout=20)
                for number in range(40)
            ]
            assert is_serving(addresses.gateway_grpc)
            codes = [call.code() for call in calls]
        assert set(codes) == {grpc.StatusCode.OK, grpc.StatusCode.RESOURCE_EXHAUSTED}
        refused = next(call for call in calls if call.code() == grpc.StatusCode.RESOURCE_EXHAUSTED)
        assert read_error_info(refused).reason == "OVERLOADED"


def test_tokens_rates_and_operators_are_those_of_three_processes(bundles: Path, tmp_path: Path) -> None:
    callers, operators = make_token("web", tmp_path / "api"), make_token("ops", tmp_path / "admin")
    variables = {
        "GATEWAY_API_TOKENS_FILE": str(tmp_path / "api"),
        "GATEWAY_TOKEN_REQUESTS_PER_SECOND": "0.001",
        "GATEWAY_TOKEN_BURST": "3",
        "ADMIN_TOKEN_FILE": str(tmp_path / "admin"),
    }
    with (
        running(bundles, tmp_path / "logs", **variables) as (addresses, _),
        grpc.insecure_channel(addresses.gateway_grpc) as channel,
    ):
        asked = [reason_of(channel, callers) for _ in range(2)]
        assert (asked, reason_of(channel, operators)) == (["", ""], "API_TOKEN_INVALID")
        over_http = [
            httpx.get(
                f"http://{addresses.gateway_http}/feed",
                params={"username": "user1"},
                headers={"authorization": f"Bearer {callers}"},
            ).status_code
            for _ in range(2)
        ]
        assert (over_http, reason_of(channel, callers)) == ([200, 429], "RATE_LIMITED")
        for token, is_let_in in ((operators, True), (callers, False)):
            held = bundle_pb2_grpc.BundleServiceStub(channel).GetHeldBundles.future(
                bundle_pb2.GetHeldBundlesRequest(), metadata=[("authorization", f"Bearer {token}")], timeout=20
            )
            assert (held.exception() is None) is is_let_in


def test_without_an_admin_token_nobody_reloads_not_even_from_this_machine(bundles: Path, tmp_path: Path) -> None:
    with running(bundles, tmp_path) as (addresses, _), grpc.insecure_channel(addresses.gateway_grpc) as channel:
        call = bundle_pb2_grpc.BundleServiceStub(channel).ReloadBundle.future(
            bundle_pb2.ReloadBundleRequest(), timeout=20
        )
        assert read_error_info(call.exception()).reason == "ADMIN_FORBIDDEN"
        assert "MOODFEED_ADMIN_TOKEN_FILE" in call.details()


def make_token(name: str, file: Path) -> str:
    made = subprocess.run(
        [sys.executable, "-m", "cli", "make-token", name, "--file", file], capture_output=True, text=True, check=True
    )
    return made.stdout.strip()


def reason_of(channel: grpc.Channel, token: str) -> str:
    """The reason of a refusal; empty if there is a feed."""
    call = feed_pb2_grpc.FeedServiceStub(channel).GetFeed.future(
        feed_pb2.GetFeedRequest(username="user1"), metadata=[("authorization", f"Bearer {token}")], timeout=20
    )
    error = call.exception()
    return read_error_info(error).reason if error else ""


def test_it_serves_over_tls(bundles: Path, tmp_path: Path) -> None:
    files = CertificateFiles(tmp_path / "files").write()
    addresses = free_addresses()
    variables = {
        "MOODFEED_BUNDLES": str(bundles),
        "MOODFEED_GATEWAY_GRPC_ADDRESS": addresses.gateway_grpc,
        "MOODFEED_GATEWAY_HTTP_ADDRESS": addresses.gateway_http,
        "MOODFEED_GATEWAY_TLS_CERTIFICATE": str(files.certificate),
        "MOODFEED_GATEWAY_TLS_KEY": str(files.key),
    }
    process = subprocess.Popen([sys.executable, "-m", "embedded"], env=os.environ | variables)
    try:
        credentials = grpc.ssl_channel_credentials(files.authority.read_bytes())
        with grpc.secure_channel(addresses.gateway_grpc, credentials) as channel:
            grpc.channel_ready_future(channel).result(30)
            assert len(feed_of(channel, username="user1").posts) == 10
        url = f"https://{addresses.gateway_http}/feed"
        deadline = time.monotonic() + 20
        while True:
            try:
                reply = httpx.get(url, params={"username": "user1"}, verify=files.ssl_context())
                break
            except httpx.ConnectError:
                assert time.monotonic() < deadline, "not in time"
        assert len(reply.json()["posts"]) == 10
    finally:
        process.terminate()
        assert process.wait(20) == 0


@pytest.mark.parametrize(
    ("variables", "exit_code", "words"),
    [
        ({"MOODFEED_USER_TOWER_RUNTIME": "torch"}, 2, "MOODFEED_USER_TOWER_RUNTIME='torch'"),
        ({"MOODFEED_POST_INDEX_ENGINE": "Milvus"}, 2, "MOODFEED_POST_INDEX_ENGINE='Milvus'"),
        ({"MOODFEED_POST_INDEX_SHARDS": "2"}, 2, "MOODFEED_POST_INDEX_SHARDS='2'"),
        ({"MOODFEED_GATEWAY_DEADLINE_SECONDS": "soon"}, 2, "MOODFEED_GATEWAY_DEADLINE_SECONDS='soon'"),
        ({"MOODFEED_GATEWAY_GRPC_ADDRESS": "0.0.0.0:0"}, 2, "MOODFEED_ALLOW_PLAINTEXT"),
        ({"MOODFEED_BUNDLES": "nowhere"}, 1, "moodfeed export"),
    ],
)
def test_what_it_cannot_start_on_is_named(bundles: Path, variables: dict[str, str], exit_code: int, words: str) -> None:
    ended = run_to_its_end(**{"MOODFEED_BUNDLES": str(bundles)} | variables)
    assert ended.returncode == exit_code
    assert words in ended.stderr


@pytest.mark.parametrize("edge", ["GRPC", "HTTP"])
def test_a_busy_port_is_named_with_the_variable_that_moves_it(bundles: Path, tmp_path: Path, edge: str) -> None:
    with running(bundles, tmp_path) as (taken, _):
        free = free_addresses()
        variables = {
            "MOODFEED_GATEWAY_GRPC_ADDRESS": free.gateway_grpc,
            "MOODFEED_GATEWAY_HTTP_ADDRESS": free.gateway_http,
        }
        variables[f"MOODFEED_GATEWAY_{edge}_ADDRESS"] = taken.gateway_grpc if edge == "GRPC" else taken.gateway_http
        ended = run_to_its_end(MOODFEED_BUNDLES=str(bundles), **variables)
    assert ended.returncode == 1
    assert f"MOODFEED_GATEWAY_{edge}_ADDRESS" in ended.stderr + ended.stdout


def run_to_its_end(**variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "embedded"],
        env=os.environ | variables,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_coroutine_that_waits_is_told_of_and_not_left_hanging() -> None:
    async def waits() -> None:
        await never()

    class never:  # noqa: N801
        def __await__(self) -> Iterator[None]:
            yield

    with pytest.raises(RuntimeError, match="event loop"):
        run_at_once(waits())
