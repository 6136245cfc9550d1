"""Trends, asked at each session's start of sample worlds, beside the 7-day trend of the live evaluation."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.live.bench import Bench
from benchmarks.live.clients import FALLBACK_TRENDING, Caller, post_ids
from benchmarks.live.replay import MOST_EXCLUDED, TREND, places_of
from benchmarks.live.results import Found, Line
from benchmarks.live.sample_worlds import SEEDS, HeldOutMonth, MonthRecorder, NoScores, held_out_month, serving
from pipeline.live_evaluation.averages import average
from pipeline.live_evaluation.live_results import METRICS
from pipeline.live_evaluation.ranks import case_metrics, ranks_of
from pipeline.live_evaluation.replay import METHODS, Log, rankings_of
from pipeline.live_evaluation.variants import Variant

_BAR = 0.01
_NDCG = METRICS.index("ndcg_at_10")
_OTHERS = ("the posts of the bundle", "all posts that may be served", "all posts")


def measure(bench: Bench) -> Found:
    """The newest month of some worlds."""
    seeds = SEEDS[: bench.pick(3, 1)]
    months = [held_out_month(bench, seed) for seed in seeds]
    values = [compare(month, bench.scratch / f"{seed}", bench) for seed, month in zip(seeds, months, strict=True)]
    return found_of(months, values, how=_HOW.format(seeds=", ".join(map(str, seeds))))


def compare(held_out: HeldOutMonth, scratch: Path, bench: Bench) -> NDArray[np.float64]:
    """The metrics of what is served and of the others: float64 [moments, 1 + others, 1, metrics]; NaN: no session."""
    moments, dataset = held_out.moments, held_out.dataset
    bench.say(f"{sum(map(bool, map(len, moments.session_targets))):,} sessions")
    is_servable = dataset.posts["is_servable"].to_numpy(dtype=bool)
    values = np.full((len(moments), 1 + len(_OTHERS), 1, len(METRICS)), np.nan)
    rankings = rankings_of(Log(dataset), moments, held_out.month, Variant.LIVE, NoScores(len(dataset.post_ids)))
    with serving(held_out.bundles, scratch, has_store=True) as caller:
        for (moment, candidates, of_methods), shown in zip(rankings, _lists(held_out, caller), strict=True):
            targets = moments.session_targets[moment]
            if not len(targets):
                continue
            trend = of_methods[METHODS.index(TREND)]
            values[moment, 0, 0] = case_metrics(places_of(dataset.post_ids[targets].tolist(), shown))
            for row, are_within in enumerate((held_out.in_bundle, is_servable, np.ones_like(is_servable)), start=1):
                known = replace(candidates, are_known=candidates.are_known & are_within)
                values[moment, row, 0] = case_metrics(ranks_of(trend, known, targets))
    return values


def _lists(held_out: HeldOutMonth, caller: Caller) -> Iterator[list[int]]:
    """For each moment at which a session starts the ten best trending posts that the person has not met, else none.

    A stranger with ``fallback`` asks for them, because that request can name the position that must be counted: trends
    count anew once a minute, in which weeks pass here.
    """
    moments, dataset = held_out.moments, held_out.dataset
    pairs = dataset.pairs
    recorder = MonthRecorder(held_out, caller)
    for moment, (row, day) in enumerate(zip(moments.user_rows.tolist(), moments.days.tolist(), strict=True)):
        if not len(moments.session_targets[moment]):
            yield []
            continue
        recorder.record_before(day)
        own = slice(pairs.offsets[row], pairs.offsets[row + 1])
        met = dataset.post_ids[pairs.post_rows[own][pairs.days[own] < day]].tolist()
        answer = caller.feed(
            "a stranger",
            fallback=FALLBACK_TRENDING,
            at_least_position=recorder.position,
            exclude_post_ids=met[-MOST_EXCLUDED:],
        )
        yield post_ids(answer)


_HOW = (
    "The newest 35 days of sample worlds {seeds}, recorded event by event as in the replay. When somebody begins a "
    "session, a stranger with `fallback` TRENDING asks for the ten best of the posts that they have not met. Beside it "
    "the trend of 7 days of [Live evaluation](quality.md#live-evaluation) at the same moments, over the posts that the "
    "bundle serves, over those that may be served, and over all. Posts made since the bundle are out of the product's "
    "reach, and so are those that may not be served: locked, or not public."
)


def found_of(months: list[HeldOutMonth], values: list[NDArray[np.float64]], *, how: str) -> Found:
    """The differences of the means, with their intervals."""
    averages = average([(month.moments, each) for month, each in zip(months, values, strict=True)], "all")
    if averages is None:
        raise ValueError("no session starts in the month")
    people = f"{averages.people} people, {averages.cases:,} sessions"
    lines = [Line("NDCG@10 of the trends that are served", averages.estimate((0, 0, _NDCG)).mean, note=people)]
    for row, what in enumerate(_OTHERS, start=1):
        mean = averages.estimate((row, 0, _NDCG)).mean
        difference = averages.difference((0, 0, _NDCG), (row, 0, _NDCG))
        note = f"{difference.low:+.3f} to {difference.high:+.3f}; the trend has {mean:.3f}"
        lines.append(Line(f"the same less the 7-day trend of {what}", difference.mean, at_least=-_BAR, note=note))
    return Found(how=how, lines=tuple(lines))
