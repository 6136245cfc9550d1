"""`moodfeed train` as a process that is stopped: it saves, says how to go on, and goes on."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.workspace import Workspace


@pytest.fixture
def data(small_workspace: Workspace, tmp_path: Path) -> Path:
    shutil.copytree(small_workspace.clean, tmp_path / "clean")
    shutil.copyfile(small_workspace.text_embeddings, Workspace(tmp_path).text_embeddings)
    return tmp_path


def start_training(data: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "cli", "train", "--data", str(data), "--epochs", "200"]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


def wait_for(process: subprocess.Popen[str], words: str) -> str:
    assert process.stdout
    for line in process.stdout:
        if words in line:
            return line
    raise AssertionError(f"{words!r} was never printed: {process.stderr.read() if process.stderr else ''}")


@pytest.mark.timeout(900)  # seven processes that load torch
def test_a_training_that_is_stopped_or_killed_says_how_to_go_on_and_goes_on(data: Path) -> None:
    first = start_training(data)
    wait_for(first, "epoch 1: training loss")
    first.send_signal(signal.SIGTERM)
    _, said = first.communicate()
    assert first.returncode == 143
    assert "run the same command again to resume" in said
    assert len([line for line in said.strip().splitlines() if not line.startswith("Settings: ")]) == 1

    second = start_training(data)
    assert "Resuming the interrupted training in epoch" in wait_for(second, "Resuming")
    second.send_signal(signal.SIGINT)
    _, said = second.communicate()
    assert second.returncode == 130
    assert "\ntraining stopped in epoch" in said

    third = start_training(data)
    wait_for(third, "Resuming")
    third.kill()
    third.communicate()
    fourth = start_training(data)
    wait_for(fourth, "Resuming")
    fourth.kill()
    fourth.communicate()
