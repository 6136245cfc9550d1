import re
from pathlib import Path

import numpy as np
import pytest

from pipeline.baselines import BASELINES, TIMED_BASELINES
from pipeline.dataset import Dataset
from pipeline.evaluate import default_split, evaluate
from pipeline.evaluation import MODEL_NAME, TOWER_NAME, Evaluation, EvaluationError
from pipeline.train import train
from pipeline.trained_towers import TrainedTowers
from pipeline.training_config import TrainingConfig


def test_the_evaluation_holds_every_method_and_reads_back(evaluation: Evaluation, tmp_path: Path) -> None:
    assert set(evaluation.methods) == {*TIMED_BASELINES, MODEL_NAME, TOWER_NAME}
    evaluation.write(tmp_path / "evaluation.json")
    assert Evaluation.read(tmp_path / "evaluation.json") == evaluation


def test_a_broken_evaluation_names_the_command_that_makes_one(tmp_path: Path) -> None:
    (tmp_path / "evaluation.json").write_text("{}", encoding="utf-8")
    with pytest.raises(EvaluationError, match="moodfeed evaluate"):
        Evaluation.read(tmp_path / "evaluation.json")


def test_each_month_is_judged_by_towers_of_its_own_past_and_the_newest_is_that_of_a_build(
    dataset: Dataset, evaluation: Evaluation
) -> None:
    heard: list[tuple[int, int, str]] = []
    pasts: list[Dataset] = []

    def towers_of(past: Dataset, config: TrainingConfig) -> TrainedTowers:
        pasts.append(past)
        return train(past, config)

    months = evaluate(
        dataset,
        TrainingConfig(epochs=2),
        months=2,
        towers_of=towers_of,
        on_month=lambda number, count, split: heard.append((number, count, split.label)),
    )
    newest, older = months.months
    assert newest == evaluation.months[0]
    assert heard == [(1, 2, older.label), (2, 2, newest.label)]
    assert older.label < newest.label
    assert months.test_users == newest.cases + older.cases
    pooled = sum(month.cases * month.ndcg_at_10["all"][MODEL_NAME] for month in months.months) / months.test_users
    assert months.methods[MODEL_NAME].ndcg_at_10.mean == pytest.approx(pooled)
    split_days = [float(np.datetime64(month.label, "D").astype(np.int64)) + 1 for month in months.months]
    assert all(past.created_days.max() < day for past, day in zip(reversed(pasts), split_days, strict=True))
    assert len(pasts[0].texts) < len(pasts[1].texts) < len(dataset.texts)


def test_settings_are_chosen_on_an_older_month_which_is_not_judged(dataset: Dataset) -> None:
    useless = {"useless": TrainingConfig(epochs=1, learning_rate=1e-9)}
    found = evaluate(dataset, TrainingConfig(epochs=1), months=2, candidates=useless)
    assert len(found.months) == 1
    means = dict(re.findall(r"(default|useless) (0\.\d+)", found.settings))
    assert set(means) == {"default", "useless"}
    assert found.settings.startswith(f"{max(means, key=means.__getitem__)} was chosen on the months from ")
    with pytest.raises(EvaluationError, match="only one"):
        evaluate(dataset, TrainingConfig(epochs=1), months=1, candidates=useless)


def test_the_groups_hold_every_test_user_and_average_to_the_whole(evaluation: Evaluation) -> None:
    groups = evaluation.ndcg_by_history_length
    assert sum(group.count for group in groups) == evaluation.test_users
    for name, metrics in evaluation.methods.items():
        mean = sum(group.count * group.means[name] for group in groups) / evaluation.test_users
        assert mean == pytest.approx(metrics.ndcg_at_10.mean)
    (month,) = evaluation.months
    shown = month.targets - month.targets_made_later
    assert month.targets_made_later > 0
    for targets in (evaluation.recall_by_post_age, evaluation.recall_by_post_meetings):
        assert sum(group.count for group in targets) == shown


def test_data_without_a_clock_is_split_by_order(dataset: Dataset) -> None:
    assert default_split(dataset) == "time"
    recent = dataset.only(dataset.event_days >= dataset.end_day - 20)
    assert default_split(recent) == "last"
    evaluation = evaluate(recent, TrainingConfig(epochs=1))
    assert evaluation.test_users == (np.diff(recent.pairs.offsets) >= 2).sum()
    assert evaluation.recall_by_post_age == ()
    assert set(evaluation.methods) == {*BASELINES, MODEL_NAME}
    assert [group.label for group in evaluation.people] == ["all", "with a history"]


def test_data_of_one_moment_cannot_be_split(dataset: Dataset) -> None:
    first = np.arange(len(dataset.events)) == 0
    with pytest.raises(EvaluationError, match="fetch more data"):
        evaluate(dataset.only(first), TrainingConfig(epochs=1))
