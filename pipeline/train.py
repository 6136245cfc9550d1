"""Train the two towers: one loop, to be read from top to bottom."""

import hashlib
import json
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn

from pipeline.checkpoint import Checkpoint
from pipeline.compared_users import ByHistory, by_history
from pipeline.dataset import Dataset
from pipeline.losses import LOSSES, Loss
from pipeline.row_optimizer import RowAdamW
from pipeline.trained_towers import EpochReport, TrainedTowers, kept_epoch
from pipeline.training_config import TrainingConfig
from pipeline.training_examples import Batch, Examples
from two_tower.model import PostTower, history_tensors
from two_tower.tower_config import TowerConfig
from two_tower.words import Vocabulary

_LAST_RATE = 0.01  # share of the learning rate that is left at the end of the cosine
_SHORTEST_WARM_UP = 1e-9
_LARGEST_GRADIENT = 1.0  # norm of all gradients of a step
_MOST_VALIDATED = 4096
_VALIDATED_AT_ONCE = 512
_MOST_SCORES = 2**24  # of these users, at once: 64 MiB
_REPRESENTED_AT_ONCE = 8192  # posts


class TrainingError(Exception):
    """Training has failed: names the epoch, the step, and the likely cause."""


MakeUsers = Callable[[int, TowerConfig, float], nn.Module]
"""Number of users and shape of the towers to a module that is called with representations, histories and user rows."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """The result of training, whatever module encodes the users."""

    config: TowerConfig
    users: nn.Module
    post_tower: PostTower
    vocabulary: Vocabulary
    epochs: tuple[EpochReport, ...]


def train(
    dataset: Dataset,
    config: TrainingConfig,
    *,
    device: str = "cpu",
    checkpoint: Path | None = None,
    on_batch: Callable[[float, float], None] | None = None,
    on_epoch: Callable[[EpochReport], None] | None = None,
) -> TrainedTowers:
    """Train both towers on all interactions of ``dataset`` and return those of the best epoch.

    The best epoch is the one with the highest held-out NDCG@10. With fewer than a thousand held-out interactions the
    last epoch is the best. Without interactions there is nothing to learn: the towers stay as they start, with no
    epochs. TrainingError at the first loss that is not finite.

    With a ``checkpoint`` path, the state is saved there after every epoch, and an interrupted run resumes from it if
    configuration and data are the same. ``on_batch`` is called with the epochs done so far, a fraction, and the loss.
    """
    fitted = fit(dataset, config, device=device, checkpoint=checkpoint, on_batch=on_batch, on_epoch=on_epoch)
    return TrainedTowers(
        config=fitted.config,
        user_tower=cast("ByHistory", fitted.users).tower,
        post_tower=fitted.post_tower,
        vocabulary=fitted.vocabulary,
        epochs=fitted.epochs,
        data_fingerprint=dataset.fingerprint(),
    )


def fit(
    dataset: Dataset,
    config: TrainingConfig,
    *,
    make_users: MakeUsers = by_history,
    loss_of: Loss | None = None,
    device: str = "cpu",
    checkpoint: Path | None = None,
    on_batch: Callable[[float, float], None] | None = None,
    on_epoch: Callable[[EpochReport], None] | None = None,
) -> Fitted:
    """Train as ``train`` does, with another module for the users or another loss where a comparison asks for one.

    ``loss_of`` is by default the loss of ``config.objective``.
    """
    with _reproducible_arithmetic(device):
        return _fit(
            dataset,
            config,
            make_users=make_users,
            loss_of=loss_of or LOSSES[config.objective],
            device=device,
            checkpoint=checkpoint,
            on_batch=on_batch,
            on_epoch=on_epoch,
        )


def _fit(
    dataset: Dataset,
    config: TrainingConfig,
    *,
    make_users: MakeUsers,
    loss_of: Loss,
    device: str,
    checkpoint: Path | None,
    on_batch: Callable[[float, float], None] | None,
    on_epoch: Callable[[EpochReport], None] | None,
) -> Fitted:
    torch.manual_seed(config.seed)
    random = np.random.default_rng(config.seed)
    vocabulary = Vocabulary.learn(dataset.texts)
    tower_config = TowerConfig(
        text_dimension=dataset.text.shape[1],
        post_count=len(dataset.post_ids),
        category_count=len(dataset.category_ids) + 1,
        word_count=len(vocabulary),
        tower_dimension=config.representation_dimension + config.popularity_dimension + 1,
        representation_dimension=config.representation_dimension,
        history_length=config.history_length,
        new_post_bonus=config.new_post_bonus,
        taste_from_mean=config.taste_from_mean,
        newcomers_follow_trend=dataset.has_clock,
    )
    examples = Examples(dataset, config, vocabulary.rows_of(dataset.texts), device=device, random=random)
    post_tower = PostTower(tower_config, id_dropout=config.id_dropout, word_dropout=config.word_dropout)
    post_tower = post_tower.to(device)
    post_tower.start_from(dataset.text, scale=config.text_scale)
    users = make_users(len(dataset.user_ids), tower_config, config.dropout).to(device)
    tables = RowAdamW([post_tower, users], weight_decay=config.weight_decay)
    in_tables = {id(weight) for weight in tables.parameters}
    parameters = [each for each in (*post_tower.parameters(), *users.parameters()) if id(each) not in in_tables]
    optimizer = torch.optim.AdamW(parameters, lr=config.learning_rate, weight_decay=config.weight_decay, fused=True)

    reports: list[EpochReport] = []
    saved = Checkpoint(checkpoint, users, post_tower, optimizer, key=_key(dataset, config))
    saved.restore(reports)
    for epoch in range(len(reports), config.epochs if len(examples.training_rows) else 0):
        if _is_spent(reports, config.patience):
            break
        torch.manual_seed(config.seed + epoch)
        random = np.random.default_rng((config.seed, epoch))
        plans = examples.plans(examples.training_rows, random)

        losses = []
        users.train()
        post_tower.train()
        for step, plan in enumerate(plans):
            done = (epoch + step / len(plans)) / config.epochs
            rate = learning_rate_at(done, config, step_share=1 / len(plans) / config.epochs)
            for group in optimizer.param_groups:
                group["lr"] = rate
            batch = examples.batch(plan, random)
            loss = _loss(loss_of, users, post_tower, batch, config)
            losses.append((loss.item(), len(batch)))
            _refuse_infinite(losses[-1][0], batch, config, where=f"epoch {epoch + 1}, step {step + 1}")
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            _clip([*(each.grad for each in parameters if each.grad is not None), *tables.gradients()])
            optimizer.step()
            tables.step(rate)
            if on_batch:
                on_batch(done * config.epochs, losses[-1][0])

        tables.bring_up_to_date()
        users.eval()
        post_tower.eval()
        with torch.no_grad():
            validation = _held_out_losses(loss_of, users, post_tower, examples, config, epoch=epoch + 1)
            recall, ndcg = _validate(users, post_tower, examples)

        reports.append(
            EpochReport(
                epoch=epoch + 1,
                training_loss=_weighted_mean(losses),
                validation_loss=_weighted_mean(validation),
                validation_recall_at_10=recall,
                validation_ndcg_at_10=ndcg,
                validated=min(len(examples.validation_rows), _MOST_VALIDATED),
            )
        )
        if kept_epoch(reports) is reports[-1]:
            saved.keep_as_best()
        saved.save(reports)
        if on_epoch:
            on_epoch(reports[-1])

    tables.detach()
    saved.return_to_best()
    users.eval()
    post_tower.eval()
    return Fitted(tower_config, users.cpu(), post_tower.cpu(), vocabulary, tuple(reports))


def learning_rate_at(done: float, config: TrainingConfig, *, step_share: float) -> float:
    """The rate of the step that starts when the share ``done`` of the run is over and lasts ``step_share`` of it.

    A linear warm-up, measured at the middle of the step, multiplies a cosine decay to 1 % of the configured rate.
    """
    warm_up = min(1.0, (done + 0.5 * step_share) / max(config.warm_up, _SHORTEST_WARM_UP))
    decay = _LAST_RATE + (1 - _LAST_RATE) / 2 * (1 + np.cos(np.pi * done))
    return float(config.learning_rate * warm_up * decay)


def _clip(gradients: list[Tensor]) -> None:
    """Scale the gradients so that their common norm is at most ``_LARGEST_GRADIENT``."""
    norm = torch.linalg.vector_norm(torch.stack([torch.linalg.vector_norm(gradient) for gradient in gradients]))
    share = (_LARGEST_GRADIENT / (norm + 1e-6)).clamp(max=1.0)
    for gradient in gradients:
        gradient.mul_(share)


def _is_spent(reports: list[EpochReport], patience: int) -> bool:
    return bool(reports) and reports[-1].epoch - kept_epoch(reports).epoch >= patience


def _held_out_losses(
    loss_of: Loss, users: nn.Module, post_tower: PostTower, examples: Examples, config: TrainingConfig, *, epoch: int
) -> list[tuple[float, int]]:
    """The loss and the size of each batch of held-out examples, which are the same batches after every epoch."""
    fixed = np.random.default_rng(config.seed)
    losses = []
    for plan in examples.plans(examples.validation_rows, fixed):
        batch = examples.batch(plan, fixed)
        losses.append((_loss(loss_of, users, post_tower, batch, config).item(), len(batch)))
        _refuse_infinite(losses[-1][0], batch, config, where=f"epoch {epoch}, held-out interactions")
    return losses


def _validate(users: nn.Module, post_tower: PostTower, examples: Examples) -> tuple[float, float]:
    """Recall@10 and NDCG@10 of held-out examples, each ranked among all posts that its user had not met before."""
    rows = examples.validation_rows
    if len(rows) > _MOST_VALIDATED:
        rows = rows[np.linspace(0, len(rows) - 1, _MOST_VALIDATED).astype(np.int64)]
    pairs = examples.dataset.pairs
    everything = np.arange(len(examples.dataset.post_ids))
    pieces = np.array_split(everything, math.ceil(len(everything) / _REPRESENTED_AT_ONCE))
    representations = torch.cat([post_tower.represent(examples.contents(piece)) for piece in pieces])
    at_once = int(np.clip(_MOST_SCORES // len(everything), 1, _VALIDATED_AT_ONCE))
    snapshot_of = examples.snapshots_of(rows)
    ranks: list[Tensor] = []
    for snapshot in np.unique(snapshot_of):
        posts = post_tower(representations, examples.numeric(snapshot, everything))
        chosen = rows[snapshot_of == snapshot]
        for start in range(0, len(chosen), at_once):
            piece = chosen[start : start + at_once]
            history = history_tensors(examples.live_histories(piece), examples.device)
            user_rows = torch.from_numpy(pairs.user_rows[piece]).to(examples.device)
            scores = users(representations, history, user_rows) @ posts.T
            if scores.isnan().any():
                raise TrainingError("a score of a held-out interaction is not a number: training has diverged")
            targets = torch.from_numpy(pairs.post_rows[piece].astype(np.int64)).to(examples.device).unsqueeze(1)
            wanted = scores.gather(1, targets)
            owners, positions = history.is_event.nonzero(as_tuple=True)
            scores[owners, history.rows[owners, positions]] = -float("inf")
            ranks.append((scores >= wanted).sum(dim=1) - 1)
    if not ranks:
        return float("nan"), 0.0
    rank = torch.cat(ranks)
    gains = torch.where(rank < 10, 1 / torch.log2(rank + 2.0), 0.0)
    return float((rank < 10).float().mean()), float(gains.mean())


@contextmanager
def _reproducible_arithmetic(device: str) -> Iterator[None]:
    """One thread and deterministic kernels, because sums over several threads differ in their last bits."""
    threads = torch.get_num_threads()
    fills = torch.utils.deterministic.fill_uninitialized_memory
    torch.set_num_threads(1)
    torch.utils.deterministic.fill_uninitialized_memory = (
        False  # a fifth of the time, and nothing here reads such memory
    )
    torch.use_deterministic_algorithms(True, warn_only=device != "cpu")  # CUDA lacks some of the kernels
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(False)
        torch.utils.deterministic.fill_uninitialized_memory = fills
        torch.set_num_threads(threads)


def _loss(loss_of: Loss, users: nn.Module, post_tower: PostTower, batch: Batch, config: TrainingConfig) -> Tensor:
    """The loss on the embeddings of the batch's users and candidates."""
    representations = post_tower.represent(batch.posts)
    posts = post_tower(representations[batch.candidates], batch.numeric)
    return loss_of(users(representations, batch.history, batch.user_rows), posts, batch, config)


def _refuse_infinite(loss: float, batch: Batch, config: TrainingConfig, *, where: str) -> None:
    """TrainingError for a loss that is not finite: a value of the batch is not, or the weights have diverged."""
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
        f"the {broken[0]} hold a value that is not finite: look for wrong dates in the tables, and run `moodfeed clean`"
        if broken
        else f"training has diverged; lower learning_rate, which is {config.learning_rate:g}"
    )
    raise TrainingError(f"{where}: the loss is {loss}: {cause}")


def _key(dataset: Dataset, config: TrainingConfig) -> str:
    facts = json.dumps(asdict(config) | {"data": dataset.fingerprint()}, sort_keys=True)
    return hashlib.sha256(facts.encode()).hexdigest()


def _weighted_mean(losses: list[tuple[float, int]]) -> float:
    total = sum(count for _, count in losses)
    return sum(loss * count for loss, count in losses) / total if total else float("nan")
