"""What the living feed is worth: the held-out weeks of sample worlds, event by event, through the serving stack."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.live.bench import Bench
from benchmarks.live.clients import (
    FALLBACK_POPULAR,
    FALLBACK_TRENDING,
    VERBS,
    Caller,
    Did,
    RefusedError,
    calling,
    post_ids,
)
from benchmarks.live.results import Found, Line, Table
from benchmarks.live.sample_worlds import ingested
from benchmarks.processes import running_product
from bundle.verbs import VERBS as VERB_NAMES
from mood_encoder.encoder_files import default_encoder_directory
from pipeline.dataset import Dataset
from pipeline.export import export
from pipeline.live_evaluation.averages import Averages, average
from pipeline.live_evaluation.live_results import METRICS
from pipeline.live_evaluation.months import Month, rolling_months
from pipeline.live_evaluation.ranks import OUT_OF_REACH, case_metrics, ranks_of
from pipeline.live_evaluation.replay import METHODS, Log, rankings_of
from pipeline.live_evaluation.sessions import Moments, moments_of
from pipeline.live_evaluation.variants import Variant
from pipeline.train import train
from pipeline.training_config import TrainingConfig
from rpc import wall_clock
from sample_api.world import DEFAULT_SEED

_SEEDS = (DEFAULT_SEED, 1, 2)
_DAY_MS = 86_400_000
_MOST_EXCLUDED = 1000
_AT_ONCE = 1000
POPULAR, TREND = "last-month popularity", "trend of 7 days"
LIVE, FROZEN = "live feed", "frozen feed"
LIVE_POPULARITY = f"live {POPULAR}, posts of the bundle"
ROWS = (LIVE, FROZEN, f"live {POPULAR}", LIVE_POPULARITY, f"live {TREND}, posts of the bundle")
_NDCG, _HIT = METRICS.index("ndcg_at_10"), METRICS.index("hit_rate_at_10")
_STORES = {"live": True, "frozen": False}
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


class NoScores:
    """Stands for the model of the live evaluation, whose baselines alone are wanted here."""

    def __init__(self, posts: int) -> None:
        self._posts = posts

    def scores(
        self, user_rows: NDArray[np.int64], *, crowd_days: NDArray[np.float64], person_days: NDArray[np.float64]
    ) -> NDArray[np.float32]:
        return np.zeros((len(user_rows), self._posts), dtype=np.float32)


def measure(bench: Bench) -> Found:
    """The newest month of some worlds, each with towers trained on what was before it."""
    replayed = []
    for seed in _SEEDS[: bench.pick(3, 1)]:
        bench.say(f"world {seed}: ingest")
        dataset = ingested(bench.scratch / f"world-{seed}" / "data", seed, scale=0.3 if bench.is_quick else 1.0)
        month = rolling_months(dataset, count=1)[-1]
        replayed.append(replay_month(dataset, month, bench.scratch / f"world-{seed}", bench))
    return found_of(replayed, _HOW.format(seeds=", ".join(map(str, _SEEDS))))


def replay_month(dataset: Dataset, month: Month, scratch: Path, bench: Bench) -> Replayed:
    """Train on the past, serve its bundle, and ask before each event is recorded."""
    past = _without_newcomers(dataset.made_before(month.split_day))
    bench.say(f"train on {len(past.events):,} interactions before the month, and export")
    towers = train(past, TrainingConfig())
    bundles = scratch / "bundles"
    export(past, towers, None, encoder_directory=default_encoder_directory(), bundles=bundles, sidecar={})
    moments = moments_of(dataset, month)
    bench.say(f"{len(moments):,} moments of {moments.people} people")
    in_bundle = np.isin(dataset.post_ids, past.post_ids[past.posts["is_servable"].to_numpy(dtype=bool)])
    shape = (len(moments), len(ROWS), 1, len(METRICS))
    values = {NEXT_POST: np.full(shape, np.nan), SESSION_START: np.full(shape, np.nan)}
    with ExitStack() as stack:
        callers = [
            stack.enter_context(_serving(bundles, scratch / name, store=store)) for name, store in _STORES.items()
        ]
        feeds = _feeds(dataset, moments, month, live=callers[0], frozen=callers[1])
        without_feed = [0, 0]
        for (moment, candidates, rankings), shown in zip(
            rankings_of(Log(dataset), moments, month, Variant.LIVE, NoScores(len(dataset.post_ids))), feeds, strict=True
        ):
            of_bundle = replace(candidates, are_known=candidates.are_known & in_bundle)
            popular, trend = rankings[METHODS.index(POPULAR)], rankings[METHODS.index(TREND)]
            for place, ids in enumerate(shown):
                without_feed[place] += not ids
            for kind, targets in _asked(moments, moment):
                target_ids = dataset.post_ids[targets].tolist()
                ranks = [
                    *(np.array([_place(ids, target) for target in target_ids]) for ids in shown),
                    ranks_of(popular, candidates, targets),
                    ranks_of(popular, of_bundle, targets),
                    ranks_of(trend, of_bundle, targets),
                ]
                for row, found in enumerate(ranks):
                    values[kind][moment, row, 0] = case_metrics(found)
    served_share = float(in_bundle[moments.post_rows].mean())
    return Replayed(moments, values, (without_feed[0], without_feed[1]), served_share)


def _asked(moments: Moments, moment: int) -> Iterator[tuple[str, NDArray[np.int64]]]:
    """The targets of a moment: the next post, and the session's posts at its start."""
    if moments.exists[moment]:
        yield NEXT_POST, moments.post_rows[moment : moment + 1]
    if len(moments.session_targets[moment]):
        yield SESSION_START, moments.session_targets[moment]


def _feeds(
    dataset: Dataset, moments: Moments, month: Month, *, live: Caller, frozen: Caller
) -> Iterator[tuple[list[int], list[int]]]:
    """For each moment what the live and the frozen feed show, before what happens then is recorded."""
    events, usernames = dataset.events, dataset.users["username"].tolist()
    recorded = int(np.searchsorted(events.days, month.split_day))
    # A world's calendar is fixed, and what happens in the future is refused.
    shift = min(0, wall_clock.now_ms() - round(dataset.end_day * _DAY_MS) - _DAY_MS)
    met: dict[int, list[int]] = {}
    for moment in range(len(moments)):
        end = int(np.searchsorted(events.days, moments.days[moment]))
        for first in range(recorded, end, _AT_ONCE):
            live.record(
                Did(
                    event_id=f"event {number}",
                    username=usernames[events.user_rows[number]],
                    post_id=int(dataset.post_ids[events.post_rows[number]]),
                    verb=VERBS[VERB_NAMES[events.verbs[number]]],
                    occurred_at_ms=round(events.days[number] * _DAY_MS) + shift,
                    rating_percent=int(events.rating_percents[number]),
                )
                for number in range(first, min(first + _AT_ONCE, end))
            )
        for number in range(recorded, end):
            met.setdefault(int(events.user_rows[number]), []).append(int(dataset.post_ids[events.post_rows[number]]))
        recorded = max(recorded, end)
        row = int(moments.user_rows[moment])
        yield (
            _feed(live, usernames[row], fallback=FALLBACK_TRENDING),
            _feed(
                frozen,
                usernames[row],
                fallback=FALLBACK_POPULAR,
                exclude_post_ids=list(dict.fromkeys(met.get(row, [])))[-_MOST_EXCLUDED:],
            ),
        )


def _feed(caller: Caller, username: str, **fields: object) -> list[int]:
    """The first page; empty for a stranger whom nothing is shown."""
    try:
        return post_ids(caller.feed(username, **fields))
    except RefusedError as error:
        if error.refusal.status != "NOT_FOUND":
            raise
        return []


def _place(ids: Sequence[int], target: int) -> int:
    return ids.index(target) if target in ids else int(OUT_OF_REACH)


def _without_newcomers(past: Dataset) -> Dataset:
    """The past with only those people known who did something in it: the others sign up later."""
    acted = np.zeros(len(past.user_ids), dtype=np.bool_)
    acted[past.event_users] = True
    users = past.users.assign(answers=past.users["answers"].to_numpy(dtype=bool) & acted)
    return replace(past, users=users)


@contextmanager
def _serving(bundles: Path, scratch: Path, *, store: bool) -> Iterator[Caller]:
    """The one-process mode over a bundle, with a store of its own or without one."""
    scratch.mkdir(parents=True, exist_ok=True)
    variables = {"MOODFEED_STORE_URL": f"sqlite:///{scratch}/store.sqlite" if store else ""}
    with (
        running_product(bundles, logs=scratch / "logs", embedded=True, variables=variables) as product,
        calling(product.gateway_grpc) as caller,
    ):
        yield caller


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
