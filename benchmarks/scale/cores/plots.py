"""The plot of docs/scale.md: cores by feeds a second, followers by events a second, and what one log takes."""

from pathlib import Path

import numpy as np

from benchmarks.scale.cores.plan import PROCESSES, best_plan, figures_of, plan
from benchmarks.scale.cores.results import Results
from benchmarks.scale.cores.stores import KINDS, PAIR
from benchmarks.scale.cores.writes import BATCH, SINGLE
from pipeline.quiet_matplotlib import Axes, mpl

_COLOURS = ("tab:blue", "tab:orange", "tab:green")


def write_plot(results: Results, path: Path) -> None:
    """Draw the three panels."""
    mpl.use("Agg")
    from matplotlib import pyplot as plt

    drawn, axes = plt.subplots(1, 3, figsize=(15, 4), layout="constrained")
    _cores(axes[0], results)
    _followers(axes[1], results)
    _logs(axes[2], results)
    drawn.savefig(path, dpi=110)
    plt.close(drawn)


def _cores(axis: Axes, results: Results) -> None:
    feeds = np.geomspace(1_000, 1_000_000, 40)
    for write, colour in zip((BATCH, SINGLE), _COLOURS, strict=False):
        figures = figures_of(results, write=write)
        one = [plan(figures, float(rate), cells=1) for rate in feeds]
        axis.loglog(
            [each.feeds for each in one if each.is_possible],
            [each.cores for each in one if each.is_possible],
            color=colour,
            label=f"one log; {write}",
        )
        cells = [best_plan(figures, float(rate)) for rate in feeds]
        axis.loglog(feeds, [each.cores for each in cells], "--", color=colour, label=f"cells; {write}")
    axis.set_xlabel("feeds a second, a tenth as many events")
    axis.set_ylabel("cores (calculated)")
    axis.legend(fontsize=7)
    axis.set_title("Cores of a site", fontsize=10)


def _followers(axis: Axes, results: Results) -> None:
    for kind, colour in zip(PROCESSES, _COLOURS, strict=True):
        for store in KINDS:
            found = sorted((each.rate, each.cores[kind]) for each in results.following if each.store == store)
            found = [each for each in found if each[0] > 0]
            axis.loglog(
                *zip(*found, strict=True),
                "o-" if store == PAIR else "x:",
                color=colour,
                label=f"{kind}, {store}",
            )
    axis.set_xlabel("events a second")
    axis.set_ylabel("share of a core (measured)")
    axis.legend(fontsize=7)
    axis.set_title("What following the log takes of each process", fontsize=10)


def _logs(axis: Axes, results: Results) -> None:
    found = [each for each in results.logs if each.processes == 1 and each.callers < 64]
    labels = [
        f"{each.store.replace(' with a standby', '')}, {each.batch} a call"
        + (f", {1000 * each.round_trip:.1f} ms away" if each.round_trip else "")
        for each in found
    ]
    axis.barh(range(len(found)), [each.rate / 1_000 for each in found][::-1], color="tab:blue")
    axis.set_yticks(range(len(found)), labels[::-1], fontsize=7)
    axis.set_xlabel("thousand events a second (measured)")
    axis.set_title("What one log takes from one process", fontsize=10)
