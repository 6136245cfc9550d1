"""What a process of a training does with variables and options that cannot be right: a line, and no wait."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.subcommands import app
from pipeline.ranks import LostRanksError, joined_ranks
from tests.held_port import held_port
from tests.waiting import wait_until

ROOT = Path(__file__).parents[2]

RIGHT = {"RANK": "0", "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "29500"}


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("WORLD_SIZE", "0", "must be a number of at least 1"),
        ("WORLD_SIZE", "two", "must be a number of at least 1"),
        ("RANK", "2", "must be below WORLD_SIZE, which is 2"),
        ("RANK", "-1", "must be a number of at least 0"),
        ("RANK", "", "must be a number of at least 0"),
        ("MASTER_ADDR", None, "is not set and must be the host of process 0"),
        ("MASTER_PORT", None, "is not set and must be a number of at least 1 and at most 65535"),
        ("MASTER_PORT", "99999", "must be a number of at least 1 and at most 65535"),
        ("LOCAL_RANK", "x", "must be a number of at least 0"),
    ],
)
def test_a_wrong_variable_is_named_before_anything_is_read(
    name: str, value: str | None, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for each, right in {**RIGHT, name: value}.items():
        monkeypatch.delenv(each, raising=False) if right is None else monkeypatch.setenv(each, right)
    said = CliRunner().invoke(app, ["train", "--data", "/none"], terminal_width=1000)
    text = " ".join(said.output.replace("│", " ").split())
    assert said.exit_code == 2, text
    assert f"the variable {name} " in text
    assert reason in text


def test_another_number_of_processes_than_torchrun_started_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for each, right in RIGHT.items():
        monkeypatch.setenv(each, right)
    command = ["train", "--data", str(tmp_path), "--config", "configs/large.toml", "--processes", "3"]
    said = CliRunner().invoke(app, command, terminal_width=1000)
    text = " ".join(said.output.replace("│", " ").split())
    assert said.exit_code == 2, text
    assert "3 are asked for, and torchrun has started 2, as the variable WORLD_SIZE says" in text


def test_a_port_that_another_program_holds_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = str(held.getsockname()[1])
        for name, value in (RIGHT | {"MASTER_PORT": port}).items():
            monkeypatch.setenv(name, value)
        with pytest.raises(LostRanksError, match=f"at 127.0.0.1:{port}, .* or the port is in use"), joined_ranks("cpu"):
            pass


@pytest.mark.parametrize("signal_number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_is_heard_while_another_process_is_waited_for(signal_number: signal.Signals) -> None:
    program = "from pipeline.ranks import joined_ranks; print(1, flush=True); joined_ranks('cpu').__enter__()"
    run = f"from cli.stop_signals import *\nwith interrupting_stop_signals():\n    {program}"
    with held_port() as port:
        waiting = subprocess.Popen(
            [sys.executable, "-c", run],
            env=os.environ | RIGHT | {"MASTER_PORT": str(port), "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            assert waiting.stdout
            waiting.stdout.readline()
            wait_until(lambda: is_listening(port), what="a process that waits for the other one")
            waiting.send_signal(signal_number)
            _, said = waiting.communicate(timeout=30)
        finally:
            waiting.kill()
    assert waiting.returncode != 0
    assert "KeyboardInterrupt" in said, "which the command tells in one line"


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (("--processes", "2", "--device", "gpu"), 2, "is neither cpu nor cuda"),
        (("--log", "/none/none/log"), 1, "/none/none/log"),
        (("--log", "/dev/null/log", "--processes", "2"), 1, "/dev/null/log"),
    ],
)
def test_a_device_or_a_log_that_cannot_be_is_refused_before_anything_is_trained(
    options: tuple[str, ...], code: int, words: str, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "cli", "train", "--data", str(tmp_path), *options]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    assert ended.returncode == code
    assert words in ended.stderr
    assert "Traceback" not in ended.stderr
    assert "clean/posts" not in ended.stderr


def is_listening(port: int) -> bool:
    with socket.socket() as caller:
        return caller.connect_ex(("127.0.0.1", port)) == 0
