"""Feeds a second while 1,000 interactions a second are recorded, beside none, in turns."""

import statistics
from contextlib import nullcontext

from benchmarks.live.bench import Bench
from benchmarks.live.fleet import running_fleet
from benchmarks.live.results import Found, Line
from benchmarks.live.stores import STORES, running_store
from benchmarks.live.writers import Writer, rows_of, together, writing
from benchmarks.serving import IN_FLIGHT, Asked, Row, run_load

_RATE, _BATCH = 1000, 50
_BAR = 0.9
_MANY, _FEW = 100_000, 2_000  # people


def measure(bench: Bench) -> Found:
    """Rounds in turns over fleets of three processes; the same people ask and act."""
    lines: list[Line] = []
    curves: dict[str, tuple[float, ...]] = {}
    for kind in STORES[: bench.pick(2, 1)]:
        for people in (_MANY, _FEW):
            found, rates = _measure(bench, kind, people)
            lines += found
            curves |= rates if people == _MANY else {}
    return Found(
        how=f"Gateway, tower and index as processes, {IN_FLIGHT} feeds in flight, the same people ask and act, writes "
        f"in batches of {_BATCH}; medians over rounds in turns. Callers share the processors with it. Of {_MANY:,} "
        f"people each asks once a round, so that with and without writes each feed needs an embedding. Of {_FEW:,} "
        f"people each acts every {_FEW // _RATE} seconds and asks every few: without writes all their embeddings are "
        "cached, with writes none is, so that this says how much a cached embedding saves.",
        lines=tuple(lines),
        curves=curves,
    )


def _measure(bench: Bench, kind: str, people: int) -> tuple[list[Line], dict[str, tuple[float, ...]]]:
    """The lines of so many people over one kind of store, and the rates of each round by curve."""
    rounds, seconds = bench.pick(5, 1), (0.3 if bench.is_quick else 4.0)
    users = bench.pick(people, people // 100)
    bundles = bench.synthetic_bundle(users=users)
    name = f"{kind}, {people:,} people"
    asked: list[Asked] = [(f"user{number * 7919 % users}", 1 + number % 4, "", ()) for number in range(users)]
    part = users // (2 * rounds + 1)

    def people_of(turn: int) -> list[Asked]:
        return asked[turn * part : (turn + 1) * part] if people == _MANY else asked

    place = f"{kind}-{people}"
    with (
        running_store(kind, bench.scratch / place) as (url, _),
        running_fleet(bundles, bench.scratch / "logs" / place, store_url=url, gateways=1, towers=1) as fleet,
    ):
        target = fleet.gateways[0]
        load = Row("feeds", target, "grpc", IN_FLIGHT, people_of)
        run_load(load, 2 * rounds, seconds)  # warm
        rates: dict[bool, list[float]] = {False: [], True: []}
        writers: list[Writer] = []
        failed = 0
        for turn in range(rounds):
            for is_written in (False, True) if turn % 2 else (True, False):
                bench.say(f"{name}: round {turn + 1} of {rounds}, {'with' if is_written else 'without'} writes")
                rows = rows_of(users=users, posts=1000, size=_BATCH)
                writer = Writer(f"{kind} {turn}", target, rows, every=_BATCH / _RATE)
                with writing([writer]) if is_written else nullcontext():
                    result = run_load(load, 2 * turn + is_written, seconds)
                rates[is_written].append(result["answered"] / result["seconds"])
                failed += result["failed"] + result["wrong"]
                writers += [writer] if is_written else []
        written = together(writers)
    without, beside = (statistics.median(rates[is_written]) for is_written in (False, True))
    recorded = len(written.acknowledged) / sum(writer.written.lasted for writer in writers)
    lines = [
        Line(
            f"feeds/s beside {_RATE:,} interactions/s, of those without: {name}",
            beside / without,
            at_least=_BAR if people == _MANY else None,
            note=f"{beside:,.0f} of {without:,.0f} feeds/s; {recorded:,.0f} interactions/s were recorded",
        ),
        Line(f"feeds failed or wrong meanwhile: {name}", failed, at_most=0),
    ]
    return lines, {f"{kind}, without": tuple(rates[False]), f"{kind}, with": tuple(rates[True])}
