"""A machine whose locale is ASCII: files are UTF-8 all the same, and what a terminal cannot show is replaced."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from bundle.directory import current_bundle, open_bundle
from bundle.index_posts import IndexPosts
from bundle.known_users import KnownUsers
from tests.end_to_end.conftest import Running, free_addresses
from tests.pipeline.small_catalogues import Catalogue, Event, Post, prepare
from tests.tiny_bundle import TINY_ENCODER

BIN = Path(sys.executable).parent
ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


def moodfeed(*arguments: str | Path, **variables: str) -> str:
    """What the command prints into a pipe, read as UTF-8."""
    done = subprocess.run(
        [BIN / "moodfeed", *arguments],
        env=os.environ | ASCII | variables,
        capture_output=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    return done.stdout.decode()


@pytest.fixture(scope="module")
def running(three_processes: Running) -> Running:
    return three_processes


def test_training_and_export_write_utf_8(tmp_path: Path) -> None:
    events = [Event(user, post, "like", 60 * (user + post)) for user in range(3) for post in range(4)]
    posts = [Post(title="😂 é", text=text) for text in ("calm sea", "loud dog", "a run", "music and sky", "goal")]
    data = prepare(Catalogue(posts, users=3, events=events), tmp_path).directory
    log = tmp_path / "log"
    moodfeed("train", "--data", data, "--epochs", "1", "--log", log)
    assert json.loads(log.read_text(encoding="utf-8"))["epoch"] == 1
    moodfeed("export", "--data", data, "--bundles", tmp_path / "bundles", "--encoder", TINY_ENCODER)
    bundle = open_bundle(current_bundle(tmp_path / "bundles"))
    assert "😂" in {canary.mood for canary in bundle.manifest.canaries}
    assert "😂 é" in (bundle.directory / "report" / "report.html").read_text(encoding="utf-8")
    assert {post.title for post in IndexPosts.read(bundle).posts} == {"😂 é"}


def test_run_shows_every_case(small_bundles: Path, tmp_path: Path) -> None:
    addresses = free_addresses()
    shown = moodfeed(
        "run", "--once", "--data", tmp_path, "--bundles", small_bundles,
        **addresses.as_environment(),
        MOODFEED_USER_TOWER_METRICS_PORT="0",
        MOODFEED_POST_INDEX_METRICS_PORT="0",
    )  # fmt: skip
    assert "mood='😂'" in shown
    assert "Case 9" in shown


def test_users_are_listed_as_they_are_called(small_bundles: Path) -> None:
    names = moodfeed("users", "--bundles", small_bundles, "--limit", "100000").splitlines()
    assert sorted(names) == sorted(KnownUsers.read(open_bundle(current_bundle(small_bundles))).usernames)


def test_a_mood_in_emoji_is_understood(running: Running) -> None:
    def feed(mood: str) -> object:
        arguments = ("--mood", mood, "--json", "--address", running.addresses.gateway_grpc)
        return json.loads(moodfeed("feed", running.busiest_username(), *arguments))["posts"]

    assert feed("😂") != feed("😢")


def test_a_terminal_gets_what_it_can_show(running: Running) -> None:
    master, terminal = pty.openpty()
    arguments = ("--mood", "😂", "--address", running.addresses.gateway_grpc)
    with subprocess.Popen(
        [BIN / "moodfeed", "feed", running.busiest_username(), *arguments],
        env=os.environ | ASCII | {"TERM": "dumb"},
        stdin=terminal,
        stdout=terminal,
        stderr=subprocess.PIPE,
    ) as process:
        os.close(terminal)
        shown = everything_from(master)
        assert process.wait(60) == 0
    assert b"RANKING_MOOD_THEN_USER" in shown
    assert shown.isascii()


def everything_from(master: int) -> bytes:
    """What is written to the other side of a pseudo-terminal until that side is closed."""
    shown = b""
    try:
        while piece := os.read(master, 65_536):
            shown += piece
    except OSError:  # how Linux says that the other side is closed
        pass
    finally:
        os.close(master)
    return shown


def test_the_report_is_found(small_bundles: Path, tmp_path: Path) -> None:
    printed = moodfeed("report", "--bundles", small_bundles, "--output", tmp_path / "report").splitlines()
    assert Path(printed[0]).is_file()
