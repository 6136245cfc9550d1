"""Loss and ranking metrics of the held-out examples after an epoch."""

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from pipeline.batch_loss import TrainingError, batch_loss, refuse_infinite
from pipeline.losses import Loss
from pipeline.ranks import ALONE, Ranks
from pipeline.training_config import TrainingConfig
from pipeline.training_examples import Examples
from two_tower.model import PostTower, history_tensors

_MOST_VALIDATED = 4096
_VALIDATED_AT_ONCE = 512
_MOST_SCORES = 2**24  # of these users, at once: 64 MiB
_REPRESENTED_AT_ONCE = 8192  # posts

OnPiece = Callable[[], None]
"""Called before each piece of the work; it may raise."""


def _go_on() -> None:
    pass


def held_out_losses(
    loss_of: Loss,
    users: nn.Module,
    post_tower: PostTower,
    examples: Examples,
    config: TrainingConfig,
    *,
    epoch: int,
    on_piece: OnPiece = _go_on,
    ranks: Ranks = ALONE,
) -> list[tuple[float, int]]:
    """The loss and the size of each batch of held-out examples, which are the same batches after every epoch."""
    fixed = np.random.default_rng(config.seed)
    losses = []
    for plan in examples.plans(examples.validation_rows, fixed):
        on_piece()
        batch = examples.batch(plan, fixed, ranks)
        loss = ranks.sum(batch_loss(loss_of, users, post_tower, batch, config, ranks=ranks))
        losses.append((loss.item(), len(plan.rows)))
        refuse_infinite(losses[-1][0], batch, config, where=f"epoch {epoch}, held-out interactions")
    return losses


def count_validated(examples: Examples) -> int:
    """The number of held-out examples that ``validate`` measures."""
    return min(len(examples.validation_rows), _MOST_VALIDATED)


def rank_held_out(
    users: nn.Module,
    post_tower: PostTower,
    examples: Examples,
    *,
    on_piece: OnPiece = _go_on,
    ranks: Ranks = ALONE,
) -> tuple[float, float]:
    """Recall@10 and NDCG@10 of held-out examples, each ranked among all posts that its user had not met before.

    Several processes divide the posts to represent, and then the examples.
    """
    rows = examples.validation_rows
    if len(rows) > _MOST_VALIDATED:
        rows = rows[np.linspace(0, len(rows) - 1, _MOST_VALIDATED).astype(np.int64)]
    pairs = examples.dataset.pairs
    everything = np.arange(len(examples.dataset.post_ids))
    own = everything[ranks.part_of(len(everything))]
    pieces = np.array_split(own, math.ceil(len(everything) / _REPRESENTED_AT_ONCE))
    represented = torch.cat([post_tower.represent(examples.contents(piece)) for piece in pieces])
    representations = ranks.gather(represented, len(everything))
    at_once = int(np.clip(_MOST_SCORES // len(everything), 1, _VALIDATED_AT_ONCE))
    snapshot_of = examples.snapshots_of(rows, lags=0.0)
    found: list[Tensor] = []
    pieces_done = 0
    for snapshot in np.unique(snapshot_of):
        posts = post_tower(representations, examples.numeric(snapshot, everything))
        chosen = rows[snapshot_of == snapshot]
        for start in range(0, len(chosen), at_once):
            on_piece()
            piece = chosen[start : start + at_once]
            pieces_done += 1
            if pieces_done % ranks.size != ranks.rank:
                found.append(torch.zeros(len(piece), dtype=torch.int64, device=examples.device))  # another's
                continue
            history = history_tensors(examples.live_histories(piece), examples.device)
            user_rows = torch.from_numpy(pairs.user_rows[piece]).to(examples.device)
            scores = users(representations, history, user_rows) @ posts.T
            if scores.isnan().any():
                raise TrainingError("a score of a held-out interaction is not a number: training has diverged")
            targets = torch.from_numpy(pairs.post_rows[piece].astype(np.int64)).to(examples.device).unsqueeze(1)
            wanted = scores.gather(1, targets)
            owners, positions = history.is_event.nonzero(as_tuple=True)
            scores[owners, history.rows[owners, positions]] = -float("inf")
            found.append((scores >= wanted).sum(dim=1) - 1)
    if not found:
        return float("nan"), 0.0
    rank = ranks.sum(torch.cat(found))
    gains = torch.where(rank < 10, 1 / torch.log2(rank + 2.0), 0.0)
    return float((rank < 10).float().mean()), float(gains.mean())
