"""One of several processes that train together, started by test_ranks.py: prints what its training came to, as JSON."""

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from pipeline.dataset import read_dataset
from pipeline.ranks import Ranks, joined_ranks
from pipeline.train import TrainingStoppedError, train
from pipeline.training_config import Objective, TrainingConfig
from pipeline.training_run import TrainingRun
from pipeline.workspace import Workspace

SETTINGS = {
    "an epoch": (TrainingConfig(epochs=1), 0),
    "draws of histories apart, their mean asks": (TrainingConfig(history_id_dropout=0.3, order_decay=0.8), 4),
    "histories packed": (TrainingConfig(packs_histories=True), 4),
    "fewer examples than processes": (TrainingConfig(batch_size=1), 4),
    "binary cross-entropy": (TrainingConfig(objective=Objective.BCE), 4),
    "squared errors": (TrainingConfig(objective=Objective.MSE), 4),
}
"""Settings by name, and after how many steps to stop; 0 for never."""


def what_training_comes_to(workspace: Workspace, ranks: Ranks) -> dict[str, dict[str, Any]]:
    dataset = read_dataset(workspace.clean, workspace.text_embeddings)
    return {name: _outcome(dataset, config, steps, ranks) for name, (config, steps) in SETTINGS.items()}


def _outcome(dataset: Any, config: TrainingConfig, steps: int, ranks: Ranks) -> dict[str, Any]:
    losses: list[float] = []
    run = TrainingRun(
        ranks=ranks,
        on_batch=lambda _, loss: losses.append(loss),
        should_stop=lambda: ranks.rank == ranks.size - 1 and len(losses) == steps,  # in the last process alone
    )
    try:
        (epoch,) = train(dataset, replace(config, epochs=1 if not steps else 9), run=run).epochs
    except TrainingStoppedError:
        return {"losses": losses}
    return {"losses": losses, "of the epoch": [epoch.training_loss, epoch.validation_loss, epoch.validation_ndcg_at_10]}


if __name__ == "__main__":
    with joined_ranks("cpu") as own:
        found = what_training_comes_to(Workspace(Path(sys.argv[1])), own)
    print(json.dumps(found))
