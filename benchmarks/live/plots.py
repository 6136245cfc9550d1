"""The plot of docs/live.md: how soon feeds reflect what was done, and feeds and searches beside writes."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.live.results import Figure
from pipeline.quiet_matplotlib import Axes, mpl

_COLUMNS = 3


def write_plot(figures: Mapping[str, Figure], path: Path) -> None:
    """Draw a panel for each figure that has curves and was measured."""
    mpl.use("Agg")
    from matplotlib import pyplot as plt

    panels = {
        name: draw
        for name, draw in _PANELS.items()
        if name in figures and (found := figures[name].found) and found.curves
    }
    if not panels:
        return
    columns = min(len(panels), _COLUMNS)
    rows = -(-len(panels) // columns)
    drawn, axes = plt.subplots(rows, columns, figsize=(5.5 * columns, 3.8 * rows), layout="constrained", squeeze=False)
    for axis in axes.flat[len(panels) :]:
        axis.set_axis_off()
    for axis, (name, draw) in zip(axes.flat, panels.items(), strict=False):
        found = figures[name].found
        assert found is not None
        draw(axis, found.curves)
        axis.set_title(figures[name].title, fontsize=10)
    drawn.savefig(path, dpi=120)
    plt.close(drawn)


def _shares(axis: Axes, curves: Mapping[str, tuple[float, ...]], *, where: str) -> None:
    for label, seconds in curves.items():
        milliseconds = 1000 * np.sort(np.array(seconds))
        axis.plot(milliseconds, (np.arange(len(milliseconds)) + 1) / len(milliseconds), label=label)
    axis.set_xscale("log")
    axis.set_xlabel(f"ms from the acknowledgement, {where}")
    axis.set_ylabel("share of writes")
    axis.legend(fontsize=7)


def _rounds(axis: Axes, curves: Mapping[str, tuple[float, ...]], *, what: str) -> None:
    for label, rates in curves.items():
        axis.plot(range(1, len(rates) + 1), rates, "o-", label=label)
    axis.set_ylim(bottom=0)
    axis.set_xlabel("round")
    axis.set_ylabel(f"{what} a second")
    axis.legend(fontsize=7)


def _bars(axis: Axes, curves: Mapping[str, tuple[float, ...]]) -> None:
    for place, (label, (mean, low, high)) in enumerate(list(curves.items())[::-1]):
        axis.barh(place, mean, xerr=[[mean - low], [high - mean]], color="tab:blue" if "feed" in label else "0.7")
    axis.set_yticks(range(len(curves)), list(curves)[::-1], fontsize=7)
    axis.set_xlabel("NDCG@10")


_PANELS: Mapping[str, Callable[[Axes, Mapping[str, tuple[float, ...]]], None]] = {
    "reflection": partial(_shares, where="at the other gateway"),
    "feeds-beside-writes": partial(_rounds, what="feeds"),
    "visible-posts": partial(_shares, where="in all feeds of both gateways"),
    "searches-beside-posts": partial(_rounds, what="searches"),
    "replay": _bars,
}
