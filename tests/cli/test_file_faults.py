"""A fault of the disk is one line that names the path and what to do."""

import ctypes
import errno
import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from cli.file_faults import fault_of_a_file, refuse_unwritable
from cli.subcommands import app

PRINT = """
from pathlib import Path
import cli.__main__ as command
def subcommand(stop):
    import sys
    with open("file", "w", encoding="utf-8") as file:
        assert file.fileno() > 2
        print(sys.stdout.isatty(), flush=True)
        file.write("whole")
command._run_subcommand = subcommand
command.main()
"""
EVENTS = "user,post\n" + "".join(f"u{number},p{number}\n" for number in range(9))


def obey_permissions() -> None:
    """Give up root's right to write where nobody may; anybody else has it not."""
    for capability in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
        ctypes.CDLL(None).prctl(24, capability, 0, 0, 0)


def ended(*command: str | Path, **options: object) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "cli", *command], capture_output=True, text=True, timeout=120, check=False, **options
    )


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with a foreign file, and in ``data`` what was imported from it."""
    directory = tmp_path_factory.mktemp("imported")
    (directory / "events.csv").write_text(EVENTS, encoding="utf-8")
    assert ended("import", "events.csv", "--data", directory / "data", cwd=directory).returncode == 0
    return directory


@pytest.mark.parametrize("command", [["import", "events.csv"], ["score"], ["train"]])
def test_a_directory_that_may_not_be_written_is_named(imported: Path, tmp_path: Path, command: list[str]) -> None:
    shutil.copytree(imported, tmp_path, dirs_exist_ok=True)
    data = tmp_path / "data"
    before = sorted(path.name for path in data.rglob("*"))
    data.chmod(0o500)
    try:
        done = ended(*command, "--data", data, cwd=tmp_path, preexec_fn=obey_permissions)
    finally:
        data.chmod(0o700)
    assert done.returncode == 1
    said = [line for line in done.stderr.splitlines() if not line.startswith("Settings: ")]
    assert len(said) == 1
    assert f"{data}: Permission denied; give this user the permission" in done.stderr
    assert sorted(path.name for path in data.rglob("*")) == before


@pytest.mark.parametrize(
    ("command", "option"),
    [
        *((name, "--data") for name in ("fetch", "clean", "score", "embed", "train", "evaluate", "export", "build",
                                        "validate", "run", "ensure-bundle")),
        *((name, "--bundles") for name in ("run", "serve", "bundles", "rollback", "users", "report", "export")),
    ],
)  # fmt: skip
def test_a_file_in_the_path_of_a_directory_stops_a_command_before_it_begins(
    tmp_path: Path, command: str, option: str
) -> None:
    (tmp_path / "file").touch()
    upstream = ["--url", "http://127.0.0.1:9", "--flic-token", "a", "--resonance-algorithm", "b"]
    arguments = [
        command,
        option,
        str(tmp_path / "file" / "below"),
        *(upstream if command in {"fetch", "build"} else []),
    ]
    with pytest.raises(NotADirectoryError) as raised:
        app(arguments, standalone_mode=False)
    reason = fault_of_a_file(raised.value)
    assert reason is not None
    assert f"({tmp_path / 'file'} is a file); a part of the path is a file; choose another path" in reason


@pytest.mark.parametrize(
    ("number", "advice"),
    [
        (errno.EACCES, "give this user the permission, or choose another directory"),
        (errno.EROFS, "choose a directory on a disk that can be written"),
        (errno.ENOSPC, "free some space, or choose another disk"),
        (errno.EISDIR, "there is a directory where a file is needed"),
        (errno.ENAMETOOLONG, "choose a shorter path"),
    ],
)
def test_a_fault_names_the_path_and_what_to_do(number: int, advice: str) -> None:
    reason = fault_of_a_file(OSError(number, os.strerror(number), "/x/y"))
    assert reason is not None
    assert reason.startswith(f"/x/y: {os.strerror(number)}; {advice}")


def test_a_disk_that_refuses_arrays_is_a_fault_of_a_file(tmp_path: Path) -> None:
    with pytest.raises(Exception, match="os error") as raised:
        save_file({"a": np.zeros(1)}, tmp_path / "absent" / "file")
    reason = fault_of_a_file(raised.value)
    assert reason is not None
    assert "No such file or directory" in reason
    assert str(tmp_path) in reason


def test_a_file_that_the_directory_refuses_is_named_by_the_directory(tmp_path: Path) -> None:
    reason = fault_of_a_file(PermissionError(errno.EACCES, "Permission denied", str(tmp_path / ".x.incomplete")))
    assert reason is not None
    assert reason.startswith(f"{tmp_path}: Permission denied")


def test_what_a_long_stage_writes_at_its_end_is_tried_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refuse_unwritable(tmp_path, tmp_path / "absent" / "file")
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may write everywhere
    with pytest.raises(PermissionError) as raised:
        refuse_unwritable(tmp_path / "absent" / "file")
    assert raised.value.filename == str(tmp_path)


def test_a_database_that_cannot_be_opened_says_what_to_do() -> None:
    reason = fault_of_a_file(sqlite3.OperationalError("unable to open database file"))
    assert reason is not None
    assert "--data" in reason


def test_other_errors_are_no_faults_of_files() -> None:
    assert fault_of_a_file(ValueError("x")) is None
    assert fault_of_a_file(OSError("x")) is None


def test_a_full_disk_behind_the_output_is_one_line(tmp_path: Path) -> None:
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        done = subprocess.run(
            [sys.executable, "-c", PRINT], stdout=full, stderr=subprocess.PIPE, text=True, check=False, cwd=tmp_path
        )
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "No space left on device; free some space" in done.stderr


@pytest.mark.parametrize("closed", [(0,), (1,), (2,), (0, 1, 2)])
def test_a_stream_that_the_shell_closed_is_the_null_device(tmp_path: Path, closed: tuple[int, ...]) -> None:
    # By a shell: in a fork of this process, gRPC's own threads would meet the closed descriptors.
    closing = " ".join(f"{descriptor}>&-" for descriptor in closed)
    done = subprocess.run(
        ["/bin/sh", "-c", f'exec "$@" {closing}', "sh", sys.executable, "-c", PRINT],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert done.returncode == 0
    assert done.stderr == ""
    assert done.stdout == ("" if 1 in closed else "False\n")
    assert (tmp_path / "file").read_text(encoding="utf-8") == "whole"


def test_a_working_directory_that_was_deleted_is_named(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    done = subprocess.run(
        ["/bin/sh", "-c", 'rmdir ../gone && exec "$@"', "sh", sys.executable, "-c", PRINT],
        capture_output=True,
        text=True,
        check=False,
        cwd=gone,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert done.returncode == 1
    assert "the current directory has been deleted: change into another one" in done.stderr
    assert "Traceback" not in done.stderr
