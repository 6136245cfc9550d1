"""Reports the benchmark as tables, JSON and plots, with the goals beside the figures."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.growth import growth_as_markdown, write_growth_plot
from benchmarks.machine import Machine
from benchmarks.measure import Bench
from benchmarks.rows import rows_as_markdown
from benchmarks.serving import IN_FLIGHT, POSTS, Measured

_PROCESSES = ("gateway", "user_tower_service", "post_index_service")


@dataclass(frozen=True, slots=True)
class Goal:
    """A ratio of two figures of one run that should be at least, or at most, ``bound``."""

    name: str
    ratio: float
    bound: float
    at_least: bool

    @property
    def is_met(self) -> bool:
        """Whether the ratio is on the right side of the bound."""
        return self.ratio >= self.bound if self.at_least else self.ratio <= self.bound


def goals(measured: Sequence[Measured]) -> list[Goal]:
    """The goals of serving."""
    rate = {(row.name, row.in_flight): row.rate for row in measured}
    p50 = {(row.name, row.in_flight): row.p50_seconds for row in measured}
    zipf, echo = "feed, usernames by Zipf", "echo, three processes"
    feed = rate[zipf, IN_FLIGHT]
    return [
        Goal("feeds a second / echo of three processes, Zipf", feed / rate[echo, IN_FLIGHT], 1.0, at_least=True),
        Goal(
            "the same, usernames uniformly",
            rate["feed, usernames uniformly", IN_FLIGHT] / rate[echo, IN_FLIGHT],
            1.0,
            at_least=True,
        ),
        Goal(
            "the same, no username twice",
            rate["feed, no username twice", IN_FLIGHT] / rate[echo, IN_FLIGHT],
            1.0,
            at_least=True,
        ),
        Goal("p50 at 1 in flight / that echo, Zipf", p50[zipf, 1] / p50[echo, 1], 1.15, at_least=False),
        Goal("the same, no username twice", p50["feed, no username twice", 1] / p50[echo, 1], 1.15, at_least=False),
        Goal(
            "with a mood seen before / without",
            rate["feed with a mood seen before", IN_FLIGHT] / feed,
            0.95,
            at_least=True,
        ),
        Goal(
            "with a new mood / predecessor's way",
            rate["feed with a new mood", IN_FLIGHT] / rate["predecessor, new mood", IN_FLIGHT],
            10.0,
            at_least=True,
        ),
        Goal(
            "one process / one sync echo process",
            rate["one process (embedded), by Zipf", IN_FLIGHT] / rate["echo, one sync process", IN_FLIGHT],
            0.85,
            at_least=True,
        ),
        Goal("over HTTP / over gRPC", rate["feed over HTTP, by Zipf", IN_FLIGHT] / feed, 0.9, at_least=True),
    ]


def as_markdown(machine: Machine, bench: Bench) -> str:
    """The machine, and a table for each part that was measured."""
    head = (
        f"{machine.processor}, {machine.cores} cores, {machine.memory_gib} GiB, {machine.system}; "
        + ", ".join(f"{name} {version}" for name, version in machine.versions.items())
        + f".\n\nOne thread reads {machine.read_bytes_per_second / 1e9:.1f} GB/s and multiplies at "
        f"{machine.gemm_operations_per_second / 1e9:.0f} GFLOP/s. Medians over {bench.rounds} rounds, interleaved.\n"
    )
    parts = [head]
    if bench.serving:
        parts.append(_serving(bench.serving, seconds=bench.seconds))
    parts += [rows_as_markdown(title, rows) for title, rows in bench.tables.items()]
    if bench.growth:
        parts.append(growth_as_markdown(bench.growth))
    return "\n".join(parts)


def _serving(measured: Sequence[Measured], *, seconds: float) -> str:
    lines = [
        "## Serving",
        "",
        f"{seconds:g} s a row and round; {POSTS:,} posts.",
        "",
        "| | in flight | right answers/s | p50, ms | p99, ms | wrong | failed |",
        "|---|---|---|---|---|---|---|",
        *(
            f"| {row.name} | {row.in_flight} | {row.rate:,.0f} | {row.p50_seconds * 1e3:.2f} "
            f"| {row.p99_seconds * 1e3:.2f} | {row.wrong} | {row.failed} |"
            for row in measured
        ),
        "",
        "| µs of processor time a right answer | " + " | ".join(_PROCESSES) + " |",
        "|---|---|---|---|",
        *(
            f"| {row.name}, {row.in_flight} in flight | "
            + " | ".join(f"{row.processor_seconds[name] * 1e6:,.0f}" for name in _PROCESSES)
            + " |"
            for row in measured
            if row.processor_seconds
        ),
        "",
        "| ratio | measured | goal | |",
        "|---|---|---|---|",
        *(
            f"| {goal.name} | {goal.ratio:.2f} | {'≥' if goal.at_least else '≤'} {goal.bound:g} "
            f"| {'met' if goal.is_met else '**missed**'} |"
            for goal in goals(measured)
        ),
    ]
    return "\n".join(lines) + "\n"


def write_json(machine: Machine, bench: Bench, path: Path) -> None:
    """Write all figures, for other programs."""
    document = {
        "machine": asdict(machine),
        "rounds": bench.rounds,
        "rows": [asdict(row) for row in bench.serving],
        "goals": [asdict(goal) | {"is_met": goal.is_met} for goal in (goals(bench.serving) if bench.serving else ())],
        "tables": {
            title: [asdict(row) | {"ratio": row.ratio, "is_met": row.is_met} for row in rows]
            for title, rows in bench.tables.items()
        },
        "growth": [asdict(point) for point in bench.growth],
    }
    path.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def write_plots(bench: Bench, directory: Path) -> list[Path]:
    """Plot serving and growth, if they were measured; returns the paths of the plots."""
    written = []
    if bench.serving:
        write_plot(bench.serving, directory / "serving.png")
        written.append(directory / "serving.png")
    if bench.growth:
        write_growth_plot(bench.growth, directory / "growth.png")
        written.append(directory / "growth.png")
    return written


def write_plot(measured: Sequence[Measured], path: Path) -> None:
    """Plot the right answers a second of each row as bars, with its rounds as dots."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    rows = [row for row in measured if row.in_flight == IN_FLIGHT]
    figure, axes = plt.subplots(figsize=(9, 0.5 * len(rows) + 1.2), layout="constrained")
    for position, row in enumerate(reversed(rows)):
        color = "0.7" if row.name.startswith(("echo", "predecessor")) else "tab:blue"
        axes.barh(position, row.rate, color=color)
        axes.plot(row.rates, [position] * len(row.rates), "k.", markersize=4)
    axes.set_yticks(range(len(rows)), [row.name for row in reversed(rows)])
    axes.set_xscale("log")
    axes.set_xlabel(f"right answers a second, {IN_FLIGHT} in flight (dots: rounds)")
    figure.savefig(path, dpi=130)
    plt.close(figure)
