"""Evaluate the model and the live baselines on the newest months of a log, moment by moment."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from pipeline.blend_weights import default_weights
from pipeline.dataset import Dataset
from pipeline.evaluate import TooLittleDataError
from pipeline.evaluation import MODEL_NAME, OURS
from pipeline.live_evaluation.averages import GROUPS, SESSION_GROUPS, Averages, average
from pipeline.live_evaluation.live_model import LiveModel
from pipeline.live_evaluation.live_results import (
    METRICS,
    Asked,
    LiveEvaluation,
    LiveGroup,
    LiveMetrics,
    LiveMonth,
    Verdict,
)
from pipeline.live_evaluation.months import DEFAULT_MONTHS, Month, rolling_months
from pipeline.live_evaluation.replay import METHODS, Log, Replayed, replay
from pipeline.live_evaluation.sessions import Moments
from pipeline.live_evaluation.variants import Variant
from pipeline.splits import split_at
from pipeline.tower_scores import TowerScores
from pipeline.trained_towers import TrainedTowers
from pipeline.weights_choice import WeightsChoice

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NDCG = METRICS.index("ndcg_at_10")
_LIVE = tuple(Variant).index(Variant.LIVE)
_MODEL = METHODS.index(MODEL_NAME)

OnRanked = Callable[[int, int], None]
"""Hears how many rankings of a month are done, and how many there are."""

TowersOf = Callable[[Dataset, str], TrainedTowers]
"""Gives the towers trained on a dataset, which ends at the date: "2025-10-01"."""


def evaluate_live(
    dataset: Dataset,
    towers_of: TowersOf,
    *,
    months: int = DEFAULT_MONTHS,
    showing: Callable[[str], AbstractContextManager[OnRanked]] | None = None,
) -> LiveEvaluation:
    """Replay the newest months, each with towers that were trained on what there was before it.

    ``showing`` gets the date of a month's split and shows its replay while the context is open. EvaluationError without
    timestamps or if the log is too short, TooLittleDataError if nobody met anything new in the months.
    """
    log = Log(dataset)
    chosen = rolling_months(dataset, count=months)
    replayed, weights = [], WeightsChoice()
    for month in chosen:
        past = dataset.made_before(month.split_day)
        towers = towers_of(past, _date(month.split_day))
        scores = TowerScores(towers, past)
        model = LiveModel(
            towers, past=past, dataset=dataset, blend=weights.best(default_weights(past))[1].blend(scores.spread)
        )
        with showing(_date(month.split_day)) if showing else nullcontext() as on_ranked:
            replayed.append(replay(log, month, model, on_ranked=on_ranked))
        weights.learn(split_at(dataset, month.split_day), scores.blended, dataset)
    return LiveEvaluation(
        months=tuple(_month(month, each) for month, each in zip(chosen, replayed, strict=True)),
        session_start=_asked([(each.moments, each.session_starts) for each in replayed], SESSION_GROUPS),
        next_post=_asked([(each.moments, each.next_posts) for each in replayed], tuple(GROUPS)),
        data_fingerprint=dataset.fingerprint(),
    )


def _asked(months: Sequence[tuple[Moments, NDArray[np.float64]]], groups: Sequence[str]) -> Asked:
    """Average what was measured; TooLittleDataError without a case."""
    averages = {group: found for group in groups if (found := average(months, group)) is not None}
    if not averages:
        raise TooLittleDataError(
            "nobody met a post for the first time in the months that --live replays: fetch more data"
        )
    everybody = averages["all"]
    return Asked(
        groups={group: _group(found) for group, found in averages.items()},
        verdict=_verdict(everybody),
        ndcg_by_month={
            method: {
                variant.value: tuple(
                    None if np.isnan(mean) else float(mean) for mean in everybody.by_month[:, row, column, _NDCG]
                )
                for column, variant in enumerate(Variant)
            }
            for row, method in enumerate(METHODS)
        },
    )


def _group(found: Averages) -> LiveGroup:
    return LiveGroup(
        people=found.people,
        cases=found.cases,
        methods={
            method: {
                variant.value: LiveMetrics(*(found.estimate((row, column, metric)) for metric in range(len(METRICS))))
                for column, variant in enumerate(Variant)
            }
            for row, method in enumerate(METHODS)
        },
    )


def _verdict(found: Averages) -> Verdict:
    baselines = [row for row, name in enumerate(METHODS) if name not in OURS]
    best = max(baselines, key=lambda row: found.means[row, _LIVE, _NDCG])
    difference = found.difference((_MODEL, _LIVE, _NDCG), (best, _LIVE, _NDCG))
    return Verdict(METHODS[best], difference, difference.standing)


def _month(month: Month, replayed: Replayed) -> LiveMonth:
    moments = replayed.moments
    return LiveMonth(
        split=_date(month.split_day),
        end=_date(month.end_day),
        people=moments.drawn_people,
        people_with_history=len(np.unique(moments.user_rows[~moments.is_new])),
        sessions=_cases(replayed.session_starts),
        next_posts=_cases(replayed.next_posts),
        people_in_all=moments.people,
    )


def _cases(values: NDArray[np.float64]) -> int:
    return int((~np.isnan(values).any(axis=(1, 2, 3))).sum())


def _date(day: float) -> str:
    return (_EPOCH + timedelta(days=day)).date().isoformat()
