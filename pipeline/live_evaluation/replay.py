"""Replay a month: at each moment, every method in every variant ranks from what it knows, and is measured."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bundle.blend import Blend
from pipeline.blended_scores import CrowdShares
from pipeline.dataset import Dataset
from pipeline.evaluation import MODEL_NAME, TOWER_NAME
from pipeline.live_evaluation.co_visits import CoVisits
from pipeline.live_evaluation.crowd_counts import Crowd, CrowdCounts
from pipeline.live_evaluation.live_baselines import LIVE_BASELINES, Known, SortKeys
from pipeline.live_evaluation.live_model import LiveScores
from pipeline.live_evaluation.live_results import METRICS
from pipeline.live_evaluation.months import Month
from pipeline.live_evaluation.ranks import Candidates, case_metrics, ranks_of
from pipeline.live_evaluation.sessions import Moments, moments_of
from pipeline.live_evaluation.steps import Steps
from pipeline.live_evaluation.variants import Variant
from pipeline.tower_scores import is_in_session

METHODS = (MODEL_NAME, TOWER_NAME, *LIVE_BASELINES)
_MOMENTS_AT_ONCE = 256


@dataclass(frozen=True, slots=True)
class Replayed:
    """The metrics of a month's moments, float64 [moments, methods, variants, metrics] each; NaN where there is no case.

    ``session_starts``: of the posts first met in the session that begins at the moment; ``next_posts``: of the post met
    at the moment. The axes are those of METHODS, Variant and METRICS.
    """

    moments: Moments
    session_starts: NDArray[np.float64]
    next_posts: NDArray[np.float64]


class Log:
    """The interactions of a dataset, and what was known of them before a moment."""

    def __init__(self, dataset: Dataset) -> None:
        self.dataset = dataset
        self._co_visits = CoVisits(dataset.pairs, post_count=len(dataset.post_ids))
        self._steps = Steps(dataset)

    def known(self, counts: CrowdCounts, user_row: int, person_day: float) -> Known:
        """What is known of everybody when the counts were made, and of a person before a day."""
        return Known(
            counts=counts,
            history=self.history(user_row, person_day),
            is_in_session=self._is_in_session(user_row, person_day),
            category_rows=self.dataset.category_rows,
            co_visits=self._co_visits,
            steps=self._steps,
        )

    def history(self, user_row: int, day: float) -> NDArray[np.int64]:
        """The rows of the posts that a person met before a day, newest last."""
        own = self._own(user_row, day)
        return self.dataset.pairs.post_rows[own].astype(np.int64)

    def _own(self, user_row: int, day: float) -> slice:
        pairs = self.dataset.pairs
        start, end = pairs.offsets[user_row], pairs.offsets[user_row + 1]
        return slice(start, start + int(np.searchsorted(pairs.days[start:end], day)))

    def _is_in_session(self, user_row: int, day: float) -> bool:
        own = self._own(user_row, day)
        return own.stop > own.start and is_in_session(day, float(self.dataset.pairs.days[own.stop - 1]))


def replay(
    log: Log, month: Month, model: LiveScores, *, on_ranked: Callable[[int, int], None] | None = None
) -> Replayed:
    """Rank at every moment of a month; ``on_ranked`` is called with the moments done and all, a variant each."""
    moments = moments_of(log.dataset, month)
    shape = (len(moments), len(METHODS), len(Variant), len(METRICS))
    replayed = Replayed(moments, np.full(shape, np.nan), np.full(shape, np.nan))
    for number, variant in enumerate(Variant):
        for moment, candidates, rankings in rankings_of(log, moments, month, variant, model):
            next_post = moments.post_rows[moment : moment + 1] if moments.exists[moment] else moments.post_rows[:0]
            asked = ((replayed.next_posts, next_post), (replayed.session_starts, moments.session_targets[moment]))
            for values, targets in asked:
                if len(targets):
                    for place, ranking in enumerate(rankings):
                        values[moment, place, number] = case_metrics(ranks_of(ranking, candidates, targets))
            if on_ranked:
                on_ranked(number * len(moments) + moment + 1, len(Variant) * len(moments))
    return replayed


def rankings_of(
    log: Log, moments: Moments, month: Month, variant: Variant, model: LiveScores
) -> Iterator[tuple[int, Candidates, list[SortKeys]]]:
    """For each moment in the order of time: its number, the candidates, and the ranking of each of METHODS."""
    crowd, shares = Crowd(log.dataset), CrowdSharesOf(model.blend, log.dataset.category_rows)
    crowd_days = variant.crowd_days(moments.days, month.split_day)
    person_days = variant.person_days(moments.days, month.split_day)
    for first in range(0, len(moments), _MOMENTS_AT_ONCE):
        some = slice(first, first + _MOMENTS_AT_ONCE)
        scores = model.scores(moments.user_rows[some], crowd_days=crowd_days[some], person_days=person_days[some])
        for moment, score in enumerate(scores, start=first):
            counts = crowd.at(float(crowd_days[moment]))
            are_candidates = moments.existing_since < moments.days[moment]
            are_candidates[log.history(int(moments.user_rows[moment]), float(moments.days[moment]))] = False
            candidates = Candidates(are_candidates, moments.existing_since < crowd_days[moment])
            known = log.known(counts, int(moments.user_rows[moment]), float(person_days[moment]))
            of_towers = SortKeys(score, np.zeros(len(score)), counts.tie_places)
            numbers = shares.at(counts).numbers(score, known.history, known.next_shares(model.blend))
            of_model = of_towers._replace(scores=numbers)
            yield moment, candidates, [of_model, of_towers, *(method(known) for method in LIVE_BASELINES.values())]


class CrowdSharesOf:
    """The shares of what people meet, computed once for moments with the same counts."""

    def __init__(self, blend: Blend, category_rows: NDArray[np.int64]) -> None:
        self._blend, self._category_rows = blend, category_rows
        self._last: tuple[CrowdCounts, CrowdShares] | None = None

    def at(self, counts: CrowdCounts) -> CrowdShares:
        """The shares that follow from the counts."""
        if self._last is None or self._last[0] is not counts:
            self._last = counts, CrowdShares(self._blend, counts.trend, counts.lasting, self._category_rows)
        return self._last[1]
