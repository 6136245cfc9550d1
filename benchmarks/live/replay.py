"""What the living feed is worth: the held-out weeks of sample worlds, event by event, through the serving stack."""

from collections.abc import Iterator, Sequence
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
from benchmarks.live.results import Found, Line
from benchmarks.live.sample_worlds import ingested
from benchmarks.processes import running_product
from bundle.verbs import VERBS as VERB_NAMES
from mood_encoder.encoder_files import default_encoder_directory
from pipeline.dataset import Dataset
from pipeline.export import export
from pipeline.live_evaluation.averages import average
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
_GROUPS = {
    "next_posts": ("all", "new", "with a history", "later in a session"),
    "session_starts": ("all", "new", "with a history"),
}
_HOW = (
    "The newest 35 days of sample worlds {seeds}, in the order of time. At the moment at which somebody first meets a post, "
    "the feed of one process with a SQLite store is asked (`fallback` TRENDING), and that of one without a store "
    "(`fallback` POPULAR, with the posts met since excluded); then what happened is recorded. The towers and the bundle "
    "are of what was before the 35 days; posts made since are out of a feed's reach. Targets, sessions, popularity and "
    "means (cases, people, worlds) as in [Live evaluation](quality.md#live-evaluation); brackets hold 95 %."
)


@dataclass(frozen=True, slots=True)
class Replayed:
    """The metrics of a month's moments, float64 [moments, rows, 1, metrics] each, NaN where there is no case.

    The rows are those of ROWS, the metrics those of the live evaluation. ``without_feed`` counts the moments at which
    the live and the frozen feed were refused.
    """

    moments: Moments
    next_posts: NDArray[np.float64]
    session_starts: NDArray[np.float64]
    without_feed: tuple[int, int]


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
    return Found(how=_HOW.format(seeds=", ".join(map(str, _SEEDS))), lines=tuple(lines_of(replayed)))


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
    next_posts, session_starts = np.full(shape, np.nan), np.full(shape, np.nan)
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
            for values, targets in _asked(moments, moment, next_posts, session_starts):
                target_ids = dataset.post_ids[targets].tolist()
                ranks = [
                    *(np.array([_place(ids, target) for target in target_ids]) for ids in shown),
                    ranks_of(popular, candidates, targets),
                    ranks_of(popular, of_bundle, targets),
                    ranks_of(trend, of_bundle, targets),
                ]
                for row, found in enumerate(ranks):
                    values[moment, row, 0] = case_metrics(found)
    return Replayed(moments, next_posts, session_starts, (without_feed[0], without_feed[1]))


def _asked(
    moments: Moments, moment: int, next_posts: NDArray[np.float64], session_starts: NDArray[np.float64]
) -> Iterator[tuple[NDArray[np.float64], NDArray[np.int64]]]:
    """Where the metrics go and what the targets are: the next post, and the session's posts at its start."""
    if moments.exists[moment]:
        yield next_posts, moments.post_rows[moment : moment + 1]
    if len(moments.session_targets[moment]):
        yield session_starts, moments.session_targets[moment]


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


def lines_of(replayed: Sequence[Replayed]) -> list[Line]:
    """NDCG@10 and HitRate@10 of each row, and what the live feed adds to the frozen one."""
    lines = []
    for moment, name in (("at each next post", "next_posts"), ("at a session's start", "session_starts")):
        months = [(each.moments, getattr(each, name)) for each in replayed]
        for group in _GROUPS[name]:
            averages = average(months, group)
            if averages is None:
                continue
            of_group = f"{moment}, {group} ({averages.people} people, {averages.cases:,} cases)"
            for row, what in enumerate(ROWS):
                ndcg, hit = (averages.estimate((row, 0, metric)) for metric in (_NDCG, _HIT))
                interval = f"{ndcg.low:.3f} to {ndcg.high:.3f}; HitRate@10 {hit.mean:.3f}"
                lines.append(Line(f"NDCG@10 {of_group}: {what}", ndcg.mean, note=interval))
            for other in (FROZEN, LIVE_POPULARITY):
                difference = averages.difference((0, 0, _NDCG), (ROWS.index(other), 0, _NDCG))
                interval = f"{difference.low:+.3f} to {difference.high:+.3f}"
                lines.append(Line(f"NDCG@10 {of_group}: {LIVE} less {other}", difference.mean, note=interval))
    moments = sum(len(each.moments) for each in replayed)
    for place, what in enumerate((LIVE, FROZEN)):
        refused = sum(each.without_feed[place] for each in replayed)
        lines.append(Line(f"moments without a {what}, counted as missed", refused, note=f"of {moments:,}"))
    return lines
