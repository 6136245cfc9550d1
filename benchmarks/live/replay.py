"""What the living feed is worth: the held-out weeks of sample worlds, event by event, through the serving stack."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.live.bench import Bench
from benchmarks.live.clients import FALLBACK_POPULAR, FALLBACK_TRENDING, Caller, RefusedError, post_ids
from benchmarks.live.results import Found, Line, Table
from benchmarks.live.sample_worlds import SEEDS, HeldOutMonth, MonthRecorder, NoScores, held_out_month, serving
from pipeline.live_evaluation.averages import Averages, average
from pipeline.live_evaluation.live_results import METRICS
from pipeline.live_evaluation.ranks import OUT_OF_REACH, case_metrics, ranks_of
from pipeline.live_evaluation.replay import METHODS, Log, rankings_of
from pipeline.live_evaluation.sessions import Moments
from pipeline.live_evaluation.variants import Variant

MOST_EXCLUDED = 1000
POPULAR, TREND = "last-month popularity", "trend of 7 days"
LIVE, FROZEN = "live feed", "frozen feed"
LIVE_POPULARITY = f"live {POPULAR}, posts of the bundle"
ROWS = (LIVE, FROZEN, f"live {POPULAR}", LIVE_POPULARITY, f"live {TREND}, posts of the bundle")
_NDCG, _HIT = METRICS.index("ndcg_at_10"), METRICS.index("hit_rate_at_10")
NEXT_POST, SESSION_START = "at each next post", "at a session's start"
_GROUPS = {
    NEXT_POST: ("all", "new", "with a history", "later in a session"),
    SESSION_START: ("all", "new", "with a history"),
}
_HOW = (
    "The newest 35 days of sample worlds {seeds}, in the order of time. When somebody first meets a post, "
    "the feed of one process with a SQLite store is asked (`fallback` TRENDING), and that of one without a store "
    "(`fallback` POPULAR, with the posts met since excluded); then what happened is recorded. The towers and the "
    "bundle are of what was before the 35 days; posts made since are out of a feed's reach. Targets, sessions, "
    "popularity and means (cases, people, worlds) as in [Live evaluation](quality.md#live-evaluation); brackets: 95 %."
)


@dataclass(frozen=True, slots=True)
class Replayed:
    """The metrics of a month's moments, float64 [moments, rows, 1, metrics] each, NaN where there is no case.

    ``values`` are by the kind of moment, NEXT_POST or SESSION_START; the rows are those of ROWS, the metrics those of
    the live evaluation. ``without_feed`` counts the moments at which the live and the frozen feed were refused,
    ``served_share`` (0..1) of the next posts were in the bundle.
    """

    moments: Moments
    values: Mapping[str, NDArray[np.float64]]
    without_feed: tuple[int, int]
    served_share: float


def measure(bench: Bench) -> Found:
    """The newest month of some worlds, each with towers trained on what was before it."""
    seeds = SEEDS[: bench.pick(3, 1)]
    months = [held_out_month(bench, seed) for seed in seeds]
    replayed = [replay(month, bench.scratch / f"{seed}", bench) for seed, month in zip(seeds, months, strict=True)]
    return found_of(replayed, _HOW.format(seeds=", ".join(map(str, seeds))))


def replay(held_out: HeldOutMonth, scratch: Path, bench: Bench) -> Replayed:
    """Serve the bundle of the past, and ask before each event is recorded."""
    moments, dataset = held_out.moments, held_out.dataset
    bench.say(f"{len(moments):,} moments of {moments.people} people")
    shape = (len(moments), len(ROWS), 1, len(METRICS))
    values = {NEXT_POST: np.full(shape, np.nan), SESSION_START: np.full(shape, np.nan)}
    without_feed = [0, 0]
    with ExitStack() as stack:
        live = stack.enter_context(serving(held_out.bundles, scratch / "live", has_store=True))
        frozen = stack.enter_context(serving(held_out.bundles, scratch / "frozen", has_store=False))
        rankings = rankings_of(Log(dataset), moments, held_out.month, Variant.LIVE, NoScores(len(dataset.post_ids)))
        feeds = _feeds(held_out, live=live, frozen=frozen)
        for (moment, candidates, of_methods), shown in zip(rankings, feeds, strict=True):
            of_bundle = replace(candidates, are_known=candidates.are_known & held_out.in_bundle)
            popular, trend = (of_methods[METHODS.index(name)] for name in (POPULAR, TREND))
            for place, ids in enumerate(shown):
                without_feed[place] += not ids
            for kind, targets in _asked(moments, moment):
                target_ids = dataset.post_ids[targets].tolist()
                ranks = [
                    *(places_of(target_ids, ids) for ids in shown),
                    ranks_of(popular, candidates, targets),
                    ranks_of(popular, of_bundle, targets),
                    ranks_of(trend, of_bundle, targets),
                ]
                for row, found in enumerate(ranks):
                    values[kind][moment, row, 0] = case_metrics(found)
    served_share = float(held_out.in_bundle[moments.post_rows].mean())
    return Replayed(moments, values, (without_feed[0], without_feed[1]), served_share)


def _asked(moments: Moments, moment: int) -> Iterator[tuple[str, NDArray[np.int64]]]:
    """The targets of a moment: the next post, and the session's posts at its start."""
    if moments.exists[moment]:
        yield NEXT_POST, moments.post_rows[moment : moment + 1]
    if len(moments.session_targets[moment]):
        yield SESSION_START, moments.session_targets[moment]


def _feeds(held_out: HeldOutMonth, *, live: Caller, frozen: Caller) -> Iterator[tuple[list[int], list[int]]]:
    """For each moment what the live and the frozen feed show, before what happens then is recorded."""
    moments, usernames = held_out.moments, held_out.dataset.users["username"].tolist()
    recorder = MonthRecorder(held_out, live)
    for row, day in zip(moments.user_rows.tolist(), moments.days.tolist(), strict=True):
        recorder.record_before(day)
        met = list(dict.fromkeys(recorder.met.get(row, [])))[-MOST_EXCLUDED:]
        # The position makes trends count up to now: a month passes within the minute of one epoch.
        position = recorder.position
        yield (
            _feed(live, usernames[row], fallback=FALLBACK_TRENDING, at_least_position=position),
            _feed(frozen, usernames[row], fallback=FALLBACK_POPULAR, exclude_post_ids=met),
        )


def _feed(caller: Caller, username: str, **fields: object) -> list[int]:
    """The first page; empty for a stranger whom nothing is shown."""
    try:
        return post_ids(caller.feed(username, **fields))
    except RefusedError as error:
        if error.refusal.status != "NOT_FOUND":
            raise
        return []


def places_of(targets: Sequence[int], shown: Sequence[int]) -> NDArray[np.int64]:
    """The place of each target in a page, from 0; out of reach if it is not there: int64 [targets]."""
    return np.array([shown.index(post) if post in shown else OUT_OF_REACH for post in targets], dtype=np.int64)


def found_of(replayed: Sequence[Replayed], how: str) -> Found:
    """NDCG@10 and HitRate@10 of each row, and what the live feed adds to the frozen one and to live popularity."""
    lines: list[Line] = []
    tables: list[Table] = []
    curves: dict[str, tuple[float, ...]] = {}
    for moment, groups in _GROUPS.items():
        months = [(each.moments, each.values[moment]) for each in replayed]
        averages = {group: found for group in groups if (found := average(months, group)) is not None}
        for group, found in averages.items():
            lines += [_difference(found, f"{moment}, {group}", other) for other in (FROZEN, LIVE_POPULARITY)]
            curves |= {
                f"{what}, {moment}": (ndcg.mean, ndcg.low, ndcg.high)
                for row, what in enumerate(ROWS)
                for ndcg in [found.estimate((row, 0, _NDCG))]
                if group == "all"
            }
        tables.append(_table(moment, averages))
    moments = sum(len(each.moments) for each in replayed)
    for place, what in enumerate((LIVE, FROZEN)):
        refused = sum(each.without_feed[place] for each in replayed)
        lines.append(Line(f"moments without a {what}, counted as missed", refused, note=f"of {moments:,}"))
    served = np.mean([each.served_share for each in replayed])
    lines.append(
        Line("next posts that the bundle serves", 100 * float(served), "%", note="the others are out of reach")
    )
    return Found(how=how, lines=tuple(lines), tables=tuple(tables), curves=curves)


def _difference(found: Averages, where: str, other: str) -> Line:
    difference = found.difference((0, 0, _NDCG), (ROWS.index(other), 0, _NDCG))
    note = f"{difference.low:+.3f} to {difference.high:+.3f}; {found.people} people, {found.cases:,} cases"
    return Line(f"NDCG@10 {where}: {LIVE} less {other}", difference.mean, note=note)


def _table(moment: str, averages: Mapping[str, Averages]) -> Table:
    rows = []
    for row, what in enumerate(ROWS):
        cells = [what]
        for found in averages.values():
            ndcg, hit = (found.estimate((row, 0, metric)) for metric in (_NDCG, _HIT))
            cells.append(
                f"{_fraction(ndcg.mean)} ({_fraction(ndcg.low)}–{_fraction(ndcg.high)}) / {_fraction(hit.mean)}"
            )
        rows.append(tuple(cells))
    return Table((f"NDCG@10 / HitRate@10 {moment}", *averages), tuple(rows))


def _fraction(value: float) -> str:
    return f"{value:.3f}".lstrip("0")
