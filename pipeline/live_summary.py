"""What the report reads of live_evaluation.json, the file that `moodfeed evaluate --live` writes.

The file may hold more. Variants say how much was known when a feed was ranked: "frozen" only what was before the month,
"daily" what was before midnight, "daily, live history" that and the person's own history, "live" everything up to that
second.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from pydantic import TypeAdapter, ValidationError

from pipeline.evaluation import EvaluationError
from pipeline.paired_bootstrap import Difference
from pipeline.ranking import Estimate

LIVE_EVALUATION_FILE = "live_evaluation.json"  # in the workspace
_EVERYBODY = "all"
_BY_KNOWLEDGE = ("frozen", "daily", "daily, live history", "live")


@dataclass(frozen=True, slots=True)
class LiveMetrics:
    """One method that knew as much as its variant says."""

    ndcg_at_10: Estimate


@dataclass(frozen=True, slots=True)
class LiveGroup:
    """A group of moments; ``methods`` by name, then by variant."""

    people: int
    cases: int
    methods: dict[str, dict[str, LiveMetrics]]


@dataclass(frozen=True, slots=True)
class LiveVerdict:
    """The live model less the live baseline with the highest NDCG@10; ``standing`` is ahead, level or behind."""

    baseline: str
    difference: Difference
    standing: str


@dataclass(frozen=True, slots=True)
class LiveMoments:
    """What was measured at one kind of moment; ``groups`` by label, of which "all" is one."""

    groups: dict[str, LiveGroup]
    verdict: LiveVerdict

    @property
    def everybody(self) -> LiveGroup:
        """The group of all moments."""
        return self.groups[_EVERYBODY]

    @property
    def variants(self) -> tuple[str, ...]:
        """The variants that every method has, by how much they knew."""
        common = set.intersection(*map(set, self.everybody.methods.values()))
        return tuple(name for name in _BY_KNOWLEDGE if name in common)


@dataclass(frozen=True, slots=True)
class LiveSummary:
    """The model and the live baselines at the start of each session, and at each next post."""

    session_start: LiveMoments
    next_post: LiveMoments
    data_fingerprint: str

    @classmethod
    def read(cls, path: Path, *, fingerprint: str) -> Self | None:
        """The summary; None if there is no file, or if it measured other data. EvaluationError if it is malformed."""
        try:
            summary = TypeAdapter(cls).validate_json(path.read_bytes())
        except FileNotFoundError:
            return None
        except ValidationError as error:
            raise EvaluationError(f"{path} cannot be read ({error}): run `moodfeed evaluate --live` again") from error
        return summary if summary.data_fingerprint == fingerprint else None
