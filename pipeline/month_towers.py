"""Towers trained for an evaluation, kept so that the same past, settings and program need no second training."""

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pipeline
import two_tower
from pipeline.dataset import Dataset
from pipeline.most_recent import forget_least_recent, note_use
from pipeline.trained_towers import NoTrainedTowersError, TrainedTowers
from pipeline.training_config import TrainingConfig

_MOST_KEPT = 24

Train = Callable[[Path], TrainedTowers]
"""Trains, with the state of an interrupted run at the path."""


def kept_towers(
    directory: Path, past: Dataset, config: TrainingConfig, train: Train, *, keeps: bool = True
) -> TrainedTowers:
    """The towers of an earlier run if it had the same data, settings and code, else those of ``train``.

    ``directory`` keeps the 24 that were used last; where ``keeps`` is false, new towers are not written. The state of
    an interrupted training stays until a training of the same towers is done.
    """
    own = directory / towers_key(past, config)
    checkpoint = own / "checkpoint.safetensors"
    try:
        towers = TrainedTowers.read(own)
    except NoTrainedTowersError:
        own.mkdir(parents=True, exist_ok=True)
        towers = train(checkpoint)
        if keeps:
            towers.write(own)
            checkpoint.unlink(missing_ok=True)
        else:
            shutil.rmtree(own)
            return towers
    note_use(own)
    forget_least_recent(directory.glob("*/"), most=_MOST_KEPT, used_now=own)
    return towers


def towers_key(past: Dataset, config: TrainingConfig) -> str:
    """Digits that change with the data, the settings and the source code of pipeline and towers."""
    digest = hashlib.sha256(past.fingerprint().encode())
    digest.update(json.dumps(asdict(config), sort_keys=True).encode())
    for package in (pipeline, two_tower):
        for path in sorted(Path(package.__path__[0]).glob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()[:32]
