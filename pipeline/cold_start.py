"""Measure the methods on cold starts: posts without interactions, and users unknown to training."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from pipeline.baselines import BASELINES
from pipeline.crowd_baselines import Method
from pipeline.dataset import Dataset
from pipeline.evaluate import model_recommender
from pipeline.evaluation import MODEL_NAME
from pipeline.ranking import Estimate, Recommender, estimate, measure, rank_targets
from pipeline.splits import Split, cold_posts, split_cold_posts, split_cold_users, split_last
from pipeline.train import train
from pipeline.training_config import TrainingConfig
from pipeline.training_run import TrainingRun

SHOWN_INTERACTIONS = (1, 3, 5)
METHODS = ("random", "item-kNN (collaborative)", "implicit ALS (collaborative)", "content-based (BERT)")


@dataclass(frozen=True, slots=True)
class ColdStart:
    """Recall@10 and NDCG@10 of one method in one cold case, over ``users`` test users."""

    case: str
    method: str
    users: int
    recall_at_10: Estimate
    ndcg_at_10: Estimate


def measure_cold_posts(
    dataset: Dataset,
    config: TrainingConfig,
    *,
    device: str = "cpu",
    on_batch: Callable[[float, float], None] | None = None,
) -> tuple[ColdStart, ...]:
    """Rank posts without interactions: among each other, and among all.

    The case "other posts" shows what the bonus for new posts costs: users whose last post is not a cold one.
    """
    split = split_cold_posts(dataset)
    is_cold = cold_posts(dataset)
    methods = _methods(split.past, config, device=device, on_batch=on_batch)
    rows = [_row("cold posts, among cold ones", name, split, method, is_cold) for name, method in methods.items()]
    rows += [_row("cold posts, among all", name, split, method) for name, method in methods.items()]
    others = _of_other_targets(split, split_last(dataset), is_cold)
    rows += [_row("other posts, among all", name, others, method) for name, method in methods.items()]
    return tuple(rows)


def measure_cold_users(
    dataset: Dataset,
    config: TrainingConfig,
    *,
    device: str = "cpu",
    on_batch: Callable[[float, float], None] | None = None,
) -> tuple[ColdStart, ...]:
    """Rank for users unknown to training, from the last 1, 3 and 5 posts of their histories."""
    splits = {count: split_cold_users(dataset, shown_interactions=count) for count in SHOWN_INTERACTIONS}
    past = splits[SHOWN_INTERACTIONS[0]].past
    methods = _methods(past, config, device=device, on_batch=on_batch)
    return tuple(
        _row(f"cold users, {count} shown", name, split, method)
        for count, split in splits.items()
        for name, method in methods.items()
    )


def _methods(
    past: Dataset,
    config: TrainingConfig,
    *,
    device: str,
    on_batch: Callable[[float, float], None] | None,
) -> dict[str, Recommender]:
    towers = train(past, config, run=TrainingRun(device=device, on_batch=on_batch))
    baselines: dict[str, Method] = {name: BASELINES[name] for name in METHODS}
    return {name: method(past) for name, method in baselines.items()} | {MODEL_NAME: model_recommender(towers, past)}


def _row(
    case: str, name: str, split: Split, recommender: Recommender, candidates: np.ndarray | None = None
) -> ColdStart:
    found = measure(rank_targets(split, recommender, candidates=candidates))
    return ColdStart(case, name, len(found.recall), estimate(found.recall), estimate(found.ndcg))


def _of_other_targets(split: Split, last: Split, is_cold: np.ndarray) -> Split:
    """The users of ``last`` whose target is not a cold post, with the past and the histories of ``split``."""
    has_history = np.diff(split.shown.pairs.offsets) > 0
    chosen = [
        position
        for position, (row, targets) in enumerate(zip(last.user_rows, last.targets, strict=True))
        if has_history[row] and not is_cold[targets[0]]
    ]
    return Split(
        past=split.past,
        shown=split.shown,
        user_rows=last.user_rows[chosen],
        targets=tuple(last.targets[position] for position in chosen),
        describes="each person's last interaction held back",
    )
