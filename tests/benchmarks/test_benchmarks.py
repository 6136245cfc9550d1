"""The benchmark's parts: its bundle is one that services take, and its load knows a wrong answer."""

import asyncio
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest

from benchmarks.load import Plan, Request, is_right, run
from benchmarks.machine import Machine
from benchmarks.report import Goal, goals
from benchmarks.serving import Measured
from benchmarks.synthetic import Size, write_synthetic_bundle
from bundle.directory import open_bundle
from post_index_service.loading import load
from post_index_service.query import Query
from user_tower_service.encoder import Encoder


def test_a_synthetic_bundle_is_taken_by_both_services(tmp_path: Path) -> None:
    size = Size(posts=300, users=20, categories=2, category_posts=100)
    bundle = open_bundle(write_synthetic_bundle(tmp_path, size))
    context = Encoder(bundle, mood_cache_size=1).encode_context("user7", "calm")
    index = load(bundle)
    found = index.search(Query(user=context.user, mood=context.mood, category_id=2, limit=100))
    assert len(found.posts) == 100
    assert [(item.category.category_id, item.post_count) for item in index.categories()] == [
        (1, 100),
        (2, 100),
        (3, 100),
    ]


def test_the_same_seed_gives_the_same_bundle(tmp_path: Path) -> None:
    size = Size(posts=50, users=5, categories=1, category_posts=20)
    names = {write_synthetic_bundle(tmp_path / name, size).name for name in ("one", "two")}
    assert len(names) == 1


@pytest.mark.parametrize(
    ("posts", "right"),
    [
        ([(number, 3) for number in range(10)], True),
        ([(number, 3) for number in range(9)], False),
        ([(number, 3) for number in (*range(9), 8)], False),
        ([(number, 3 if number else 4) for number in range(10)], False),
        ([(number, 3) for number in range(9, -1, -1)], False),
    ],
)
def test_an_answer_is_right_only_if_it_is_whole_in_its_category_and_as_expected(
    posts: list[tuple[int, int]], right: bool
) -> None:
    assert is_right(Request("ana", 3, expected=tuple(range(10))), posts) is right


@pytest.fixture
def echo() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
    process = subprocess.Popen([sys.executable, "-m", "benchmarks.echo", "single", "--address", address])
    try:
        with grpc.insecure_channel(address) as channel:
            grpc.channel_ready_future(channel).result(30)
        yield address
    finally:
        process.terminate()
        process.wait(20)


def test_the_load_counts_what_is_right_and_what_is_wrong(echo: str) -> None:
    asked = (Request("ana", 3), Request("ana", 3, expected=(1,)), Request("ana", 5))  # the echo's posts are of 3
    result = asyncio.run(run(Plan(echo, "grpc", in_flight=1, seconds=10, requests=asked, once=True)))
    assert (result.answered, result.wrong, result.failed, len(result.latencies)) == (1, 2, 0, 3)
    nobody = asyncio.run(run(Plan("127.0.0.1:1", "grpc", in_flight=1, seconds=10, requests=asked, once=True)))
    assert (nobody.answered, nobody.failed) == (0, 3)


def machine() -> Machine:
    return Machine("a processor", 2, 24.0, "Linux", {"numpy": "2"}, 24e9, 80e9)


def test_goals_are_ratios_and_know_their_side() -> None:
    rates = {
        ("echo, three processes", 16): 100.0,
        ("echo, three processes", 1): 50.0,
        ("feed, usernames by Zipf", 16): 120.0,
        ("feed, usernames by Zipf", 1): 40.0,
        ("feed, usernames uniformly", 16): 90.0,
        ("feed, no username twice", 16): 80.0,
        ("feed, no username twice", 1): 30.0,
        ("feed with a mood seen before", 16): 114.0,
        ("feed with a new mood", 16): 20.0,
        ("predecessor, new mood", 16): 4.0,
        ("feed over HTTP, by Zipf", 16): 60.0,
        ("echo, one sync process", 16): 400.0,
        ("one process (embedded), by Zipf", 16): 360.0,
    }
    measured = [
        Measured(name, in_flight, rate, 1 / rate, 1 / rate, (rate,), 1, 0, 0, ())
        for (name, in_flight), rate in rates.items()
    ]
    found = goals(measured)
    assert found[0] == Goal("feeds a second / echo of three processes, Zipf", 1.2, 1.0, at_least=True)
    assert [goal.is_met for goal in found] == [True, False, False, False, False, True, False, True, False]
