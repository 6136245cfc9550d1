"""What each process takes to follow a log that others write: while it grows, just after, and when all is quiet."""

import statistics
import threading
import time
from pathlib import Path
from typing import Self

from benchmarks.live.bench import Bench
from benchmarks.scale.cores.processor_time import less, loopback_bytes
from benchmarks.scale.cores.results import LOOPBACK, Following
from benchmarks.scale.cores.stores import KINDS, measured_store
from benchmarks.scale.cores.world import MadeRows, one_of_each, spent
from compute.log_tail import IDLE_AFTER_SECONDS
from store.port import Store
from store.sql_store import open_store

RATES = (100, 1_000, 4_000)
QUIET, POLLING = 0.0, -1.0
"""In place of a rate: nothing was written for long; or for less than IDLE_AFTER_SECONDS, so polls are as under load."""
_EVERY_SECONDS = 0.05
_ONE_READ = 400  # as many as come between two looks at 4,000 a second


class SteadyWriter(threading.Thread):
    """While the block runs, writes so many events a second into a store, in twenty batches; raises what the store did.

    ``recorded`` is the number of events so far.
    """

    def __init__(self, name: str, store: Store, rate: float) -> None:
        super().__init__(daemon=True)
        self.recorded = 0
        self._store, self._rows = store, MadeRows(name, max(int(rate * _EVERY_SECONDS), 1))
        self._is_over = threading.Event()
        self._error: Exception | None = None

    def run(self) -> None:
        due = time.monotonic()
        while not self._is_over.wait(max(due - time.monotonic(), 0)):
            batch = self._rows.batch()
            try:
                self._store.record(batch)
            except Exception as error:  # noqa: BLE001 - it is raised where the block ends
                self._error = error
                return
            self.recorded += len(batch)
            due += _EVERY_SECONDS

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._is_over.set()
        self.join()
        if self._error is not None and kind is None:
            raise self._error


def measure_following(
    bench: Bench, bundles: Path, *, rounds: int, seconds: float
) -> tuple[list[Following], dict[str, float]]:
    """Each rate in rounds, over each store; medians. Also the bytes that a read of one event takes."""
    found: list[Following] = []
    reading: dict[str, float] = {}
    for kind in KINDS[: bench.pick(2, 1)]:
        with (
            measured_store(kind, bench.scratch / f"following {kind}") as measured,
            one_of_each(bundles, bench.scratch / "logs" / f"following {kind}", measured) as fleet,
            open_store(measured.url) as store,
        ):

            def shares(during: float, fleet: object = fleet, measured: object = measured) -> dict[str, float]:
                before, begun = spent(fleet, measured), time.monotonic()  # type: ignore[arg-type]
                time.sleep(during)
                elapsed = time.monotonic() - begun
                after = spent(fleet, measured)  # type: ignore[arg-type]
                return {name: value / elapsed for name, value in less(after, before).items()}

            for rate in RATES[: bench.pick(3, 1)]:
                bench.say(f"{kind}: {rate:,} events/s are followed")
                of_rounds, rates = [], []
                for turn in range(rounds):
                    with SteadyWriter(f"steady {rate} {turn}", store, rate) as writer:
                        time.sleep(seconds / 4)
                        counted, begun = writer.recorded, time.monotonic()
                        of_rounds.append(shares(seconds))
                        rates.append((writer.recorded - counted) / (time.monotonic() - begun))
                found.append(_median(kind, statistics.median(rates), of_rounds))
            time.sleep(0.5)
            found.append(Following(kind, POLLING, shares(min(seconds, IDLE_AFTER_SECONDS - 1))))
            time.sleep(IDLE_AFTER_SECONDS if not bench.is_quick else 0)
            found.append(Following(kind, QUIET, shares(seconds)))
            if measured.pair is not None:
                bench.say(f"{kind}: reading")
                reading = _reading(store, seconds)
    return found, reading


def _reading(store: Store, seconds: float) -> dict[str, float]:
    """The bytes that one follower's read of an event takes; the last hundreds are read again and again."""
    sent, events, position = loopback_bytes(), 0, max(store.position() - _ONE_READ, 0)
    end = time.monotonic() + seconds / 4
    while time.monotonic() < end:
        events += len(store.entries_after(position, limit=_ONE_READ).entries)
    return {LOOPBACK: (loopback_bytes() - sent) / (events or 1)}


def _median(kind: str, rate: float, rounds: list[dict[str, float]]) -> Following:
    return Following(kind, rate, {name: statistics.median(each[name] for each in rounds) for name in rounds[0]})
