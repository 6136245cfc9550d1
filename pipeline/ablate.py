"""Ablations: retrain on the same split with one part of the model changed at a time."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from pipeline.compared_users import by_history, by_id, by_pooled_history
from pipeline.dataset import Dataset
from pipeline.evaluate import SPLITS, default_split, model_recommender
from pipeline.losses import Loss, softmax_loss
from pipeline.ranking import Estimate, estimate, measure, rank_targets
from pipeline.train import MakeUsers, fit
from pipeline.training_config import Objective, TrainingConfig
from pipeline.training_examples import Batch
from pipeline.training_run import TrainingRun
from pipeline.whole_files import write_whole_text

_WHOLE_CATALOGUE = 1_000_000_000  # capped at the number of posts


@dataclass(frozen=True, slots=True)
class Variant:
    """How one row of the table differs from the configuration that is ablated.

    ``blind`` removes something from the dataset before training and ranking see it.
    """

    settings: Mapping[str, object] = field(default_factory=dict)
    make_users: MakeUsers = by_history
    loss_of: Loss | None = None  # by default that of the objective
    blind: Callable[[Dataset], Dataset] = lambda dataset: dataset


def without_text(dataset: Dataset) -> Dataset:
    """The dataset with text embeddings of zeros."""
    return replace(dataset, text=np.zeros_like(dataset.text))


def without_words(dataset: Dataset) -> Dataset:
    """The dataset with empty texts, which no vocabulary is learnt from; the text embeddings stay."""
    return replace(dataset, posts=dataset.posts.assign(summary_text=""))


def without_text_and_words(dataset: Dataset) -> Dataset:
    """The dataset whose posts are told apart by id, category and popularity alone."""
    return without_text(without_words(dataset))


def uncorrected_softmax_loss(users: Tensor, posts: Tensor, batch: Batch, config: TrainingConfig) -> Tensor:
    """The softmax loss without the logQ correction."""
    return softmax_loss(users, posts, replace(batch, log_expected=torch.zeros_like(batch.log_expected)), config)


def _changed(variant: Variant, settings: Mapping[str, object]) -> Variant:
    return replace(variant, settings={**variant.settings, **settings})


_IN_BATCH = {"uniform_negatives": 0}
_MSE, _MSE_NEGATIVES, _BCE = ({"objective": name} for name in (Objective.MSE, Objective.MSE_NEGATIVES, Objective.BCE))
_BY_ID = Variant(make_users=by_id, blind=without_words)
_IDS_ONLY = Variant({"id_dropout": 0.0}, blind=without_text_and_words)

ABLATIONS: Mapping[str, Variant] = {
    "user ids, text, MSE on the score (the predecessor's)": _changed(_BY_ID, _MSE),
    "user ids, text, softmax + logQ": _changed(_BY_ID, _IN_BATCH),
    "plain two-tower: pooled history, text, softmax + logQ": Variant(
        _IN_BATCH, make_users=by_pooled_history, blind=without_words
    ),
    "history of ids, MSE with a random negative": _changed(_IDS_ONLY, _MSE_NEGATIVES),
    "history of ids, BCE": _changed(_IDS_ONLY, _BCE),
    "history of ids, in-batch softmax": replace(_changed(_IDS_ONLY, _IN_BATCH), loss_of=uncorrected_softmax_loss),
    "+ logQ": _changed(_IDS_ONLY, _IN_BATCH),
    "+ mixed negatives": _IDS_ONLY,
    "+ text": Variant(blind=without_words),
    "+ words (the model)": Variant(),
    "the model, pooled history": Variant(make_users=by_pooled_history),
    "the model, full softmax": Variant({"uniform_negatives": _WHOLE_CATALOGUE}),
}


@dataclass(frozen=True, slots=True)
class Ablation:
    """One row of the table; ``seconds`` is the wall time of training."""

    name: str
    recall_at_10: Estimate
    ndcg_at_10: Estimate
    in_category_recall_at_10: Estimate
    in_category_ndcg_at_10: Estimate
    epochs: int
    seconds: float


def ablate(
    dataset: Dataset,
    config: TrainingConfig,
    *,
    only: Callable[[str], bool] = lambda _: True,
    device: str = "cpu",
    on_batch: Callable[[str, float, float], None] | None = None,
    on_row: Callable[[Ablation], None] | None = None,
) -> tuple[Ablation, ...]:
    """Train every variant whose name ``only`` accepts on the data's default split, and rank the full catalogue.

    ``on_batch`` is called with the variant's name, the epochs done so far and the loss; ``on_row`` with each result.
    """
    split_by = SPLITS[default_split(dataset)]
    rows = []
    for name, variant in ABLATIONS.items():
        if not only(name):
            continue

        def hear(done: float, loss: float, name: str = name) -> None:
            if on_batch:
                on_batch(name, done, loss)

        split = split_by(variant.blind(dataset))
        started = time.monotonic()
        fitted = fit(
            split.past,
            replace(config, **variant.settings),  # type: ignore[arg-type]
            make_users=variant.make_users,
            loss_of=variant.loss_of,
            run=TrainingRun(device=device, on_batch=hear),
        )
        seconds = time.monotonic() - started
        ranks = rank_targets(split, model_recommender(fitted, split.past))
        overall, in_category = measure(ranks), measure(ranks, in_category=True)
        rows.append(
            Ablation(
                name=name,
                recall_at_10=estimate(overall.recall),
                ndcg_at_10=estimate(overall.ndcg),
                in_category_recall_at_10=estimate(in_category.recall),
                in_category_ndcg_at_10=estimate(in_category.ndcg),
                epochs=len(fitted.epochs),
                seconds=seconds,
            )
        )
        if on_row:
            on_row(rows[-1])
    return tuple(rows)


def write_ablations(rows: tuple[Ablation, ...], path: Path) -> None:
    """Replace the file with the rows as JSON, in one step."""
    write_whole_text(path, json.dumps([asdict(row) for row in rows], indent=2) + "\n")
