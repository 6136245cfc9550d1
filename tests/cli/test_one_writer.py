"""Two processes do not replace the tables of one directory at once."""

import subprocess
import sys
from pathlib import Path

import pytest

from cli.one_writer import BusyDirectoryError, only_writer

HOLD = """
import sys
from pathlib import Path
from cli.one_writer import only_writer
with only_writer(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_second_run_refuses_and_the_first_loses_nothing(tmp_path: Path) -> None:
    (tmp_path / "events.csv").write_text("user,post\na,p\n", encoding="utf-8")
    commands = (
        ["run", "--once", "--data", tmp_path / "data", "--bundles", tmp_path / "bundles"],
        ["import", tmp_path / "events.csv", "--data", tmp_path / "data-sample"],
    )
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, tmp_path / "data-sample"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as first:
        assert first.stdout
        assert first.stdout.readline() == "held\n"
        for command in commands:
            second = subprocess.run(
                [sys.executable, "-m", "cli", *command], capture_output=True, text=True, timeout=120, check=False
            )
            assert second.returncode == 1
            assert second.stderr.count("\n") == 1
            assert f"another moodfeed process is writing to {tmp_path / 'data-sample'}: wait" in second.stderr
        assert list((tmp_path / "data-sample").iterdir()) == []
        assert not (tmp_path / "bundles").exists()
        first.kill()
    with only_writer(tmp_path / "data-sample"):
        pass


def test_a_stage_within_a_build_holds_the_directory_already(tmp_path: Path) -> None:
    with only_writer(tmp_path), only_writer(tmp_path / "."):
        pass
    with only_writer(tmp_path):
        pass


def test_the_error_says_what_to_do(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, tmp_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as first:
        assert first.stdout
        first.stdout.readline()
        with pytest.raises(BusyDirectoryError, match="choose another directory with --data"), only_writer(tmp_path):
            pass
        first.kill()
