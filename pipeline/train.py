"""Train the two towers: one loop, to be read from top to bottom."""

import hashlib
import json
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn

from pipeline.batch_loss import batch_loss, refuse_infinite, weighted_mean
from pipeline.checkpoint import LAYOUT, Checkpoint, RunState
from pipeline.compared_users import ByHistory, by_history
from pipeline.dataset import Dataset
from pipeline.held_out import count_validated, held_out_losses, rank_held_out
from pipeline.losses import LOSSES, Loss
from pipeline.ranks import Ranks
from pipeline.reproducible import batch_random, reproducible_arithmetic, seed_dropout
from pipeline.row_optimizer import RowAdamW
from pipeline.shared_gradients import share_gradients
from pipeline.trained_towers import EpochReport, TrainedTowers, kept_epoch
from pipeline.training_config import TrainingConfig
from pipeline.training_examples import Batch, Examples, Plan
from pipeline.training_run import TrainingRun
from two_tower.model import PostTower
from two_tower.tower_config import TowerConfig
from two_tower.words import Vocabulary

_LAST_RATE = 0.01  # share of the learning rate that is left at the end of the cosine
_SHORTEST_WARM_UP = 1e-9
_LARGEST_GRADIENT = 1.0  # norm of all gradients of a step


class TrainingStoppedError(Exception):
    """Training stopped on request: names the step, and says how to resume."""

    def __init__(self, *, epoch: int, step: int, steps: int, is_saved: bool) -> None:
        kept = "run the same command again to resume" if is_saved else "nothing is saved"
        super().__init__(f"stopped in epoch {epoch} after step {step} of {steps}: {kept}")


MakeUsers = Callable[[int, TowerConfig, TrainingConfig], nn.Module]
"""Number of users, shape of the towers and settings to a module of representations, histories and user rows."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """The result of training, whatever module encodes the users."""

    config: TowerConfig
    users: nn.Module
    post_tower: PostTower
    vocabulary: Vocabulary
    epochs: tuple[EpochReport, ...]


def train(dataset: Dataset, config: TrainingConfig, *, run: TrainingRun | None = None) -> TrainedTowers:
    """Train both towers on all interactions of ``dataset`` and return those of the best epoch.

    The best epoch is the one with the highest held-out NDCG@10. With fewer than a thousand held-out interactions the
    last epoch is the best. Without interactions there is nothing to learn: the towers stay as they start, with no
    epochs. TrainingError at the first loss that is not finite, TrainingStoppedError as ``run`` asks for it.
    """
    fitted = fit(dataset, config, run=run)
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
    run: TrainingRun | None = None,
) -> Fitted:
    """Train as ``train`` does, with another module for the users or another loss where a comparison asks for one.

    ``loss_of`` is by default the loss of ``config.objective``.
    """
    run = run or TrainingRun()
    loss_of = loss_of or LOSSES[config.objective]
    with reproducible_arithmetic(run.device, threads=config.threads):
        run.ranks.refuse_other_facts(
            _facts(dataset, config), what_to_do="Start all with the same options, --config and --data"
        )
        learning = _start(dataset, config, make_users, run)
        examples, state = learning.examples, RunState()
        saved = Checkpoint(
            run.checkpoint,
            learning.users,
            learning.post_tower,
            learning.optimizer,
            learning.tables,
            key=_key(dataset, config),
            clock=run.clock,
            writes=run.ranks.is_first,
        )
        is_resumed = saved.restore(state)
        run.ranks.refuse_other_facts(
            {"the epochs done": len(state.reports), "the steps done since": state.steps_done},
            what_to_do="Each has a checkpoint of its own: give all the same --data",
        )
        run.ranks.refuse_differences(_weights(learning), what="the processes start from different towers")
        for epoch in range(len(state.reports), config.epochs if len(examples.training_rows) else 0):
            if _is_spent(state.reports, config.patience):
                break
            plans = examples.plans(examples.training_rows, np.random.default_rng((config.seed, epoch)))
            if run.on_resume and is_resumed:
                run.on_resume(epoch + 1, state.steps_done, len(plans))
            is_resumed = False

            def stop_if_asked(epoch: int = epoch, steps: int = len(plans)) -> None:
                if run.should_stop and run.ranks.any(run.should_stop()):
                    saved.save(state)
                    raise TrainingStoppedError(
                        epoch=epoch + 1, step=state.steps_done, steps=steps, is_saved=run.checkpoint is not None
                    )

            learning.users.train()
            learning.post_tower.train()
            for step, batch in _batches(
                learning, plans, run.ranks, seed=config.seed, epoch=epoch, first=state.steps_done
            ):
                done = (epoch + step / len(plans)) / config.epochs
                rate = learning_rate_at(done, config, step_share=1 / len(plans) / config.epochs)
                seed_dropout(config.seed, epoch, step)
                loss = batch_loss(loss_of, learning.users, learning.post_tower, batch, config, ranks=run.ranks)
                state.losses.append((run.ranks.sum(loss.detach().clone()).item(), len(plans[step].rows)))
                refuse_infinite(state.losses[-1][0], batch, config, where=f"epoch {epoch + 1}, step {step + 1}")
                _step(learning, loss, rate, run.ranks)
                if run.on_batch:
                    run.on_batch(done * config.epochs, state.losses[-1][0])
                stop_if_asked()
                if saved.is_due():
                    saved.save(state)

            learning.tables.bring_up_to_date()
            run.ranks.refuse_differences(_weights(learning), what="the towers of the processes have come apart")
            state.reports.append(
                _report(learning, loss_of, config, state.losses, epoch + 1, on_piece=stop_if_asked, ranks=run.ranks)
            )
            state.losses.clear()
            if kept_epoch(state.reports) is state.reports[-1]:
                saved.keep_as_best()
            saved.save(state)
            if run.on_epoch:
                run.on_epoch(state.reports[-1])

        learning.tables.detach()
        saved.return_to_best()
        users, post_tower = learning.users.eval().cpu(), learning.post_tower.eval().cpu()
        return Fitted(learning.config, users, post_tower, learning.vocabulary, tuple(state.reports))


@dataclass(frozen=True, slots=True)
class _Learning:
    """The towers of a run and their optimizers."""

    config: TowerConfig
    vocabulary: Vocabulary
    examples: Examples
    users: nn.Module
    post_tower: PostTower
    optimizer: torch.optim.Optimizer  # of everything but the tables
    tables: RowAdamW


def _start(dataset: Dataset, config: TrainingConfig, make_users: MakeUsers, run: TrainingRun) -> _Learning:
    torch.manual_seed(config.seed)
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
        order_decay=config.order_decay,
        newcomers_follow_trend=dataset.has_clock,
    )
    post_tower = PostTower(
        tower_config,
        id_dropout=config.id_dropout,
        history_id_dropout=config.history_id_dropout,
        word_dropout=config.word_dropout,
    ).to(run.device)
    post_tower.start_from(dataset.text, scale=config.text_scale)
    users = make_users(len(dataset.user_ids), tower_config, config).to(run.device)
    tables = RowAdamW([post_tower, users], weight_decay=config.weight_decay, read_by_all=run.ranks.gather_each)
    in_tables = {id(weight) for weight in tables.parameters}
    others = [each for each in (*post_tower.parameters(), *users.parameters()) if id(each) not in in_tables]
    return _Learning(
        config=tower_config,
        vocabulary=vocabulary,
        examples=Examples(
            dataset,
            config,
            vocabulary.rows_of(dataset.texts),
            device=run.device,
            random=np.random.default_rng(config.seed),
        ),
        users=users,
        post_tower=post_tower,
        optimizer=torch.optim.AdamW(others, lr=config.learning_rate, weight_decay=config.weight_decay, fused=True),
        tables=tables,
    )


def _weights(learning: _Learning) -> Iterator[Tensor]:
    for module in (learning.users, learning.post_tower):
        yield from module.state_dict().values()


def _step(learning: _Learning, loss: Tensor, rate: float, ranks: Ranks) -> None:
    """One optimizer step, with the gradient clipped to a norm of ``_LARGEST_GRADIENT``."""
    learning.optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    (group,) = learning.optimizer.param_groups
    share_gradients(ranks, group["params"], learning.tables)
    gradients = [each.grad for each in group["params"] if each.grad is not None] + learning.tables.gradients()
    norm = torch.linalg.vector_norm(torch.stack([torch.linalg.vector_norm(gradient) for gradient in gradients]))
    share = (_LARGEST_GRADIENT / (norm + 1e-6)).clamp(max=1.0)
    for gradient in gradients:
        gradient.mul_(share)
    group["lr"] = rate
    learning.optimizer.step()
    learning.tables.step(rate)


def _report(
    learning: _Learning,
    loss_of: Loss,
    config: TrainingConfig,
    losses: list[tuple[float, int]],
    epoch: int,
    *,
    on_piece: Callable[[], None],
    ranks: Ranks,
) -> EpochReport:
    """Measure the towers on the held-out examples."""
    users, post_tower, examples = learning.users.eval(), learning.post_tower.eval(), learning.examples
    with torch.no_grad():
        validation = held_out_losses(
            loss_of, users, post_tower, examples, config, epoch=epoch, on_piece=on_piece, ranks=ranks
        )
        alone = {"on_piece": on_piece} if ranks.size == 1 else {}  # several cannot stop together in their own examples
        recall, ndcg = rank_held_out(users, post_tower, examples, ranks=ranks, **alone)
    return EpochReport(
        epoch=epoch,
        training_loss=weighted_mean(losses),
        validation_loss=weighted_mean(validation),
        validation_recall_at_10=recall,
        validation_ndcg_at_10=ndcg,
        validated=count_validated(examples),
    )


def _batches(
    learning: _Learning, plans: list[Plan], ranks: Ranks, *, seed: int, epoch: int, first: int
) -> Iterator[tuple[int, Batch]]:
    """Each step from ``first`` with its batch; a thread makes the next batch while one is used."""

    def make(step: int) -> Batch:
        return learning.examples.batch(plans[step], batch_random(seed, epoch, step), ranks)

    with ThreadPoolExecutor(1) as thread:
        coming = deque(thread.submit(make, step) for step in range(first, min(first + 1, len(plans))))
        for step in range(first, len(plans)):
            batch = coming.popleft().result()
            if step + 1 < len(plans):
                coming.append(thread.submit(make, step + 1))
            yield step, batch


def learning_rate_at(done: float, config: TrainingConfig, *, step_share: float) -> float:
    """The rate of the step that starts when the share ``done`` of the run is over and lasts ``step_share`` of it.

    A linear warm-up, measured at the middle of the step, multiplies a cosine decay to 1 % of the configured rate.
    """
    warm_up = min(1.0, (done + 0.5 * step_share) / max(config.warm_up, _SHORTEST_WARM_UP))
    decay = _LAST_RATE + (1 - _LAST_RATE) / 2 * (1 + np.cos(np.pi * done))
    return float(config.learning_rate * warm_up * decay)


def _is_spent(reports: list[EpochReport], patience: int) -> bool:
    return bool(reports) and reports[-1].epoch - kept_epoch(reports).epoch >= patience


def _facts(dataset: Dataset, config: TrainingConfig) -> dict[str, object]:
    """Whatever a run depends on."""
    return asdict(config) | {"data": dataset.fingerprint(), "layout": LAYOUT}


def _key(dataset: Dataset, config: TrainingConfig) -> str:
    facts = json.dumps(_facts(dataset, config), sort_keys=True)
    return hashlib.sha256(facts.encode()).hexdigest()
