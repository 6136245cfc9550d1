"""The imported MicroLens data, and towers that are trained once on a part of it."""

import hashlib
import json
from dataclasses import asdict, replace
from pathlib import Path

from benchmarks.live.bench import Bench
from benchmarks.live.results import LeftOutError
from pipeline.dataset import Dataset, read_dataset
from pipeline.train import train
from pipeline.trained_towers import NoTrainedTowersError, TrainedTowers
from pipeline.training_config import TrainingConfig
from pipeline.training_run import TrainingRun
from pipeline.workspace import Workspace

_CONFIG = Path(__file__).parents[2] / "configs" / "microlens.toml"


def microlens_data(bench: Bench) -> Dataset:
    """The data of the workspace; LeftOutError if it holds none."""
    workspace = Workspace(bench.microlens)
    if not workspace.text_embeddings.exists():
        raise LeftOutError(
            f"{bench.microlens} holds no imported and embedded MicroLens data: run `moodfeed import PATH --data "
            f"{bench.microlens}` and `moodfeed embed --data {bench.microlens}` (docs/quality.md)"
        )
    return read_dataset(workspace.clean, workspace.text_embeddings)


def towers_of(bench: Bench, past: Dataset, *, figure: str, without: str) -> TrainedTowers:
    """The towers of an earlier run with the same data and settings, or new ones.

    ``without`` says what the data lacks. LeftOutError if they would have to be trained and may not be.
    """
    config = TrainingConfig.read(_CONFIG)
    if bench.is_quick:
        config = replace(config, epochs=1)
    digest = hashlib.sha256(json.dumps([past.fingerprint(), asdict(config)], sort_keys=True).encode()).hexdigest()
    own = bench.microlens / f"{figure}-towers" / digest[:16]
    try:
        return TrainedTowers.read(own)
    except NoTrainedTowersError:
        if not bench.may_train:
            raise LeftOutError(
                f"{bench.microlens} holds no towers trained without {without}: run `python -m benchmarks.live "
                f"--only {figure} --microlens {bench.microlens} --train`, which takes half an hour once"
            ) from None
    bench.say(f"train {config.epochs} epochs without {without}")
    own.mkdir(parents=True, exist_ok=True)
    checkpoint = own / "checkpoint.safetensors"
    run = TrainingRun(
        checkpoint=checkpoint, on_epoch=lambda epoch: bench.say(f"epoch {epoch.epoch} of {config.epochs} is done")
    )
    towers = train(past, config, run=run)
    towers.write(own)
    checkpoint.unlink(missing_ok=True)
    return towers
