"""Arithmetic on the measured figures: how many processes a site needs, and whether one log can serve it.

A site of N feeds a second records N / 10 events a second. Every gateway, tower and index follows all events of its log,
so that each gives a share of its core away before it answers anything. Once that share is too large, or the log takes
no more, people are divided over cells: whole products with a log of their own.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from benchmarks.scale.cores.answers import COUNTING, KNOWN, LIVING, MOOD, UNKNOWN
from benchmarks.scale.cores.followers import POLLING
from benchmarks.scale.cores.results import DATABASE, GATEWAY, INDEX, LOOPBACK, TOWER, Following, Results
from benchmarks.scale.cores.stores import PAIR
from benchmarks.scale.cores.writes import BATCH, SINGLE

USABLE = 0.6
"""Of a core, and of what one log takes at full speed."""
WRITES = 0.1  # events for each feed
MIX = {KNOWN: 0.6, UNKNOWN: 0.25, LIVING: 0.1, MOOD: 0.05}
SIZES = (1_000, 100_000, 1_000_000)
PROCESSES = (GATEWAY, TOWER, INDEX)
_MEASURED_FOLLOWERS = 2  # a tower and an index
_MOST_CELLS = 2_000
_NEAR = 1.1  # more cells save little, and each is one more product to run


@dataclass(frozen=True, slots=True)
class Figures:
    """Seconds of a core by kind of process: of a feed of the mix, of an event that is recorded, and of following one.

    The database spends ``database`` on an event that is written, ``read`` on each follower's read of it, and for each
    follower that looks for news the share ``polled`` of a core. ``read_bytes`` is what it sends each follower of an
    event. ``most_events`` is what one log takes a second, at the load that plans use.
    """

    feed: Mapping[str, float]
    event: Mapping[str, float]
    followed: Mapping[str, float]
    database: float
    read: float
    polled: float
    read_bytes: float
    most_events: float


@dataclass(frozen=True, slots=True)
class Plan:
    """What a site needs: cells, processes of each kind in all, and the cores of its databases.

    ``given_away`` is the share of each kind's core that following takes. ``processes`` are empty where a core is given
    away whole, so that no number of processes suffices. ``log_share`` is of what one log takes, and ``sent`` the bytes
    a second that a cell's database sends its followers.
    """

    feeds: float
    cells: int
    processes: Mapping[str, int]
    database_cores: float
    given_away: Mapping[str, float]
    log_share: float
    sent: float

    @property
    def followers(self) -> int:
        """The processes of a cell that read the log from its database."""
        return (self.processes.get(TOWER, 0) + self.processes.get(INDEX, 0)) // self.cells

    @property
    def cores(self) -> float:
        """All of them; infinite if no number suffices."""
        if not self.processes:
            return math.inf
        return sum(self.processes.values()) + self.database_cores

    @property
    def is_possible(self) -> bool:
        """Whether the processes can follow their log, and the log takes the events."""
        return bool(self.processes) and self.log_share <= 1


def figures_of(results: Results, *, write: str = BATCH) -> Figures:
    """From the results; events come alone (SINGLE) or many to a call (BATCH)."""
    feeds = {name: results.cost(f"feed, {name}") for name in {*MIX, COUNTING}}
    event = results.cost(write, PAIR)
    followed = following_cost(results, PAIR)

    def feed(kind: str) -> float:
        counting = max(feeds[COUNTING].of(kind) - feeds[KNOWN].of(kind), 0.0)
        return sum(share * feeds[name].of(kind) for name, share in MIX.items()) + counting

    return Figures(
        feed={kind: feed(kind) for kind in PROCESSES},
        event={kind: max(event.of(kind) - followed[kind], 0.0) for kind in PROCESSES},
        followed=followed,
        database=max(event.of(DATABASE) - _MEASURED_FOLLOWERS * _read(results), 0.0),
        read=_read(results),
        polled=_polled(results),
        read_bytes=results.reading[LOOPBACK],
        most_events=USABLE * most_events(results, write),
    )


@dataclass(frozen=True, slots=True)
class Engine:
    """What a feed takes more than the measured one, in seconds of a core beside its own call; ``calls`` of shards.

    ``of_server`` is what it takes of another server.
    """

    name: str
    scan: float = 0.0
    calls: int = 1
    of_server: float = 0.0


ENGINES = (
    Engine("default, a category of 2,000 posts"),
    Engine("default, all of a million, by user", scan=1.2e-3),
    Engine("default, all of a million, by mood and user", scan=28e-3),
    Engine("four shards, all of a million, by mood and user", scan=28e-3, calls=4),
    Engine("Milvus FLAT, all of 100,000, by user", of_server=10.6e-3),
)
"""Scans as below in docs/scale.md; Milvus by the clock on a busy machine (docs/milvus.md), so at most so much."""


def indexes_of(figures: Figures, engine: Engine, feeds: float, *, cells: int) -> tuple[int, float]:
    """Index processes, and cores of another server, if all feeds were searched so."""
    left = USABLE - WRITES * feeds / cells * figures.followed[INDEX]
    of_feed = engine.calls * figures.feed[INDEX] + engine.scan
    return cells * max(math.ceil(feeds / cells * of_feed / left), 2), feeds * engine.of_server / USABLE


def _read(results: Results) -> float:
    """At most what a database spends on one follower's read of an event: as if writing it had cost nothing."""
    largest = _largest(results, PAIR)
    return max(largest.cores[DATABASE] / _MEASURED_FOLLOWERS - _polled(results), 0.0) / largest.rate


def _largest(results: Results, store: str) -> Following:
    return max((each for each in results.following if each.store == store), key=lambda each: each.rate)


def _polled(results: Results) -> float:
    """The share of a core that a database spends on each follower while nothing is written."""
    (found,) = (each for each in results.following if each.store == PAIR and each.rate == POLLING)
    return found.cores[DATABASE] / _MEASURED_FOLLOWERS


def following_cost(results: Results, store: str) -> dict[str, float]:
    """Seconds of a core that one more event costs each kind of process, at the largest rate that was measured."""
    largest = _largest(results, store)
    return {kind: largest.cores[kind] / largest.rate for kind in PROCESSES}


def most_events(results: Results, write: str) -> float:
    """What one log on the pair of servers took at full speed from processes beside them."""
    sizes = {SINGLE: 1, BATCH: 100}
    return max(
        (
            each.rate
            for each in results.logs
            if each.store == PAIR and each.batch == sizes[write] and not each.round_trip
        ),
        default=math.nan,
    )


def plan(figures: Figures, feeds: float, *, cells: int) -> Plan:
    """What so many feeds a second need over so many cells."""
    of_cell, events = feeds / cells, WRITES * feeds / cells
    given_away = {kind: events * figures.followed[kind] for kind in PROCESSES}
    left = {kind: USABLE - share for kind, share in given_away.items()}
    processes: dict[str, int] = {}
    if min(left.values()) > 0:
        processes = {
            kind: cells * max(math.ceil((of_cell * figures.feed[kind] + events * figures.event[kind]) / left[kind]), 2)
            for kind in PROCESSES
        }
    followers = (processes.get(TOWER, 0) + processes.get(INDEX, 0)) / cells
    of_database = events * (figures.database + followers * figures.read) + followers * figures.polled
    return Plan(
        feeds=feeds,
        cells=cells,
        processes=processes,
        database_cores=cells * of_database / USABLE,
        given_away=given_away,
        log_share=events / figures.most_events,
        sent=events * followers * figures.read_bytes,
    )


def best_plan(figures: Figures, feeds: float) -> Plan:
    """The fewest cells whose cores are within a tenth of the fewest; ValueError if no number of cells is possible."""
    plans = [plan(figures, feeds, cells=cells) for cells in range(1, _MOST_CELLS + 1)]
    possible = [each for each in plans if each.is_possible]
    fewest = min(each.cores for each in possible)
    return next(each for each in possible if each.cores <= _NEAR * fewest)


def largest_cell(figures: Figures) -> tuple[float, str]:
    """The feeds a second at which one log ends, and what ends it."""
    ends = {"the log takes no more events": figures.most_events / WRITES} | {
        f"following takes all that a plan uses of a core of each {kind}": USABLE / figures.followed[kind] / WRITES
        for kind in PROCESSES
    }
    what = min(ends, key=lambda name: ends[name])
    return ends[what], what
