"""Processor time of what is recorded through the gateway, until all processes have read it, and of upserted posts."""

import statistics
import time
from itertools import count
from pathlib import Path

from benchmarks.live.bench import Bench
from benchmarks.live.clients import MOST_UPSERTED, Caller, calling
from benchmarks.live.fleet import AS_OPERATOR, Fleet
from benchmarks.live.live_posts import live_post, wait_until_served
from benchmarks.live.writers import Writer, together, writing
from benchmarks.scale.cores.processor_time import less
from benchmarks.scale.cores.results import Cost
from benchmarks.scale.cores.stores import KINDS, MeasuredStore, measured_store
from benchmarks.scale.cores.world import POSTS, one_of_each, spent, views

SINGLE, BATCH, UPSERT = "event, alone in its call", "event, 100 to a call", "upserted post"
SINGLE_WIDE = "event, alone in its call, 16 threads in the tower"
_WIDE = {"MOODFEED_USER_TOWER_POOL_SIZE": "16"}
WRITES = {SINGLE: (1, 16), SINGLE_WIDE: (1, 16), BATCH: (100, 4)}  # events of a call, and callers
_SETTLE_SECONDS = 0.4  # the processes read what was written last


def measure_writes(bench: Bench, bundles: Path, *, rounds: int, seconds: float) -> tuple[list[Cost], dict[str, float]]:
    """Each kind of write in rounds, over each store; also how many connections to the database each process has."""
    costs: list[Cost] = []
    connections: dict[str, float] = {}
    for kind in KINDS[: bench.pick(2, 1)]:
        logs = bench.scratch / "logs"
        with measured_store(kind, bench.scratch / f"writes {kind}") as store:
            with (
                one_of_each(bundles, logs / f"writes {kind}", store, variables=AS_OPERATOR) as fleet,
                calling(fleet.gateways[0]) as caller,
            ):
                for what in (SINGLE, BATCH):
                    bench.say(f"{kind}: {what}")
                    costs.append(_recorded(fleet, store, what, rounds=rounds, seconds=seconds))
                bench.say(f"{kind}: {UPSERT}")
                costs.append(_upserted(fleet, store, caller, rounds=rounds, posts=bench.pick(MOST_UPSERTED, 8)))
                if store.pair is not None:
                    connections["gateway, tower and index together"] = store.connections()
                    fleet.kill("index-1")
                    time.sleep(_SETTLE_SECONDS)
                    connections["tower"] = store.connections()
            with one_of_each(bundles, logs / f"wide {kind}", store, variables=_WIDE) as fleet:
                bench.say(f"{kind}: {SINGLE_WIDE}")
                costs.append(_recorded(fleet, store, SINGLE_WIDE, rounds=rounds, seconds=seconds))
    return costs, connections


def _recorded(fleet: Fleet, store: MeasuredStore, what: str, *, rounds: int, seconds: float) -> Cost:
    size, callers = WRITES[what]
    found, rates, failed = [], [], 0
    for turn in range(rounds + 1):
        before, begun = spent(fleet, store), time.monotonic()
        writers = [
            Writer(
                f"{what} {turn} {caller}", fleet.gateways[0], views(people=f"{caller} ", posts=POSTS // 10, size=size)
            )
            for caller in range(callers)
        ]
        with writing(writers):
            time.sleep(seconds)
        elapsed = time.monotonic() - begun
        time.sleep(_SETTLE_SECONDS)
        took, written = less(spent(fleet, store), before), together(writers)
        events = len(written.acknowledged) or 1
        if turn:
            found.append({kind: value / events for kind, value in took.items()})
            rates.append(events / elapsed)
            failed += written.others + sum(written.refused.values())
    return Cost(what, store.kind, tuple(found), statistics.median(rates), failed)


def _upserted(fleet: Fleet, store: MeasuredStore, caller: Caller, *, rounds: int, posts: int) -> Cost:
    found, rates, numbers = [], [], count()
    for turn in range(rounds + 1):
        made = [live_post(number, 1) for _, number in zip(range(posts), numbers, strict=False)]
        before, begun = spent(fleet, store), time.monotonic()
        caller.upsert(made)
        wait_until_served(caller, made)
        elapsed = time.monotonic() - begun
        if turn:
            found.append({kind: value / posts for kind, value in less(spent(fleet, store), before).items()})
            rates.append(posts / elapsed)
    return Cost(UPSERT, store.kind, tuple(found), statistics.median(rates), 0)
