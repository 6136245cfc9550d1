"""Measures other engines beside ours, each in a process and an environment of its own, one round at a time.

`make bench` creates that environment, `.venv-bench`, from requirements-bench.txt. Without it the report says what is
missing, and the benchmark goes on.
"""

import json
import os
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.rows import median_seconds

PYTHON = Path(".venv-bench/bin/python")
WORKER = Path(__file__).parent / "peer_worker.py"
_ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


@dataclass(frozen=True, slots=True)
class Peer:
    """The figures of a peer; ``cannot`` says why there are none."""

    name: str
    seconds: float = float("nan")  # median a query, over the rounds
    build_seconds: float = float("nan")
    found: NDArray[np.generic] | None = None  # [queries, ...]
    cannot: str = ""


def measure_beside(
    names: Sequence[str], directory: Path, ours: Callable[[int], object], *, count: int, rounds: int
) -> tuple[float, list[Peer]]:
    """Seconds a query of ``ours`` and of each peer, which take turns, over the ``count`` queries in ``directory``."""
    (directory / "count").write_text(str(count), encoding="utf-8")
    mine: list[float] = []
    with ExitStack() as stack:
        workers = [stack.enter_context(_worker(name, directory)) for name in names]
        heard: list[list[float]] = [[] for _ in workers]
        for _ in range(rounds):
            mine.append(median_seconds(ours, count))
            for worker, seconds in zip(workers, heard, strict=True):
                if not worker.cannot:
                    seconds.append(worker.run())
        peers = [
            Peer(worker.name, cannot=worker.cannot)
            if worker.cannot
            else Peer(
                worker.name, float(np.median(seconds)), worker.build_seconds, np.load(directory / f"{worker.name}.npy")
            )
            for worker, seconds in zip(workers, heard, strict=True)
        ]
    return float(np.median(mine)), peers


class _Worker:
    def __init__(self, name: str, directory: Path) -> None:
        self.name, self.cannot, self.build_seconds = name, "", float("nan")
        self.process: subprocess.Popen[str] | None = None
        if not PYTHON.exists():
            self.cannot = f"{PYTHON} is missing: `make bench` makes it"
            return
        self.process = subprocess.Popen(
            [PYTHON, WORKER, name, directory],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=os.environ | _ONE_THREAD,
            encoding="utf-8",
        )
        answer = self._hear()
        self.cannot = answer.get("cannot", "")
        self.build_seconds = answer.get("ready", float("nan"))

    def run(self) -> float:
        assert self.process is not None
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return float(self._hear()["seconds"])

    def _hear(self) -> dict[str, Any]:
        assert self.process is not None
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        return json.loads(line) if line else {"cannot": f"ended with exit code {self.process.wait()}"}


@contextmanager
def _worker(name: str, directory: Path) -> Iterator[_Worker]:
    worker = _Worker(name, directory)
    try:
        yield worker
    finally:
        if worker.process is not None:
            with worker.process as process:  # closes its pipes
                process.kill()
