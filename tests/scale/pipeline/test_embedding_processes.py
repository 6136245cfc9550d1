"""`moodfeed embed --processes 2` as people use it: interrupted, with a process killed, and run again."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from benchmarks.scale.made_up_events import Size, write_events
from benchmarks.scale.resident_memory import tree
from pipeline.workspace import Workspace
from tests.waiting import wait_until

ROOT = Path(__file__).parents[3]
TEXTS = 1_500
SECONDS = 400


@pytest.fixture(scope="module", autouse=True)
def only_when_asked_for(request: pytest.FixtureRequest) -> None:
    if not request.config.getoption("--run-scale"):
        pytest.skip("takes a minute: run `make test-scale`")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace of many short texts, embedded in one process."""
    directory = tmp_path_factory.mktemp("whole")
    write_events(directory / "source", Size(TEXTS, 100, TEXTS))
    run("import", str(directory / "source"), "--data", str(directory))
    run("embed", "--data", str(directory))
    return directory


@pytest.fixture
def workspace(whole: Path, tmp_path: Path) -> Workspace:
    """The same, not embedded."""
    shutil.copytree(whole / "clean", tmp_path / "clean")
    return Workspace(tmp_path)


def start(*command: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "cli", *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env=os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        start_new_session=True,
    )


def run(*command: str) -> str:
    process = start(*command)
    said, complained = process.communicate(timeout=SECONDS)
    assert process.returncode == 0, complained
    return said


@pytest.fixture
def embedding(workspace: Workspace) -> Iterator[tuple[subprocess.Popen[str], list[int]]]:
    """The command once some texts are embedded, and the ids of its workers."""
    process = start("embed", "--data", str(workspace.directory), "--processes", "2")
    try:
        wait_until(partial(has_embedded, workspace, process), what="a first batch", seconds=SECONDS)
        workers = [pid for pid in tree(process.pid) if pid != process.pid and is_worker(pid)]
        assert len(workers) == 2
        yield process, workers
    finally:
        process.kill()
        process.communicate()


def has_embedded(workspace: Workspace, process: subprocess.Popen[str]) -> bool:
    assert process.poll() is None, "it has ended"
    return workspace.text_cache.exists() and workspace.text_cache.stat().st_size > 500_000


def is_worker(pid: int) -> bool:
    return b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()


def is_gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()[0] == "Z"
    except OSError:
        return True


def assert_resumes(workspace: Workspace, whole: Path) -> None:
    """The rest is embedded, and the file has the bits of that of one process."""
    said = run("embed", "--data", str(workspace.directory), "--processes", "2")
    assert "reused 0" not in said
    assert workspace.text_embeddings.read_bytes() == Workspace(whole).text_embeddings.read_bytes()


@pytest.mark.timeout(900)
def test_ctrl_c_ends_all_processes_and_the_next_run_goes_on(
    embedding: tuple[subprocess.Popen[str], list[int]], workspace: Workspace, whole: Path
) -> None:
    process, workers = embedding
    os.killpg(process.pid, signal.SIGINT)  # as a terminal sends it: to every process of the group
    _, complained = process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGINT, complained
    assert complained == "stopped by SIGINT: nothing is half-written; the same command does it again\n"
    for pid in workers:
        wait_until(partial(is_gone, pid), seconds=30)
    assert not workspace.text_embeddings.exists()
    assert_resumes(workspace, whole)


@pytest.mark.timeout(900)
def test_a_killed_process_is_told_in_one_line_and_the_next_run_goes_on(
    embedding: tuple[subprocess.Popen[str], list[int]], workspace: Workspace, whole: Path
) -> None:
    process, workers = embedding
    os.kill(workers[0], signal.SIGKILL)
    _, complained = process.communicate(timeout=60)
    assert process.returncode == 1
    assert complained.startswith("error: a process that embeds texts was ended, by a signal or for want of memory: ")
    assert "run the same command again" in complained
    assert complained.count("\n") == 1
    for pid in workers:
        wait_until(partial(is_gone, pid), seconds=30)
    assert_resumes(workspace, whole)
