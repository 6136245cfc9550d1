"""The figures and plans of docs/scale.md: what is measured, at the sizes of --quick, and the arithmetic on it."""

import math
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from benchmarks.live.page import NoFiguresError
from benchmarks.live.stores import SQLITE
from benchmarks.scale.cores.answers import COUNTING, FEEDS, KNOWN, measure_answers, users_of
from benchmarks.scale.cores.followers import SteadyWriter
from benchmarks.scale.cores.log_rates import measured_rate
from benchmarks.scale.cores.page import BEGIN, END, PAGE, as_markdown, write_page
from benchmarks.scale.cores.plan import MIX, Figures, best_plan, figures_of, largest_cell, plan
from benchmarks.scale.cores.plots import write_plot
from benchmarks.scale.cores.processor_time import seconds_of, seconds_of_trees
from benchmarks.scale.cores.results import (
    DATABASE,
    GATEWAY,
    INDEX,
    LOOPBACK,
    TOWER,
    Cost,
    Following,
    LogRate,
    Results,
    read_results,
)
from benchmarks.scale.cores.stores import KINDS, MeasuredStore
from benchmarks.scale.cores.world import bundle_of
from benchmarks.scale.cores.writes import BATCH, SINGLE, SINGLE_WIDE, UPSERT
from store.errors import StoreUnavailableError
from store.sql_store import open_store
from tests.waiting import wait_until

if TYPE_CHECKING:
    from benchmarks.live.bench import Bench

FIGURES = Figures(
    feed={GATEWAY: 600e-6, TOWER: 120e-6, INDEX: 480e-6},
    event={GATEWAY: 20e-6, TOWER: 30e-6, INDEX: 0.0},
    followed={GATEWAY: 3e-6, TOWER: 20e-6, INDEX: 30e-6},
    database=50e-6,
    read=4e-6,
    polled=0.005,
    read_bytes=200.0,
    most_events=9_000.0,
)


def of_each(seconds: float) -> dict[str, float]:
    return dict.fromkeys((GATEWAY, TOWER, INDEX, DATABASE), seconds)


def results(*, is_quick: bool = False) -> Results:
    feeds = [Cost(f"feed, {name}", "", (of_each(400e-6), of_each(500e-6), of_each(900e-6)), 900.0, 0) for name in FEEDS]
    writes = [
        Cost(what, store, (of_each(80e-6),), 800.0, 0)
        for what in (SINGLE, SINGLE_WIDE, BATCH, UPSERT)
        for store in KINDS
    ]
    return Results(
        machine="a machine",
        commit="abc",
        measured_at="2026-11-27 13:34",
        load_average=0.5,
        seconds=600.0,
        is_quick=is_quick,
        costs=(*feeds, *writes),
        following=tuple(
            Following(store, rate, of_each(max(rate, 0) * 25e-6 + 0.004))
            for store in KINDS
            for rate in (-1.0, 0.0, 100.0, 1000.0, 4000.0)
        ),
        logs=tuple(
            LogRate(store, batch, 4, 1, 0.0, 12_000.0 if batch > 1 else 2_000.0, 0.01, 0.05, 40e-6, 300.0)
            for store in KINDS
            for batch in (1, 100, 500)
        ),
        memory={"tower: a person": 900.0},
        reading={LOOPBACK: 200.0},
        connections={"tower": 4.0},
    )


def test_a_plan_gives_each_process_less_for_answers_the_more_events_it_follows() -> None:
    small, large = (plan(FIGURES, feeds, cells=1) for feeds in (10_000, 90_000))
    assert small.processes == {GATEWAY: 11, TOWER: 3, INDEX: 9}
    assert large.processes[INDEX] > 9 * small.processes[INDEX]
    assert large.given_away[INDEX] == pytest.approx(0.27)
    assert large.log_share == pytest.approx(1.0)
    followers = small.processes[TOWER] + small.processes[INDEX]
    assert small.database_cores == pytest.approx((1_000 * (50e-6 + followers * 4e-6) + followers * 0.005) / 0.6)
    assert small.sent == pytest.approx(1_000 * followers * 200)


def test_a_log_that_cannot_be_followed_or_takes_no_more_is_no_plan() -> None:
    followed = plan(FIGURES, 200_001, cells=1)
    assert followed.processes == {}
    assert followed.cores == math.inf
    assert not plan(FIGURES, 90_100, cells=1).is_possible
    assert plan(FIGURES, 90_100, cells=2).is_possible
    assert largest_cell(FIGURES) == (90_000.0, "the log takes no more events")


def test_a_million_feeds_are_divided_over_few_cells_of_nearly_the_fewest_cores() -> None:
    best = best_plan(FIGURES, 1_000_000)
    assert best.is_possible
    fewest = min(plan(FIGURES, 1_000_000, cells=cells).cores for cells in range(1, 201))
    assert best.cores <= 1.1 * fewest
    assert plan(FIGURES, 1_000_000, cells=best.cells - 1).cores > 1.1 * fewest
    assert best_plan(FIGURES, 1_000).cells == 1


def test_the_mix_is_whole_and_counts_that_change_cost_every_feed() -> None:
    assert sum(MIX.values()) == pytest.approx(1)
    quiet = results()
    costs = tuple(
        Cost(cost.what, cost.store, (of_each(700e-6),), 900.0, 0) if cost.what == f"feed, {COUNTING}" else cost
        for cost in quiet.costs
    )
    assert quiet.cost(f"feed, {KNOWN}").of(INDEX) == 500e-6
    assert figures_of(quiet).feed[INDEX] == pytest.approx(500e-6)
    changing = Results(**{name: getattr(quiet, name) for name in Results.__slots__} | {"costs": costs})
    assert figures_of(changing).feed[INDEX] == pytest.approx(700e-6)


def test_the_page_tells_measured_from_calculated_and_keeps_what_is_around(tmp_path: Path) -> None:
    results().write(tmp_path)
    text = as_markdown(read_results(tmp_path))
    assert "| known user | 500 (400–900) | 500 (400–900) | 500 (400–900) | 0 | 900 | 0 |" in text
    assert "### A feed (measured)" in text
    assert "### What a site needs (calculated)" in text
    page = tmp_path / "scale.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n", encoding="utf-8")
    write_page(text, page)
    written = page.read_text(encoding="utf-8")
    assert written.startswith(f"before\n{BEGIN}\n*2026-11-27 13:34 UTC, commit abc")
    assert written.endswith(f"{END}\nafter\n")
    assert "old" not in written
    with pytest.raises(NoFiguresError, match="quick"):
        as_markdown(results(is_quick=True))


def test_the_page_says_of_writes_too_how_many_were_not_right() -> None:
    well = results()
    refused = Cost(SINGLE, SQLITE, (of_each(80e-6),), 800.0, 7)
    costs = tuple(refused if (cost.what, cost.store) == (SINGLE, SQLITE) else cost for cost in well.costs)
    text = as_markdown(Results(**{name: getattr(well, name) for name in Results.__slots__} | {"costs": costs}))
    assert text.count("| 800, 7 not right |") == 1
    assert "not right |" not in as_markdown(well).partition("### An event and a post")[2]


def test_a_store_that_takes_no_more_ends_the_measurement_of_those_who_follow_it(tmp_path: Path) -> None:
    def measure() -> None:
        url = f"sqlite:///{tmp_path}/store.sqlite"
        with open_store(url) as store, SteadyWriter("steady", store, 1_000.0) as writer:
            wait_until(lambda: writer.recorded >= 100, what="the first events")
            store.engine.dispose()
            (tmp_path / "store.sqlite").unlink()
            (tmp_path / "store.sqlite").mkdir()
            wait_until(lambda: not writer.is_alive(), what="the end of the writer")

    with pytest.raises(StoreUnavailableError):
        measure()


def test_the_bytes_of_an_event_are_those_of_all_events_also_of_those_that_warm_up(tmp_path: Path) -> None:
    file = tmp_path / "store.sqlite"
    url = f"sqlite:///{file}"
    with open_store(url):
        pass
    before = file.stat().st_size
    found = measured_rate(MeasuredStore(SQLITE, url, file, None), (500, 2, 1), 0.5)
    grown = file.stat().st_size - before
    with open_store(url) as store:
        recorded = sum(len(batch) for batch in store.events_up_to(store.position()))
    assert found.bytes == pytest.approx(grown / recorded)
    assert found.rate * 0.5 < recorded


def test_a_writer_that_fails_is_an_error_and_leaves_none_behind(tmp_path: Path) -> None:
    store = MeasuredStore(SQLITE, f"sqlite:///{tmp_path}/store.sqlite", tmp_path / "store.sqlite", None)
    with pytest.raises(subprocess.CalledProcessError):
        measured_rate(store, (0, 0, 2), 0.5)  # nobody can write with no thread


def test_the_page_of_this_repository_can_be_written_and_drawn(tmp_path: Path) -> None:
    assert BEGIN in PAGE.read_text(encoding="utf-8")
    write_plot(results(), tmp_path / "scale.png")
    assert (tmp_path / "scale.png").stat().st_size > 10_000


def test_processor_time_grows_with_work_and_counts_children() -> None:
    before = seconds_of(os.getpid())
    while seconds_of(os.getpid()) < before + 0.05:
        sum(range(10_000))
    assert seconds_of_trees([os.getpid()]) >= seconds_of(os.getpid())


@pytest.mark.timeout(300)
def test_feeds_of_each_kind_are_measured_and_right(bench: "Bench") -> None:
    costs = measure_answers(bench, bundle_of(bench, users=users_of(bench, 1)), rounds=1, seconds=0.3)
    assert [cost.what for cost in costs] == [f"feed, {name}" for name in FEEDS]
    assert [cost.failed for cost in costs] == [0] * len(FEEDS)
    assert all(cost.per_second > 0 for cost in costs)
    assert costs[0].of(GATEWAY) > 0
