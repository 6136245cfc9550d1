"""The report's plots as PNG bytes: the same evaluation gives the same bytes."""

from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO

import numpy as np

from pipeline.evaluation import MODEL_NAME, Evaluation, Group, strongest_baselines
from pipeline.quiet_matplotlib import Axes, Figure, MaxNLocator, mpl
from pipeline.ranking import CUTOFF
from pipeline.trained_towers import EpochReport, kept_epoch

TRAINING = "training.png"
HISTORY_LENGTH = "history_length.png"
POST_AGE = "post_age.png"
POST_MEETINGS = "post_meetings.png"

_SIZE_INCHES = (9.0, 3.6)
_DOTS_PER_INCH = 140
_MODEL_COLOUR = "#1b5fb4"
_BASELINE_COLOURS = ("#e08a1e", "#7a9a3a", "#a3a3a3")  # they differ in lightness too
_GRID_COLOUR = "#dddddd"


def draw_plots(evaluation: Evaluation) -> dict[str, bytes]:
    """Every plot by its file name; there is no plot by post age if the data has no clock."""
    methods = [MODEL_NAME, *strongest_baselines(evaluation)]
    ndcg, recall = f"mean NDCG@{CUTOFF}", f"Recall@{CUTOFF}"
    with _own_settings():
        plots = {
            TRAINING: _training(evaluation.epochs),
            HISTORY_LENGTH: _by_group(
                evaluation.ndcg_by_history_length,
                methods,
                group="posts met before the split",
                unit="test users",
                value=ndcg,
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
        plots[POST_MEETINGS] = _by_group(
            evaluation.recall_by_post_meetings,
            methods,
            group="people who had met the post before the split",
            unit="posts to find",
            value=recall,
        )
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


def _by_group(groups: tuple[Group, ...], methods: list[str], *, group: str, unit: str, value: str) -> bytes:
    figure = Figure(figsize=_SIZE_INCHES, layout="constrained")
    axes = figure.subplots()
    places = np.arange(len(groups))
    width = 0.8 / len(methods)
    for number, (name, colour) in enumerate(zip(methods, (_MODEL_COLOUR, *_BASELINE_COLOURS), strict=False)):
        heights = [item.means[name] for item in groups]
        axes.bar(places - 0.4 + (number + 0.5) * width, heights, width=0.92 * width, color=colour, label=name)
    axes.set_xticks(places, [f"{item.label.replace('-', '–')}\nn = {item.count:,}" for item in groups])
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
