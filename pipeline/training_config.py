"""What a training run may vary."""

from dataclasses import dataclass

OBJECTIVES = ("softmax", "mse")


@dataclass(frozen=True, slots=True)
class TrainingConfig:
    """What a training run may vary. Same configuration, data and kind of processor: same towers, to the bit."""

    objective: str = "softmax"  # softmax: in-batch sampled softmax with logQ; mse: the predecessor's regression
    seed: int = 7
    epochs: int = 12
    batch_size: int = 256
    learning_rate: float = 3e-3
    weight_decay: float = 1e-4
    temperature: float = 0.05
    uniform_negatives: int = 512  # drawn from the whole catalogue, so that posts nobody meets are learnt from too
    snapshot_days: float = 7.0  # how often the past's popularity is looked at
    serving_days: float = 28.0  # an example's snapshot lies up to this long before it
    live_share: float = 0.5  # share of examples that see their history up to the moment itself
    forgetting_days: float = 90.0  # an example this much older than the newest one counts 1/e as much
    validation_share: float = 0.05
