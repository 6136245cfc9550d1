"""What follows a bucket, where the AWS variables are wrong and the server lies, hangs or refuses."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bundle.directory import current_bundle, open_bundle, point_current_at
from bundle_sync.bucket import Bucket, BucketError, Fault
from bundle_sync.follow import SWITCHED, UNCHANGED, Follower
from bundle_sync.upload import publish_to
from tests.bundle_sync.hostile_bucket import HostileBucket, Request, hostile_bucket
from tests.tiny_bundle import write_tiny_bundle
from tests.waiting import wait_until

ROOT = Path(__file__).parents[2]
URL = "s3://moodfeed/p"


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[HostileBucket]:
    """A bucket with one published bundle."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    with hostile_bucket() as bucket:
        for name, value in bucket.environment().items():
            monkeypatch.setenv(name, value)
        publish(bucket, write_tiny_bundle(tmp_path / "made"))
        yield bucket


@pytest.fixture
def here(tmp_path: Path) -> Path:
    return tmp_path / "here"


def publish(bucket: HostileBucket, directory: Path) -> None:
    for path in directory.rglob("*"):
        if path.is_file():
            bucket.objects[f"p/{directory.name}/{path.relative_to(directory)}"] = path.read_bytes()
    bucket.objects["p/current"] = json.dumps({"bundle_id": directory.name}).encode()


def following(here: Path) -> Follower:
    return Follower(Bucket(URL, seconds=1), here, keep=5)


def process(here: Path, *options: str, **settings: str) -> subprocess.Popen[str]:
    environment = os.environ | {
        "PYTHONPATH": str(ROOT),
        "MOODFEED_BUNDLES": str(here),
        "MOODFEED_BUNDLE_SYNC_BUCKET": URL,
        "MOODFEED_BUNDLE_SYNC_METRICS_PORT": "0",
    }
    command = [sys.executable, "-m", "bundle_sync", *options]
    return subprocess.Popen(command, env=environment | settings, stderr=subprocess.PIPE, text=True)


def refusal(address: str = URL) -> str:
    with pytest.raises(BucketError) as error:
        Bucket(address)
    return str(error.value)


@pytest.mark.parametrize(
    "address", ["", "s3://", "s3://Moodfeed/p", "s3://moodfeed/../p", "s3://moodfeed/p/./q", "s3://moodfeed/a\nb"]
)
def test_an_address_that_is_none_is_refused_by_name(address: str) -> None:
    assert refusal(address) == f"{address!r} is not an address of a bucket: write s3://BUCKET/PREFIX"


def test_a_password_in_an_address_is_not_repeated() -> None:
    assert "hush" not in refusal("s3://user:hush@moodfeed/p")


@pytest.mark.parametrize(
    ("variable", "value", "reason"),
    [
        ("AWS_ENDPOINT_URL", "127.0.0.1:9000", "is '127.0.0.1:9000', which is not an address"),
        ("AWS_ENDPOINT_URL", "http://", "which is not an address"),
        ("AWS_ENDPOINT_URL_S3", "ftp://127.0.0.1", "which is not an address"),
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:99999", "which is not an address"),
        ("AWS_ENDPOINT_URL", "http://a b", "which is not an address"),
        ("AWS_ENDPOINT_URL", "http://user:hush@127.0.0.1:9000", "must not hold a user or a password"),
        ("AWS_ACCESS_KEY_ID", "hush\x01", "another character that no credential has"),
        ("AWS_SECRET_ACCESS_KEY", "hush\nhush", "another character that no credential has"),
        ("AWS_SESSION_TOKEN", "hüsh hush", "another character that no credential has"),
        ("AWS_REGION", "no where", "is not the name of a region"),
    ],
)
def test_a_wrong_aws_variable_is_named_and_no_secret_repeated(
    variable: str, value: str, reason: str, monkeypatch: pytest.MonkeyPatch, bucket: HostileBucket
) -> None:
    monkeypatch.setenv(variable, value)
    said = refusal()
    assert said.startswith(variable)
    assert reason in said
    assert "hush" not in said
    assert bucket.asked == []


def test_variables_with_a_newline_and_empty_ones_are_tidied(
    bucket: HostileBucket, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {**bucket.environment(), "AWS_REGION": "eu-central-1"}.items():
        monkeypatch.setenv(name, f" {value}\n")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "")
    tokens: list[str | None] = []
    bucket.trick = lambda request, _: tokens.append(request.headers.get("x-amz-security-token")) or False
    assert following(here).look() == SWITCHED
    assert set(tokens) == {None}


@pytest.mark.parametrize("part", ["current", "manifest.json", "users.safetensors", "sidecar.json"])
@pytest.mark.parametrize("status", [204, 206, 301, 304, 400, 403, 404, 500])
def test_a_bundle_comes_whole_or_not_at_all_whatever_the_server_answers(
    part: str, status: int, bucket: HostileBucket, here: Path
) -> None:
    def refuse(request: Request, name: str) -> bool:
        if name.endswith(part):
            request.answer(status, b"<Error><Code>SecretOfTheServer</Code></Error>")
        return name.endswith(part)

    bucket.trick = refuse
    outcome = following(here).look()
    if outcome == SWITCHED:
        assert part == "sidecar.json", "a bundle is whole without it"
        assert open_bundle(current_bundle(here))
    else:
        assert outcome in set(Fault)
        assert not (here / "current").exists()
        assert not [path for path in here.glob("*") if not path.name.startswith(".")]


def test_a_server_that_calls_unchanged_what_was_never_sent_is_no_success(bucket: HostileBucket, here: Path) -> None:
    bucket.trick = lambda request, _: request.answer(304) is None
    assert following(here).look() == Fault.CORRUPT
    once = process(here, "--once")
    _, said = once.communicate(timeout=60)
    assert once.returncode == 1
    assert "the server says that it has not changed" in said


@pytest.mark.parametrize(
    ("status", "words"), [(400, "the server answers 400"), (301, "check AWS_REGION"), (403, "check the credentials")]
)
def test_what_the_server_answers_is_told_by_its_number_alone(
    status: int, words: str, bucket: HostileBucket, here: Path
) -> None:
    bucket.trick = lambda request, _: request.answer(status, b"<Error>SecretOfTheServer</Error>") is None
    with pytest.raises(BucketError) as error:
        Bucket(URL, seconds=1).current()
    assert words in str(error.value)
    assert "SecretOfTheServer" not in str(error.value)


def test_a_directory_that_someone_pointed_elsewhere_is_brought_back_to_the_bucket(
    bucket: HostileBucket, here: Path, tmp_path: Path
) -> None:
    follower = following(here)
    assert follower.look() == SWITCHED
    published = current_bundle(here).name
    other = write_tiny_bundle(tmp_path / "made", seed=1)
    shutil.copytree(other, here / other.name)
    point_current_at(here, other.name)
    assert follower.look() == SWITCHED
    assert current_bundle(here).name == published
    assert follower.look() == UNCHANGED


@pytest.mark.parametrize("content", [b"", b"{}", b"x" * 5000])
def test_publishing_mends_a_pointer_that_names_no_bundle(
    content: bytes, bucket: HostileBucket, here: Path, tmp_path: Path
) -> None:
    bundle = open_bundle(write_tiny_bundle(tmp_path / "made"))
    bucket.objects["p/current"] = content
    assert following(here).look() == Fault.CORRUPT
    assert publish_to(Bucket(URL, seconds=1), bundle) is None
    assert following(here).look() == SWITCHED


def test_a_publisher_whose_answer_was_lost_is_not_told_that_another_was_faster(
    bucket: HostileBucket, tmp_path: Path
) -> None:
    lost: list[str] = []

    def lose(request: Request, name: str) -> bool:
        if name.endswith("current") and not lost:
            lost.append(name)
            request.answer(500)
            return True
        return False

    bucket.lose = lose
    bundle = open_bundle(write_tiny_bundle(tmp_path / "made", seed=1))
    assert publish_to(Bucket(URL, seconds=5), bundle)
    assert lost
    assert Bucket(URL).current() is not None
    assert json.loads(bucket.objects["p/current"])["bundle_id"] == bundle.bundle_id


@pytest.mark.parametrize("options", [(), ("--once",)])
def test_a_signal_ends_a_process_that_waits_for_the_server_or_for_another_process(
    options: tuple[str, ...], bucket: HostileBucket, here: Path
) -> None:
    def hang(_request: Request, name: str) -> bool:
        if name.endswith("users.safetensors"):
            bucket.let_go.wait(60)
            return True
        return False

    bucket.trick = hang
    first = process(here, *options)
    wait_until(lambda: any("users.safetensors" in each for each in bucket.asked), what="a request that hangs")
    second = process(here, *options)
    try:
        assert second.stderr
        for line in second.stderr:
            if "waiting for another process" in line:
                break
        for each in (second, first):
            began = time.monotonic()
            each.send_signal(signal.SIGTERM)
            _, said = each.communicate(timeout=25)  # Kubernetes kills after 30 s
            assert each.returncode == (1 if options else 0)
            assert time.monotonic() - began < 25
            assert "Traceback" not in said
            assert "uncaught" not in said
    finally:
        first.kill()
        second.kill()
    assert not [path for path in here.iterdir() if not path.name.startswith(".")]
    bucket.trick = lambda _request, _name: False
    assert following(here).look() == SWITCHED
    assert following(here).look() == UNCHANGED


def test_a_port_of_the_metrics_that_is_in_use_is_said_in_one_line(bucket: HostileBucket, here: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
        started = process(here, MOODFEED_BUNDLE_SYNC_METRICS_PORT=str(port))
        _, said = started.communicate(timeout=60)
    assert started.returncode == 2
    assert f"metrics cannot be served on 127.0.0.1:{port}: Address already in use" in said
    assert len(said.splitlines()) == 1


def test_half_a_file_that_another_bundle_has_meanwhile_is_no_part_of_the_new_one(
    bucket: HostileBucket, here: Path, tmp_path: Path
) -> None:
    assert following(here).look() == SWITCHED
    old, new = open_bundle(current_bundle(here)), open_bundle(write_tiny_bundle(tmp_path / "made", seed=1))
    publish(bucket, new.directory)
    shared = [name for name, entry in new.manifest.files.items() if entry in old.manifest.files.values()]
    for name in shared:
        part = here / f".incomplete-{new.bundle_id}" / new.bundle_id / Path(name).parent / f".{Path(name).name}.part"
        part.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(b"half of it")
    assert shared
    assert following(here).look() == SWITCHED
    assert current_bundle(here).name == new.bundle_id
    assert [path for path in current_bundle(here).rglob("*") if path.name.startswith(".")] == []
