"""Ranks, ties and metrics by hand."""

import numpy as np
import pytest

from pipeline.live_evaluation.live_baselines import SortKeys
from pipeline.live_evaluation.ranks import OUT_OF_REACH, Candidates, case_metrics, ranks_of
from pipeline.ranking import NotANumberError

SCORES = SortKeys(
    scores=np.array([3.0, 1.0, 1.0, 1.0, 5.0, 0.0]),
    fallback=np.array([0.0, 2.0, 4.0, 2.0, 0.0, 0.0]),
    tie_places=np.array([5, 1, 2, 0, 4, 3]),
)
EVERYTHING = np.ones(6, dtype=np.bool_)


def test_equal_scores_are_told_apart_by_the_fallback_and_then_by_their_places() -> None:
    ranks = ranks_of(SCORES, Candidates(EVERYTHING, EVERYTHING), np.arange(6))
    assert ranks.tolist() == [1, 4, 2, 3, 0, 5]


def test_a_post_that_is_no_candidate_takes_no_place() -> None:
    unmet = np.array([True, True, True, True, False, True])
    assert ranks_of(SCORES, Candidates(unmet, EVERYTHING), np.array([0, 5])).tolist() == [0, 4]


def test_a_post_that_the_method_does_not_know_is_out_of_reach_and_in_nobodys_way() -> None:
    known = np.array([False, True, True, True, True, True])
    ranks = ranks_of(SCORES, Candidates(EVERYTHING, known), np.array([0, 2]))
    assert ranks.tolist() == [OUT_OF_REACH, 1]


def test_a_score_that_is_not_a_number_stops_the_work() -> None:
    broken = SCORES._replace(scores=np.array([3.0, np.nan, 1.0, 1.0, 5.0, 0.0]))
    with pytest.raises(NotANumberError, match="row 1"):
        ranks_of(broken, Candidates(EVERYTHING, EVERYTHING), np.array([0]))


def test_the_metrics_of_one_target_are_those_of_its_rank() -> None:
    assert case_metrics(np.array([0])) == (1.0, 1.0, 1.0)
    assert case_metrics(np.array([2])) == (pytest.approx(0.5), 1.0, 1.0)
    assert case_metrics(np.array([10])) == (0.0, 0.0, 0.0)
    assert case_metrics(np.array([OUT_OF_REACH])) == (0.0, 0.0, 0.0)


def test_the_metrics_of_several_targets_are_relative_to_the_best_list() -> None:
    ndcg, hit, recall = case_metrics(np.array([0, 30, 2]))
    assert ndcg == pytest.approx((1 + 0.5) / (1 + 1 / np.log2(3) + 0.5))
    assert (hit, recall) == (1.0, pytest.approx(2 / 3))


def test_ten_found_of_twenty_are_all_that_fit() -> None:
    assert case_metrics(np.arange(20)) == (pytest.approx(1.0), 1.0, 1.0)
