"""The plot of docs/live.md: how soon feeds reflect what was done, and feeds a second with and without writes."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from benchmarks.live.results import Figure
from pipeline.quiet_matplotlib import Axes, mpl


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
    drawn, axes = plt.subplots(1, len(panels), figsize=(5.5 * len(panels), 3.8), layout="constrained", squeeze=False)
    for axis, (name, draw) in zip(axes[0], panels.items(), strict=True):
        found = figures[name].found
        assert found is not None
        draw(axis, found.curves)
        axis.set_title(figures[name].title, fontsize=10)
    drawn.savefig(path, dpi=120)
    plt.close(drawn)


def _shares(axis: Axes, curves: Mapping[str, tuple[float, ...]]) -> None:
    for label, seconds in curves.items():
        milliseconds = 1000 * np.sort(np.array(seconds))
        axis.plot(milliseconds, (np.arange(len(milliseconds)) + 1) / len(milliseconds), label=label)
    axis.set_xscale("log")
    axis.set_xlabel("ms from the acknowledgement, at the other gateway")
    axis.set_ylabel("share of writes")
    axis.legend(fontsize=7)


def _rounds(axis: Axes, curves: Mapping[str, tuple[float, ...]]) -> None:
    for label, rates in curves.items():
        axis.plot(range(1, len(rates) + 1), rates, "o-", label=label)
    axis.set_ylim(bottom=0)
    axis.set_xlabel("round")
    axis.set_ylabel("feeds a second")
    axis.legend(fontsize=7)


def _bars(axis: Axes, curves: Mapping[str, tuple[float, ...]]) -> None:
    for place, (label, (mean, low, high)) in enumerate(list(curves.items())[::-1]):
        axis.barh(place, mean, xerr=[[mean - low], [high - mean]], color="tab:blue" if "feed" in label else "0.7")
    axis.set_yticks(range(len(curves)), list(curves)[::-1], fontsize=7)
    axis.set_xlabel("NDCG@10")


_PANELS = {"reflection": _shares, "feeds-beside-writes": _rounds, "replay": _bars}
