"""The report of a bundle, for a person to open: how good the model is, and the feeds of a few example users."""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from bundle.file_names import REPORT
from pipeline.evaluation import MODEL_NAME, Evaluation, strongest_baselines
from pipeline.ranking import CUTOFF, Estimate
from pipeline.report_examples import ReportExamples
from pipeline.trained_towers import EpochReport, is_ranking_decisive, kept_epoch

_TEMPLATE = "report_template.html"


@dataclass(frozen=True, slots=True)
class Report:
    """What the report shows: ``counts`` as in the manifest, ``epochs`` of the training of the exported towers.

    Without an ``evaluation`` the page has no metrics and no plots.
    """

    evaluation: Evaluation | None
    counts: Mapping[str, int]
    epochs: tuple[EpochReport, ...]
    examples: ReportExamples

    def write(self, directory: Path) -> None:
        """Write one self-contained HTML file, with its plots beside it; the same report gives the same bytes."""
        path = directory / REPORT
        path.parent.mkdir()
        plots = _draw(self.evaluation) if self.evaluation else {}
        for name, png in plots.items():
            (path.parent / name).write_bytes(png)
        path.write_text(self._page(plots), encoding="utf-8")

    def _page(self, plots: Mapping[str, bytes]) -> str:
        environment = Environment(
            loader=FileSystemLoader(Path(__file__).parent),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        environment.filters |= {"fraction": fraction, "grouped": "{:,}".format}
        return environment.get_template(_TEMPLATE).render(
            report=self,
            kept=kept_epoch(self.epochs) if self.epochs else None,
            cutoff=CUTOFF,
            **(_measured(self.evaluation, plots) if self.evaluation else {"evaluation": None}),
        )


def verdicts(evaluation: Evaluation) -> tuple[str, ...]:
    """One sentence for each metric: whether the model beats every baseline, and how certain that is."""
    columns = {
        f"NDCG@{CUTOFF}": {name: metrics.ndcg_at_10 for name, metrics in evaluation.methods.items()},
        f"Recall@{CUTOFF}": {name: metrics.recall_at_10 for name, metrics in evaluation.methods.items()},
        f"HitRate@{CUTOFF}": {name: metrics.hit_rate_at_10 for name, metrics in evaluation.methods.items()},
    }
    return tuple(_verdict(metric, estimates) for metric, estimates in columns.items())


def fraction(value: float) -> str:
    """Three decimals without the leading zero: .306, 1.000."""
    text = f"{value:.3f}"
    return text.removeprefix("0") if text.startswith("0.") else text


def why_kept(epochs: Sequence[EpochReport]) -> str:
    """One sentence that says which epoch's towers are kept, and by which rule, as the plot of the training marks it."""
    kept = kept_epoch(epochs)
    if is_ranking_decisive(epochs):
        return f"The towers of epoch {kept.epoch} are kept, which has the highest held-out NDCG@{CUTOFF}."
    return (
        f"The towers of the last epoch, {kept.epoch}, are kept: {kept.validated:,} held-out interactions are too few "
        "to tell which epoch ranks best."
    )


def _draw(evaluation: Evaluation) -> dict[str, bytes]:
    from pipeline.report_plots import draw_plots  # noqa: PLC0415 - it loads Matplotlib, which no other stage needs

    return draw_plots(evaluation)


def _measured(evaluation: Evaluation, plots: Mapping[str, bytes]) -> dict[str, object]:
    """The template's variables that exist only where the model was evaluated."""
    return {
        "evaluation": evaluation,
        "methods": sorted(evaluation.methods.items(), key=lambda item: -item[1].ndcg_at_10.mean),
        "model_name": MODEL_NAME,
        "verdicts": verdicts(evaluation),
        "strongest": strongest_baselines(evaluation),
        "why_kept": why_kept(evaluation.epochs),
        "plots": {name: f"data:image/png;base64,{b64encode(png).decode()}" for name, png in plots.items()},
    }


def _verdict(metric: str, estimates: Mapping[str, Estimate]) -> str:
    model = estimates[MODEL_NAME]
    baselines = sorted(
        ((name, estimate) for name, estimate in estimates.items() if name != MODEL_NAME), key=lambda item: -item[1].mean
    )
    if unbeaten := [(name, estimate) for name, estimate in baselines if estimate.mean >= model.mean]:
        named = ", ".join(f"{name} ({fraction(estimate.mean)})" for name, estimate in unbeaten)
        return (
            f"{metric}: the model ({fraction(model.mean)}) does not beat {len(unbeaten)} of the {len(baselines)} "
            f"baselines: {named}."
        )
    overlapping = [name for name, estimate in baselines if estimate.high >= model.low]
    certainty = (
        f"but the model's interval overlaps that of {', '.join(overlapping)}"
        if overlapping
        else "and no baseline's interval reaches the model's"
    )
    best, estimate = baselines[0]
    return (
        f"{metric}: the model ({fraction(model.mean)}) beats every baseline; the best baseline is {best} "
        f"({fraction(estimate.mean)}), {certainty}."
    )
