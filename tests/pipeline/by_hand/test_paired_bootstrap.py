"""Intervals of differences on cases where the answer is known."""

import math

import numpy as np
import pytest

from pipeline.paired_bootstrap import Difference, resample
from pipeline.ranking import NotANumberError, estimate

ONE_SPLIT = np.zeros(40, dtype=np.int64)


def test_a_constant_difference_has_no_width_however_wide_the_means_are() -> None:
    values = np.random.default_rng(1).random(40) / 2
    found = resample(np.stack([values, values + 0.25], axis=1), ONE_SPLIT)
    difference = found.difference(1, 0)
    assert (difference.mean, difference.low, difference.high) == pytest.approx((0.25, 0.25, 0.25))
    assert found.estimate(0).high - found.estimate(0).low > 0.05


def test_the_difference_of_independent_columns_is_as_wide_as_the_normal_approximation_says() -> None:
    draws = np.random.default_rng(2).integers(2, size=(4000, 2)).astype(np.float64)
    found = resample(draws, np.zeros(4000, dtype=np.int64)).difference(0, 1)
    half = 1.96 * math.sqrt(2 * 0.25 / 4000)
    assert found.high - found.low == pytest.approx(2 * half, rel=0.1)


def test_people_are_resampled_within_their_split() -> None:
    """Two splits that differ from each other and hold equal people: no draw mixes them, so nothing varies."""
    values = np.array([[0.0]] * 10 + [[1.0]] * 30)
    found = resample(values, np.repeat([0, 1], [10, 30])).estimate(0)
    assert (found.mean, found.low, found.high) == (0.75, 0.75, 0.75)
    mixed = resample(values, ONE_SPLIT).estimate(0)
    assert mixed.low < 0.75 < mixed.high


def test_of_one_split_the_interval_is_that_of_a_single_mean() -> None:
    values = np.random.default_rng(5).random(40)
    single, found = estimate(values), resample(values[:, None], ONE_SPLIT).estimate(0)
    assert (found.mean, found.low, found.high) == pytest.approx((single.mean, single.low, single.high))


def test_nobody_has_means_of_zero() -> None:
    found = resample(np.zeros((0, 2)), np.zeros(0, dtype=np.int64))
    assert found.estimate(1).mean == 0.0
    assert found.difference(0, 1) == Difference(0.0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("low", "high", "standing"),
    [(-0.2, -0.001, "behind"), (-0.2, 0.0, "level"), (-0.1, 0.1, "level"), (0.0, 0.2, "level"), (0.001, 0.2, "ahead")],
)
def test_an_interval_that_holds_zero_is_level(low: float, high: float, standing: str) -> None:
    assert Difference((low + high) / 2, low, high).standing == standing


@pytest.mark.parametrize("wrong", [float("nan"), 1.1, -1.1])
def test_a_difference_that_cannot_be_is_refused(wrong: float) -> None:
    with pytest.raises(NotANumberError, match="difference"):
        Difference(0.0, 0.0, wrong)


@pytest.mark.parametrize("whole", [-1.0, 1.0])
def test_one_that_always_finds_what_the_other_never_finds_is_a_whole_ahead(whole: float) -> None:
    assert Difference(whole, whole, whole).standing == ("ahead" if whole > 0 else "behind")
