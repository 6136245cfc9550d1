"""Processor time of a feed at gateway, tower and index, by what is known of the person and what happens meanwhile."""

import statistics
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.live.bench import Bench
from benchmarks.live.clients import LIKE, Caller, Did, calling
from benchmarks.live.fleet import Fleet
from benchmarks.live.writers import Writer, writing
from benchmarks.scale.cores.processor_time import less
from benchmarks.scale.cores.results import Cost
from benchmarks.scale.cores.stores import KINDS, MeasuredStore, measured_store
from benchmarks.scale.cores.world import CATEGORIES, POSTS, one_of_each, spent, views
from benchmarks.serving import Asked, Row, run_load

KNOWN, UNKNOWN, MOOD = "known user", "user unknown to the gateway", "new mood"
LIVING, COUNTING = "user with fresh feedback", "known user while counts change"
FEEDS = (KNOWN, UNKNOWN, LIVING, COUNTING, MOOD)
EVENTS_MEANWHILE = 1_000
_IN_FLIGHT = 16
_WARM, _ONCE, _AT_ONCE, _BATCH = 10_000, 5_000, 100, 50
_ZIPF = 1.1
_LONGEST_WARM = 60.0


@dataclass(slots=True)
class _Names:
    """Who asks: some often, and for each round some that never asked before."""

    warm: int
    once: int
    rounds: int
    _next: int = field(init=False)
    _next_mood: int = 0

    def __post_init__(self) -> None:
        self._next = self.warm

    @property
    def users(self) -> int:
        return self.warm + 2 * self.once * (self.rounds + 1)

    def often(self, turn: int) -> list[Asked]:
        if turn == 0:
            return [_asked(number) for number in range(self.warm)]
        ranks = np.arange(1, self.warm + 1, dtype=np.float64) ** -_ZIPF
        drawn = np.random.default_rng(turn).choice(self.warm, size=2 * self.warm, p=ranks / ranks.sum())
        return [_asked(number) for number in drawn.tolist()]

    def fresh(self, turn: int) -> list[Asked]:
        first, self._next = self._next, self._next + self.once
        return [_asked(number) for number in range(first, self._next)]

    def moods(self, turn: int) -> list[Asked]:
        first, self._next_mood = self._next_mood, self._next_mood + self.once
        return [
            _asked(number % self.warm, mood=f"in the mood for number {number}")
            for number in range(first, self._next_mood)
        ]


def users_of(bench: Bench, rounds: int) -> int:
    """How many people the bundle must know."""
    return _names_of(bench, rounds).users


def _names_of(bench: Bench, rounds: int) -> _Names:
    return _Names(bench.pick(_WARM, 100), bench.pick(_ONCE, 60), rounds)


def measure_answers(bench: Bench, bundles: Path, *, rounds: int, seconds: float) -> list[Cost]:
    """Rounds in turns over one fleet and a SQLite store; the first round warms up."""
    names = _names_of(bench, rounds)
    found: dict[str, list[dict[str, float]]] = {feed: [] for feed in FEEDS}
    rates: dict[str, list[float]] = {feed: [] for feed in FEEDS}
    failed = dict.fromkeys(FEEDS, 0)
    with (
        measured_store(KINDS[0], bench.scratch / "answers") as store,
        one_of_each(bundles, bench.scratch / "logs" / "answers", store) as fleet,
        calling(fleet.gateways[0]) as caller,
    ):
        for turn in range(rounds + 1):
            for feed in FEEDS:
                bench.say(f"{feed}: {f'round {turn} of {rounds}' if turn else 'warming'}")
                asked = {UNKNOWN: names.fresh, LIVING: names.fresh, MOOD: names.moods}.get(feed, names.often)(turn)
                if feed == LIVING:
                    _like(caller, [username for username, *_ in asked], turn, bench.pick(POSTS, 1_000))
                is_first = turn == 0 and feed == KNOWN  # everybody who will be known asks once
                once = is_first or feed in {UNKNOWN, LIVING, MOOD}
                row = Row(feed, fleet.gateways[0], "grpc", _IN_FLIGHT, lambda _, asked=asked: asked, once=once)  # type: ignore[misc]
                took, result = _measured(
                    fleet, store, row, turn, _LONGEST_WARM if is_first else seconds, is_written=feed == COUNTING
                )
                if turn:
                    answered = result["answered"] or 1
                    found[feed].append({kind: value / answered for kind, value in took.items()})
                    rates[feed].append(answered / result["seconds"])
                    failed[feed] += result["failed"] + result["wrong"]
    return [
        Cost(f"feed, {feed}", "", tuple(found[feed]), statistics.median(rates[feed]), failed[feed]) for feed in FEEDS
    ]


def _measured(
    fleet: Fleet, store: MeasuredStore, row: Row, turn: int, seconds: float, *, is_written: bool
) -> tuple[dict[str, float], dict[str, Any]]:
    """What the processes spent on the feeds of a round: of what they spent while others wrote, what writing cost."""
    writer = Writer(f"meanwhile {turn}", fleet.gateways[0], _views(), every=_BATCH / EVENTS_MEANWHILE)
    with writing([writer]) if is_written else nullcontext():
        time.sleep(0.5 if is_written else 0)
        begun, before, counted = time.monotonic(), spent(fleet, store), len(writer.written.acknowledged)
        result = run_load(row, turn, seconds)
        took = less(spent(fleet, store), before)
        events = len(writer.written.acknowledged) - counted
        if is_written:
            counted, before = len(writer.written.acknowledged), spent(fleet, store)
            time.sleep(time.monotonic() - begun)
            alone, events_alone = less(spent(fleet, store), before), len(writer.written.acknowledged) - counted
            took = {kind: value - alone[kind] * events / (events_alone or 1) for kind, value in took.items()}
    return took, result


def _views() -> "Callable[[str, int], Sequence[Did]]":
    return views(people="somebody else ", posts=1_000, size=_BATCH)


def _like(caller: Caller, usernames: Sequence[str], turn: int, posts: int) -> None:
    """Each of these people likes a post; all processes have read it at the end."""
    for first in range(0, len(usernames), _AT_ONCE):
        caller.record(
            [
                Did(f"fresh {turn} {number}", usernames[number], 1 + number * 104_729 % posts, LIKE)
                for number in range(first, min(first + _AT_ONCE, len(usernames)))
            ]
        )
    time.sleep(1)


def _asked(number: int, *, mood: str = "") -> Asked:
    return f"user{number}", 1 + number % CATEGORIES, mood, ()
