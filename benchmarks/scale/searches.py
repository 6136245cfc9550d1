"""How long searches take and how many of the right posts they find."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from post_index_service.index import PostIndex
from post_index_service.query import Query

DEPTHS = (10, 100)
"""Of the first how many posts recall is measured."""
_WARM = 5
_SECONDS = 60.0  # nobody waits for these answers: slow searches are measured as well
_NEAR_TIE = 1e-5  # posts whose numbers differ by less may change places

Asked = Mapping[str, Sequence[Query]]
Truth = Mapping[str, Sequence[Sequence[float]]]
"""Of each search of a kind, the numbers of the first posts, best first."""


@dataclass(frozen=True, slots=True)
class Figures:
    """Of the searches of one kind: milliseconds of a page of ten, and the share of the right posts by depth."""

    p50: float
    p99: float
    recall: Mapping[int, float]
    approximate: float
    """The share of answers that say that posts may be missing."""


def true_numbers(index: PostIndex, asked: Asked) -> Truth:
    """What an exact index finds."""
    return {kind: [_answer(index, query, DEPTHS[-1])[0] for query in some] for kind, some in asked.items()}


def figures(index: PostIndex, asked: Asked, truth: Truth) -> dict[str, Figures]:
    """Those of an index, by kind."""
    return {kind: _of_kind(index, some, truth[kind]) for kind, some in asked.items()}


def recall(index: PostIndex, asked: Asked, truth: Truth, *, depth: int) -> float:
    """That of the worst kind."""
    return min(_recall(index, some, truth[kind])[0][depth] for kind, some in asked.items())


def _of_kind(index: PostIndex, some: Sequence[Query], truth: Sequence[Sequence[float]]) -> Figures:
    for query in some[:_WARM]:
        _answer(index, query, DEPTHS[0])
    times = []
    for query in some:
        started = time.perf_counter()
        _answer(index, query, DEPTHS[0])
        times.append(1e3 * (time.perf_counter() - started))
    p50, p99 = np.percentile(times, (50, 99)).tolist()
    shares, approximate = _recall(index, some, truth)
    return Figures(p50, p99, shares, approximate)


def _recall(
    index: PostIndex, some: Sequence[Query], truth: Sequence[Sequence[float]]
) -> tuple[dict[int, float], float]:
    found: dict[int, list[float]] = {depth: [] for depth in DEPTHS}
    approximate = 0
    for query, right in zip(some, truth, strict=True):
        numbers, is_approximate = _answer(index, query, DEPTHS[-1])
        approximate += is_approximate
        for depth, shares in found.items():
            best = right[:depth]
            shares.append(sum(number >= best[-1] - _NEAR_TIE for number in numbers[:depth]) / len(best))
    return {depth: float(np.mean(shares)) for depth, shares in found.items()}, approximate / len(some)


def _answer(index: PostIndex, query: Query, limit: int) -> tuple[Sequence[float], bool]:
    result = index.search(query._replace(limit=limit, seconds=_SECONDS))
    if result.unavailable_engine:
        raise RuntimeError(f"{result.unavailable_engine}: a search took too long, or the server ended")
    return result.ranking_scores, result.is_approximate
