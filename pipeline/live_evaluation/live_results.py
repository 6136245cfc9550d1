"""The results of a live evaluation, and the file live_evaluation.json that holds them."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from pydantic import TypeAdapter, ValidationError

from pipeline.evaluation import EvaluationError
from pipeline.live_evaluation.variants import Variant
from pipeline.paired_bootstrap import Difference
from pipeline.ranking import Estimate
from pipeline.whole_files import write_whole_text

METRICS = ("ndcg_at_10", "hit_rate_at_10", "recall_at_10")
_EVERYBODY = "all"


@dataclass(frozen=True, slots=True)
class LiveMetrics:
    """Means over a person's cases, then people, then months, 0..1; recall is capped at min(10, targets)."""

    ndcg_at_10: Estimate
    hit_rate_at_10: Estimate
    recall_at_10: Estimate


@dataclass(frozen=True, slots=True)
class LiveGroup:
    """A group of cases: ``people`` summed over the months, ``cases``, and the metrics by method, then by variant."""

    people: int
    cases: int
    methods: dict[str, dict[str, LiveMetrics]]


@dataclass(frozen=True, slots=True)
class Verdict:
    """The live model beside the live baseline with the highest NDCG@10 of the group "all".

    ``standing`` is "ahead", "behind", or "level" if the interval of the difference holds 0.
    """

    baseline: str
    difference: Difference
    standing: str


@dataclass(frozen=True, slots=True)
class Asked:
    """What was measured at one kind of moment.

    ``groups`` by label; one without cases is absent. ``ndcg_by_month`` holds the NDCG@10 of the group "all" by method,
    then by variant: one number a month, None for a month without cases.
    """

    groups: dict[str, LiveGroup]
    verdict: Verdict
    ndcg_by_month: dict[str, dict[str, tuple[float | None, ...]]]

    @property
    def everybody(self) -> LiveGroup:
        """The group of all moments."""
        return self.groups[_EVERYBODY]

    @property
    def variants(self) -> tuple[str, ...]:
        """The variants that every method has, by how much they knew."""
        common = set.intersection(*map(set, self.everybody.methods.values()))
        return tuple(variant.value for variant in Variant if variant.value in common)


@dataclass(frozen=True, slots=True)
class LiveMonth:
    """A replayed month: ``split`` and ``end`` as UTC dates, what was replayed in it, and of how many people in all."""

    split: str
    end: str
    people: int
    people_with_history: int
    sessions: int
    next_posts: int
    people_in_all: int


@dataclass(frozen=True, slots=True)
class LiveEvaluation:
    """The model and the live baselines at each moment of some months, oldest month first.

    Variants are "frozen", "daily", "daily, live history" and "live"; ``pipeline.live_evaluation.variants`` says what
    each knows. At ``session_start`` the targets are the posts first met in the session, at ``next_post`` the one post.
    """

    months: tuple[LiveMonth, ...]
    session_start: Asked
    next_post: Asked
    data_fingerprint: str

    def as_json(self) -> str:
        """The results as a JSON document."""
        return json.dumps(asdict(self), indent=2, sort_keys=True, allow_nan=False) + "\n"

    def write(self, path: Path) -> None:
        """Replace the file in one step."""
        write_whole_text(path, self.as_json())

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read the file that ``write`` wrote; EvaluationError if it is missing or malformed."""
        command = "`moodfeed evaluate --live`"
        try:
            return TypeAdapter(cls).validate_json(path.read_bytes())
        except FileNotFoundError:
            raise EvaluationError(f"{path} is missing: run {command}") from None
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"]))
            raise EvaluationError(f"{path} cannot be read ({where}: {first['msg']}): run {command} again") from error

    @classmethod
    def read_of(cls, path: Path, *, fingerprint: str) -> Self | None:
        """The results of the data with a fingerprint; None if the file is missing or measured other data."""
        found = cls.read(path) if path.exists() else None
        return found if found and found.data_fingerprint == fingerprint else None
