"""How many interactions a second the store makes durable, and how long a batch waits at half the bar."""

from benchmarks.live.bench import Bench
from benchmarks.live.results import Found, Line
from benchmarks.live.stores import STORES, running_store
from benchmarks.recording import Rows, at_a_rate, at_full_speed, sync_seconds
from store.sql_store import open_store

_BATCH, _CALLERS = 500, 4
_BAR = 10_000


def measure(bench: Bench) -> Found:
    """What benchmarks.recording measures, over both stores."""
    seconds = bench.pick(15, 1) if not bench.is_quick else 0.2
    lines = []
    for kind in STORES[: bench.pick(2, 1)]:
        bench.say(f"{kind}: batches of {_BATCH}")
        with running_store(kind, bench.scratch / kind) as (url, _), open_store(url) as store:
            rows = Rows(_BATCH)
            at_full_speed(store, kind, rows, callers=_CALLERS, seconds=seconds / 30)  # warm
            full = at_full_speed(store, kind, rows, callers=_CALLERS, seconds=seconds)
            half = at_a_rate(store, kind, rows, size=_BATCH, rate=_BAR / 2, seconds=seconds)
        note = f"{half.cores:.2f} cores"
        lines += [
            Line(f"durable interactions/s: {kind}", full.rate, "/s", at_least=_BAR, note=f"{full.cores:.2f} cores"),
            Line(f"ack at {_BAR // 2:,}/s, p50: {kind}", 1000 * half.p50, "ms", note=note),
            Line(f"ack at {_BAR // 2:,}/s, p99: {kind}", 1000 * half.p99, "ms", at_most=20, note=note),
        ]
    lines.append(Line("one sync of a page of this disk", 1000 * sync_seconds(bench.scratch), "ms"))
    return Found(
        how=f"The store alone, in one process: batches of {_BATCH}, {_CALLERS} threads at full speed, then batches due "
        "at fixed times; usernames by a power law over 100,000 people "
        "([recording.py](../benchmarks/recording.py)).",
        lines=tuple(lines),
    )
