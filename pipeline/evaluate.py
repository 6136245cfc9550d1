"""Measure the model and the baselines on held-back interactions: the full catalogue, without posts already met."""

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from pipeline.baselines import baselines_for
from pipeline.chosen_settings import Learn, choose, halves
from pipeline.dataset import Dataset
from pipeline.encode import encode_posts, encode_users
from pipeline.evaluation import MODEL_NAME, Evaluation, EvaluationError
from pipeline.judged_split import JudgedSplit, judge
from pipeline.pooling import Pool
from pipeline.ranking import Recommender
from pipeline.splits import Split, rolling_splits, split_by_time, split_last
from pipeline.train import Fitted, train
from pipeline.trained_towers import TrainedTowers
from pipeline.training_config import TrainingConfig
from pipeline.training_run import TrainingRun

SPLITS: dict[str, Callable[[Dataset], Split]] = {"time": split_by_time, "last": split_last}
NOTHING_CHOSEN = "none was chosen on this data, so every month is judged"
DEFAULT_NAME = "default"  # of the settings that candidates compete with

OnMonth = Callable[[int, int, Split], None]
"""Called with the number of a month from 1, the number of months, and its split, before it is judged."""


class TooLittleDataError(EvaluationError):
    """One side of the split has no interactions."""


def default_split(dataset: Dataset) -> str:
    """The name of the split by time if the data has a clock, else of the split of last interactions."""
    return "time" if dataset.has_clock else "last"


def evaluate(
    dataset: Dataset,
    config: TrainingConfig,
    *,
    months: int = 1,
    split_name: str | None = None,
    candidates: Mapping[str, TrainingConfig] | None = None,
    run: TrainingRun | None = None,
    on_month: OnMonth | None = None,
    on_method: Callable[[str], None] | None = None,
) -> Evaluation:
    """Train on the past of each month alone, then rank the full catalogue with every method.

    Data without a clock has one split, of each person's last interaction, whatever ``months`` is. With ``candidates``
    by name, the older half of the months chooses one of them or ``config``, and only the newer half is judged.
    ``run`` may end the evaluation as it ends a training; each training has a checkpoint of its own beside that of
    ``run``. TooLittleDataError if one side of the newest split has no interactions, EvaluationError for a split by time
    without times, or for candidates where there is no month to choose on.
    """
    run = run or TrainingRun()
    splits = splits_of(dataset, split_name=split_name, months=months)
    settings = NOTHING_CHOSEN
    if candidates:
        splits, choosing = halves(splits)
        if not choosing:
            raise EvaluationError("settings are chosen on an older month than is judged: the data has only one")
        choice = choose(dataset, {DEFAULT_NAME: config, **candidates}, choosing, learn=_learn(run, on_method))
        config, settings = choice.config, choice.describes
    judged = []
    for number, split in enumerate(splits, start=1):
        if on_month:
            on_month(number, len(splits), split)
        own = run if number == 1 else _with_own_checkpoint(run, str(number))
        judged.append(judge_month(split, config, run=own, on_method=on_method))
    return _pooled(dataset, judged, settings=settings)


def splits_of(dataset: Dataset, *, split_name: str | None, months: int) -> tuple[Split, ...]:
    """The splits that ``evaluate`` judges, newest first; errors as there."""
    name = split_name or default_split(dataset)
    if name == "time" and not dataset.is_timed:
        raise EvaluationError("the interactions have an order but no timestamps: use --split last")
    splits = rolling_splits(dataset, months=months) if name == "time" else (SPLITS[name](dataset),)
    if not len(splits[0].past.pairs) or not len(splits[0].user_rows):
        raise TooLittleDataError(f"no interactions on one side of the split ({splits[0].describes}): fetch more data")
    return splits


def judge_month(
    split: Split, config: TrainingConfig, *, run: TrainingRun, on_method: Callable[[str], None] | None = None
) -> JudgedSplit:
    """Train the towers on one split's past, and judge them beside every baseline."""
    towers = train(split.past, config, run=run)
    methods = baselines_for(split.past) | {MODEL_NAME: lambda past: model_recommender(towers, past)}
    return judge(split, methods, epochs=towers.epochs, on_method=on_method)


def model_recommender(towers: TrainedTowers | Fitted, past: Dataset) -> Recommender:
    """Inner products of users and posts, with the posts as of the end of ``past``."""
    posts = encode_posts(towers, past)

    def recommend(shown: Dataset, user_rows: NDArray[np.int64]) -> NDArray[np.float32]:
        return encode_users(towers, shown, posts, user_rows) @ posts.embeddings.T

    return recommend


def _learn(run: TrainingRun, on_method: Callable[[str], None] | None) -> Learn:
    def learn(split: Split, config: TrainingConfig, name: str) -> Recommender:
        if on_method:
            on_method(name)
        return model_recommender(train(split.past, config, run=_with_own_checkpoint(run, name)), split.past)

    return learn


def _with_own_checkpoint(run: TrainingRun, name: str) -> TrainingRun:
    """The same run with a checkpoint beside its own, which is that of the newest month and the one of ``build``."""
    if run.checkpoint is None:
        return run
    return replace(run, checkpoint=run.checkpoint.with_stem(f"{run.checkpoint.stem}-{name}"))


def _pooled(dataset: Dataset, judged: list[JudgedSplit], *, settings: str) -> Evaluation:
    pool = Pool(judged)
    posts = np.unique(np.concatenate([split.posts for split in judged]))
    is_met = np.concatenate([split.posts[split.meetings > 0] for split in judged])
    return Evaluation(
        methods=pool.metrics(),
        people=pool.people(),
        months=pool.months(),
        split=judged[0].describes if len(judged) == 1 else _described(judged),
        settings=settings,
        test_users=len(pool.lengths),
        test_users_seen_before=int((pool.lengths > 0).sum()),
        test_posts=len(posts),
        test_posts_seen_before=len(np.unique(is_met)),
        ndcg_by_history_length=pool.by_history_length(),
        recall_by_post_age=pool.by_post_age() if dataset.has_clock else (),
        recall_by_post_meetings=pool.by_post_meetings(),
        epochs=judged[0].epochs,
        data_fingerprint=dataset.fingerprint(),
    )


def _described(judged: list[JudgedSplit]) -> str:
    return f"{len(judged)} months, each 35 days from {judged[-1].label} to {judged[0].label} held back"
