"""Measure a step of training in one process and in several: wall time, and the processor time of each process.

    python -m scripts.measure_training_processes WORKSPACE --processes 1 2 --batch-size 256 2048 --steps 40

The workspace holds clean tables and text embeddings. Prints a table in Markdown. Both numbers are medians of the steps
after the first five; processor time includes the thread that prepares batches.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from contextlib import nullcontext, suppress
from dataclasses import replace
from pathlib import Path
from statistics import median

from pipeline.dataset import read_dataset
from pipeline.ranks import ALONE, joined_ranks
from pipeline.train import TrainingStoppedError, train
from pipeline.training_config import TrainingConfig
from pipeline.training_run import TrainingRun
from pipeline.workspace import Workspace

_NOT_MEASURED = 5  # the first steps
_RANK = "RANK"
SETTINGS = TrainingConfig(epochs=1000, snapshot_days=10_000.0)  # one snapshot, so that few data fill a batch


def main() -> None:
    """Measure in processes of their own, or be one of these."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("workspace", type=Path)
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--batch-size", type=int, nargs="+", default=[256, 2048])
    parser.add_argument("--steps", type=int, default=40)
    arguments = parser.parse_args()
    if _RANK in os.environ:
        print(json.dumps(_steps(arguments.workspace, arguments.batch_size[0], arguments.steps)))
        return
    print("| batch | processes | a step, ms | processor of each process, ms | loss of the last step |")
    print("|---|---|---|---|---|")
    for batch_size in arguments.batch_size:
        for count in arguments.processes:
            found = _in_processes(arguments.workspace, batch_size, arguments.steps, count)
            busy = ", ".join(f"{each['processor_ms']:.0f}" for each in found)
            first = found[0]
            print(f"| {batch_size:,} | {count} | {first['wall_ms']:.0f} | {busy} | {first['loss']:.5f} |", flush=True)


def _in_processes(workspace: Path, batch_size: int, steps: int, count: int) -> list[dict[str, float]]:
    options = [str(workspace), "--batch-size", str(batch_size), "--steps", str(steps)]
    command = [sys.executable, "-m", "scripts.measure_training_processes", *options]
    environment = os.environ | {
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": "29517",
        "WORLD_SIZE": str(count),
        "OMP_NUM_THREADS": "1",
    }
    processes = [
        subprocess.Popen(  # noqa: S603 - this script
            command, env=environment | {_RANK: str(rank)}, stdout=subprocess.PIPE, text=True, encoding="utf-8"
        )
        for rank in range(count)
    ]
    return [json.loads(process.communicate()[0]) for process in processes]


def _steps(directory: Path, batch_size: int, steps: int) -> dict[str, float]:
    workspace = Workspace(directory)
    dataset = read_dataset(workspace.clean, workspace.text_embeddings)
    moments: list[tuple[float, float]] = []
    losses: list[float] = []

    def on_batch(done: float, loss: float) -> None:  # noqa: ARG001 - as TrainingRun calls it
        moments.append((time.perf_counter(), time.process_time()))
        losses.append(loss)

    with joined_ranks("cpu") if os.environ["WORLD_SIZE"] != "1" else nullcontext(ALONE) as ranks:
        run = TrainingRun(ranks=ranks, on_batch=on_batch, should_stop=lambda: len(losses) >= steps)
        with suppress(TrainingStoppedError):
            train(dataset, replace(SETTINGS, batch_size=batch_size), run=run)
    measured = list(zip(moments[_NOT_MEASURED:], moments[_NOT_MEASURED + 1 :], strict=False))
    return {
        "wall_ms": 1000 * median(after[0] - before[0] for before, after in measured),
        "processor_ms": 1000 * median(after[1] - before[1] for before, after in measured),
        "loss": losses[-1],
    }


if __name__ == "__main__":
    main()
