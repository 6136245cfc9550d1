"""Measure the model beside the baselines: a split by time, the full catalogue, posts the user has not touched."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError

from pipeline.baselines import BASELINES, Scores
from pipeline.dataset import Dataset
from pipeline.encode import encode_posts, encode_users
from pipeline.train import train
from pipeline.trained_towers import EpochReport, TrainedTowers
from pipeline.training_config import TrainingConfig

CUTOFF = 10
TEST_DAYS = 35.0
MODEL_NAME = "two-tower"


class EvaluationError(Exception):
    """There is nothing to evaluate with, or no evaluation to read: says what to run."""


@dataclass(frozen=True, slots=True)
class Metrics:
    """Means over the test users, each 0..1; the coverage is over the feeds of all users with an interaction."""

    recall_at_10: float
    ndcg_at_10: float
    hit_rate_at_10: float
    coverage_at_10: float


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One table: each method's metrics on the same split with the same exclusions."""

    methods: dict[str, Metrics]
    split_day: float
    test_users: int
    test_users_seen_before: int
    test_posts: int
    test_posts_seen_before: int
    data_fingerprint: str

    @property
    def unbeaten(self) -> tuple[str, ...]:
        """The baselines that the model does not beat in NDCG@10; empty if all is well."""
        model = self.methods[MODEL_NAME].ndcg_at_10
        return tuple(
            name for name, metrics in self.methods.items() if name != MODEL_NAME and metrics.ndcg_at_10 >= model
        )

    def as_json(self) -> str:
        """The table as a JSON document."""
        return json.dumps(asdict(self), indent=2, sort_keys=True) + "\n"

    def write(self, path: Path) -> None:
        """Replace the file in one step."""
        temporary = path.with_name(f".{path.name}.incomplete")
        temporary.write_text(self.as_json())
        temporary.replace(path)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read what ``write`` wrote; EvaluationError if there is nothing whole."""
        try:
            return TypeAdapter(cls).validate_json(path.read_bytes())
        except FileNotFoundError:
            raise EvaluationError(f"{path} is missing: run `moodfeed evaluate`") from None
        except ValidationError as error:
            raise EvaluationError(f"{path} cannot be read ({error}): run `moodfeed evaluate` again") from error


@dataclass(frozen=True, slots=True)
class Split:
    """The past to learn from, and what each test user newly met after it.

    ``user_rows`` int64 [test users] ascending; ``targets[i]`` int64, the rows of the posts that user ``i`` met.
    """

    past: Dataset
    day: float
    user_rows: NDArray[np.int64]
    targets: tuple[NDArray[np.int64], ...]


def split_by_time(dataset: Dataset, *, test_days: float = TEST_DAYS) -> Split:
    """Hold back the last days: the targets of a user are the posts first met in them."""
    day = dataset.end_day - test_days
    pairs = dataset.pairs
    later = pairs.days >= day
    user_rows, starts = np.unique(pairs.user_rows[later], return_index=True)
    targets = np.split(pairs.post_rows[later], starts[1:])
    return Split(past=dataset.until(day), day=day, user_rows=user_rows, targets=tuple(targets))


def evaluate(
    dataset: Dataset,
    config: TrainingConfig,
    *,
    test_days: float = TEST_DAYS,
    on_epoch: Callable[[EpochReport], None] | None = None,
    on_method: Callable[[str], None] | None = None,
) -> Evaluation:
    """Train on the past alone, then rank the full catalogue with every method."""
    split = split_by_time(dataset, test_days=test_days)
    past = split.past
    if not len(past.pairs) or not len(split.user_rows):
        raise EvaluationError(f"no interactions on one side of the last {test_days:g} days: fetch more data")
    towers = train(past, config, on_epoch=on_epoch)
    scorers = BASELINES | {MODEL_NAME: lambda _, users: score_with_model(towers, past, users)}
    active = np.flatnonzero(np.diff(past.pairs.offsets) > 0)
    everyone = np.union1d(split.user_rows, active)
    methods = {}
    for name, scorer in scorers.items():
        if on_method:
            on_method(name)
        scores = scorer(past, everyone)
        ranking = rank_unseen(scores[np.searchsorted(everyone, split.user_rows)], past, split.user_rows)
        feeds = rank_unseen(scores[np.searchsorted(everyone, active)], past, active)[:, :CUTOFF]
        methods[name] = measure(ranking, split.targets, feeds)
    is_test_event = dataset.event_days >= split.day
    test_posts = np.unique(dataset.event_posts[is_test_event])
    return Evaluation(
        methods=methods,
        split_day=split.day,
        test_users=len(split.user_rows),
        test_users_seen_before=int(np.isin(split.user_rows, past.event_users).sum()),
        test_posts=len(test_posts),
        test_posts_seen_before=int(np.isin(test_posts, past.event_posts).sum()),
        data_fingerprint=dataset.fingerprint(),
    )


def score_with_model(towers: TrainedTowers, dataset: Dataset, user_rows: NDArray[np.int64]) -> Scores:
    """Inner products of users and posts as they stand at the dataset's end: float32 [users, posts]."""
    posts = encode_posts(towers, dataset)
    return encode_users(towers, dataset, posts, user_rows) @ posts.embeddings.T


def rank_unseen(scores: Scores, dataset: Dataset, user_rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Order all posts for each user, best first, what the user has touched last: int64 [users, posts].

    Equal scores stand in a seeded random order, so that no method gains from the order of the catalogue.
    """
    scores = scores.astype(np.float32, copy=True)
    pairs = dataset.pairs
    for position, row in enumerate(user_rows):
        scores[position, pairs.post_rows[pairs.offsets[row] : pairs.offsets[row + 1]]] = -np.inf
    ties = np.random.default_rng(0).permutation(scores.shape[1])
    return ties[np.argsort(-scores[:, ties], axis=1, kind="stable")]


def measure(ranking: NDArray[np.int64], targets: tuple[NDArray[np.int64], ...], feeds: NDArray[np.int64]) -> Metrics:
    """Metrics of rankings [test users, posts] against each user's targets, and the coverage of feeds [users, 10]."""
    discounts = 1 / np.log2(np.arange(CUTOFF) + 2)
    recalls, gains, hits = [], [], []
    for order, wanted in zip(ranking, targets, strict=True):
        is_hit = np.isin(order[:CUTOFF], wanted)
        recalls.append(is_hit.sum() / len(wanted))
        gains.append((is_hit * discounts).sum() / discounts[: len(wanted)].sum())
        hits.append(is_hit.any())
    return Metrics(
        recall_at_10=float(np.mean(recalls)),
        ndcg_at_10=float(np.mean(gains)),
        hit_rate_at_10=float(np.mean(hits)),
        coverage_at_10=len(np.unique(feeds)) / ranking.shape[1],
    )
