"""What is not a number never wins: training stops, ranking refuses, and no metric leaves 0..1."""

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.batch_loss import TrainingError
from pipeline.dataset import Dataset
from pipeline.evaluation import Evaluation, EvaluationError, Group
from pipeline.ranking import Estimate, NotANumberError, rank_targets, top_feeds
from pipeline.splits import split_last
from pipeline.train import train
from pipeline.trained_towers import TrainedTowers
from pipeline.training_config import TrainingConfig
from pipeline.training_run import TrainingRun

NOT_METRICS = [math.nan, math.inf, -math.inf, 1.01, -0.01, 2.53]


@pytest.mark.parametrize(
    ("broken", "cause"),
    [
        (
            lambda dataset: replace(dataset, created_days=np.full_like(dataset.created_days, -math.inf)),
            "features of posts hold a value that is not finite: check the tables for wrong dates",
        ),
        (
            lambda dataset: replace(
                dataset, pairs=replace(dataset.pairs, strengths=np.full_like(dataset.pairs.strengths, math.inf))
            ),
            "strengths hold a value that is not finite",
        ),
    ],
)
def test_training_stops_at_the_first_loss_that_is_not_finite_and_writes_nothing(
    dataset: Dataset, tmp_path: Path, broken: Callable[[Dataset], Dataset], cause: str
) -> None:
    checkpoint = tmp_path / "checkpoint"
    with pytest.raises(TrainingError, match=rf"epoch 1, step 1: the loss is .*{cause}"):
        train(broken(dataset), TrainingConfig(epochs=2), run=TrainingRun(checkpoint=checkpoint))
    assert not checkpoint.exists()


def test_a_training_that_diverges_says_which_setting_to_lower(dataset: Dataset) -> None:
    with pytest.raises(TrainingError, match="lower learning_rate, which is 1e\\+30"):
        train(dataset, TrainingConfig(epochs=3, learning_rate=1e30, warm_up=0))


def test_training_on_no_interactions_gives_untrained_towers_without_a_loss(dataset: Dataset, tmp_path: Path) -> None:
    none = dataset.only(np.zeros(len(dataset.events), dtype=np.bool_))
    towers = train(none, TrainingConfig(epochs=2))
    assert towers.epochs == ()
    towers.write(tmp_path)
    assert "NaN" not in (tmp_path / "training.json").read_text(encoding="utf-8")
    assert TrainedTowers.read(tmp_path).epochs == ()


def test_a_score_that_is_not_a_number_is_refused_in_ranks_and_in_feeds(dataset: Dataset) -> None:
    def one_broken(shown: Dataset, user_rows: NDArray[np.int64]) -> NDArray[np.float32]:
        scores = np.zeros((len(user_rows), len(shown.post_ids)), dtype=np.float32)
        scores[-1, 3] = math.nan
        return scores

    with pytest.raises(NotANumberError, match=f"score of post {dataset.post_ids[3]} for user"):
        rank_targets(split_last(dataset), one_broken)
    with pytest.raises(NotANumberError, match="is not a number"):
        top_feeds(one_broken, dataset, np.arange(2))


@pytest.mark.parametrize("value", NOT_METRICS)
def test_no_metric_is_outside_of_0_to_1(value: float, evaluation: Evaluation) -> None:
    for numbers in ((value, 0.0, 1.0), (0.5, value, 1.0), (0.5, 0.0, value)):
        with pytest.raises(NotANumberError, match=r"must be from 0 to 1"):
            Estimate(*numbers)
    with pytest.raises(NotANumberError, match="coverage_at_10"):
        replace(next(iter(evaluation.methods.values())), coverage_at_10=value)
    with pytest.raises(NotANumberError, match="of the group 0"):
        Group("0", 1, {"two-tower": value})


def test_a_stored_evaluation_with_an_impossible_metric_is_not_read(evaluation: Evaluation, tmp_path: Path) -> None:
    path = tmp_path / "evaluation.json"
    evaluation.write(path)
    assert Evaluation.read(path) == evaluation
    mean = evaluation.methods["two-tower"].ndcg_at_10.mean
    path.write_text(path.read_text(encoding="utf-8").replace(f'"mean": {mean}', '"mean": 2.53'), encoding="utf-8")
    with pytest.raises(EvaluationError, match="run `moodfeed evaluate` again"):
        Evaluation.read(path)
