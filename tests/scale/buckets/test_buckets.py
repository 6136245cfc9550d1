"""Bundles to and from a bucket of a real S3 server that is killed, damaged and written to by two at once."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import obstore
import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs
from typer.testing import CliRunner

from bundle.directory import current_bundle, open_bundle, previous_bundle
from bundle_sync.bucket import Bucket, BucketError, Fault, OvertakenError
from bundle_sync.download import download
from bundle_sync.follow import REPEAT_SECONDS, SWITCHED, UNCHANGED, Follower
from bundle_sync.upload import publish_to
from cli.subcommands import app
from tests.scale.buckets.s3_server import BUCKET, KEY, SECRET, S3Server, weed_binary
from tests.tiny_bundle import write_tiny_bundle
from tests.waiting import wait_until

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    server = S3Server(weed_binary(), tmp_path_factory.mktemp("s3"))
    with pytest.MonkeyPatch.context() as environment:
        for name, value in server.environment().items():
            environment.setenv(name, value)
        try:
            server.start()
            yield server
        finally:
            server.kill()


@pytest.fixture
def url(server: S3Server, tmp_path: Path) -> str:
    """A prefix of its own for each test."""
    return f"s3://{BUCKET}/{tmp_path.name}"


@pytest.fixture
def bundles(tmp_path: Path) -> list[Path]:
    return [write_tiny_bundle(tmp_path / "made", seed=seed) for seed in range(3)]


@pytest.fixture
def here(tmp_path: Path) -> Path:
    return tmp_path / "here"


def following(url: str, here: Path, **settings: object) -> Follower:
    return Follower(Bucket(url, seconds=5), here, keep=5, **settings)


def shown(here: Path) -> set[str]:
    return {path.name for path in here.iterdir() if not path.name.startswith(".")}


def file_of_its_own(directory: Path, other: Path) -> str:
    """A file that the other bundle does not have: one that both have is linked, and not fetched."""
    others = {entry.sha256 for entry in open_bundle(other).manifest.files.values()}
    return next(name for name, entry in open_bundle(directory).manifest.files.items() if entry.sha256 not in others)


def looks(outcome: str) -> float:
    return REGISTRY.get_sample_value("moodfeed_bundle_sync_looks_total", {"outcome": outcome}) or 0.0


def test_what_is_published_is_current_here_byte_for_byte(url: str, bundles: list[Path], here: Path) -> None:
    follower = following(url, here)
    (bundles[0] / "report").mkdir()
    (bundles[0] / "report" / "report.html").write_text("<p>", encoding="utf-8")
    for directory in bundles[:2]:
        publish_to(Bucket(url), open_bundle(directory))
        assert follower.look() == SWITCHED
        assert follower.look() == UNCHANGED
        found = open_bundle(current_bundle(here))
        assert found.bundle_id == directory.name
        files = [path.relative_to(directory) for path in directory.rglob("*") if path.is_file()]
        assert files
        assert all((found.directory / name).read_bytes() == (directory / name).read_bytes() for name in files)
    assert previous_bundle(here) == (here / bundles[0].name).resolve()
    assert shown(here) == {"current", "previous", bundles[0].name, bundles[1].name}
    assert not list(here.glob(".incomplete-*"))


def test_a_bundle_without_its_pointer_is_not_published(url: str, bundles: list[Path], here: Path) -> None:
    bucket, bundle = Bucket(url), open_bundle(bundles[0])
    for name in bundle.manifest.files:
        bucket.upload(bundles[0] / name, f"{bundle.bundle_id}/{name}")
    assert following(url, here).look() == Fault.MISSING
    assert not here.exists()


def test_a_server_that_dies_in_the_middle_leaves_half_a_download_unseen_and_it_goes_on(
    server: S3Server, url: str, bundles: list[Path], here: Path
) -> None:
    follower = following(url, here)
    publish_to(Bucket(url), open_bundle(bundles[0]))
    assert follower.look() == SWITCHED
    publish_to(Bucket(url), open_bundle(bundles[1]))
    pieces: list[int] = []

    def kill_at_the_fourth() -> None:
        pieces.append(1)
        if len(pieces) == 4:
            server.kill()

    try:
        with pytest.raises(BucketError) as error:
            download(Bucket(url, seconds=5), bundles[1].name, here, go_on=kill_at_the_fourth)
        assert error.value.fault is Fault.UNREACHABLE
        before = looks(Fault.UNREACHABLE)
        assert follower.look() == Fault.UNREACHABLE
        assert looks(Fault.UNREACHABLE) == before + 1
        assert shown(here) == {"current", bundles[0].name}
        assert open_bundle(current_bundle(here)).bundle_id == bundles[0].name
        came = {path.name: path.stat().st_ino for path in here.glob(".incomplete-*/*/*") if path.is_file()}
        assert len(came) >= 4
    finally:
        server.start()
    wait_until(lambda: follower.look() == SWITCHED, what="the rest")
    arrived = {path.name: path.stat().st_ino for path in current_bundle(here).iterdir() if path.is_file()}
    assert current_bundle(here).name == bundles[1].name
    assert open_bundle(current_bundle(here))
    assert came.items() <= arrived.items() | {(name, came[name]) for name in came if name.endswith(".part")}
    assert not list(here.glob(".incomplete-*"))


@pytest.mark.parametrize("damage", ["altered", "truncated", "too long", "missing", "manifest"])
def test_a_damaged_object_never_replaces_a_good_bundle_and_publishing_again_mends_it(
    damage: str, url: str, bundles: list[Path], here: Path
) -> None:
    bucket, follower = Bucket(url), following(url, here)
    publish_to(bucket, open_bundle(bundles[0]))
    assert follower.look() == SWITCHED
    publish_to(bucket, open_bundle(bundles[1]))
    name = "manifest.json" if damage == "manifest" else file_of_its_own(bundles[1], bundles[0])
    content = (bundles[1] / name).read_bytes()
    path = f"{bundles[1].name}/{name}"
    match damage:
        case "altered" | "manifest":
            obstore.put(bucket._store, path, content[:-2] + bytes([content[-2] ^ 1]) + content[-1:])
        case "truncated":
            obstore.put(bucket._store, path, content[:-1])
        case "too long":
            obstore.put(bucket._store, path, content + b"\0")
        case "missing":
            obstore.delete(bucket._store, path)
    with capture_logs() as lines:
        outcome = follower.look()
    assert outcome == (Fault.MISSING if damage == "missing" else Fault.CORRUPT)
    assert name in lines[-1]["reason"]
    assert shown(here) == {"current", bundles[0].name}
    assert open_bundle(current_bundle(here)).bundle_id == bundles[0].name
    publish_to(bucket, open_bundle(bundles[1]))
    assert follower.look() == SWITCHED


def test_a_publisher_that_another_overtakes_is_told_and_changes_nothing(url: str, bundles: list[Path]) -> None:
    publish_to(Bucket(url), open_bundle(bundles[0]))
    overtaken_by = [bundles[2]]

    def overtake(name: str) -> None:
        if overtaken_by:
            publish_to(Bucket(url), open_bundle(overtaken_by.pop()))

    with pytest.raises(OvertakenError):
        publish_to(Bucket(url), open_bundle(bundles[1]), on_file=overtake)
    pointer = Bucket(url).current()
    assert pointer
    assert pointer.bundle_id == bundles[2].name


def test_of_two_publishers_at_once_what_is_current_is_whole(url: str, bundles: list[Path], here: Path) -> None:
    """This server compares and writes in two steps, so within a millisecond both may succeed: the later is current."""
    publish_to(Bucket(url), open_bundle(bundles[0]))
    for _ in range(4):
        done: list[str] = []

        def publish(directory: Path, done: list[str] = done) -> None:
            try:
                publish_to(Bucket(url), open_bundle(directory))
                done.append(directory.name)
            except OvertakenError:
                pass

        threads = [threading.Thread(target=publish, args=(directory,)) for directory in bundles[1:]]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        pointer = Bucket(url).current()
        assert pointer
        assert pointer.bundle_id in done
        assert following(url, here).look() in {SWITCHED, UNCHANGED}
        assert open_bundle(current_bundle(here)).bundle_id == pointer.bundle_id


def test_a_bucket_that_cannot_be_reached_is_told_of_seldom_and_counted_always(
    server: S3Server, bundles: list[Path], here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    now = [0.0]
    follower = following(f"s3://{BUCKET}/x", here, clock=lambda: now[0])
    before = looks(Fault.UNREACHABLE)
    with capture_logs() as lines:
        for _ in range(3):
            assert follower.look() == Fault.UNREACHABLE
        assert len(lines) == 1
        now[0] += REPEAT_SECONDS
        follower.look()
        assert len(lines) == 2
    assert looks(Fault.UNREACHABLE) == before + 4
    assert not here.exists()


@pytest.mark.parametrize("variable", ["AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID"])
def test_wrong_credentials_are_refused_and_no_credential_is_logged(
    variable: str, url: str, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, "wrong-and-not-to-be-logged")
    with capture_logs() as lines:
        assert following(url, here).look() == Fault.REFUSED
    text = json.dumps(lines)
    assert "check the credentials" in text
    assert not [word for word in (KEY, SECRET, "wrong-and-not-to-be-logged", "Signature") if word in text]


def test_a_pointer_that_names_no_bundle_changes_nothing(url: str, bundles: list[Path], here: Path) -> None:
    publish_to(Bucket(url), open_bundle(bundles[0]))
    follower = following(url, here)
    assert follower.look() == SWITCHED
    for content in (b"", b"{}", b'{"bundle_id": "../../etc"}', b"[1]", b"\xff", b"x" * 5000):
        obstore.put(Bucket(url)._store, "current", content)
        assert follower.look() == Fault.CORRUPT
    assert current_bundle(here).name == bundles[0].name


def test_a_directory_that_cannot_be_written_is_told_of_and_the_next_look_tries_again(
    url: str, bundles: list[Path], here: Path
) -> None:
    publish_to(Bucket(url), open_bundle(bundles[0]))
    here.write_text("a file, not a directory", encoding="utf-8")
    follower = following(url, here)
    assert follower.look() == Fault.UNWRITABLE
    here.unlink()
    assert follower.look() == SWITCHED


def test_a_process_follows_and_ends_at_a_signal(server: S3Server, url: str, bundles: list[Path], here: Path) -> None:
    environment = os.environ | server.environment() | {"PYTHONPATH": str(ROOT), "MOODFEED_BUNDLES": str(here)}
    environment |= {
        "MOODFEED_BUNDLE_SYNC_BUCKET": url,
        "MOODFEED_BUNDLE_SYNC_EVERY_SECONDS": "0.1",
        "MOODFEED_BUNDLE_SYNC_METRICS_PORT": "0",
    }
    command = [sys.executable, "-m", "bundle_sync"]
    once = subprocess.run([*command, "--once"], env=environment, capture_output=True, text=True, check=False)
    assert once.returncode == 1
    assert "current does not exist" in once.stderr
    process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
    try:
        for directory in bundles:
            publish_to(Bucket(url), open_bundle(directory))
            wait_until(lambda name=directory.name: (here / "current").resolve().name == name, what=directory.name)
            open_bundle(current_bundle(here))
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 0
    assert said.count("a bundle is current") == 3
    assert KEY not in said
    assert subprocess.run([*command, "--once"], env=environment, check=False).returncode == 0


def test_the_command_publishes_a_bundle_that_it_has_verified(url: str, bundles: list[Path], here: Path) -> None:
    done = CliRunner().invoke(app, ["publish", str(bundles[0]), "--to", url])
    assert done.exit_code == 0, done.output
    assert f"Bundle {bundles[0].name} is current in {url}." in done.output
    assert following(url, here).look() == SWITCHED
    (bundles[1] / "users.safetensors").write_bytes(b"damaged")
    assert CliRunner().invoke(app, ["publish", str(bundles[1]), "--to", url]).exit_code == 1
    assert following(url, here).look() == UNCHANGED
