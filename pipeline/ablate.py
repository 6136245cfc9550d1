"""What each part of the model is worth: the same split trained anew with one thing changed at a time."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from pipeline.dataset import Dataset
from pipeline.evaluate import SPLITS, default_split, model_recommender
from pipeline.ranking import Estimate, estimate, measure, rank_targets
from pipeline.train import fit
from pipeline.training_config import TrainingConfig
from pipeline.whole_files import write_whole_text

_BY_ID: Mapping[str, object] = {"users": "id", "use_words": False}
_IDS_ONLY: Mapping[str, object] = {"use_text": False, "use_words": False, "id_dropout": 0.0}
_IN_BATCH: Mapping[str, object] = {"uniform_negatives": 0}
_WHOLE_CATALOGUE = 1_000_000_000  # more than there are: all of them

ABLATIONS: dict[str, Mapping[str, object]] = {
    "user ids, text, MSE on the score (the predecessor's)": {**_BY_ID, "objective": "mse"},
    "user ids, text, softmax + logQ": {**_BY_ID, **_IN_BATCH},
    "plain two-tower: pooled history, text, softmax + logQ": {"users": "pooled", "use_words": False, **_IN_BATCH},
    "history of ids, MSE with a random negative": {**_IDS_ONLY, "objective": "mse-negatives"},
    "history of ids, BCE": {**_IDS_ONLY, "objective": "bce"},
    "history of ids, in-batch softmax": {**_IDS_ONLY, **_IN_BATCH, "logq": False},
    "+ logQ": {**_IDS_ONLY, **_IN_BATCH},
    "+ mixed negatives": _IDS_ONLY,
    "+ text": {"use_words": False},
    "+ words (the model)": {},
    "the model, pooled history": {"users": "pooled"},
    "the model, full softmax": {"uniform_negatives": _WHOLE_CATALOGUE},
}
"""What differs from the configuration that is ablated."""


@dataclass(frozen=True, slots=True)
class Ablation:
    """One row of the table; ``seconds`` of training, on the processor that it ran on."""

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
    """Train every variant whose name ``only`` accepts on the data's own split, and rank the full catalogue.

    ``on_batch`` hears (variant, epochs done so far, loss of the batch), ``on_row`` each result as it comes.
    """
    split = SPLITS[default_split(dataset)](dataset)
    rows = []
    for name, changes in ABLATIONS.items():
        if not only(name):
            continue

        def hear(done: float, loss: float, name: str = name) -> None:
            if on_batch:
                on_batch(name, done, loss)

        started = time.monotonic()
        fitted = fit(split.past, replace(config, **changes), device=device, on_batch=hear)  # type: ignore[arg-type]
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
    """Replace the file by the rows as JSON, in one step."""
    write_whole_text(path, json.dumps([asdict(row) for row in rows], indent=2) + "\n")
