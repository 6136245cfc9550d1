"""Each loss on two users and three candidates, beside its formula in plain numbers."""

import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from pipeline.losses import LOSSES, bce_loss, mse_loss, mse_negatives_loss, softmax_loss
from pipeline.training_config import Objective, TrainingConfig
from pipeline.training_examples import Batch
from two_tower.model import HistoryTensors, PostTensors

NOTHING = torch.zeros(0)
USERS = torch.tensor([[0.6, 0.8], [1.0, 0.0]])
POSTS = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.8, -0.6]])
SCORES = ((0.6, 0.8, 0.0), (1.0, 0.0, 0.8))  # the inner products of USERS and POSTS
LOG_EXPECTED = (math.log(0.5), math.log(0.25), math.log(0.125))
CONFIG = TrainingConfig(temperature=0.5)


def batch_of(**fields: Tensor) -> Batch:
    """Targets 1 and 0, negatives 2 and 1, nothing known, equal weights, every candidate sampled for certain."""
    plain = Batch(
        user_rows=NOTHING,
        history=HistoryTensors(*[NOTHING] * 5),
        posts=PostTensors(*[NOTHING] * 4),
        candidates=NOTHING,
        labels=torch.tensor([1, 0]),
        negatives=torch.tensor([2, 1]),
        is_known=torch.zeros(2, 3, dtype=torch.bool),
        strengths=torch.tensor([0.25, 0.5]),
        weights=torch.ones(2),
        numeric=NOTHING,
        log_expected=torch.zeros(3),
    )
    return replace(plain, **fields)


def cross_entropy(logits: list[float], label: int) -> float:
    return math.log(sum(math.exp(logit) for logit in logits)) - logits[label]


def softplus(value: float) -> float:
    return math.log(1 + math.exp(value))


def test_the_softmax_is_over_the_candidates_at_the_temperature() -> None:
    expected = (cross_entropy([1.2, 1.6, 0.0], 1) + cross_entropy([2.0, 0.0, 1.6], 0)) / 2
    assert softmax_loss(USERS, POSTS, batch_of(), CONFIG).item() == pytest.approx(expected, abs=1e-6)


def test_another_temperature_divides_the_scores_by_another_number() -> None:
    expected = (cross_entropy([6.0, 8.0, 0.0], 1) + cross_entropy([10.0, 0.0, 8.0], 0)) / 2
    found = softmax_loss(USERS, POSTS, batch_of(), replace(CONFIG, temperature=0.1))
    assert found.item() == pytest.approx(expected, abs=1e-6)


def test_each_score_is_reduced_by_the_logarithm_of_the_probability_that_its_post_is_sampled() -> None:
    def corrected(row: tuple[float, ...]) -> list[float]:
        return [score / 0.5 - expected for score, expected in zip(row, LOG_EXPECTED, strict=True)]

    expected = (cross_entropy(corrected(SCORES[0]), 1) + cross_entropy(corrected(SCORES[1]), 0)) / 2
    found = softmax_loss(USERS, POSTS, batch_of(log_expected=torch.tensor(LOG_EXPECTED)), CONFIG)
    assert found.item() == pytest.approx(expected, abs=1e-6)


def test_what_a_user_has_met_is_no_candidate_of_theirs_and_stays_one_of_others() -> None:
    is_known = torch.tensor([[True, False, False], [False, False, False]])
    expected = (cross_entropy([1.6, 0.0], 0) + cross_entropy([2.0, 0.0, 1.6], 0)) / 2
    found = softmax_loss(USERS, POSTS, batch_of(is_known=is_known), CONFIG)
    assert found.item() == pytest.approx(expected, abs=1e-6)


def test_the_softmax_is_the_weighted_mean_of_its_examples() -> None:
    expected = (3 * cross_entropy([1.2, 1.6, 0.0], 1) + 0.5 * cross_entropy([2.0, 0.0, 1.6], 0)) / 3.5
    found = softmax_loss(USERS, POSTS, batch_of(weights=torch.tensor([3.0, 0.5])), CONFIG)
    assert found.item() == pytest.approx(expected, abs=1e-6)


def test_binary_cross_entropy_wants_the_target_high_and_the_negative_low() -> None:
    # Scores of the targets 0.8 and 1.0, of the negatives 0.0 and 0.0.
    expected = (softplus(-1.6) + softplus(0.0) + softplus(-2.0) + softplus(0.0)) / 2
    assert bce_loss(USERS, POSTS, batch_of(), CONFIG).item() == pytest.approx(expected, abs=1e-6)


def test_binary_cross_entropy_scales_both_scores_and_weighs_its_examples() -> None:
    batch = batch_of(negatives=torch.tensor([0, 2]), weights=torch.tensor([3.0, 0.5]))
    # Scores of the negatives 0.6 and 0.8; the temperature is 0.25.
    expected = (3 * (softplus(-3.2) + softplus(2.4)) + 0.5 * (softplus(-4.0) + softplus(3.2))) / 3.5
    found = bce_loss(USERS, POSTS, batch, replace(CONFIG, temperature=0.25))
    assert found.item() == pytest.approx(expected, abs=1e-6)


def test_the_predecessors_loss_is_the_squared_error_against_the_strength() -> None:
    expected = ((0.8 - 0.25) ** 2 + (1.0 - 0.5) ** 2) / 2
    batch = batch_of(weights=torch.tensor([3.0, 0.5]))
    assert mse_loss(USERS, POSTS, batch, CONFIG).item() == pytest.approx(expected, abs=1e-6)


def test_squared_error_with_negatives_wants_1_for_the_target_and_0_for_the_negative() -> None:
    batch = batch_of(negatives=torch.tensor([0, 2]), weights=torch.tensor([3.0, 0.5]))
    expected = ((0.8 - 1) ** 2 + 0.6**2 + (1.0 - 1) ** 2 + 0.8**2) / 2
    assert mse_negatives_loss(USERS, POSTS, batch, CONFIG).item() == pytest.approx(expected, abs=1e-6)


def test_each_objective_has_its_loss() -> None:
    assert {
        Objective.SOFTMAX: softmax_loss,
        Objective.BCE: bce_loss,
        Objective.MSE: mse_loss,
        Objective.MSE_NEGATIVES: mse_negatives_loss,
    } == LOSSES
