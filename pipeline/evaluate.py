"""Measure the model and the baselines on one split: full catalogue, without the posts that the user has met."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError

from pipeline.baselines import BASELINES
from pipeline.dataset import Dataset
from pipeline.encode import encode_posts, encode_users
from pipeline.ranking import (
    CUTOFF,
    Estimate,
    Recommender,
    TargetRanks,
    check_metric,
    estimate,
    measure,
    rank_targets,
    top_feeds,
)
from pipeline.splits import Split, split_by_time, split_last
from pipeline.train import Fitted, train
from pipeline.trained_towers import EpochReport, TrainedTowers
from pipeline.training_config import TrainingConfig
from pipeline.whole_files import write_whole_text

MODEL_NAME = "two-tower"
SPLITS: dict[str, Callable[[Dataset], Split]] = {"time": split_by_time, "last": split_last}
_HISTORY_LENGTHS = (0, 1, 3, 6, 11, 21, 51)  # the lower bound of each group
_POST_AGES_DAYS = (0, 7, 28, 91, 182)
_POST_MEETINGS = (0, 1, 5, 20, 50, 100)
_STRONGEST_BASELINES = 3


class EvaluationError(Exception):
    """The data cannot be evaluated on, or a stored evaluation cannot be read: says what to run."""


class TooLittleDataError(EvaluationError):
    """One side of the split has no interactions."""


@dataclass(frozen=True, slots=True)
class Metrics:
    """Means over test users. "In category" ranks among the posts of the target's category, for targets that have one.

    ``coverage_at_10``, 0..1: share of the catalogue that appears in the first ten posts of users with a history;
    ``distinct_feeds``: number of different first ten posts divided by the number of different histories.
    """

    recall_at_10: Estimate
    ndcg_at_10: Estimate
    hit_rate_at_10: Estimate
    in_category_recall_at_10: Estimate
    in_category_ndcg_at_10: Estimate
    coverage_at_10: float
    distinct_feeds: float

    def __post_init__(self) -> None:
        """NotANumberError for a coverage that is not in 0..1."""
        check_metric("coverage_at_10", self.coverage_at_10)


@dataclass(frozen=True, slots=True)
class Group:
    """A group of test users or targets: its size, and each method's mean of a metric, 0..1."""

    label: str
    count: int
    means: dict[str, float]

    def __post_init__(self) -> None:
        """NotANumberError for a mean that is not in 0..1."""
        for name, mean in self.means.items():
            check_metric(f"{name} of the group {self.label}", mean)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Each method's metrics on the same split with the same exclusions.

    ``ndcg_by_history_length`` groups test users by the number of posts that they had met. ``recall_by_post_age`` groups
    targets by days since creation (empty if the data has no clock), ``recall_by_post_meetings`` by the number of users
    who had met them. ``epochs`` are those of the training on the past.
    """

    methods: dict[str, Metrics]
    split: str
    test_users: int
    test_users_seen_before: int
    test_posts: int
    test_posts_seen_before: int
    ndcg_by_history_length: tuple[Group, ...]
    recall_by_post_age: tuple[Group, ...]
    recall_by_post_meetings: tuple[Group, ...]
    epochs: tuple[EpochReport, ...]
    data_fingerprint: str

    @property
    def unbeaten(self) -> tuple[str, ...]:
        """The baselines that the model does not beat in NDCG@10."""
        model = self.methods[MODEL_NAME].ndcg_at_10.mean
        return tuple(
            name for name, metrics in self.methods.items() if name != MODEL_NAME and metrics.ndcg_at_10.mean >= model
        )

    def as_json(self) -> str:
        """The evaluation as a JSON document."""
        return json.dumps(asdict(self), indent=2, sort_keys=True) + "\n"

    def write(self, path: Path) -> None:
        """Replace the file in one step."""
        write_whole_text(path, self.as_json())

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read the file that ``write`` wrote; EvaluationError if it is missing or malformed."""
        try:
            return TypeAdapter(cls).validate_json(path.read_bytes())
        except FileNotFoundError:
            raise EvaluationError(f"{path} is missing: run `moodfeed evaluate`") from None
        except ValidationError as error:
            raise EvaluationError(f"{path} cannot be read ({error}): run `moodfeed evaluate` again") from error


def default_split(dataset: Dataset) -> str:
    """The name of the split by time if the data has a clock, else of the split of last interactions."""
    return "time" if dataset.has_clock else "last"


def strongest_baselines(evaluation: Evaluation) -> tuple[str, ...]:
    """The three baselines with the highest NDCG@10, best first."""
    baselines = sorted(
        (name for name in evaluation.methods if name != MODEL_NAME),
        key=lambda name: -evaluation.methods[name].ndcg_at_10.mean,
    )
    return tuple(baselines[:_STRONGEST_BASELINES])


def evaluate(
    dataset: Dataset,
    config: TrainingConfig,
    *,
    split_name: str | None = None,
    device: str = "cpu",
    on_batch: Callable[[float, float], None] | None = None,
    on_epoch: Callable[[EpochReport], None] | None = None,
    on_method: Callable[[str], None] | None = None,
    checkpoint: Path | None = None,
    on_resume: Callable[[int, int, int], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Evaluation:
    """Train on the past alone, then rank the full catalogue with every method.

    ``checkpoint``, ``on_resume`` and ``should_stop`` are those of ``train``, and may end the evaluation as they end it.
    TooLittleDataError if one side of the split has no interactions, EvaluationError for a split by time without times.
    """
    if split_name == "time" and not dataset.is_timed:
        raise EvaluationError("the interactions have an order but no timestamps: use --split last")
    split = SPLITS[split_name or default_split(dataset)](dataset)
    past = split.past
    if not len(past.pairs) or not len(split.user_rows):
        raise TooLittleDataError(f"no interactions on one side of the split ({split.describes}): fetch more data")
    towers = train(
        past,
        config,
        device=device,
        checkpoint=checkpoint,
        on_batch=on_batch,
        on_epoch=on_epoch,
        on_resume=on_resume,
        should_stop=should_stop,
    )
    methods = BASELINES | {MODEL_NAME: lambda _: model_recommender(towers, past)}
    metrics: dict[str, Metrics] = {}
    ranks: dict[str, TargetRanks] = {}
    for name, method in methods.items():
        if on_method:
            on_method(name)
        recommender = method(past)
        ranks[name] = rank_targets(split, recommender)
        metrics[name] = _metrics(ranks[name], recommender, past)
    targets = np.unique(ranks[MODEL_NAME].posts)
    return Evaluation(
        methods=metrics,
        split=split.describes,
        test_users=len(split.user_rows),
        test_users_seen_before=int((np.diff(past.pairs.offsets)[split.user_rows] > 0).sum()),
        test_posts=len(targets),
        test_posts_seen_before=int(np.isin(targets, past.event_posts).sum()),
        ndcg_by_history_length=_by_history_length(split, ranks),
        recall_by_post_age=_by_post_age(split, ranks) if dataset.has_clock else (),
        recall_by_post_meetings=_by_post_meetings(split, ranks),
        epochs=towers.epochs,
        data_fingerprint=dataset.fingerprint(),
    )


def model_recommender(towers: TrainedTowers | Fitted, past: Dataset) -> Recommender:
    """Inner products of users and posts, with the posts as of the end of ``past``."""
    posts = encode_posts(towers, past)

    def recommend(shown: Dataset, user_rows: NDArray[np.int64]) -> NDArray[np.float32]:
        return encode_users(towers, shown, posts, user_rows) @ posts.embeddings.T

    return recommend


def _metrics(ranks: TargetRanks, recommender: Recommender, past: Dataset) -> Metrics:
    overall, in_category = measure(ranks), measure(ranks, in_category=True)
    active = np.flatnonzero(np.diff(past.pairs.offsets) > 0)
    feeds = top_feeds(recommender, past, active)
    histories = {
        past.pairs.post_rows[past.pairs.offsets[row] : past.pairs.offsets[row + 1]].tobytes() for row in active
    }
    return Metrics(
        recall_at_10=estimate(overall.recall),
        ndcg_at_10=estimate(overall.ndcg),
        hit_rate_at_10=estimate(overall.hit),
        in_category_recall_at_10=estimate(in_category.recall),
        in_category_ndcg_at_10=estimate(in_category.ndcg),
        coverage_at_10=len(np.unique(feeds)) / len(past.post_ids),
        distinct_feeds=len(np.unique(feeds, axis=0)) / max(len(histories), 1),
    )


def _by_history_length(split: Split, ranks: dict[str, TargetRanks]) -> tuple[Group, ...]:
    lengths = np.diff(split.shown.pairs.offsets)[split.user_rows]
    values = {name: measure(found).ndcg for name, found in ranks.items()}
    return _groups(lengths, _HISTORY_LENGTHS, values)


def _by_post_age(split: Split, ranks: dict[str, TargetRanks]) -> tuple[Group, ...]:
    targets = ranks[MODEL_NAME].posts
    ages = np.maximum(split.past.end_day - split.past.created_days[targets], 0)
    return _groups(ages, _POST_AGES_DAYS, _hits(ranks))


def _by_post_meetings(split: Split, ranks: dict[str, TargetRanks]) -> tuple[Group, ...]:
    meetings = np.bincount(split.past.pairs.post_rows, minlength=len(split.past.post_ids))
    return _groups(meetings[ranks[MODEL_NAME].posts], _POST_MEETINGS, _hits(ranks))


def _hits(ranks: dict[str, TargetRanks]) -> dict[str, NDArray[np.float64]]:
    return {name: (found.ranks < CUTOFF).astype(np.float64) for name, found in ranks.items()}


def _groups(
    keys: NDArray[np.generic], starts: tuple[int, ...], values: dict[str, NDArray[np.float64]]
) -> tuple[Group, ...]:
    """Means of ``values`` in each non-empty range of ``keys``; both [users or targets]."""
    group_of = np.searchsorted(starts, keys, side="right") - 1
    groups = []
    for number, start in enumerate(starts):
        inside = group_of == number
        if inside.any():
            is_last = number + 1 == len(starts)
            end = None if is_last else starts[number + 1] - 1
            label = f"{start}+" if end is None else str(start) if end == start else f"{start}-{end}"
            means = {name: float(column[inside].mean()) for name, column in values.items()}
            groups.append(Group(label, int(inside.sum()), means))
    return tuple(groups)
