"""How old what is found in the log is at most, measured by the looks alone."""

from pathlib import Path

from prometheus_client import REGISTRY

from compute.log_freshness import LogFreshness
from compute.log_tail import LogTail
from store.interactions import NewInteraction, Verb
from store.log_entries import Entries, Entry, OtherEntry
from store.sql_store import open_store
from tests.waiting import wait_until


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def counted(kind: str) -> tuple[float, float]:
    """How many entries of a kind were measured, and the sum of their seconds."""
    count, total = (
        REGISTRY.get_sample_value(f"moodfeed_log_entry_visible_seconds_{part}", {"kind": kind})
        for part in ("count", "sum")
    )
    return count or 0.0, total or 0.0


def entries(*positions: int) -> list[Entry]:
    return [OtherEntry(position=position, kind=99) for position in positions]


def test_the_age_is_the_time_since_the_look_before_began_and_what_the_first_look_finds_has_none() -> None:
    clock = Clock()
    freshness = LogFreshness(clock)
    before = counted("other")
    freshness.begin()
    freshness.found(entries(1, 2), 2)
    freshness.end()
    assert counted("other") == before
    clock.now = 103.0  # the next look begins, and what it finds counts a second later
    freshness.begin()
    assert freshness.written_after == 100.0
    clock.now = 104.0
    freshness.found(entries(3, 4), 4)
    freshness.end()
    assert counted("other") == (before[0] + 2, before[1] + 2 * 4.0)


def test_a_look_that_failed_does_not_make_entries_younger() -> None:
    clock = Clock()
    freshness = LogFreshness(clock)
    freshness.begin()
    freshness.end()
    clock.now = 130.0
    freshness.begin()  # and fails: the store is away
    clock.now = 160.0
    freshness.begin()
    count, total = counted("other")
    freshness.found(entries(1), 1)
    assert counted("other") == (count + 1, total + 60.0)


def test_what_a_new_reader_reads_again_is_not_measured_again() -> None:
    clock = Clock()
    freshness = LogFreshness(clock)
    for _ in range(2):
        freshness.begin()
        freshness.found(entries(1, 2), 2)
        freshness.end()
    before = counted("other")
    freshness.begin()
    freshness.found(entries(1, 2), 2)
    freshness.found(entries(3), 3)
    assert counted("other")[0] == before[0] + 1


class Reader:
    position = 0

    def read(self, entries: Entries) -> None:
        self.position = entries.position


def test_a_tail_measures_what_is_written_while_it_follows(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/store.sqlite"
    tail, reader = LogTail(lambda: open_store(url)), Reader()
    tail.add(reader)
    count, total = counted("interaction")
    with open_store(url) as store, tail.followed():
        store.record([NewInteraction(event_id="e", username="ana", occurred_at_ms=1, verb=Verb.LIKE, post_id=1)])
        wait_until(lambda: reader.position > 0, seconds=10)
        wait_until(lambda: counted("interaction")[0] > count, seconds=10)
    measured = counted("interaction")
    assert measured[0] == count + 1
    assert 0 < measured[1] - total < 10
