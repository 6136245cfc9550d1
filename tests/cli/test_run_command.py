"""`moodfeed run` makes its bundle in a process of its own, and carries what becomes of it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from cli.run_command import STRANGER, _cases
from moodfeed.feed.v1 import feed_pb2
from pipeline.raw_store import RawStore

HEAVY = {"torch", "transformers", "pandas", "openvino", "pipeline.train"}

INTERRUPTIBLE = (  # a shell's background jobs, which these tests may be part of, ignore SIGINT
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); from cli.__main__ import main; main()"
)


def command(tmp_path: Path) -> list[object]:
    return ["run", "--once", "--data", tmp_path / "data", "--bundles", tmp_path / "bundles"]


def test_a_build_that_fails_gives_its_own_error_and_exit_code_and_loads_nothing_heavy_here(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "raw.sqlite").write_bytes(b"not a database, but as long as the header of one" * 10)
    program = (
        "import sys\n"
        "from cli.__main__ import main\n"
        "try:\n"
        "    main()\n"
        "finally:\n"
        f"    print('heavy:', sorted({HEAVY} & sys.modules.keys()))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *map(str, command(tmp_path))],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 1
    assert not (tmp_path / "data-sample").exists()
    assert done.stdout.splitlines()[-1] == "heavy: []"
    assert done.stderr.count("\n") == 1
    assert "raw.sqlite" in done.stderr


@pytest.mark.parametrize(
    ("variable", "value"),
    [("MOODFEED_POST_INDEX_SHARDS", "2"), ("MOODFEED_GATEWAY_POST_INDEX_ADDRESS", "a:50052;b:50052")],
)
@pytest.mark.parametrize("name", ["run", "serve"])
def test_a_divided_index_is_refused_before_anything_is_made(
    name: str, variable: str, value: str, tmp_path: Path
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "cli", name, "--data", tmp_path / "data", "--bundles", tmp_path / "bundles"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=os.environ | {variable: value, "NO_COLOR": "1"},
    )
    assert done.returncode == 2, done.stderr
    assert variable in done.stderr
    assert "docs/shards.md" in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_build_and_the_command(tmp_path: Path, number: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", INTERRUPTIBLE, *map(str, command(tmp_path))],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        assert "No bundle yet" in process.stdout.readline()
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text(encoding="utf-8").split()
        assert len(children) == 1
        process.send_signal(number)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in errors
    with pytest.raises(ProcessLookupError):
        os.kill(int(children[0]), 0)
    assert not (tmp_path / "bundles" / "current").exists()
    assert not (tmp_path / "data").exists()


def test_own_rows_are_built_from_and_never_the_sample_in_their_place(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    with RawStore(tmp_path / "data" / "raw.sqlite") as store:
        store.claim("https://own.example")
    done = subprocess.run(
        [sys.executable, "-m", "cli", *map(str, command(tmp_path))],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 1
    assert "making one from the fetched rows" in " ".join(done.stdout.split())
    assert "there are no posts" in " ".join(done.stderr.split())
    assert not (tmp_path / "data-sample").exists()
    assert not (tmp_path / "bundles").exists()


def test_a_bundle_without_users_or_categories_shows_the_cases_that_it_has() -> None:
    loud = feed_pb2.Category(category_id=7, name="loud", post_count=3)
    assert len(_cases("ana", [loud])) == 9
    assert {case.username for case in _cases(None, [loud])} == {STRANGER, " "}
    for person in ("ana", None):
        assert {case.category_id for case in _cases(person, [])} == {None, -1}
