"""The report of a bundle, for a person to open: how good the model is, and the feeds of a few example users."""

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from bundle.file_names import REPORT
from pipeline.evaluation import (
    EVERYBODY,
    MODEL_NAME,
    Evaluation,
    blend_line,
    fraction,
    signed,
    strongest_baselines,
    verdict_line,
)
from pipeline.live_evaluation.live_results import LiveEvaluation
from pipeline.mood_quality import MoodQuality
from pipeline.ranking import CUTOFF
from pipeline.report_examples import ReportExamples
from pipeline.trained_towers import EpochReport
from pipeline.validation_report import ValidationReport
from pipeline.whole_files import whole_file
from pipeline.why_kept import why_kept

_TEMPLATE = "report_template.html"


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What the report shows: ``counts`` as in the manifest, ``epochs`` of the training of the exported towers.

    Without an ``evaluation`` the page has no metrics and no plots but those of ``live``. Without ``moods`` no emotion
    word is named by enough posts. ``created_at`` is the time of the bundle, empty if it is unknown.
    """

    evaluation: Evaluation | None
    counts: Mapping[str, int]
    epochs: tuple[EpochReport, ...]
    examples: ReportExamples
    moods: MoodQuality | None = None
    live: LiveEvaluation | None = None
    validation: ValidationReport | None = None
    created_at: str = ""

    def write(self, directory: Path) -> None:
        """Write one self-contained HTML file into a bundle's directory, whose name is its id, with its plots beside it.

        The same report gives the same bytes. Files of an earlier report are replaced one by one, the page last.
        """
        page = directory / REPORT
        page.parent.mkdir(exist_ok=True)
        plots = _draw(self.evaluation, self.live)
        for name, png in plots.items():
            with whole_file(page.parent / name) as temporary:
                temporary.write_bytes(png)
        with whole_file(page) as temporary:
            temporary.write_text(self._page(plots, bundle_id=directory.name), encoding="utf-8")

    def _page(self, plots: Mapping[str, bytes], *, bundle_id: str) -> str:
        environment = Environment(
            loader=FileSystemLoader(Path(__file__).parent),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        environment.filters |= {"fraction": fraction, "signed": signed, "grouped": "{:,}".format}
        return environment.get_template(_TEMPLATE).render(
            report=self,
            bundle_id=bundle_id,
            evaluation=self.evaluation,
            why_kept=why_kept,
            blend_line=blend_line,
            cutoff=CUTOFF,
            model_name=MODEL_NAME,
            plots={name: f"data:image/png;base64,{b64encode(png).decode()}" for name, png in plots.items()},
            **(_measured(self.evaluation) if self.evaluation else {}),
        )


def _draw(evaluation: Evaluation | None, live: LiveEvaluation | None) -> dict[str, bytes]:
    if evaluation is None and live is None:
        return {}
    from pipeline.report_plots import draw_plots  # noqa: PLC0415 - it loads Matplotlib, which no other stage needs

    return draw_plots(evaluation, live)


def _measured(evaluation: Evaluation) -> dict[str, object]:
    """The template's variables that exist only where the model was evaluated."""
    return {
        "methods": sorted(evaluation.methods.items(), key=lambda item: -item[1].ndcg_at_10.mean),
        "verdicts": [verdict_line(group) for group in evaluation.people],
        "best": evaluation.group(EVERYBODY),
        "strongest": strongest_baselines(evaluation),
    }
