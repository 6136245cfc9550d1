"""The store does not answer: feeds go on, writes are UNAVAILABLE, and nothing is written in part."""

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path

from benchmarks.live.accounts import account_for
from benchmarks.live.bench import Bench
from benchmarks.live.callers import callers_of
from benchmarks.live.clients import calling
from benchmarks.live.fleet import Fleet, running_fleet
from benchmarks.live.readers import all_feeds, reading
from benchmarks.live.results import Found, Line
from benchmarks.live.stores import POSTGRESQL, SQLITE, Server, running_store
from benchmarks.live.writers import together, writing

_WRITERS, _READERS, _BATCH = 2, 2, 50
_REFUSAL = "UNAVAILABLE STORE_UNAVAILABLE"


def measure(bench: Bench) -> Found:
    """A locked file, a file that cannot be opened, and a server that was stopped."""
    seconds = 12.0 if not bench.is_quick else 2.5  # longer than a write waits for the lock
    bundles = bench.synthetic_bundle()
    lines: list[Line] = []
    with running_store(SQLITE, bench.scratch / SQLITE) as (url, _):
        bench.say("SQLite: another process keeps the file locked")
        each = bench.pick(2, 1)
        with running_fleet(bundles, bench.scratch / "logs", store_url=url, gateways=each, towers=each) as fleet:
            lock = _locked(bench.scratch / SQLITE / "store.sqlite")
            what = "SQLite locked by another process"
            lines += _while_down(fleet, url, lambda: lock, what=what, seconds=seconds, users=bench)
    if bench.is_quick:
        return Found(how="", lines=tuple(lines))
    bench.say("SQLite: the file cannot be opened")
    place = bench.scratch / "nowhere"
    place.write_text("a file where the directory of the store must be", encoding="utf-8")
    url = f"sqlite:///{place}/store.sqlite"
    with running_fleet(bundles, bench.scratch / "logs-nowhere", store_url=url) as fleet:
        what = "SQLite that cannot be opened from the start"
        lines += _while_down(fleet, url, lambda: _unopened(place), what=what, seconds=seconds, users=bench, is_up=False)
    bench.say("PostgreSQL: the server is stopped")
    with (
        running_store(POSTGRESQL, bench.scratch / POSTGRESQL) as (url, server),
        running_fleet(bundles, bench.scratch / "logs-postgresql", store_url=url) as fleet,
    ):
        assert server is not None
        stopped = _stopped(server)
        what = "PostgreSQL stopped"
        lines += _while_down(fleet, url, lambda: stopped, what=what, seconds=seconds, users=bench)
    return Found(
        how=f"Two gateways, two towers; {_READERS} readers and {_WRITERS} writers of batches of {_BATCH} run before, "
        f"during ({seconds:g} s) and after. As root every file can be read, so SQLite is held by the lock of another "
        "writer, and cannot be opened where a file stands in the place of its directory. Afterwards the store is read "
        "whole and every acknowledged row is sent again.",
        lines=tuple(lines),
    )


@contextmanager
def _locked(file: Path) -> Iterator[None]:
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("PRAGMA busy_timeout = 10000")
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")


@contextmanager
def _unopened(place: Path) -> Iterator[None]:
    yield
    place.unlink()
    place.mkdir()


@contextmanager
def _stopped(server: Server) -> Iterator[None]:
    server.stop()
    yield
    server.start()


def _while_down(
    fleet: Fleet,
    url: str,
    down: Callable[[], AbstractContextManager[None]],
    *,
    what: str,
    seconds: float,
    users: Bench,
    is_up: bool = True,
) -> list[Line]:
    """``is_up`` says whether the store answers at first."""
    gateways = fleet.gateways
    writers, readers = callers_of(
        gateways, what=what, users=users.pick(1000, 20), writers=_WRITERS, readers=_READERS, batch=_BATCH
    )
    with reading(readers), writing(writers):
        if is_up:
            _wait(lambda: all(writer.written.batches > 4 for writer in writers))
        with down():
            answered = all_feeds(readers).answered
            end = time.monotonic() + seconds
            # A busy file is waited for, so a refusal may take some seconds.
            _wait(lambda: time.monotonic() > end and all(writer.written.refused for writer in writers))
            during = all_feeds(readers).answered - answered
        batches = [writer.written.batches for writer in writers]
        _wait(lambda: all(writer.written.batches > count + 4 for writer, count in zip(writers, batches, strict=True)))
    written, feeds = together(writers), all_feeds(readers)
    with calling(gateways[0]) as caller:
        account = account_for(written, store_url=url, caller=caller, only=what)
    others = sum(count for refusal, count in written.refused.items() if str(refusal) != _REFUSAL)
    said = ", ".join(f"{refusal} × {count:,}" for refusal, count in written.refused.most_common(3))
    degraded = ", ".join(f"{reason} × {count:,}" for reason, count in feeds.degraded.most_common(3))
    failed = sum(feeds.refused.values())
    return [
        Line(f"{what}: feeds that failed", failed, at_most=0, note=f"{during:,} feeds meanwhile"),
        Line(f"{what}: feeds degraded", sum(feeds.degraded.values()), note=degraded),
        Line(f"{what}: writes refused otherwise than {_REFUSAL}", others, at_most=0, note=said),
        Line(f"{what}: slowest refusal", written.slowest_refusal, "s"),
        Line(f"{what}: batches kept in part", account.halved, at_most=0),
        Line(
            f"{what}: acknowledged rows lost, doubled or taken again",
            account.lost + account.doubled + account.again + account.strange,
            at_most=0,
            note=f"of {account.acknowledged:,}",
        ),
    ]


def _wait(is_so: Callable[[], bool], *, seconds: float = 120.0) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not so within {seconds:g} s")
        time.sleep(0.01)
