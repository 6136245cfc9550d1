"""Train the two towers: one loop, read from top to bottom."""

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from pipeline.checkpoint import Checkpoint
from pipeline.dataset import Dataset
from pipeline.trained_towers import EpochReport, TrainedTowers
from pipeline.training_config import TrainingConfig
from pipeline.training_examples import Batch, Examples
from two_tower.model import PostTower, TowerConfig, UserTower


def train(
    dataset: Dataset,
    config: TrainingConfig,
    *,
    device: str = "cpu",
    checkpoint: Path | None = None,
    on_epoch: Callable[[EpochReport], None] | None = None,
) -> TrainedTowers:
    """Train both towers on all interactions of ``dataset``.

    With a ``checkpoint`` path, the state is kept there after every epoch, and a run that was cut off goes on from it,
    if configuration and data are the same.
    """
    with _reproducible_arithmetic(device):
        return _train(dataset, config, device=device, checkpoint=checkpoint, on_epoch=on_epoch)


def _train(
    dataset: Dataset,
    config: TrainingConfig,
    *,
    device: str,
    checkpoint: Path | None,
    on_epoch: Callable[[EpochReport], None] | None,
) -> TrainedTowers:
    torch.manual_seed(config.seed)
    random = np.random.default_rng(config.seed)
    tower_config = TowerConfig(
        text_dimension=dataset.text.shape[1],
        post_count=len(dataset.post_ids),
        category_count=len(dataset.category_ids) + 1,
    )
    examples = Examples(dataset, config, tower_config, device=device, random=random)
    post_tower = PostTower(tower_config).to(device)
    post_tower.start_from(examples.text)
    user_tower = UserTower(tower_config).to(device)
    parameters = [*post_tower.parameters(), *user_tower.parameters()]
    optimizer = torch.optim.AdamW(parameters, lr=config.learning_rate, weight_decay=config.weight_decay)
    loss_of = {"softmax": _softmax_loss, "mse": _mse_loss}[config.objective]

    reports: list[EpochReport] = []
    saved = Checkpoint(checkpoint, user_tower, post_tower, optimizer, key=_key(dataset, config))
    saved.restore(reports)
    for epoch in range(len(reports), config.epochs):
        torch.manual_seed(config.seed + epoch)
        random = np.random.default_rng((config.seed, epoch))
        for group in optimizer.param_groups:  # linear warm-up over the first epoch, then a cosine down to a tenth
            group["lr"] = config.learning_rate * (0.1 + 0.45 * (1 + np.cos(np.pi * epoch / config.epochs)))

        losses = []
        user_tower.train()
        post_tower.train()
        for batch in examples.batches(examples.training_rows, random):
            loss = loss_of(user_tower, post_tower, batch, config)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(parameters, 1.0)
            optimizer.step()
            losses.append((loss.item(), len(batch.targets)))

        validation: list[tuple[float, int]] = []
        user_tower.eval()
        post_tower.eval()
        with torch.no_grad():
            validation.extend(
                (loss_of(user_tower, post_tower, batch, config).item(), len(batch.targets))
                for batch in examples.batches(examples.validation_rows, np.random.default_rng(config.seed))
            )

        reports.append(EpochReport(epoch + 1, _weighted_mean(losses), _weighted_mean(validation)))
        saved.save(reports)
        if on_epoch:
            on_epoch(reports[-1])

    user_tower.eval()
    post_tower.eval()
    return TrainedTowers(tower_config, user_tower.cpu(), post_tower.cpu(), tuple(reports), dataset.fingerprint())


@contextmanager
def _reproducible_arithmetic(device: str) -> Iterator[None]:
    """One thread and deterministic kernels: sums over several threads come out otherwise in their last bits."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True, warn_only=device != "cpu")  # CUDA lacks some of the kernels
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(False)
        torch.set_num_threads(threads)


def _softmax_loss(user_tower: UserTower, post_tower: PostTower, batch: Batch, config: TrainingConfig) -> Tensor:
    """In-batch sampled softmax with logQ correction (Yi et al. 2019) and mixed negatives (Yang et al. 2020)."""
    users = user_tower(post_tower.represent(*batch.history_posts), batch.history)
    posts = post_tower(post_tower.represent(*batch.candidates), batch.numeric)
    logits = users @ posts.T / config.temperature - batch.log_expected  # [batch, candidates]
    rows = batch.candidates[2]
    is_accidental_hit = rows[None, :] == batch.targets[:, None]
    is_accidental_hit &= ~torch.eye(*logits.shape, dtype=torch.bool, device=logits.device)
    logits = logits.masked_fill(is_accidental_hit, float("-inf"))
    labels = torch.arange(len(users), device=logits.device)
    losses = functional.cross_entropy(logits, labels, reduction="none")
    return (losses * batch.weights).sum() / batch.weights.sum()


def _mse_loss(user_tower: UserTower, post_tower: PostTower, batch: Batch, config: TrainingConfig) -> Tensor:
    """Squared error of the inner product against the interaction score, on observed pairs: the predecessor's."""
    del config
    count = len(batch.targets)
    users = user_tower(post_tower.represent(*batch.history_posts), batch.history)
    texts, categories, rows = batch.candidates
    posts = post_tower(post_tower.represent(texts[:count], categories[:count], rows[:count]), batch.numeric[:count])
    return functional.mse_loss((users * posts).sum(dim=-1), batch.strengths)


def _key(dataset: Dataset, config: TrainingConfig) -> str:
    facts = json.dumps(asdict(config) | {"data": dataset.fingerprint()}, sort_keys=True)
    return hashlib.sha256(facts.encode()).hexdigest()


def _weighted_mean(losses: list[tuple[float, int]]) -> float:
    total = sum(count for _, count in losses)
    return sum(loss * count for loss, count in losses) / total if total else float("nan")
