"""Measure the model and the baselines on held-back interactions: the full catalogue, without posts already met."""

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from pipeline.baselines import baselines_for
from pipeline.blend_weights import BlendWeights, default_weights
from pipeline.chosen_settings import Learn, choose, halves
from pipeline.crowd_baselines import Method
from pipeline.dataset import Dataset
from pipeline.encode import encode_posts, encode_users
from pipeline.evaluation import MODEL_NAME, TOWER_NAME, Evaluation, EvaluationError
from pipeline.judged_split import JudgedSplit, judge
from pipeline.known_posts import known_at, learn_from
from pipeline.pooling import Pool
from pipeline.ranking import Recommender
from pipeline.splits import Split, rolling_splits, split_by_time, split_last
from pipeline.tower_scores import TowerScores
from pipeline.train import Fitted, train
from pipeline.trained_towers import TrainedTowers
from pipeline.training_config import TrainingConfig
from pipeline.weights_choice import WeightsChoice

SPLITS: dict[str, Callable[[Dataset], Split]] = {"time": split_by_time, "last": split_last}
NOTHING_CHOSEN = "none was chosen on this data, so every month is judged"
NO_BLEND = "towers alone, as the data has no clock"
DEFAULT_NAME = "default"  # of the settings that candidates compete with

OnMonth = Callable[[int, int, Split], None]
"""Called with the number of a month from 1, the number of months, and its split, before it is judged."""

TowersOf = Callable[[Dataset, TrainingConfig], TrainedTowers]
"""Gives the towers trained on a dataset with some settings."""


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
    towers_of: TowersOf = train,
    on_month: OnMonth | None = None,
    on_method: Callable[[str], None] | None = None,
) -> Evaluation:
    """Train on the past of each month alone, then rank the full catalogue with every method.

    Data without a clock has one split, of each person's last interaction, whatever ``months`` is. With ``candidates``
    by name, the older half of the months chooses one of them or ``config``, and only the newer half is judged.
    ``towers_of`` trains, and what it raises ends the evaluation. A training knows no post made after the split.
    TooLittleDataError if one side of the newest split has no interactions, EvaluationError for a split by time
    without times, or for candidates where there is no month to choose on.
    """
    splits = splits_of(dataset, split_name=split_name, months=months)
    settings = NOTHING_CHOSEN
    if candidates:
        splits, choosing = halves(splits)
        if not choosing:
            raise EvaluationError("settings are chosen on an older month than is judged: the data has only one")
        choice = choose(dataset, {DEFAULT_NAME: config, **candidates}, choosing, learn=_learn(towers_of, on_method))
        config, settings = choice.config, choice.describes
    judged: list[JudgedSplit] = []
    weights, used = WeightsChoice(), []
    for number, split in enumerate(reversed(splits), start=1):  # oldest first: each month chooses for those after it
        if on_month:
            on_month(number, len(splits), split)
        month, tower_scores = judge_month(
            split, config, weights=_weights(split, weights), towers_of=towers_of, on_method=on_method
        )
        judged.insert(0, month)
        used.append(weights.describes(default_weights(known_at(split))) if split.past.has_clock else NO_BLEND)
        if dataset.has_clock and split.day is not None:
            weights.learn(split, tower_scores.blended, dataset)
    evaluation = _pooled(dataset, judged, settings=settings)
    chosen = weights.best(default_weights(dataset))[1]
    return replace(evaluation, blend=chosen, blend_of_months=tuple(reversed(used)))


def _weights(split: Split, choice: WeightsChoice) -> BlendWeights:
    return choice.best(default_weights(known_at(split)))[1]


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
    split: Split,
    config: TrainingConfig,
    *,
    weights: BlendWeights | None = None,
    towers_of: TowersOf = train,
    on_method: Callable[[str], None] | None = None,
) -> tuple[JudgedSplit, TowerScores]:
    """Train the towers on what there was at one split, and judge them beside every baseline.

    The model is the blend with some weights, by default those that the data starts with; its towers alone are judged as
    well. The scores of the towers are those of the split's past.
    """
    past = known_at(split)
    towers = towers_of(past, config)
    tower_scores = TowerScores(towers, past)
    blended = tower_scores.blended(weights or default_weights(past))
    methods: dict[str, Method] = {MODEL_NAME: lambda _: blended}
    if past.has_clock:
        methods[TOWER_NAME] = lambda _: tower_scores.scores
    judged = judge(split, methods | baselines_for(split.past), on_method=on_method)
    return replace(judged, epochs=towers.epochs), tower_scores


def model_recommender(towers: TrainedTowers | Fitted, past: Dataset) -> Recommender:
    """Inner products of users and posts, with the posts as of the end of ``past``."""
    posts = encode_posts(towers, past)

    def recommend(shown: Dataset, user_rows: NDArray[np.int64]) -> NDArray[np.float32]:
        return encode_users(towers, shown, posts, user_rows) @ posts.embeddings.T

    return recommend


def _learn(towers_of: TowersOf, on_method: Callable[[str], None] | None) -> Learn:
    def learn(split: Split, config: TrainingConfig, name: str) -> Recommender:
        if on_method:
            on_method(name)
        return learn_from(split, known_at(split), lambda past: model_recommender(towers_of(past, config), past))

    return learn


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
