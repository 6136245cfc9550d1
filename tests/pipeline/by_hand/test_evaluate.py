"""Which split data is judged on."""

import pytest

from pipeline.evaluate import default_split, splits_of
from pipeline.evaluation import EvaluationError
from tests.pipeline.by_hand.tiny_dataset import tiny_dataset


@pytest.mark.parametrize(("days", "name"), [(28.0, "time"), (27.99, "last"), (0.0, "last")])
def test_data_that_spans_four_weeks_has_a_clock_to_split_by(days: float, name: str) -> None:
    dataset = tiny_dataset([(0, 0, "view", 100.0), (0, 1, "view", 100.0 + days)])
    assert dataset.has_clock is (name == "time")
    assert default_split(dataset) == name


def test_data_without_events_has_no_clock() -> None:
    assert default_split(tiny_dataset(())) == "last"


def test_data_without_a_clock_has_one_split_however_many_months_are_asked_for() -> None:
    (split,) = splits_of(tiny_dataset([(0, 0, "view", 1.0), (0, 1, "view", 2.0)]), split_name=None, months=6)
    assert split.describes == "each person's last interaction held back"
    assert split.candidates is None
    assert split.ties is None


def test_nobody_to_test_is_an_error_that_says_what_was_held_back() -> None:
    with pytest.raises(EvaluationError, match="the last 35 days held back"):
        splits_of(tiny_dataset([(0, 0, "view", 1.0), (0, 0, "like", 90.0)]), split_name=None, months=6)
