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
_SECONDS = 10.0  # nobody waits for these answers: slow searches are measured as well
_MOST_TRIES, _PAUSE_SECONDS = 4, 1.0  # an engine that has not answered is left alone for half a second
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
    unanswered: int = 0
    """The searches that had no answer within ten seconds, and were asked again; their time is not in p99."""


def true_numbers(index: PostIndex, asked: Asked) -> Truth:
    """What an exact index finds."""
    return {kind: [_answer(index, query, DEPTHS[-1]).numbers for query in some] for kind, some in asked.items()}


def figures(index: PostIndex, asked: Asked, truth: Truth) -> dict[str, Figures]:
    """Those of an index, by kind."""
    return {kind: _of_kind(index, some, truth[kind]) for kind, some in asked.items()}


def recall(index: PostIndex, asked: Asked, truth: Truth, *, depth: int) -> float:
    """That of the worst kind."""
    return min(_recall(index, some, truth[kind])[0][depth] for kind, some in asked.items())


def _of_kind(index: PostIndex, some: Sequence[Query], truth: Sequence[Sequence[float]]) -> Figures:
    for query in some[:_WARM]:
        _answer(index, query, DEPTHS[0])
    answers = [_answer(index, query, DEPTHS[0]) for query in some]
    p50, p99 = np.percentile([answer.milliseconds for answer in answers], (50, 99)).tolist()
    shares, approximate, unanswered = _recall(index, some, truth)
    return Figures(p50, p99, shares, approximate, unanswered + sum(answer.unanswered for answer in answers))


def _recall(
    index: PostIndex, some: Sequence[Query], truth: Sequence[Sequence[float]]
) -> tuple[dict[int, float], float, int]:
    """Recall by depth, the share of approximate answers, and how many searches had to be asked again."""
    found: dict[int, list[float]] = {depth: [] for depth in DEPTHS}
    answers = [_answer(index, query, DEPTHS[-1]) for query in some]
    for answer, right in zip(answers, truth, strict=True):
        for depth, shares in found.items():
            best = right[:depth]
            shares.append(sum(number >= best[-1] - _NEAR_TIE for number in answer.numbers[:depth]) / len(best))
    means = {depth: float(np.mean(shares)) for depth, shares in found.items()}
    approximate = sum(answer.is_approximate for answer in answers) / len(some)
    return means, approximate, sum(answer.unanswered for answer in answers)


@dataclass(frozen=True, slots=True)
class _Answer:
    numbers: Sequence[float]
    is_approximate: bool
    milliseconds: float
    unanswered: int


def _answer(index: PostIndex, query: Query, limit: int) -> _Answer:
    """The first answer of a few tries. RuntimeError if there is none."""
    for unanswered in range(_MOST_TRIES):
        started = time.perf_counter()
        result = index.search(query._replace(limit=limit, seconds=_SECONDS))
        if not result.unavailable_engine:
            milliseconds = 1e3 * (time.perf_counter() - started)
            return _Answer(result.ranking_scores, result.is_approximate, milliseconds, unanswered)
        time.sleep(_PAUSE_SECONDS)
    raise RuntimeError(f"{result.unavailable_engine}: no answer in {_MOST_TRIES} tries, so the server has ended")
