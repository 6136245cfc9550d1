"""Write the measured part of docs/scale.md and its plot: `python -m benchmarks.scale.cores.page [RESULTS]`."""

import argparse
import sys
import textwrap
from collections.abc import Iterable, Sequence
from pathlib import Path

from benchmarks.live.page import NoFiguresError
from benchmarks.scale.cores.answers import FEEDS
from benchmarks.scale.cores.followers import POLLING, QUIET
from benchmarks.scale.cores.plan import (
    ENGINES,
    MIX,
    PROCESSES,
    SIZES,
    USABLE,
    Engine,
    Plan,
    best_plan,
    figures_of,
    indexes_of,
    largest_cell,
    plan,
)
from benchmarks.scale.cores.results import DATABASE, LOOPBACK, Cost, Results, read_results
from benchmarks.scale.cores.stores import KINDS
from benchmarks.scale.cores.writes import BATCH, SINGLE, SINGLE_WIDE, UPSERT
from pipeline.whole_files import write_whole_text

PAGE = Path(__file__).parents[3] / "docs" / "scale.md"
PLOT = "scale.png"
BEGIN, END = "<!-- figures: written by make bench-scale -->", "<!-- end of figures -->"
_MICRO, _MEGA, _KB = 1e6, 1e6, 1000
_WIDTH = 140  # characters of a line of text


def as_markdown(results: Results) -> str:
    """The measured tables, and the plans that are calculated from them; NoFiguresError for quick results."""
    if results.is_quick:
        raise NoFiguresError("the results are of --quick, whose numbers say nothing: measure whole")
    return "\n".join(
        (
            (
                f"*{results.measured_at} UTC, commit {results.commit}, {results.seconds:.0f} s, load average "
                f"{results.load_average:g} before; {results.machine}.*"
            ),
            "",
            "### A feed (measured)",
            "",
            *_feeds(results),
            "",
            "### An event and a post (measured)",
            "",
            *_writes(results),
            "",
            "### Following the log (measured)",
            "",
            *_following(results),
            "",
            "### What one log takes (measured)",
            "",
            *_logs(results),
            "",
            "### Memory, disk, connections (measured)",
            "",
            *_memory(results),
            "",
            "### What a site needs (calculated)",
            "",
            *_plans(results),
            "",
            f"![Cores by feeds a second, shares of a core by events a second, and what one log takes]({PLOT})",
            "",
        )
    )


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = [head, ["---"] * len(head), *rows]
    return [f"| {' | '.join(line)} |" for line in lines]


def _spread(cost: Cost, kind: str) -> str:
    low, high = cost.spread(kind)
    return f"{_MICRO * cost.of(kind):,.0f} ({_MICRO * low:,.0f}–{_MICRO * high:,.0f})"


def _feeds(results: Results) -> list[str]:
    costs = [results.cost(f"feed, {name}") for name in FEEDS]
    return _table(
        ["µs of processor, median (least–most)", *PROCESSES, "bytes over all ways", "feeds/s meanwhile", "not right"],
        [
            [
                cost.what.removeprefix("feed, "),
                *(_spread(cost, kind) for kind in PROCESSES),
                f"{cost.of(LOOPBACK):,.0f}",
                f"{cost.per_second:,.0f}",
                f"{cost.failed:,}",
            ]
            for cost in costs
        ],
    )


def _writes(results: Results) -> list[str]:
    kinds = (*PROCESSES, DATABASE)
    return _table(
        ["µs of processor, median (least–most)", "store", *kinds, "a second meanwhile"],
        [
            [
                cost.what,
                cost.store,
                *(_spread(cost, kind) for kind in kinds),
                f"{cost.per_second:,.0f}" + (f", {cost.failed:,} not right" if cost.failed else ""),
            ]
            for what in (SINGLE, SINGLE_WIDE, BATCH, UPSERT)
            for cost in (results.cost(what, store) for store in KINDS)
        ],
    )


def _following(results: Results) -> list[str]:
    names = {QUIET: "none, quiet for long", POLLING: "none, just after some"}
    rows = []
    for each in sorted(results.following, key=lambda each: (each.store, each.rate)):
        cells = [
            f"{100 * each.cores[kind]:.1f} %"
            + (f", {_MICRO * each.cores[kind] / each.rate:.0f} µs an event" if each.rate > 0 else "")
            for kind in (*PROCESSES, DATABASE)
        ]
        network = f"{each.cores.get(LOOPBACK, 0.0):,.0f}"
        rows.append([each.store, names.get(each.rate, f"{each.rate:,.0f}"), *cells, network])
    return _table(
        ["store", "events/s", *PROCESSES, "both servers, with the writer's work", "bytes/s over all ways"], rows
    )


def _logs(results: Results) -> list[str]:
    return _table(
        [
            "store",
            "events a call",
            "callers",
            "way and back, ms",
            "events/s",
            "a call, p50 / p99, ms",
            "writer, µs an event",
        ],
        [
            [
                each.store,
                f"{each.batch}",
                f"{each.callers}" + (f" in each of {each.processes} processes" if each.processes > 1 else ""),
                f"{1000 * each.round_trip:.1f}" if each.round_trip else "beside",
                f"{each.rate:,.0f}",
                f"{1000 * each.p50:.1f} / {1000 * each.p99:.1f}",
                f"{_MICRO * each.processor:.0f}",
            ]
            for each in results.logs
        ],
    )


def _memory(results: Results) -> list[str]:
    rows = [
        [what, f"{size / 1e6:,.0f} MB" if size > 100 * _KB else f"{size:,.0f} B"]
        for what, size in results.memory.items()
    ]
    rows += [
        [f"{each.store}: an event on the disk", f"{each.bytes:,.0f} B"]
        for each in results.logs
        if each.batch == 500  # the largest: the least of it is the beginning of files
    ]
    rows.append(["PostgreSQL: an event sent to one follower", f"{results.reading[LOOPBACK]:,.0f} B"])
    rows += [[f"connections to PostgreSQL: {name}", f"{count:.0f}"] for name, count in results.connections.items()]
    return _table(["what", "takes"], rows)


def _plans(results: Results) -> list[str]:
    lines = _table(
        [
            "feeds/s",
            "events",
            "one log",
            "cells",
            "gateways",
            "towers",
            "indexes",
            "cores of databases",
            "cores in all",
            "given to following, of a core",
            "readers of one database",
            "MB/s that it sends them",
        ],
        [_plan_row(results, feeds, write) for write in (BATCH, SINGLE) for feeds in SIZES],
    )
    mix = ", ".join(f"{100 * share:.0f} % {name}" for name, share in MIX.items())
    ends = [
        f"- {write}: one log ends at {feeds:,.0f} feeds/s, because {what}."
        for write in (BATCH, SINGLE)
        for feeds, what in [largest_cell(figures_of(results, write=write))]
    ]
    intro = (
        f"Of the feeds: {mix}. Counts change all the while. Events: a tenth of the feeds. Plans use {USABLE:.0%} of a "
        "core and of what one log takes, and two processes of each kind at least. More cells than one are chosen where "
        "they save a tenth of the cores."
    )
    engines = _table(
        ["indexes, if all feeds were searched so", *(f"{feeds:,} feeds/s" for feeds in SIZES)],
        [[engine.name, *(_indexes(results, engine, feeds) for feeds in SIZES)] for engine in ENGINES],
    )
    return [textwrap.fill(intro, _WIDTH), "", *lines, "", *ends, "", *engines]


def _indexes(results: Results, engine: Engine, feeds: int) -> str:
    figures = figures_of(results)
    indexes, server = indexes_of(figures, engine, feeds, cells=best_plan(figures, feeds).cells)
    return f"{indexes:,}" + (f", and {server:,.0f} cores of the server" if server else "")


def _plan_row(results: Results, feeds: int, write: str) -> list[str]:
    figures = figures_of(results, write=write)
    one, best = plan(figures, feeds, cells=1), best_plan(figures, feeds)
    return [
        f"{feeds:,}",
        write.removeprefix("event, "),
        _verdict(one),
        f"{best.cells}",
        *(f"{best.processes[kind]:,}" for kind in PROCESSES),
        f"{best.database_cores:,.1f}",
        f"{best.cores:,.0f}",
        f"{max(best.given_away.values()):.0%}",
        f"{best.followers:,}",
        f"{best.sent / _MEGA:,.0f}",
    ]


def _verdict(one: Plan) -> str:
    if not one.processes:
        return "cannot be followed"
    if one.log_share > 1:
        return f"{one.log_share:.1f} times what it takes"
    return f"{one.cores:,.0f} cores"


def write_page(text: str, page: Path = PAGE) -> None:
    """Replace the measured part of the page. Raises NoFiguresError if the page has no such part."""
    before, _, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not end:
        raise NoFiguresError(f"{page} has no part between {BEGIN!r} and {END!r}: restore both lines")
    write_whole_text(page, f"{before}{BEGIN}\n{text.strip()}\n{END}{after}")


def main() -> int:
    """Write the page and its plot; the exit code is 1 if there is nothing to write."""
    parser = argparse.ArgumentParser(description="Write the figures into docs/scale.md.")
    parser.add_argument("results", type=Path, nargs="?", default=Path("data/bench-scale"))
    directory = parser.parse_args().results
    try:
        results = read_results(directory)
        write_page(as_markdown(results))
    except FileNotFoundError:
        sys.stderr.write(f"{directory} holds no results: run `python -m benchmarks.scale.cores`\n")
        return 1
    except NoFiguresError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    from benchmarks.scale.cores.plots import write_plot  # matplotlib takes a second

    write_plot(results, PAGE.with_name(PLOT))
    return 0


if __name__ == "__main__":
    sys.exit(main())
