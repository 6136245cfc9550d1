"""`moodfeed train --processes 2` as people use it: it ends as one process does, also when processes are killed."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from cli.training_processes import RESTARTS
from pipeline.trained_towers import TrainedTowers
from pipeline.workspace import Workspace
from tests.waiting import wait_until

ROOT = Path(__file__).parents[3]
EPOCHS = "4"
STARTED: list[subprocess.Popen[str]] = []


@pytest.fixture(autouse=True)
def no_training_outlives_its_test() -> Iterator[None]:
    """A test that fails half-way would leave its training running beside those of the next ones."""
    yield
    for training in STARTED:
        if training.poll() is None:
            training.kill()
            training.communicate()  # its processes notice, and end as well
    STARTED.clear()


@pytest.fixture(scope="module")
def tables(small_workspace: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copied(small_workspace, tmp_path_factory.mktemp("tables"))


def copied(workspace: Workspace, directory: Path) -> Path:
    shutil.copytree(workspace.clean, directory / "clean")
    shutil.copyfile(workspace.text_embeddings, Workspace(directory).text_embeddings)
    return directory


def start(data: Path, *options: str, launcher: tuple[str, ...] = ("-m", "cli")) -> subprocess.Popen[str]:
    command = [sys.executable, *launcher, "train", "--data", str(data), "--epochs", EPOCHS, *options]
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
    )
    STARTED.append(process)
    return process


def trained(data: Path, *options: str, launcher: tuple[str, ...] = ("-m", "cli")) -> tuple[str, TrainedTowers]:
    process = start(data, *options, launcher=launcher)
    said, complained = process.communicate(timeout=400)
    assert process.returncode == 0, complained
    return said, towers_of(data)


def towers_of(data: Path) -> TrainedTowers:
    return TrainedTowers.read(Workspace(data).towers("softmax"))


def wait_for(process: subprocess.Popen[str], words: str) -> str:
    assert process.stdout
    said = ""
    for line in process.stdout:
        said += line
        if words in line:
            return said
    raise AssertionError(f"{words!r} was never printed: {said}{process.stderr.read() if process.stderr else ''}")


def weights(towers: TrainedTowers) -> list[torch.Tensor]:
    return [*towers.user_tower.state_dict().values(), *towers.post_tower.state_dict().values()]


def are_equal(one: TrainedTowers, other: TrainedTowers) -> bool:
    return all(torch.equal(a, b) for a, b in zip(weights(one), weights(other), strict=True))


def ranks_of(agent: int) -> list[int]:
    """The process ids of an agent's processes, by rank."""
    found = {}
    for directory in Path("/proc").iterdir():
        try:
            parent = int((directory / "stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()[1])
            environment = (directory / "environ").read_bytes().split(b"\0")
        except (OSError, ValueError, IndexError):
            continue
        ranks = [int(entry.split(b"=")[1]) for entry in environment if entry.startswith(b"RANK=")]
        if parent == agent and ranks:
            found[ranks[0]] = int(directory.name)
    return [pid for _, pid in sorted(found.items())]


@pytest.fixture(scope="module")
def by_one(small_workspace: Workspace, tmp_path_factory: pytest.TempPathFactory) -> TrainedTowers:
    return trained(copied(small_workspace, tmp_path_factory.mktemp("one")))[1]


@pytest.fixture(scope="module")
def by_two(small_workspace: Workspace, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, TrainedTowers, Path]:
    data = copied(small_workspace, tmp_path_factory.mktemp("two"))
    return (*trained(data, "--processes", "2", "--log", str(data / "log")), data)


@pytest.mark.timeout(900)
def test_two_processes_end_where_one_does(by_one: TrainedTowers, by_two: tuple[str, TrainedTowers, Path]) -> None:
    said, towers, data = by_two
    for one, two in zip(by_one.epochs, towers.epochs, strict=True):
        assert two.training_loss == pytest.approx(one.training_loss, rel=1e-4)
        assert two.validation_loss == pytest.approx(one.validation_loss, rel=1e-4)
        assert two.validated == one.validated
    for one, two in zip(weights(by_one), weights(towers), strict=True):
        torch.testing.assert_close(two, one, rtol=0, atol=2e-2)
    assert said.count("epoch 1: training loss") == 1, "one process tells of the progress"
    assert ", in 2 processes" in said
    lines = (data / "log").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["epoch"] for line in lines] == [1, 2, 3, 4]


@pytest.mark.timeout(900)
@pytest.mark.parametrize("killed", [0, 1])
def test_a_killed_process_costs_no_bit(
    killed: int, small_workspace: Workspace, by_two: tuple[str, TrainedTowers, Path], tmp_path: Path
) -> None:
    data = copied(small_workspace, tmp_path)
    training = start(data, "--processes", "2")
    wait_for(training, "epoch 2: training loss")
    os.kill(ranks_of(training.pid)[killed], signal.SIGKILL)
    said, complained = training.communicate(timeout=800)
    assert training.returncode == 0, complained
    assert "Resuming the interrupted training in epoch 3" in said
    assert 1 <= complained.count("another process of this training has ended") <= RESTARTS
    assert "Traceback" not in complained
    assert are_equal(towers_of(data), by_two[1])


@pytest.mark.timeout(900)
@pytest.mark.parametrize("signal_number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_all_and_the_same_command_goes_on(
    signal_number: signal.Signals, small_workspace: Workspace, by_two: tuple[str, TrainedTowers, Path], tmp_path: Path
) -> None:
    data = copied(small_workspace, tmp_path)
    training = start(data, "--processes", "2")
    wait_for(training, "epoch 1: training loss")
    pids = ranks_of(training.pid)
    assert len(pids) == 2
    training.send_signal(signal_number)
    _, complained = training.communicate(timeout=200)
    assert training.returncode == 128 + signal_number
    assert complained.count("run the same command again to resume") == 1, complained
    assert "Traceback" not in complained
    assert not [pid for pid in pids if Path(f"/proc/{pid}").exists()]
    said, towers = trained(data, "--processes", "2")
    assert "Resuming the interrupted training in epoch" in said
    assert are_equal(towers, by_two[1])


@pytest.mark.timeout(900)
def test_processes_whose_agent_was_killed_save_and_end(small_workspace: Workspace, tmp_path: Path) -> None:
    training = start(copied(small_workspace, tmp_path), "--processes", "2", "--epochs", "200")
    wait_for(training, "epoch 1: training loss")
    pids = ranks_of(training.pid)
    training.kill()
    training.communicate(timeout=200)  # until the last process has let go of the pipes
    wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids), what="the end of the processes")
    assert Workspace(tmp_path).checkpoint("softmax").exists()
    assert not [pid for pid in pids if Path(f"/proc/{pid}").exists()]


@pytest.mark.timeout(900)
def test_a_run_of_one_process_is_taken_up_by_two(
    small_workspace: Workspace, by_one: TrainedTowers, tmp_path: Path
) -> None:
    data = copied(small_workspace, tmp_path)
    training = start(data)
    wait_for(training, "epoch 2: training loss")
    training.send_signal(signal.SIGTERM)
    training.communicate(timeout=200)
    said, towers = trained(data, "--processes", "2")
    assert "Resuming the interrupted training in epoch 3" in said
    assert towers.epochs[:2] == by_one.epochs[:2]
    assert towers.epochs[-1].training_loss == pytest.approx(by_one.epochs[-1].training_loss, rel=1e-4)


@pytest.mark.timeout(900)
def test_torchrun_starts_it_too(
    small_workspace: Workspace, by_two: tuple[str, TrainedTowers, Path], tmp_path: Path
) -> None:
    launcher = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "cli")
    said, towers = trained(copied(small_workspace, tmp_path), launcher=launcher)
    assert said.count("epoch 1: training loss") == 1
    assert are_equal(towers, by_two[1])


@pytest.mark.timeout(300)
def test_what_a_new_start_cannot_mend_is_said_without_one(tmp_path: Path) -> None:
    training = start(tmp_path, "--processes", "2", "--config", str(tmp_path / "none.toml"))
    _, complained = training.communicate(timeout=200)
    assert training.returncode == 1
    assert "none.toml is missing" in complained


@pytest.mark.timeout(300)
def test_more_processes_than_a_batch_has_examples_are_refused(tables: Path) -> None:
    training = start(tables, "--processes", "300")
    _, complained = training.communicate(timeout=200)
    assert training.returncode == 2
    assert "300 processes cannot divide batches of 256 examples" in " ".join(complained.split())


@pytest.mark.timeout(300)
def test_a_damaged_checkpoint_is_named_and_starts_no_processes_anew(tables: Path) -> None:
    checkpoint = Workspace(tables).checkpoint("softmax")
    checkpoint.parent.mkdir(exist_ok=True)
    checkpoint.write_bytes(b"not a checkpoint")
    training = start(tables, "--processes", "2")
    _, complained = training.communicate(timeout=200)
    assert training.returncode == 1
    assert "delete it to train from the start" in complained
    assert complained.count("delete it to train from the start") <= 2, "each process at most once"
    assert "Traceback" not in complained
