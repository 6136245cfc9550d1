"""What a process of a training does with variables that torchrun would never set: a line, and no wait."""

import socket

import pytest
from typer.testing import CliRunner

from cli.subcommands import app
from pipeline.ranks import LostRanksError, joined_ranks

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


def test_a_port_that_another_program_holds_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = str(held.getsockname()[1])
        for name, value in (RIGHT | {"MASTER_PORT": port}).items():
            monkeypatch.setenv(name, value)
        with pytest.raises(LostRanksError, match=f"at 127.0.0.1:{port}, .* or the port is in use"), joined_ranks("cpu"):
            pass
