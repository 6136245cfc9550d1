"""The memory of each stage grows by few bytes an event: what holds all events in a table of objects takes hundreds.

Both sets have the same people and posts, so what a stage holds more of the second is for its events.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

from benchmarks.scale.clean_and_collect import clean_and_collect
from benchmarks.scale.made_up_events import Size
from benchmarks.scale.pipeline import stages

# Many are two and a half pieces of training, and the histories stay short, whose batches take more than the reading.
FEW, MANY = Size(100_000, 500_000, 5_000), Size(10_000_000, 500_000, 5_000)
FEW_FETCHED, MANY_FETCHED = Size(100_000, 20_000, 5_000), Size(3_000_000, 20_000, 5_000)
STEPS = 30
MOST_BYTES_AN_EVENT = {
    "import": 100.0,
    "validate": 200.0,  # it compares 20 million events at most: one person in so many of more
    "score": 120.0,
    f"read, make examples, train {STEPS} steps": 105.0,  # 127 before the events were read in pieces
}
MOST_BYTES_A_FETCHED_EVENT = {"clean": 150.0, "collect": 130.0}  # in tables of pandas, clean took 199


@pytest.fixture(autouse=True)
def only_when_asked_for(request: pytest.FixtureRequest) -> None:
    if not request.config.getoption("--run-scale"):
        pytest.skip("takes minutes: run `make test-scale`")


def grown(few: Iterable[Mapping[str, Any]], many: Iterable[Mapping[str, Any]]) -> dict[str, float]:
    """The bytes that each stage holds more for each event more."""
    of_few = {row["stage"]: row for row in few}
    of_many = {row["stage"]: row for row in many}
    assert of_few.keys() == of_many.keys()
    return {
        stage: 2**30 * (row["gib"] - of_few[stage]["gib"]) / (row["events"] - of_few[stage]["events"])
        for stage, row in of_many.items()
    }


@pytest.mark.timeout(900)
def test_the_memory_of_each_stage_grows_by_few_bytes_an_event(tmp_path: Path) -> None:
    many = list(stages(tmp_path / "many", MANY, steps=STEPS))
    found = grown(stages(tmp_path / "few", FEW, steps=STEPS), many)
    print(found)
    assert found.keys() == MOST_BYTES_AN_EVENT.keys()
    assert {stage: size for stage, size in found.items() if size > MOST_BYTES_AN_EVENT[stage]} == {}
    (trained,) = (row for row in many if "pairs" in row)
    assert trained["steps"] == STEPS
    assert 0.999 * MANY.events < trained["events"] <= MANY.events  # a few are repeated


@pytest.mark.timeout(900)
def test_what_is_cleaned_and_collected_takes_few_bytes_an_event(tmp_path: Path) -> None:
    found = grown(clean_and_collect(tmp_path / "few", FEW_FETCHED), clean_and_collect(tmp_path / "many", MANY_FETCHED))
    print(found)
    assert found.keys() == MOST_BYTES_A_FETCHED_EVENT.keys()
    assert {stage: size for stage, size in found.items() if size > MOST_BYTES_A_FETCHED_EVENT[stage]} == {}
