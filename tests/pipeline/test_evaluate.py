from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pipeline.baselines import BASELINES
from pipeline.dataset import Dataset
from pipeline.evaluate import default_split, evaluate
from pipeline.evaluation import MODEL_NAME, Evaluation, EvaluationError
from pipeline.training_config import TrainingConfig


def test_the_evaluation_holds_every_method_and_reads_back(evaluation: Evaluation, tmp_path: Path) -> None:
    assert set(evaluation.methods) == {*BASELINES, MODEL_NAME}
    evaluation.write(tmp_path / "evaluation.json")
    assert Evaluation.read(tmp_path / "evaluation.json") == evaluation


def test_a_broken_evaluation_names_the_command_that_makes_one(tmp_path: Path) -> None:
    (tmp_path / "evaluation.json").write_text("{}", encoding="utf-8")
    with pytest.raises(EvaluationError, match="moodfeed evaluate"):
        Evaluation.read(tmp_path / "evaluation.json")


def test_a_model_that_does_not_win_is_said_to_lose(evaluation: Evaluation) -> None:
    model = evaluation.methods[MODEL_NAME]
    worst = replace(model, ndcg_at_10=replace(model.ndcg_at_10, mean=0.0))
    loser = replace(evaluation, methods=evaluation.methods | {MODEL_NAME: worst})
    assert set(loser.unbeaten) == set(BASELINES)


def test_the_groups_hold_every_test_user_and_average_to_the_whole(evaluation: Evaluation) -> None:
    groups = evaluation.ndcg_by_history_length
    assert sum(group.count for group in groups) == evaluation.test_users
    for name, metrics in evaluation.methods.items():
        mean = sum(group.count * group.means[name] for group in groups) / evaluation.test_users
        assert mean == pytest.approx(metrics.ndcg_at_10.mean)
    targets = {sum(group.count for group in groups) for groups in (evaluation.recall_by_post_age,)}
    assert targets == {sum(group.count for group in evaluation.recall_by_post_meetings)}


def test_data_without_a_clock_is_split_by_order(dataset: Dataset) -> None:
    assert default_split(dataset) == "time"
    recent = dataset.only(dataset.event_days >= dataset.end_day - 20)
    assert default_split(recent) == "last"
    evaluation = evaluate(recent, TrainingConfig(epochs=1))
    assert evaluation.test_users == (np.diff(recent.pairs.offsets) >= 2).sum()
    assert evaluation.recall_by_post_age == ()


def test_data_of_one_moment_cannot_be_split(dataset: Dataset) -> None:
    first = np.arange(len(dataset.events)) == 0
    with pytest.raises(EvaluationError, match="fetch more data"):
        evaluate(dataset.only(first), TrainingConfig(epochs=1))
