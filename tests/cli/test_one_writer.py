"""Two processes do not replace the same files of a data directory at once."""

import errno
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cli.__main__ import main
from cli.one_writer import BusyDirectoryError, only_writer, only_writer_if_there
from pipeline.workspace import Workspace

HOLD = """
import sys
from pathlib import Path
from cli.one_writer import only_writer
with only_writer(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def held_by_another(directory: Path) -> Iterator[None]:
    """Another process writes to a directory, and is killed at the end."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, directory], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "held\n"
        try:
            yield
        finally:
            process.kill()


@pytest.fixture
def workspace(small_workspace: Workspace, tmp_path: Path) -> Workspace:
    shutil.copytree(small_workspace.clean, tmp_path / "data" / "clean")
    workspace = Workspace(tmp_path / "data")
    shutil.copyfile(small_workspace.text_embeddings, workspace.text_embeddings)
    return workspace


def files_of(workspace: Workspace) -> dict[Path, float]:
    return {path: path.stat().st_mtime for path in workspace.directory.rglob("*") if path.is_file()}


def test_a_second_run_refuses_and_the_first_loses_nothing(tmp_path: Path) -> None:
    (tmp_path / "events.csv").write_text("user,post\na,p\n", encoding="utf-8")
    commands = (
        ["run", "--once", "--data", tmp_path / "data", "--bundles", tmp_path / "bundles"],
        ["import", tmp_path / "events.csv", "--data", tmp_path / "data-sample"],
    )
    with held_by_another(tmp_path / "data-sample"):
        for command in commands:
            second = subprocess.run(
                [sys.executable, "-m", "cli", *command], capture_output=True, text=True, timeout=120, check=False
            )
            assert second.returncode == 1
            assert second.stderr.count("\n") == 1
            assert f"another moodfeed process is writing to {tmp_path / 'data-sample'}: wait" in second.stderr
        assert list((tmp_path / "data-sample").iterdir()) == []
        assert not (tmp_path / "bundles").exists()
    with only_writer(tmp_path / "data-sample"):
        pass


@pytest.mark.parametrize(
    ("held", "command"),
    [
        (".", ["score"]),
        (".", ["embed"]),
        (".", ["forget", "--post", "1"]),
        ("towers/softmax", ["train"]),
        ("evaluation_towers", ["evaluate"]),
        ("evaluation_towers", ["evaluate", "--live"]),
        ("evaluation_towers", ["forget", "--post", "1"]),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value[:2]),
)
def test_a_stage_refuses_while_another_process_writes_what_it_replaces(
    held: str,
    command: list[str],
    workspace: Workspace,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    before = files_of(workspace)
    monkeypatch.setattr(sys, "argv", ["moodfeed", *command, "--data", str(workspace.directory)])
    with held_by_another(workspace.directory / held):
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code == 1
        said = capsys.readouterr().err.splitlines()
        assert f"another moodfeed process is writing to {workspace.directory / held}: wait until it ends" in said[-1]
    assert files_of(workspace) == before


@pytest.mark.parametrize("held", [".", "towers/bce", "evaluation_towers"])
def test_a_training_goes_on_beside_a_refresh_an_evaluation_and_a_training_of_another_objective(
    held: str, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ["train", "--epochs", "1", "--data", str(workspace.directory)]
    monkeypatch.setattr(sys, "argv", ["moodfeed", *command])
    with held_by_another(workspace.directory / held), pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code in {0, None}


def test_a_directory_that_is_not_there_is_not_made_to_be_held(tmp_path: Path) -> None:
    with only_writer_if_there(tmp_path / "mistyped"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_where_no_directory_can_be_locked_nobody_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EBADF, "as NFS says of a directory")

    monkeypatch.setattr("fcntl.flock", refuse)
    with only_writer(tmp_path):
        pass


def test_a_stage_within_a_build_holds_the_directory_already(tmp_path: Path) -> None:
    with only_writer(tmp_path), only_writer(tmp_path / "."):
        pass
    with only_writer(tmp_path):
        pass


def test_the_error_says_what_to_do(tmp_path: Path) -> None:
    with (
        held_by_another(tmp_path),
        pytest.raises(BusyDirectoryError, match="choose another directory with --data"),
        only_writer(tmp_path),
    ):
        pass
