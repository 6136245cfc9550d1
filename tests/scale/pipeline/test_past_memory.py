"""The memory of each stage grows by few bytes an event: what holds all events in a table of objects takes hundreds.

Both sets have the same people and posts, so what a stage holds more of the second is for its events.
"""

from pathlib import Path

import pytest

from benchmarks.scale.made_up_events import Size
from benchmarks.scale.pipeline import stages

FEW, MANY = Size(100_000, 20_000, 5_000), Size(3_000_000, 20_000, 5_000)
STEPS = 30
MOST_BYTES_AN_EVENT = {
    "import": 130.0,
    "validate": 200.0,  # it compares 20 million events at most: one person in so many of more
    "score": 130.0,
    f"read, make examples, train {STEPS} steps": 130.0,
}


@pytest.fixture(autouse=True)
def only_when_asked_for(request: pytest.FixtureRequest) -> None:
    if not request.config.getoption("--run-scale"):
        pytest.skip("takes two minutes: run `make test-scale`")


@pytest.mark.timeout(900)
def test_the_memory_of_each_stage_grows_by_few_bytes_an_event(tmp_path: Path) -> None:
    few = {row["stage"]: row for row in stages(tmp_path / "few", FEW, steps=STEPS)}
    many = {row["stage"]: row for row in stages(tmp_path / "many", MANY, steps=STEPS)}
    grown = {stage: 2**30 * (many[stage]["gib"] - few[stage]["gib"]) / (MANY.events - FEW.events) for stage in few}
    print(grown)
    assert grown.keys() == MOST_BYTES_AN_EVENT.keys()
    assert {stage: size for stage, size in grown.items() if size > MOST_BYTES_AN_EVENT[stage]} == {}
    (trained,) = (row for row in many.values() if "pairs" in row)
    assert (trained["events"], trained["steps"]) == (MANY.events, STEPS)
