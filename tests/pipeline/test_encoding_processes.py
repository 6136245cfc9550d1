"""Texts embedded in several processes: the bits of one process, and what happens when a process is lost."""

import multiprocessing
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from mood_encoder.encoder_files import default_encoder_directory
from pipeline.embed import embed_posts, read_text_embeddings
from pipeline.encoding_processes import EncodingProcessError, encoding_processes
from pipeline.workspace import Workspace
from tests.waiting import wait_until

ROOT = Path(__file__).parents[2]


class Letters:
    """An encoder without a model: it counts letters, and says which process did."""

    dimension = 2

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        if "die" in texts:
            os.kill(os.getpid(), signal.SIGKILL)
        if "sleep" in texts:
            time.sleep(600)
        return np.array([(len(text), os.getpid() % 2**20) for text in texts], dtype=np.float32)

    def knows(self, word: str) -> bool:
        return True


def lone(pid: int) -> bool:
    """Whether a process is gone, or dead and not waited for."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()[0] == "Z"
    except OSError:
        return True


def test_batches_come_back_in_order_from_several_processes_which_then_end() -> None:
    batches = [["a" * length] * 3 for length in range(40)]
    with encoding_processes(2, Letters) as processes:
        found = list(processes.encode(iter(batches)))
        workers = [child.pid for child in multiprocessing.active_children()]
    assert [vectors[:, 0].tolist() for vectors in found] == [[length] * 3 for length in range(40)]
    assert os.getpid() % 2**20 not in {vectors[0, 1] for vectors in found}
    assert len(workers) == 2
    assert all(lone(pid) for pid in workers if pid)


def test_ctrl_c_in_a_terminal_reaches_none_of_the_processes() -> None:
    with encoding_processes(3, Letters) as processes:
        assert len(list(processes.encode(iter([["a"]] * 40)))) == 40
        workers = [child.pid for child in multiprocessing.active_children()]
        states = [Path(f"/proc/{pid}/status").read_text(encoding="utf-8") for pid in workers]
    assert len(workers) == 3
    for state in states:
        (blocked,) = (int(line.split()[1], 16) for line in state.splitlines() if line.startswith("SigBlk:"))
        assert blocked >> (signal.SIGINT - 1) & 1
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, set())


def test_a_killed_process_is_an_error_that_says_what_to_do_and_keeps_what_was_done() -> None:
    found: list[float] = []

    def encode() -> None:
        with encoding_processes(1, Letters) as processes:
            batches = iter([["a"], ["bb"], ["ccc"], ["dddd"], ["die"], ["e"]])
            found.extend(float(vectors[0, 0]) for vectors in processes.encode(batches))

    with pytest.raises(EncodingProcessError, match="run the same command again"):
        encode()
    assert found in ([1, 2, 3], [1, 2, 3, 4])  # the fourth was done, and may have been told, before the end
    assert multiprocessing.active_children() == []


def test_an_interruption_does_not_wait_for_the_batches_that_are_being_made() -> None:
    def encode() -> None:
        with encoding_processes(1, Letters) as processes:
            next(processes.encode(iter([["a"], ["sleep"]])))
            raise KeyboardInterrupt

    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        encode()
    assert time.monotonic() - started < 60
    assert multiprocessing.active_children() == []


def test_processes_end_with_the_one_that_started_them() -> None:
    program = (
        "import multiprocessing, time\n"
        "from pipeline.encoding_processes import encoding_processes\n"
        "from tests.pipeline.test_encoding_processes import Letters\n"
        "if __name__ == '__main__':\n"
        "    with encoding_processes(2, Letters) as processes:\n"
        "        encoded = processes.encode(iter([['a'], ['sleep'], ['sleep'], ['sleep']]))\n"
        "        print(next(encoded)[0, 0], *(c.pid for c in multiprocessing.active_children()), flush=True)\n"
        "        next(encoded)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, text=True, encoding="utf-8"
    ) as starter:
        assert starter.stdout
        _, *workers = starter.stdout.readline().split()
        starter.kill()
    assert workers
    for pid in map(int, workers):
        wait_until(partial(lone, pid), seconds=30)


def test_two_processes_give_the_bits_of_one_and_resume_where_it_stopped(
    small_workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.embed._TEXTS_AT_ONCE", 8)
    found = {}
    for processes in (1, 2):
        cache = tmp_path / f"{processes}.sqlite"
        cache.write_bytes(small_workspace.text_cache.read_bytes())
        with sqlite3.connect(cache) as connection:
            connection.execute(
                "DELETE FROM embeddings WHERE rowid IN (SELECT rowid FROM embeddings ORDER BY rowid LIMIT 30)"
            )
        connection.close()
        heard: list[tuple[int, int]] = []
        report = embed_posts(
            small_workspace.clean,
            cache,
            tmp_path / "embeddings.safetensors",
            encoder_directory=default_encoder_directory(),
            processes=processes,
            progress=lambda done, total, heard=heard: heard.append((done, total)),
        )
        assert report.embedded == 30
        assert heard == [(8, 30), (16, 30), (24, 30), (30, 30)]
        texts = read_text_embeddings(tmp_path / "embeddings.safetensors")
        found[processes] = texts.embeddings.tobytes() + texts.mood_embeddings.tobytes()
    assert found[1] == found[2]
