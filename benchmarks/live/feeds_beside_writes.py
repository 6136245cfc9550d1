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


def measure(bench: Bench) -> Found:
    """Rounds in turns over one fleet of three processes; the same people ask and act."""
    rounds, seconds, users = bench.pick(5, 1), (0.3 if bench.is_quick else 4.0), bench.pick(2000, 200)
    bundles = bench.synthetic_bundle()
    asked: list[Asked] = [(f"user{number * 7919 % users}", 1 + number % 4, "", ()) for number in range(users)]
    lines: list[Line] = []
    curves: dict[str, tuple[float, ...]] = {}
    for kind in STORES[: bench.pick(2, 1)]:
        with (
            running_store(kind, bench.scratch / kind) as (url, _),
            running_fleet(bundles, bench.scratch / "logs" / kind, store_url=url, gateways=1, towers=1) as fleet,
        ):
            target = fleet.gateways[0]
            load = Row("feeds", target, "grpc", IN_FLIGHT, lambda _: asked)
            run_load(load, 0, seconds)  # warm
            rates: dict[bool, list[float]] = {False: [], True: []}
            writers: list[Writer] = []
            failed = 0
            for turn in range(rounds):
                for is_written in (False, True) if turn % 2 else (True, False):
                    bench.say(f"{kind}: round {turn + 1} of {rounds}, {'with' if is_written else 'without'} writes")
                    rows = rows_of(users=users, posts=1000, size=_BATCH)
                    writer = Writer(f"{kind} {turn}", target, rows, every=_BATCH / _RATE)
                    with writing([writer]) if is_written else nullcontext():
                        result = run_load(load, turn, seconds)
                    rates[is_written].append(result["answered"] / result["seconds"])
                    failed += result["failed"] + result["wrong"]
                    writers += [writer] if is_written else []
            written = together(writers)
        without, beside = (statistics.median(rates[is_written]) for is_written in (False, True))
        recorded = len(written.acknowledged) / sum(writer.written.lasted for writer in writers)
        lines += [
            Line(
                f"feeds/s beside {_RATE:,} interactions/s, of those without: {kind}",
                beside / without,
                at_least=_BAR,
                note=f"{beside:,.0f} of {without:,.0f} feeds/s; {recorded:,.0f} interactions/s were recorded",
            ),
            Line(f"feeds failed or wrong meanwhile: {kind}", failed, at_most=0),
        ]
        curves |= {f"{kind}, without": tuple(rates[False]), f"{kind}, with": tuple(rates[True])}
    return Found(
        how=f"Gateway, tower and index as processes, {IN_FLIGHT} feeds in flight, the same people ask and act, writes "
        f"in batches of {_BATCH}; medians over {rounds} rounds in turns. Callers share the processors with it.",
        lines=tuple(lines),
        curves=curves,
    )
