"""Where a ranking puts the posts that were met, and what that is worth."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.live_evaluation.live_baselines import SortKeys
from pipeline.ranking import CUTOFF, NotANumberError

OUT_OF_REACH = np.iinfo(np.int64).max // 2
"""The rank of a post that the method does not know yet."""

_GAINS = 1 / np.log2(np.arange(CUTOFF) + 2.0)


class CaseMetrics(NamedTuple):
    """NDCG@10, hit rate@10 and recall@10 of one ranking, 0..1; recall is capped: ten found of twenty are all."""

    ndcg: float
    hit: float
    recall: float


@dataclass(frozen=True, slots=True)
class Candidates:
    """The posts to rank, bool [posts] each: ``are_candidates``, and of those ``are_known``, which the method knows."""

    are_candidates: NDArray[np.bool_]
    are_known: NDArray[np.bool_]


def ranks_of(ranking: SortKeys, candidates: Candidates, targets: NDArray[np.int64]) -> NDArray[np.int64]:
    """The rank of each target among the candidates, 0 for the first: int64 [targets].

    Every target is a candidate. NotANumberError if a score is NaN: no comparison with it would be true.
    """
    rows = np.flatnonzero(candidates.are_candidates & candidates.are_known)
    scores, fallback, places = (column[rows] for column in ranking)
    if np.isnan(scores).any():
        raise NotANumberError(f"the score of the post in row {rows[np.isnan(scores).argmax()]} is not a number")
    ranks = np.full(len(targets), OUT_OF_REACH, dtype=np.int64)
    for number, target in enumerate(targets):
        if candidates.are_known[target]:
            score, second, place = (column[target] for column in ranking)
            is_tied = scores == score
            before = (scores > score) | (is_tied & ((fallback > second) | ((fallback == second) & (places < place))))
            ranks[number] = np.count_nonzero(before)
    return ranks


def case_metrics(ranks: NDArray[np.int64]) -> CaseMetrics:
    """The metrics of one ranking from the ranks of its targets, of which there is at least one."""
    found = ranks[ranks < CUTOFF]
    possible = min(len(ranks), CUTOFF)
    return CaseMetrics(
        ndcg=float(_GAINS[found].sum() / _GAINS[:possible].sum()),
        hit=float(len(found) > 0),
        recall=len(found) / possible,
    )
