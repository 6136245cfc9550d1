"""The stand-in is like the real platform: the ten rows of its figures, and the rule by which a new world is accepted.

The parameters of the world were chosen on seeds 11 to 22; the seeds here are others.
"""

import pytest

from benchmarks.worlds.__main__ import SEEDS, measure_seed
from benchmarks.worlds.targets import ACCEPTANCE, TARGETS, Row, Target
from benchmarks.worlds.verdicts import verdicts_of_acceptance, verdicts_of_rows

Worlds = list[dict[str, float]]


@pytest.fixture(scope="session")
def worlds() -> Worlds:
    return [measure_seed(seed) for seed in SEEDS]


@pytest.mark.parametrize("row", TARGETS, ids=lambda row: row.claim)
def test_six_worlds_hold_the_row(row: Row, worlds: Worlds) -> None:
    broken = {
        verdict.target.name: (verdict.target.real, verdict.mean, verdict.worst)
        for verdict in verdicts_of_rows(worlds)[row.number]
        if not verdict.holds
    }
    assert broken == {}


@pytest.mark.parametrize("target", ACCEPTANCE, ids=lambda target: target.name)
def test_six_worlds_are_accepted(target: Target, worlds: Worlds) -> None:
    (verdict,) = (each for each in verdicts_of_acceptance(worlds) if each.target == target)
    assert verdict.holds, (verdict.mean, verdict.values)
