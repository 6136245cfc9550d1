"""kill -9 of each process and of PostgreSQL while batches are recorded: what was acknowledged is there, once."""

import time
from collections.abc import Callable, Sequence

from benchmarks.live.accounts import Account, account_for
from benchmarks.live.bench import Bench
from benchmarks.live.callers import callers_of
from benchmarks.live.clients import calling
from benchmarks.live.fleet import Fleet, running_fleet
from benchmarks.live.readers import Reader, all_feeds, reading
from benchmarks.live.results import Found, Line
from benchmarks.live.stores import POSTGRESQL, SQLITE, Server, running_store
from benchmarks.live.writers import Writer, together, writing

_WRITERS, _READERS, _BATCH = 4, 2, 50
_FRESH = 10  # batches of each writer that must be acknowledged at full load before a kill
_PAUSE = 0.2  # seconds between two batches, or feeds, of a caller while a process starts: it needs the processor
_PATIENCE = 120.0


Kill = Callable[[int, Callable[[], None]], None]
"""Kills for the time of that number, calls the function, and starts again what was killed."""


def measure(bench: Bench) -> Found:
    """Each process over SQLite, then the server under PostgreSQL."""
    times, each = bench.pick(20, 1), bench.pick(2, 1)
    bundles = bench.synthetic_bundle()
    lines: list[Line] = []
    with (
        running_store(SQLITE, bench.scratch / SQLITE) as (url, _),
        running_fleet(
            bundles, bench.scratch / "logs", store_url=url, gateways=each, towers=each, indexes=each
        ) as fleet,
    ):
        for kind in ("tower", "gateway", "index")[: bench.pick(3, 1)]:
            names = fleet.names(kind)

            def kill(number: int, then: Callable[[], None], names: Sequence[str] = names) -> None:
                name = names[number % len(names)]
                fleet.kill(name)
                then()
                fleet.start(name)
                fleet.wait(name)

            bench.say(f"kill -9 of a {kind}, {times} times")
            lines += _under_load(fleet, url, kill, what=f"a {kind}, over SQLite", times=times, users=bench)
    if not bench.is_quick:
        with (
            running_store(POSTGRESQL, bench.scratch / POSTGRESQL) as (url, server),
            running_fleet(bundles, bench.scratch / "logs-postgresql", store_url=url) as fleet,
        ):
            assert server is not None
            bench.say(f"kill -9 of PostgreSQL, {times} times")
            lines += _under_load(fleet, url, _server_kill(server), what="PostgreSQL", times=times, users=bench)
    return Found(
        how=f"Two gateways, two towers, two indexes; {_WRITERS} writers record batches of {_BATCH} one after the other "
        "and send a batch again until it is answered, two readers ask for feeds. The replicas of a kind are killed in "
        "turn, each once the writers go on at full speed; while one starts, the callers pause between calls. "
        "Afterwards the store is read whole, and every acknowledged row is sent again as another person's.",
        lines=tuple(lines),
    )


def _server_kill(server: Server) -> Kill:
    def kill(_: int, then: Callable[[], None]) -> None:
        server.kill()
        then()
        server.start()

    return kill


def _under_load(fleet: Fleet, url: str, kill: Kill, *, what: str, times: int, users: Bench) -> list[Line]:
    gateways = fleet.gateways
    writers, readers = callers_of(
        gateways, what=what, users=users.pick(1000, 20), writers=_WRITERS, readers=_READERS, batch=_BATCH
    )
    callers: list[Reader | Writer] = [*readers, *writers]
    with reading(readers), writing(writers):
        for number in range(times):
            _wait_for_more(writers)
            kill(number, lambda: _set_pause(callers, _PAUSE))
            _set_pause(callers, 0.0)
        _wait_for_more(writers)
    written, feeds = together(writers), all_feeds(readers)
    with calling(gateways[0]) as caller:
        account = account_for(written, store_url=url, caller=caller, only=what)
    return _lines(what, times, account, refused=sum(written.refused.values()), failed=sum(feeds.refused.values()))


def _set_pause(callers: Sequence[Reader | Writer], seconds: float) -> None:
    for caller in callers:
        caller.pause = seconds


def _wait_for_more(writers: Sequence[Writer]) -> None:
    """Until every writer was answered a few more batches."""
    wanted = [writer.written.batches + _FRESH for writer in writers]
    deadline = time.monotonic() + _PATIENCE
    while any(writer.written.batches < count for writer, count in zip(writers, wanted, strict=True)):
        if time.monotonic() > deadline:
            refused = {str(refusal): count for refusal, count in together(writers).refused.items()}
            raise TimeoutError(f"the writers were not answered within {_PATIENCE:g} s; refusals: {refused}")
        time.sleep(0.01)


def _lines(what: str, times: int, account: Account, *, refused: int, failed: int) -> list[Line]:
    note = f"of {account.acknowledged:,} acknowledged rows; {refused:,} batches were refused and sent again"
    doubled = account.doubled + account.again + account.strange
    return [
        Line(f"{times} × kill -9 of {what}: rows lost", account.lost, at_most=0, note=note),
        Line(f"{times} × kill -9 of {what}: rows doubled, or taken again", doubled, at_most=0),
        Line(f"{times} × kill -9 of {what}: batches kept in part", account.halved, at_most=0),
        Line(f"{times} × kill -9 of {what}: feeds that failed meanwhile", failed, note="two gateways, no retries"),
    ]
