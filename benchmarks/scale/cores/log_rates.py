"""How many events a second one log takes: by batch, by writing processes, and by the way to the database.

python -m benchmarks.scale.cores.log_rates URL NAME BATCH CALLERS SECONDS

A process of its own records batch after batch from some threads, and prints what came of it as JSON.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from itertools import count

import numpy as np
import psycopg

from benchmarks.live.bench import Bench
from benchmarks.processes import free_addresses, one_thread
from benchmarks.scale.cores.results import LogRate
from benchmarks.scale.cores.slow_link import slow_link
from benchmarks.scale.cores.stores import KINDS, PAIR, MeasuredStore, measured_store
from benchmarks.scale.cores.world import MadeRows
from benchmarks.scale.postgresql_pair import url_of
from store.sql_store import open_store

_LOADS = (
    (1, 16, 1),
    (1, 64, 1),
    (100, 4, 1),
    (500, 4, 1),
    (100, 4, 2),
)  # events of a call, callers of a process, processes
_FAR_LOADS = ((1, 64, 1), (100, 4, 1))
_DELAYS = (0.0005, 0.0025)  # one way, in seconds
_names = count()


def measure_logs(bench: Bench, *, seconds: float) -> list[LogRate]:
    """Each load over each store; the middle one also over a way that takes time."""
    found = []
    for kind in KINDS[: bench.pick(2, 1)]:
        with measured_store(kind, bench.scratch / f"log {kind}") as store:
            for load in _LOADS:
                bench.say(f"{kind}: {load[2]} processes of {load[1]} callers, {load[0]} events a call")
                found.append(measured_rate(store, load, seconds))
            if store.pair is None:
                continue
            for delay in _DELAYS:
                bench.say(f"{kind}: {2000 * delay:g} ms to the database and back")
                with _far(store, delay) as (url, round_trip):
                    found.extend(
                        measured_rate(store, load, seconds, url=url, round_trip=round_trip) for load in _FAR_LOADS
                    )
    return found


def measured_rate(
    store: MeasuredStore, load: tuple[int, int, int], seconds: float, *, url: str = "", round_trip: float = 0.0
) -> LogRate:
    """What the store takes of a load (events of a call, callers of a process, processes) in so many seconds.

    ``url`` is another way to the store, which takes ``round_trip`` seconds there and back.
    """
    batch, callers, processes = load
    url = url or store.url
    with open_store(url):  # makes the tables
        pass
    before = store.bytes()
    commands = [
        [
            sys.executable,
            "-m",
            "benchmarks.scale.cores.log_rates",
            url,
            f"log {next(_names)}",
            *map(str, (batch, callers, seconds)),
        ]
        for _ in range(processes)
    ]
    results = [json.loads(output.splitlines()[-1]) for output in _outputs(commands, seconds=seconds + 120)]
    calls = np.concatenate([result["calls"] for result in results])
    events = len(calls) * batch
    return LogRate(
        store=store.kind,
        batch=batch,
        callers=callers,
        processes=processes,
        round_trip=round_trip,
        rate=sum(len(result["calls"]) * batch / result["seconds"] for result in results),
        p50=float(np.quantile(calls, 0.5)),
        p99=float(np.quantile(calls, 0.99)),
        processor=sum(result["processor"] for result in results) / events,
        bytes=(store.bytes() - before) / sum(result["recorded"] for result in results),
    )


def _outputs(commands: Sequence[Sequence[str]], *, seconds: float) -> list[str]:
    """What the commands print, run at once; CalledProcessError or TimeoutExpired, and then all of them are ended."""
    with ExitStack() as stack:
        started = []
        for command in commands:
            process = subprocess.Popen(command, stdout=subprocess.PIPE, encoding="utf-8", env=one_thread())
            started.append(stack.enter_context(process))
            stack.callback(process.kill)
        outputs = [process.communicate(timeout=seconds)[0] for process in started]
        for process in started:
            if process.returncode:
                raise subprocess.CalledProcessError(process.returncode, process.args)
        return outputs


@contextmanager
def _far(store: MeasuredStore, delay: float) -> Iterator[tuple[str, float]]:
    """The URL by which the database is far away, and how long a round trip takes, in seconds."""
    assert store.kind == PAIR
    assert store.pair is not None
    address = free_addresses(1)[0]
    host, port = address.split(":")
    with slow_link(int(port), int(store.pair.addresses[0].rpartition(":")[2]), delay):
        took = []
        target = f"host={host} port={port} user=postgres dbname=store"
        with closing(psycopg.connect(target, autocommit=True)) as connection:
            for _ in range(20):
                begun = time.perf_counter()
                connection.execute("SELECT 1")
                took.append(time.perf_counter() - begun)
        yield url_of(address), statistics.median(took)


def main() -> None:
    """Record, and print how long each call took."""
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("name")
    parser.add_argument("batch", type=int)
    parser.add_argument("callers", type=int)
    parser.add_argument("seconds", type=float)
    options = parser.parse_args()
    with open_store(options.url) as store, ThreadPoolExecutor(options.callers) as pool:

        def record(caller: int, seconds: float) -> list[float]:
            rows, taken = MadeRows(f"{options.name} {caller} {seconds}", options.batch), []
            end = time.perf_counter() + seconds
            while (begun := time.perf_counter()) < end:
                store.record(rows.batch())
                taken.append(time.perf_counter() - begun)
            return taken

        warm = list(pool.map(record, range(options.callers), [options.seconds / 10] * options.callers))
        begun, spent = time.perf_counter(), time.process_time()
        calls = list(pool.map(record, range(options.callers), [options.seconds] * options.callers))
        result = {
            "calls": [taken for of_caller in calls for taken in of_caller],
            "seconds": time.perf_counter() - begun,
            "processor": time.process_time() - spent,
            "recorded": options.batch * sum(map(len, (*warm, *calls))),
        }
    sys.stdout.write(f"{json.dumps(result)}\n")


if __name__ == "__main__":
    main()
