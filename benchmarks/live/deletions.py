"""Deleted posts in feeds, while posts are deleted and upserted, processes are killed and bundles swapped: none."""

import itertools
import shutil
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence

from benchmarks.live.bench import Bench
from benchmarks.live.clients import Caller, Refusal, RefusedError, calling
from benchmarks.live.deletion_callers import ANCHOR, LIVE, READERS, Now, threads_of
from benchmarks.live.deletion_ledger import Appearances, DeletionLedger
from benchmarks.live.fleet import Fleet, running_fleet
from benchmarks.live.live_posts import THEMES, live_post
from benchmarks.live.refreshed_bundles import publish_another, publish_refreshed
from benchmarks.live.results import Found, Line, Table
from benchmarks.live.stores import SQLITE, running_store
from benchmarks.live.visible_posts import AS_OPERATOR
from store.sql_store import open_store

_FEEDS = 100_000
_PATIENCE_SECONDS = 300.0
QUIET, SWAPPED, REFRESHED = "undisturbed", "swap to another bundle", "swap to a refreshed bundle"

Disturb = Callable[[], None]


def measure(bench: Bench) -> Found:
    """Phase after phase over one fleet."""
    each, replicas, feeds = bench.pick(5, 1), bench.pick(2, 1), bench.pick(_FEEDS, 300)
    bundles = bench.scratch / "bundles"
    shutil.copytree(bench.synthetic_bundle(), bundles, symlinks=True)
    ledger, now = DeletionLedger(), Now(QUIET)
    with (
        running_store(SQLITE, bench.scratch / SQLITE) as (url, _),
        open_store(url) as store,
        running_fleet(
            bundles,
            bench.scratch / "logs",
            store_url=url,
            towers=replicas,
            indexes=replicas,
            variables=AS_OPERATOR,
        ) as fleet,
    ):
        numbers = itertools.count()

        def swap() -> None:
            _wait_for_bundle(fleet, publish_another(bundles, number=next(numbers)))

        def refresh() -> None:
            _wait_for_bundle(fleet, publish_refreshed(bundles, store))

        phases: list[tuple[str, Disturb]] = [(QUIET, lambda: None)]
        for kind in ("index", "gateway", "tower")[: bench.pick(3, 1)]:
            phases += [(f"kill -9 of a {kind}", _kill(fleet, kind, number)) for number in range(each)]
        phases += [(SWAPPED, swap)] * bench.pick(each, 0) + [(REFRESHED, refresh)] * each
        with calling(fleet.gateways[0]) as caller:
            _begin(caller)
        threads = threads_of(fleet, ledger, now)
        try:
            for thread in threads:
                thread.start()
            for number, (phase, disturb) in enumerate(phases, start=1):
                bench.say(f"{number} of {len(phases)}: {phase}")
                now.phase = phase
                disturb()
                _wait_for_feeds(ledger, feeds * number // len(phases), now, threads)
        finally:
            now.is_over.set()
            for thread in threads:
                thread.join()
    return found_of(ledger, refused=now.refused, feeds=None if bench.is_quick else feeds)


def _kill(fleet: Fleet, kind: str, number: int) -> Disturb:
    def kill() -> None:
        names = fleet.names(kind)
        name = names[number % len(names)]
        fleet.kill(name)
        fleet.start(name)
        fleet.wait(name)

    return kill


def _begin(caller: Caller) -> None:
    """Upsert the first live posts, and wait until they are served."""
    posts = [live_post(ANCHOR + theme, LIVE, theme=theme) for theme in range(THEMES)]
    caller.upsert(posts)
    _until(lambda: caller.served([post.post_id for post in posts]) == len(posts), "the first posts are not served")


def _wait_for_bundle(fleet: Fleet, bundle_id: str) -> None:
    """Until each gateway answers from a bundle, many times in a row."""

    def is_current(caller: Caller) -> bool:
        try:
            return all(caller.feed("user0").bundle_id == bundle_id for _ in range(8))
        except RefusedError:
            return False

    for address in fleet.gateways:
        with calling(address) as caller:
            _until(lambda: is_current(caller), "the new bundle does not become current")


def _wait_for_feeds(ledger: DeletionLedger, count: int, now: Now, threads: Sequence[threading.Thread]) -> None:
    def is_enough() -> bool:
        if not all(thread.is_alive() for thread in threads):
            raise RuntimeError("a thread of the callers has ended: its error is above")
        return sum(found.feeds for found in ledger.appearances().values()) >= count

    _until(is_enough, f"{count:,} feeds were not answered; refusals: {now.refused}")


def _until(is_so: Callable[[], bool], complaint: str) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not is_so():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{complaint} within {_PATIENCE_SECONDS:g} s")
        time.sleep(0.05)


def found_of(ledger: DeletionLedger, *, refused: Counter[Refusal], feeds: int | None) -> Found:
    """The appearances by promise; ``feeds`` is the least number of feeds, None for any."""
    by_phase = ledger.appearances()
    total = sum(found.feeds for found in by_phase.values())

    def all_of(part: Callable[[Appearances], int]) -> int:
        return sum(map(part, by_phase.values()))

    said = ", ".join(f"{refusal} × {count:,}" for refusal, count in refused.most_common(3))
    rows = tuple(
        (phase, f"{found.feeds:,}", f"{found.here:,}", f"{found.elsewhere:,}", f"{found.within:,}")
        for phase, found in by_phase.items()
    )
    return Found(
        how=_HOW,
        lines=(
            Line("feeds", total, at_least=feeds, note=f"{ledger.deletions:,} posts were deleted meanwhile"),
            Line(
                "deleted posts in feeds of the gateway that acknowledged it", all_of(lambda each: each.here), at_most=0
            ),
            Line(
                "deleted posts in feeds of the other gateway, more than a second later",
                all_of(lambda each: each.elsewhere),
                at_most=0,
                note=f"within the second {all_of(lambda each: each.within):,}",
            ),
            Line(
                "the last feed of the other gateway with a deleted post",
                1000 * max((found.latest for found in by_phase.values()), default=0.0),
                "ms",
                note="asked so long after the acknowledgement",
            ),
            Line("feeds that failed", sum(refused.values()), note=said),
        ),
        tables=(Table(("while", "feeds", "at once", "a second later", "within the second"), rows),),
    )


_HOW = (
    "Two gateways, two towers, two indexes, SQLite. The first posts of people's feeds, of four categories and of all, "
    "are deleted through each gateway in turn, and half of them upserted again with other texts; new posts come, and "
    f"go again. {READERS} callers ask for feeds by category, over all, by mood and for similar posts. A deleted post "
    "appears if a feed shows it that was asked for after the acknowledgement and answered before the post was upserted "
    "again. Processes are killed with -9 and started again, and bundles swapped: for one that lacks the same live "
    "posts, and for one that was refreshed up to a position of the log."
)
