"""What an evaluation found: every method's metrics, by group of people and by month, and the verdict."""

import json
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Self

from pydantic import TypeAdapter, ValidationError

from pipeline.blend_weights import TOWER_ALONE, BlendWeights
from pipeline.paired_bootstrap import Difference
from pipeline.ranking import Estimate, check_metric
from pipeline.trained_towers import EpochReport
from pipeline.whole_files import write_whole_text

MODEL_NAME = "two-tower"
TOWER_NAME = "towers alone"  # without the blend with what is popular
OURS = frozenset({MODEL_NAME, TOWER_NAME})  # all other methods are baselines
EVERYBODY = "all"
NEW = "new"
WITH_A_HISTORY = "with a history"
_STRONGEST_BASELINES = 3


class EvaluationError(Exception):
    """The data cannot be evaluated on, or a stored evaluation cannot be read: says what to run."""


class Verdict(StrEnum):
    """How the model stands to the best baseline; level if the interval of their difference holds 0."""

    AHEAD = "ahead"
    LEVEL = "level"
    BEHIND = "behind"

    @classmethod
    def of(cls, difference: Difference) -> Self:
        """The verdict on a paired difference, model less baseline."""
        return cls(difference.standing)


_RELATIONS = {Verdict.AHEAD: "ahead of", Verdict.LEVEL: "level with", Verdict.BEHIND: "behind"}


@dataclass(frozen=True, slots=True)
class Metrics:
    """Means over cases, a case being one person in one month.

    "In category" ranks among the posts of the target's category, for targets that have one.
    ``coverage_at_10``, 0..1: share of the candidates that appear in the first ten posts of users with a history;
    ``distinct_feeds``: number of different first ten posts divided by the number of different histories. Both are
    means over months.
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
class PeopleGroup:
    """All cases, those of people who were new at the split, or those of people with a history.

    ``to_best_baseline`` holds each method's NDCG@10 less that of ``best_baseline``, which has the highest of the group,
    over the same people in each resample.
    """

    label: str
    cases: int
    ndcg_at_10: dict[str, Estimate]
    to_best_baseline: dict[str, Difference]
    best_baseline: str
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Month:
    """One split. ``label`` is its date, empty for data without a clock.

    ``targets_made_later`` of the targets are posts made after the split, which no method can show. ``ndcg_at_10`` holds
    each method's mean for each group of people.
    """

    label: str
    cases: int
    cases_with_history: int
    targets: int
    targets_made_later: int
    ndcg_at_10: dict[str, dict[str, float]]


@dataclass(frozen=True, slots=True)
class Group:
    """A group of cases or targets: its size, and each method's mean of a metric, 0..1."""

    label: str
    count: int
    means: dict[str, float]

    def __post_init__(self) -> None:
        """NotANumberError for a mean that is not in 0..1."""
        for name, mean in self.means.items():
            check_metric(f"{name} of the group {self.label}", mean)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """Each method's metrics on the same splits with the same candidates.

    ``months`` are newest first. ``split`` and ``settings`` say what was held back, and on which months the settings
    were chosen. ``test_users`` counts cases. ``ndcg_by_history_length`` groups cases by the number of posts that the
    person had met. ``recall_by_post_age`` groups targets by days since creation (empty if the data has no clock),
    ``recall_by_post_meetings`` by the number of people who had met them; both leave out posts made after the split.
    ``epochs`` are those of the training for the newest month. ``blend`` is what all judged months choose for a bundle
    of the whole data; ``blend_of_months`` says which weights each month was judged with, newest first.
    """

    methods: dict[str, Metrics]
    people: tuple[PeopleGroup, ...]
    months: tuple[Month, ...]
    split: str
    settings: str
    test_users: int
    test_users_seen_before: int
    test_posts: int
    test_posts_seen_before: int
    ndcg_by_history_length: tuple[Group, ...]
    recall_by_post_age: tuple[Group, ...]
    recall_by_post_meetings: tuple[Group, ...]
    epochs: tuple[EpochReport, ...]
    data_fingerprint: str
    blend: BlendWeights = TOWER_ALONE
    blend_of_months: tuple[str, ...] = ()

    def group(self, label: str) -> PeopleGroup | None:
        """The group of that label; None if it holds nobody."""
        return next((group for group in self.people if group.label == label), None)

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


def blend_line(evaluation: Evaluation) -> str:
    """A sentence that says with which weights each month was judged; empty for an evaluation that does not say."""
    used = evaluation.blend_of_months
    if len(set(used)) <= 1:
        return f"Weights of the blend: {used[0]}." if used else ""
    months = (f"{month.label} {weights}" for month, weights in zip(evaluation.months, used, strict=True))
    return f"Weights of the blend by month: {'; '.join(months)}."


def strongest_baselines(evaluation: Evaluation) -> tuple[str, ...]:
    """The three baselines with the highest NDCG@10, best first."""
    baselines = sorted(
        (name for name in evaluation.methods if name not in OURS),
        key=lambda name: -evaluation.methods[name].ndcg_at_10.mean,
    )
    return tuple(baselines[:_STRONGEST_BASELINES])


def verdict_line(group: PeopleGroup) -> str:
    """One line on NDCG@10: the model beside the best baseline of a group, and the interval of the difference."""
    model, best = group.ndcg_at_10[MODEL_NAME].mean, group.ndcg_at_10[group.best_baseline].mean
    found = group.to_best_baseline[MODEL_NAME]
    return (
        f"{group.label} ({group.cases:,}): {MODEL_NAME} {fraction(model)} is {_RELATIONS[group.verdict]} "
        f"{group.best_baseline} {fraction(best)}: {signed(found.mean)} ({signed(found.low)} to {signed(found.high)})"
    )


def fraction(value: float, *, digits: int = 3) -> str:
    """Some decimals without the leading zero: .306, 1.000."""
    text = f"{value:.{digits}f}"
    return text.removeprefix("0") if text.startswith("0.") else text


def signed(value: float, *, digits: int = 3) -> str:
    """A fraction with its sign: +.012, -.003; .000 where nothing is left of it."""
    text = fraction(abs(value), digits=digits)
    return text if not float(text) else f"{'-' if value < 0 else '+'}{text}"
