"""Two processes that divide each batch train as one does; tests/scale/training has the command, kills and stops."""

import json
import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest
import torch
from torch.distributed import TCPStore

from pipeline.ranks import ALONE, Ranks
from pipeline.workspace import Workspace
from tests.held_port import held_port
from tests.pipeline import differ_as_rank, join_as_rank, train_as_rank
from tests.waiting import wait_until

ROOT = Path(__file__).parents[2]
LOST = "another process of this training has ended"


def said_by(command: list[str], *, started: int) -> list[str]:
    """What the first ``started`` of two processes print."""
    with held_port() as port:
        environment = os.environ | {
            "PYTHONPATH": str(ROOT),
            "MASTER_ADDR": "127.0.0.1",
            "MASTER_PORT": str(port),
            "WORLD_SIZE": "2",
        }
        processes = [
            subprocess.Popen(command, env=environment | {"RANK": str(rank)}, stdout=subprocess.PIPE, text=True)
            for rank in range(started)
        ]
        said = [process.communicate(timeout=200)[0] for process in processes]
    assert not any(process.returncode for process in processes)
    return said


@pytest.fixture(scope="module")
def by_two(small_workspace: Workspace) -> list[dict]:
    command = [sys.executable, train_as_rank.__file__, str(small_workspace.directory)]
    return [json.loads(text) for text in said_by(command, started=2)]


@pytest.fixture(scope="module")
def by_one(small_workspace: Workspace) -> dict:
    return train_as_rank.what_training_comes_to(small_workspace, ALONE)


@pytest.mark.parametrize("settings", train_as_rank.SETTINGS)
def test_two_processes_lose_what_one_does(settings: str, by_one: dict, by_two: list[dict]) -> None:
    """Rounding alone differs: at the first step in the last digits, later by what AdamW makes of them."""
    one, two = by_one[settings], by_two[0][settings]
    assert len(one["losses"]) == len(two["losses"]) > 3
    assert two["losses"][0] == pytest.approx(one["losses"][0], rel=1e-6)
    assert two["losses"][:4] == pytest.approx(one["losses"][:4], rel=1e-4)
    assert two.get("of the epoch", []) == pytest.approx(one.get("of the epoch", []), rel=1e-4)
    assert by_two[1][settings] == two  # all processes know of the same


@pytest.mark.parametrize(
    ("join", "silence", "busy", "started", "said"),
    [
        (3, 60, 0, 1, "the processes do not find one another at"),  # the other one is never there
        (10, 60, 11, 2, "2"),  # to join is not to answer at once
        (30, 1, 4, 2, LOST),
    ],
)
def test_who_does_not_join_or_answer_is_lost_in_bounded_time(
    join: float, silence: float, busy: float, started: int, said: str
) -> None:
    command = [sys.executable, join_as_rank.__file__, str(join), str(silence), str(busy)]
    assert said in said_by(command, started=started)[-1]


def test_processes_that_are_started_again_do_not_take_the_addresses_of_those_before() -> None:
    """An agent's store lives on: the first process of the second start must wait for the other one to give its own."""
    store = TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)

    def start(rank: int, attempt: int) -> subprocess.Popen[str]:
        environment = {
            "PYTHONPATH": str(ROOT),
            "MASTER_ADDR": "127.0.0.1",
            "MASTER_PORT": str(store.port),
            "WORLD_SIZE": "2",
            "RANK": str(rank),
            "GROUP_WORLD_SIZE": "1",
            "TORCHELASTIC_USE_AGENT_STORE": "True",
            "TORCHELASTIC_RESTART_COUNT": str(attempt),
        }
        command = [sys.executable, join_as_rank.__file__, "100", "60", "0"]
        return subprocess.Popen(command, env=os.environ | environment, stdout=subprocess.PIPE, text=True)

    with ExitStack() as stack:

        def started(rank: int, attempt: int) -> subprocess.Popen[str]:
            process = stack.enter_context(start(rank, attempt))
            stack.callback(process.kill)
            return process

        before = [started(rank, 0) for rank in range(2)]
        assert [process.communicate(timeout=200)[0] for process in before] == ["2\n", "2\n"]
        written = store.num_keys()
        first = started(0, 1)
        wait_until(
            lambda: store.num_keys() > written or first.poll() is not None, what="the first has said where it is"
        )
        again = [first, started(1, 1)]
        assert [process.communicate(timeout=200)[0] for process in again] == ["2\n", "2\n"]


def test_processes_with_other_settings_are_refused_with_each_setting_that_differs() -> None:
    """Without it, gloo aborts at the first message of another size, or an epoch is trained before anything is said."""
    expected = (
        "the processes differ: objective is softmax in process 0 and bce in process 1; "
        "only 0 is 0.5 in process 0 and None in process 1; only 1 is None in process 0 and 0.5 in process 1; "
        "seed is 0 in process 0 and 1 in process 1. Start all with the same options\n"
    )
    assert said_by([sys.executable, differ_as_rank.__file__], started=2) == [expected, expected]


@pytest.mark.parametrize(("count", "size"), [(7, 1), (7, 2), (1, 3), (0, 2), (9, 3)])
def test_the_parts_of_all_processes_are_all_rows_in_order(count: int, size: int) -> None:
    rows = list(range(count))
    parts = [rows[Ranks(rank, size).part_of(count)] for rank in range(size)]
    assert [row for part in parts for row in part] == rows
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


def test_alone_nothing_is_waited_for_and_nothing_changed() -> None:
    rows = torch.ones(2, 3)
    assert ALONE.sum(rows) is rows
    assert ALONE.gather(rows, 2) is rows
    assert ALONE.gather_each(rows) == [rows]
    assert ALONE.any(True)
    assert not ALONE.any(False)
    assert ALONE.is_first
