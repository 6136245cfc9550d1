"""Read a workspace as `moodfeed train` does, make its examples, and train for some steps; the last line is JSON.

python -m benchmarks.scale.training_steps DATA --steps 300
"""

import argparse
import json
import statistics
import time
from contextlib import suppress
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from pipeline.dataset import read_dataset
from pipeline.suited_settings import suited_settings
from pipeline.train import TrainingStoppedError, train
from pipeline.training_run import TrainingRun
from pipeline.workspace import Workspace


def main() -> None:
    """Train for some steps and print what they took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--steps", type=int, default=300)
    options = parser.parse_args()
    print(json.dumps(measured(Workspace(options.data), options.steps)))


def measured(workspace: Workspace, steps: int) -> dict[str, Any]:
    """Seconds until the data is read and the first step ends, and examples a second after it; the state is saved."""
    started = time.perf_counter()
    settings = suited_settings(workspace.clean)
    config = replace(settings.config, epochs=1)
    dataset = read_dataset(workspace.clean, workspace.text_embeddings)
    read = time.perf_counter() - started
    ends: list[float] = []
    losses: list[float] = []

    def on_batch(_: float, loss: float) -> None:
        ends.append(time.perf_counter())
        losses.append(loss)

    checkpoint = workspace.checkpoint(config.objective)
    checkpoint.unlink(missing_ok=True)  # it would resume
    run = TrainingRun(checkpoint=checkpoint, on_batch=on_batch, should_stop=lambda: len(ends) >= steps)
    with suppress(TrainingStoppedError):
        train(dataset, config, run=run)
    step = statistics.median(later - earlier for earlier, later in pairwise(ends))
    return {
        "events": len(dataset.events),
        "pairs": len(dataset.pairs),
        "read_s": read,
        "first_step_s": ends[0] - started,
        "step_ms": 1000 * step,
        "examples_per_s": config.batch_size / step,
        "steps": len(ends),
        "last_loss": losses[-1],
        "settings": settings.sentence,
        "batch": config.batch_size,
    }


if __name__ == "__main__":
    main()
