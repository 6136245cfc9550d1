"""How often six new worlds would hold the targets, estimated from more worlds than six by the bootstrap."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.worlds.targets import ACCEPTANCE, TARGETS, Target
from benchmarks.worlds.verdicts import Figures

SIX = 6
_DRAWS = 4000


@dataclass(frozen=True, slots=True)
class AnySix:
    """One target, and how often six worlds hold it.

    ``off`` and ``spread`` are the mean and the standard deviation over the worlds of the distance from the target,
    in tolerances: they tell whether the mean is wrong or the worlds differ too much.
    ``means`` and ``holds`` are shares of draws: of those whose mean holds, and of those without a world beyond twice
    the tolerance besides.
    """

    row: str
    target: Target
    off: float
    spread: float
    means: float
    holds: float


@dataclass(frozen=True, slots=True)
class AllTargets:
    """Every target, the one that holds least often first, and the shares of draws in which all of a kind hold."""

    targets: tuple[AnySix, ...]
    of_rows: dict[str, float]  # "row 1" to "row 10", "acceptance" -> share of draws in which it holds
    all_means: float
    everything: float


def any_six(worlds: Sequence[Figures]) -> AllTargets:
    """Draw six of the worlds 4,000 times, with replacement, and see what holds.

    A figure that is not finite holds in no draw that has its world. Raises ValueError unless there are more worlds
    than six.
    """
    if len(worlds) <= SIX:
        raise ValueError(f"{len(worlds)} worlds are too few to draw six from: give at least {SIX + 1} seeds")
    drawn = np.random.default_rng(0).integers(len(worlds), size=(_DRAWS, SIX))
    named = [(f"row {row.number}", target) for row in TARGETS for target in row.figures]
    named += [("acceptance", target) for target in ACCEPTANCE]
    found: list[AnySix] = []
    of_rows: dict[str, NDArray[np.bool_]] = {}
    all_means = np.ones(_DRAWS, dtype=bool)
    for row, target in named:
        values = np.array([world[target.name] for world in worlds])
        distance = (values - target.real) / target.tolerance
        means = np.abs(distance[drawn].mean(axis=1)) <= 1
        holds = means & (np.abs(distance[drawn]) <= 2).all(axis=1)
        found.append(
            AnySix(
                row,
                target,
                float(distance.mean()),
                float(distance.std(ddof=1)),
                float(means.mean()),
                float(holds.mean()),
            )
        )
        of_rows[row] = of_rows.get(row, np.ones(_DRAWS, dtype=bool)) & holds
        all_means &= means
    everything = np.logical_and.reduce(list(of_rows.values()))
    return AllTargets(
        tuple(sorted(found, key=lambda each: each.holds)),
        {row: float(holds.mean()) for row, holds in of_rows.items()},
        float(all_means.mean()),
        float(everything.mean()),
    )
