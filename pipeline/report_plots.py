"""The report's plots as PNG bytes: the same evaluation gives the same bytes."""

from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO

import numpy as np

from pipeline.evaluation import EVERYBODY, MODEL_NAME, OURS, Evaluation, Group, strongest_baselines
from pipeline.live_evaluation.live_results import Asked, LiveEvaluation
from pipeline.quiet_matplotlib import Axes, Figure, MaxNLocator, mpl
from pipeline.ranking import CUTOFF
from pipeline.trained_towers import EpochReport, kept_epoch

TRAINING = "training.png"
HISTORY_LENGTH = "history_length.png"
POST_AGE = "post_age.png"
POST_MEETINGS = "post_meetings.png"
MONTHS = "months.png"
LIVE = "live.png"

_SIZE_INCHES = (9.0, 3.6)
_DOTS_PER_INCH = 140
_MODEL_COLOUR = "#1b5fb4"
_BASELINE_COLOURS = ("#e08a1e", "#7a9a3a", "#a3a3a3")  # they differ in lightness too
_GRID_COLOUR = "#dddddd"


def draw_plots(evaluation: Evaluation | None, live: LiveEvaluation | None = None) -> dict[str, bytes]:
    """Every plot by its file name; there is none by month or post age if the data has no clock."""
    plots: dict[str, bytes] = {}
    with _own_settings():
        if evaluation:
            plots |= _of_evaluation(evaluation)
        if live:
            plots[LIVE] = _live(live)
    return plots


def _of_evaluation(evaluation: Evaluation) -> dict[str, bytes]:
    methods = [MODEL_NAME, *strongest_baselines(evaluation)]
    ndcg, recall = f"mean NDCG@{CUTOFF}", f"Recall@{CUTOFF}"
    plots = {
        TRAINING: _training(evaluation.epochs),
        HISTORY_LENGTH: _by_group(
            evaluation.ndcg_by_history_length, methods, group="posts met before the split", unit="cases", value=ndcg
        ),
        POST_MEETINGS: _by_group(
            evaluation.recall_by_post_meetings,
            methods,
            group="people who had met the post before the split",
            unit="posts to find",
            value=recall,
        ),
    }
    if evaluation.recall_by_post_age:
        plots[POST_AGE] = _by_group(
            evaluation.recall_by_post_age,
            methods,
            group="age of the post in days",
            unit="posts to find",
            value=recall,
        )
    if len(evaluation.months) > 1:
        oldest_first = tuple(
            Group(month.label, month.cases, month.ndcg_at_10[EVERYBODY]) for month in reversed(evaluation.months)
        )
        plots[MONTHS] = _by_group(oldest_first, methods, group="35 days from", unit="cases", value=ndcg, is_range=False)
    return plots


@contextmanager
def _own_settings() -> Iterator[None]:
    """Matplotlib's defaults while the block runs, regardless of a local matplotlibrc."""
    with mpl.rc_context():
        mpl.rcdefaults()
        yield


def _training(epochs: tuple[EpochReport, ...]) -> bytes:
    figure = Figure(figsize=_SIZE_INCHES, layout="constrained")
    losses, metrics = figure.subplots(1, 2)
    numbers = [report.epoch for report in epochs]
    _line(losses, numbers, [report.training_loss for report in epochs], "training loss", _BASELINE_COLOURS[0])
    _line(losses, numbers, [report.validation_loss for report in epochs], "validation loss", _MODEL_COLOUR)
    ndcg = [report.validation_ndcg_at_10 for report in epochs]
    recall = [report.validation_recall_at_10 for report in epochs]
    _line(metrics, numbers, ndcg, f"validation NDCG@{CUTOFF}", _MODEL_COLOUR)
    _line(metrics, numbers, recall, f"validation Recall@{CUTOFF}", _BASELINE_COLOURS[1])
    metrics.set_ylim(bottom=0)
    kept = kept_epoch(epochs).epoch
    for axes, label in ((losses, "loss"), (metrics, "metric, 0 to 1")):
        axes.axvline(kept, color="#555555", linestyle=":", linewidth=1.2, label=f"epoch {kept}, kept")
        axes.set_xlabel("epoch")
        axes.set_ylabel(label)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        _finish(axes)
        axes.grid(color=_GRID_COLOUR)
    return _png(figure)


def _live(live: LiveEvaluation) -> bytes:
    """NDCG@10 by how much was known: the model and the two live baselines that are highest where all was known."""
    figure = Figure(figsize=_SIZE_INCHES, layout="constrained")
    at_start, at_next = figure.subplots(1, 2)
    _moments(at_start, live.session_start, "at a session's start")
    _moments(at_next, live.next_post, "at each next post")
    return _png(figure)


def _moments(axes: Axes, found: Asked, moment: str) -> None:
    variants = found.variants
    heights = {
        name: [metrics[variant].ndcg_at_10.mean for variant in variants]
        for name, metrics in found.everybody.methods.items()
    }
    baselines = sorted((name for name in heights if name not in OURS), key=lambda name: -heights[name][-1])
    shown = [name for name in (MODEL_NAME, *baselines[:2]) if name in heights]
    places, width = np.arange(len(variants)), 0.8 / len(shown)
    for number, (name, colour) in enumerate(zip(shown, (_MODEL_COLOUR, *_BASELINE_COLOURS), strict=False)):
        at = places - 0.4 + (number + 0.5) * width
        axes.bar(at, heights[name], width=0.92 * width, color=colour, label=name)
    axes.set_xticks(places, [variant.replace(", ", ",\n") for variant in variants])
    axes.tick_params(axis="x", length=0)
    axes.set_xlabel(f"what was known {moment} (n = {found.everybody.cases:,})")
    axes.set_ylabel(f"mean NDCG@{CUTOFF}")
    axes.set_ylim(bottom=0)
    _finish(axes)
    axes.grid(axis="y", color=_GRID_COLOUR)


def _by_group(
    groups: tuple[Group, ...], methods: list[str], *, group: str, unit: str, value: str, is_range: bool = True
) -> bytes:
    figure = Figure(figsize=_SIZE_INCHES, layout="constrained")
    axes = figure.subplots()
    places = np.arange(len(groups))
    width = 0.8 / len(methods)
    for number, (name, colour) in enumerate(zip(methods, (_MODEL_COLOUR, *_BASELINE_COLOURS), strict=False)):
        heights = [item.means[name] for item in groups]
        axes.bar(places - 0.4 + (number + 0.5) * width, heights, width=0.92 * width, color=colour, label=name)
    labels = [item.label.replace("-", "–") if is_range else item.label for item in groups]
    axes.set_xticks(places, [f"{label}\nn = {item.count:,}" for label, item in zip(labels, groups, strict=True)])
    axes.tick_params(axis="x", length=0)
    axes.set_xlabel(f"{group} (n: {unit})")
    axes.set_ylabel(value)
    axes.set_ylim(bottom=0)
    _finish(axes)
    axes.grid(axis="y", color=_GRID_COLOUR)
    return _png(figure)


def _line(axes: Axes, epochs: list[int], values: list[float], label: str, colour: str) -> None:
    axes.plot(epochs, values, label=label, color=colour, marker="o", markersize=3.5)


def _finish(axes: Axes) -> None:
    """Put the legend above the axes, where it covers no data."""
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, frameon=False, fontsize=9, borderaxespad=0.2)


def _png(figure: Figure) -> bytes:
    """PNG bytes without the software's version in the metadata, so that they depend on the picture alone."""
    buffer = BytesIO()
    figure.savefig(buffer, format="png", dpi=_DOTS_PER_INCH, metadata={"Software": None})
    return buffer.getvalue()
