"""The loss of a batch, which must be finite."""

import math

import torch
from torch import Tensor, nn

from pipeline.losses import WEIGHTED, Loss
from pipeline.ranks import ALONE, Ranks
from pipeline.training_config import TrainingConfig
from pipeline.training_examples import Batch, Share
from two_tower.model import PostTower
from two_tower.row_draws import take_part


class TrainingError(Exception):
    """Training has failed: names the epoch, the step, and the likely cause."""


def batch_loss(
    loss_of: Loss,
    users: nn.Module,
    post_tower: PostTower,
    batch: Batch,
    config: TrainingConfig,
    *,
    ranks: Ranks = ALONE,
) -> Tensor:
    """The loss on the embeddings of the batch's users and candidates, or this process's share of it."""
    if batch.share is not None:
        return _shared_loss(loss_of, users, post_tower, batch, config, share=batch.share, ranks=ranks)
    items, candidates = post_tower.represent_twice(batch.posts)
    posts = post_tower(candidates[batch.candidates], batch.numeric)
    return loss_of(users(items, batch.history, batch.user_rows), posts, batch, config)


def _shared_loss(
    loss_of: Loss,
    users: nn.Module,
    post_tower: PostTower,
    batch: Batch,
    config: TrainingConfig,
    *,
    share: Share,
    ranks: Ranks,
) -> Tensor:
    """The part of the batch's loss that the examples of this process bring; those of all processes add up to it.

    Each process represents its part of the posts, and takes the representations of the others from them.
    """
    post_tower.part = share.posts
    take_part(users, examples=share.examples, items=share.items)
    items, candidates = _of_all_processes(*post_tower.represent_twice(batch.posts), ranks, share.posts.count)
    posts = post_tower(candidates[batch.candidates], batch.numeric)
    if not len(batch):  # the other processes send gradients of this one's posts all the same
        nothing: Tensor = (items.sum() + posts.sum()) * 0
        return nothing
    loss = loss_of(users(items, batch.history, batch.user_rows), posts, batch, config)
    return loss.mul(share.by_weight if config.objective in WEIGHTED else share.by_number)


def _of_all_processes(items: Tensor, candidates: Tensor, ranks: Ranks, count: int) -> tuple[Tensor, Tensor]:
    """The representations [count, width] as items and as candidates, in one message."""
    if items is candidates:
        both = ranks.gather(candidates, count)
        return both, both
    as_items, as_candidates = ranks.gather(torch.cat([items, candidates], dim=1), count).chunk(2, dim=1)
    return as_items, as_candidates


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
