"""Whether worlds hold a target: the mean of all within the tolerance, and none beyond twice the tolerance."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.worlds.targets import ACCEPTANCE, TARGETS, Target

Figures = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Verdict:
    """One target beside the worlds' figures."""

    target: Target
    values: tuple[float, ...]

    @property
    def mean(self) -> float:
        """The mean over the worlds."""
        return float(np.mean(self.values))

    @property
    def worst(self) -> float:
        """The figure farthest from the target; one that is not finite is the farthest."""
        return max(self.values, key=self._distance)

    @property
    def mean_holds(self) -> bool:
        """The mean is within the tolerance."""
        return self._distance(self.mean) <= 1

    @property
    def far(self) -> int:
        """How many worlds are beyond twice the tolerance."""
        return sum(self._distance(value) > 2 for value in self.values)

    @property
    def holds(self) -> bool:
        """The mean is within the tolerance and no world beyond twice the tolerance."""
        return self.mean_holds and self._distance(self.worst) <= 2

    def _distance(self, value: float) -> float:
        distance = abs(value - self.target.real) / self.target.tolerance
        return distance if np.isfinite(distance) else float("inf")


def verdicts_of_rows(worlds: Sequence[Figures]) -> dict[int, tuple[Verdict, ...]]:
    """The verdicts of each of the ten rows, by its number."""
    return {row.number: tuple(_verdict(figure, worlds) for figure in row.figures) for row in TARGETS}


def verdicts_of_acceptance(worlds: Sequence[Figures]) -> tuple[Verdict, ...]:
    """The verdicts of the rule of acceptance."""
    return tuple(_verdict(figure, worlds) for figure in ACCEPTANCE)


def _verdict(target: Target, worlds: Sequence[Figures]) -> Verdict:
    return Verdict(target, tuple(world[target.name] for world in worlds))
