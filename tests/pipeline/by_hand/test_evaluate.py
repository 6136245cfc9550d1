"""What an evaluation says of a method: metrics over users, coverage, feeds, and groups."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.dataset import Dataset
from pipeline.evaluate import (
    MODEL_NAME,
    Evaluation,
    Group,
    Metrics,
    _by_history_length,
    _by_post_age,
    _by_post_meetings,
    _groups,
    _metrics,
    default_split,
)
from pipeline.ranking import Estimate, TargetRanks
from pipeline.splits import Split
from tests.pipeline.by_hand.tiny_dataset import tiny_dataset


@pytest.mark.parametrize(("days", "name"), [(28.0, "time"), (27.99, "last"), (0.0, "last")])
def test_data_that_spans_four_weeks_has_a_clock_to_split_by(days: float, name: str) -> None:
    dataset = tiny_dataset([(0, 0, "view", 100.0), (0, 1, "view", 100.0 + days)])
    assert dataset.has_clock is (name == "time")
    assert default_split(dataset) == name


def test_data_without_events_has_no_clock() -> None:
    assert default_split(tiny_dataset(())) == "last"


PAST_EVENTS = (
    *((0, post, "view", float(post)) for post in range(4)),
    *((1, post, "view", 10.0 + post) for post in range(4)),  # the same history
    (2, 13, "view", 20.0),
)


@pytest.fixture(scope="module")
def past() -> Dataset:
    """Fourteen posts; users 0 and 1 have one history in common, user 2 another one, user 3 none."""
    return tiny_dataset(PAST_EVENTS, posts=14, created_days=[40.0 - 3 * row for row in range(14)])


RANKS = TargetRanks(
    users=np.array([0, 0, 1]),
    posts=np.array([5, 6, 4]),
    ranks=np.array([1, 12, 0]),
    category_ranks=np.array([0, 11, -1]),
)


def test_the_metrics_of_a_method_are_means_over_users(past: Dataset) -> None:
    def recommend(_: Dataset, user_rows: NDArray[np.int64]) -> NDArray[np.float32]:
        return np.tile(-np.arange(14, dtype=np.float32), (len(user_rows), 1))

    found = _metrics(RANKS, recommend, past)
    ndcg = (1 / np.log2(3)) / (1 + 1 / np.log2(3))
    assert found.recall_at_10.mean == pytest.approx(0.75)
    assert found.hit_rate_at_10.mean == 1.0
    assert found.ndcg_at_10.mean == pytest.approx((ndcg + 1) / 2)
    assert found.in_category_recall_at_10.mean == pytest.approx(0.5)  # of user 0 alone
    assert found.in_category_ndcg_at_10.mean == pytest.approx(1 / (1 + 1 / np.log2(3)))
    # Users 0 and 1 are shown posts 4 to 13, user 2 posts 0 to 9; user 3 is not asked for.
    assert found.coverage_at_10 == 1.0
    assert found.distinct_feeds == 1.0  # two feeds of two histories


def test_a_catalogue_is_covered_as_far_as_somebody_is_shown_it(past: Dataset) -> None:
    only = tiny_dataset(PAST_EVENTS[:8], posts=14)
    found = _metrics(RANKS, lambda _, rows: np.tile(np.arange(14, dtype=np.float32), (len(rows), 1)), only)
    assert found.coverage_at_10 == pytest.approx(10 / 14)
    each = _metrics(RANKS, lambda _, rows: np.random.default_rng(len(rows)).random((len(rows), 14)), only)
    assert each.distinct_feeds == 2.0  # two feeds of one history


def test_groups_begin_at_their_starts_and_leave_out_the_empty_ones() -> None:
    values = {"a": np.array([1.0, 0.0, 1.0, 0.0, 1.0]), "b": np.array([0.0, 0.0, 0.0, 1.0, 0.5])}
    found = _groups(np.array([0, 1, 2, 5, 60]), (0, 1, 3, 6, 7, 50), values)
    assert found == (
        Group("0", 1, {"a": 1.0, "b": 0.0}),
        Group("1-2", 2, {"a": 0.5, "b": 0.0}),
        Group("3-5", 1, {"a": 0.0, "b": 1.0}),
        Group("50+", 1, {"a": 1.0, "b": 0.5}),
    )
    assert _groups(np.array([6, 7]), (0, 6, 7), {"a": np.array([1.0, 0.0])}) == (
        Group("6", 1, {"a": 1.0}),
        Group("7+", 1, {"a": 0.0}),
    )


def test_targets_and_users_are_grouped_by_what_was_known_of_them(past: Dataset) -> None:
    split = Split(past, past, np.array([0, 1]), (np.array([5, 6]), np.array([4])), "by hand")
    ranks = {MODEL_NAME: RANKS}
    (group,) = _by_history_length(split, ranks)
    assert (group.label, group.count) == ("3-5", 2)  # both have met four
    # Posts 5, 6 and 4 are of days 25, 22 and 28; the past ends on day 20.
    assert [(group.label, group.count) for group in _by_post_age(split, ranks)] == [("0-6", 3)]
    assert [(group.label, group.count) for group in _by_post_meetings(split, ranks)] == [("0", 3)]
    met = replace(RANKS, posts=np.array([0, 13, 5]))  # met by two people, by one, by none; of days 40, 1 and 25
    ages = _by_post_age(split, {MODEL_NAME: met})
    assert [(group.label, group.count, group.means[MODEL_NAME]) for group in ages] == [
        ("0-6", 2, 1.0),
        ("7-27", 1, 0.0),
    ]
    meetings = _by_post_meetings(split, {MODEL_NAME: met})
    assert [(group.label, group.count, group.means[MODEL_NAME]) for group in meetings] == [
        ("0", 1, 1.0),
        ("1-4", 2, 0.5),
    ]


def metrics_of(ndcg: float) -> Metrics:
    nothing = Estimate(0.0, 0.0, 0.0)
    return Metrics(nothing, Estimate(ndcg, ndcg, ndcg), nothing, nothing, nothing, 0.0, 0.0)


def test_a_baseline_is_unbeaten_unless_the_model_is_better() -> None:
    methods = {
        "worse": metrics_of(0.1),
        "equal": metrics_of(0.2),
        "better": metrics_of(0.3),
        MODEL_NAME: metrics_of(0.2),
    }
    evaluation = Evaluation(methods, "by hand", 1, 1, 1, 1, (), (), (), (), "")
    assert evaluation.unbeaten == ("equal", "better")
