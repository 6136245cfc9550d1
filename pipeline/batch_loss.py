"""The loss of a batch, which must be finite."""

import math

import torch
from torch import Tensor, nn

from pipeline.losses import Loss
from pipeline.training_config import TrainingConfig
from pipeline.training_examples import Batch
from two_tower.model import PostTower


class TrainingError(Exception):
    """Training has failed: names the epoch, the step, and the likely cause."""


def batch_loss(loss_of: Loss, users: nn.Module, post_tower: PostTower, batch: Batch, config: TrainingConfig) -> Tensor:
    """The loss on the embeddings of the batch's users and candidates."""
    items, candidates = post_tower.represent_twice(batch.posts)
    posts = post_tower(candidates[batch.candidates], batch.numeric)
    return loss_of(users(items, batch.history, batch.user_rows), posts, batch, config)


def refuse_infinite(loss: float, batch: Batch, config: TrainingConfig, *, where: str) -> None:
    """TrainingError if the loss is not finite: an input is not finite, or training has diverged."""
    if math.isfinite(loss):
        return
    inputs = {
        "features of posts": batch.numeric,
        "texts of posts": batch.posts.text,
        "ages of interactions": batch.history.ages,
        "strengths": batch.strengths,
        "weights of interactions": batch.weights,
    }
    broken = [name for name, values in inputs.items() if not torch.isfinite(values).all()]
    cause = (
        f"the {broken[0]} hold a value that is not finite: check the tables for wrong dates, then run `moodfeed clean`"
        if broken
        else f"training has diverged; lower learning_rate, which is {config.learning_rate:g}"
    )
    raise TrainingError(f"{where}: the loss is {loss}: {cause}")


def weighted_mean(losses: list[tuple[float, int]]) -> float:
    """The mean of batches' losses, each given with its number of examples; NaN without any."""
    total = sum(count for _, count in losses)
    return sum(loss * count for loss, count in losses) / total if total else float("nan")
