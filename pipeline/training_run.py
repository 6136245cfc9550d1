"""How a training runs: on which device, what it saves, whom it tells, and when it stops."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pipeline.ranks import ALONE, Ranks
from pipeline.trained_towers import EpochReport


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingRun:
    """What does not change the towers.

    With a ``checkpoint`` path, the state is saved there after every epoch and every two minutes, and an interrupted run
    resumes from it if configuration and data are the same: the towers are then those of a run without interruption.
    Where ``should_stop`` becomes true, the state is saved after the step, and TrainingStoppedError raised.

    ``on_batch`` is called with the epochs done so far, a fraction, and the loss; ``on_resume`` with the epoch that goes
    on (from 1), its steps that are done, and all its steps. ``clock`` gives seconds.

    With ``ranks`` several processes train together, each with the same arguments but for what it tells. The first one
    writes the checkpoint, and all read it. They stop together where ``should_stop`` is true in one of them.
    """

    device: str = "cpu"
    ranks: Ranks = ALONE
    checkpoint: Path | None = None
    on_batch: Callable[[float, float], None] | None = None
    on_epoch: Callable[[EpochReport], None] | None = None
    on_resume: Callable[[int, int, int], None] | None = None
    should_stop: Callable[[], bool] | None = None
    clock: Callable[[], float] = time.monotonic
