"""Months pooled by hand: means over cases, groups of people, months by themselves, and the three verdicts."""

from collections.abc import Sequence

import numpy as np
import pytest

from pipeline.evaluation import MODEL_NAME, Group, PeopleGroup, Verdict, verdict_line
from pipeline.judged_split import JudgedSplit, MethodRanks
from pipeline.paired_bootstrap import Difference
from pipeline.pooling import Pool, grouped
from pipeline.ranking import Estimate, PerUser


def method(ndcg: Sequence[float], hits: Sequence[bool] = (), coverage: float = 0.5) -> MethodRanks:
    values = np.array(ndcg)
    each = PerUser(recall=values, ndcg=values, hit=values)
    return MethodRanks(each, each, np.array(hits, dtype=np.bool_), coverage=coverage, distinct_feeds=1.0)


def month(
    label: str, lengths: Sequence[int], methods: dict[str, MethodRanks], **targets: Sequence[float]
) -> JudgedSplit:
    count = len(next(iter(methods.values())).is_hit)
    ages, meetings = (np.array(targets.get(name, [0] * count)) for name in ("ages", "meetings"))
    is_candidate = np.array(targets.get("is_candidate", [True] * count), dtype=np.bool_)
    return JudgedSplit(label, label, methods, np.array(lengths), np.arange(count), ages, meetings, is_candidate)


NEWER = month("2026-02-01", [0, 4], {"best": method([0.5, 0.25], coverage=0.2), MODEL_NAME: method([0.0, 1.0])})
OLDER = month("2026-01-01", [2], {"best": method([0.75], coverage=0.4), MODEL_NAME: method([1.0])})


def test_a_case_is_a_person_in_a_month_and_all_cases_weigh_alike() -> None:
    pool = Pool([NEWER, OLDER])
    found = pool.metrics()
    assert found["best"].ndcg_at_10.mean == pytest.approx(0.5)
    assert found[MODEL_NAME].recall_at_10.mean == pytest.approx(2 / 3)
    assert found["best"].coverage_at_10 == pytest.approx(0.3)
    assert pool.lengths.tolist() == [0, 4, 2]


def test_people_are_all_new_or_with_a_history_and_each_group_has_its_own_best_baseline() -> None:
    other = [0.1, 0.9, 0.9]
    pool = Pool(
        [
            month("b", [0, 4], NEWER.methods | {"other": method(other[:2])}),
            month("a", [2], OLDER.methods | {"other": method(other[2:])}),
        ]
    )
    everybody, new, known = pool.people()
    assert [(group.label, group.cases) for group in (everybody, new, known)] == [
        ("all", 3),
        ("new", 1),
        ("with a history", 2),
    ]
    assert [group.best_baseline for group in (everybody, new, known)] == ["other", "best", "other"]
    assert everybody.to_best_baseline[MODEL_NAME].mean == pytest.approx(2 / 3 - 1.9 / 3)
    assert new.to_best_baseline[MODEL_NAME].mean == -0.5
    assert known.to_best_baseline["other"] == Difference(0.0, 0.0, 0.0)
    assert known.ndcg_at_10[MODEL_NAME].mean == 1.0


def test_a_group_of_nobody_is_left_out() -> None:
    assert [group.label for group in Pool([OLDER]).people()] == ["all", "with a history"]


def test_a_month_stands_by_itself() -> None:
    newer, older = Pool([NEWER, OLDER]).months()
    assert (newer.label, newer.cases, newer.cases_with_history) == ("2026-02-01", 2, 1)
    assert newer.ndcg_at_10["all"] == {"best": 0.375, MODEL_NAME: 0.5}
    assert newer.ndcg_at_10["new"] == {"best": 0.5, MODEL_NAME: 0.0}
    assert list(older.ndcg_at_10) == ["all", "with a history"]


@pytest.mark.parametrize(
    ("model", "verdict", "relation"),
    [
        ([0.3] * 40, Verdict.BEHIND, "behind"),
        ([0.4, 0.6] * 20, Verdict.LEVEL, "level with"),
        ([0.7] * 40, Verdict.AHEAD, "ahead of"),
    ],
)
def test_the_model_is_ahead_level_or_behind_as_the_interval_of_the_difference_says(
    model: list[float], verdict: Verdict, relation: str
) -> None:
    (everybody, _) = Pool([month("a", [1] * 40, {"popular": method([0.5] * 40), MODEL_NAME: method(model)})]).people()
    assert everybody.verdict is verdict
    assert f"two-tower {np.mean(model):.3f}".replace("0.", ".") in verdict_line(everybody)
    assert f"is {relation} popular .500" in verdict_line(everybody)


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [(-0.2, -0.001, "behind"), (-0.2, 0.0, "level"), (0.0, 0.2, "level"), (0.001, 0.2, "ahead")],
)
def test_an_interval_that_holds_zero_is_level(low: float, high: float, verdict: str) -> None:
    assert Verdict.of(Difference((low + high) / 2, low, high)) == verdict


def test_the_verdict_line_holds_means_difference_and_interval() -> None:
    group = PeopleGroup(
        label="new",
        cases=1234,
        ndcg_at_10={MODEL_NAME: Estimate(0.1, 0.05, 0.15), "trend": Estimate(0.2, 0.15, 0.25)},
        to_best_baseline={MODEL_NAME: Difference(-0.1, -0.15, 0.0004)},
        best_baseline="trend",
        verdict=Verdict.LEVEL,
    )
    assert verdict_line(group) == "new (1,234): two-tower .100 is level with trend .200: -.100 (-.150 to .000)"


def test_targets_are_grouped_over_months_without_those_that_nobody_could_be_shown() -> None:
    pool = Pool(
        [
            month("b", [1], {MODEL_NAME: method([0.0], [True, False])}, ages=[3, 0], is_candidate=[1, 0]),
            month("a", [1], {MODEL_NAME: method([0.0], [False, True])}, ages=[6, 30], meetings=[0, 7]),
        ]
    )
    assert pool.by_post_age() == (Group("0-6", 2, {MODEL_NAME: 0.5}), Group("28-90", 1, {MODEL_NAME: 1.0}))
    assert pool.by_post_meetings() == (Group("0", 2, {MODEL_NAME: 0.5}), Group("5-19", 1, {MODEL_NAME: 1.0}))
    assert pool.months()[0].targets_made_later == 1


def test_the_groups_of_ages_and_meetings_are_those_of_the_report() -> None:
    ages, meetings = [0, 6.9, 7, 27, 28, 90, 91, 181, 182, 400], [0, 1, 4, 5, 19, 20, 49, 50, 99, 100]
    pool = Pool([month("a", [1], {MODEL_NAME: method([0.0], [True] * 10)}, ages=ages, meetings=meetings)])
    assert [(group.label, group.count) for group in pool.by_post_age()] == [
        (label, 2) for label in ("0-6", "7-27", "28-90", "91-181", "182+")
    ]
    assert [(group.label, group.count) for group in pool.by_post_meetings()] == [
        ("0", 1), ("1-4", 2), ("5-19", 2), ("20-49", 2), ("50-99", 2), ("100+", 1)
    ]  # fmt: skip


def test_cases_are_grouped_by_the_length_of_their_history() -> None:
    groups = Pool([NEWER, OLDER]).by_history_length()
    assert [(group.label, group.count, group.means[MODEL_NAME]) for group in groups] == [
        ("0", 1, 0.0),
        ("1-2", 1, 1.0),
        ("3-5", 1, 1.0),
    ]


def test_the_lengths_of_histories_are_those_of_the_report() -> None:
    lengths = [0, 1, 2, 3, 5, 6, 10, 11, 20, 21, 50, 51, 400]
    pool = Pool([month("a", lengths, {MODEL_NAME: method([0.5] * len(lengths))})])
    assert [(group.label, group.count) for group in pool.by_history_length()] == [
        ("0", 1), ("1-2", 2), ("3-5", 2), ("6-10", 2), ("11-20", 2), ("21-50", 2), ("51+", 2)
    ]  # fmt: skip


def test_groups_begin_at_their_starts_and_leave_out_the_empty_ones() -> None:
    values = {"a": np.array([1.0, 0.0, 1.0, 0.0, 1.0]), "b": np.array([0.0, 0.0, 0.0, 1.0, 0.5])}
    found = grouped(np.array([0, 1, 2, 5, 60]), (0, 1, 3, 6, 7, 50), values)
    assert found == (
        Group("0", 1, {"a": 1.0, "b": 0.0}),
        Group("1-2", 2, {"a": 0.5, "b": 0.0}),
        Group("3-5", 1, {"a": 0.0, "b": 1.0}),
        Group("50+", 1, {"a": 1.0, "b": 0.5}),
    )
    assert grouped(np.array([6, 7]), (0, 6, 7), {"a": np.array([1.0, 0.0])}) == (
        Group("6", 1, {"a": 1.0}),
        Group("7+", 1, {"a": 0.0}),
    )
