"""Tables of evaluations, ablations and cold starts, 80 columns wide, with intervals on a second line."""

from collections.abc import Mapping, Sequence

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from pipeline.ablate import Ablation
from pipeline.cold_start import ColdStart
from pipeline.evaluate import MODEL_NAME, Evaluation, Metrics
from pipeline.ranking import CUTOFF, Estimate

WIDE_COLUMNS = 180
_ESTIMATES: Mapping[str, str] = {
    f"Recall@{CUTOFF}": "recall_at_10",
    f"NDCG@{CUTOFF}": "ndcg_at_10",
    f"HitRate@{CUTOFF}": "hit_rate_at_10",
    f"Recall@{CUTOFF}\nin category": "in_category_recall_at_10",
    f"NDCG@{CUTOFF}\nin category": "in_category_ndcg_at_10",
}
_SHARES: Mapping[str, str] = {f"coverage\n@{CUTOFF}": "coverage_at_10", "distinct\nfeeds": "distinct_feeds"}
_ONLY_WIDE = {f"HitRate@{CUTOFF}"}


def evaluation_table(evaluation: Evaluation, *, wide: bool = False) -> Table:
    """All methods, best last; ``wide`` gives one line per method and more metrics."""
    title = (
        f"Full catalogue, posts not yet touched, {evaluation.split}; {evaluation.test_users} test users "
        f"({evaluation.test_users_seen_before} seen before)"
    )
    table = _estimates_table(title, "method")
    headings = [name for name in _ESTIMATES if wide or name not in _ONLY_WIDE]
    shares = _SHARES if wide else {}
    for heading in (*headings, *shares):
        table.add_column(heading.replace("\n", " ") if wide else heading, justify="right", no_wrap=True)
    for name, metrics in sorted(evaluation.methods.items(), key=lambda item: item[1].ndcg_at_10.mean):
        cells = [estimate_cell(getattr(metrics, _ESTIMATES[heading]), wide=wide) for heading in headings]
        values = [Text(f"{_value(metrics, field):.3f}") for field in shares.values()]
        table.add_row(name, *cells, *values, style="bold" if name == MODEL_NAME else None)
    return table


def ablation_table(rows: Sequence[Ablation]) -> Table:
    """A variant a row."""
    table = _estimates_table("Full catalogue, posts not yet touched", "variant")
    for heading in _ESTIMATES:
        if heading not in _ONLY_WIDE:
            table.add_column(heading, justify="right", no_wrap=True)
    for heading in ("epochs", "s"):
        table.add_column(heading, justify="right")
    for row in rows:
        estimates = (row.recall_at_10, row.ndcg_at_10, row.in_category_recall_at_10, row.in_category_ndcg_at_10)
        table.add_row(row.name, *map(estimate_cell, estimates), str(row.epochs), f"{row.seconds:.0f}")
    return table


def cold_start_table(rows: Sequence[ColdStart]) -> Table:
    """A case and a method a row."""
    table = _estimates_table("Cold start, posts not yet touched", "case", "method")
    for heading in ("people", f"Recall@{CUTOFF}", f"NDCG@{CUTOFF}"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        style = "bold" if row.method == MODEL_NAME else None
        estimates = map(estimate_cell, (row.recall_at_10, row.ndcg_at_10))
        table.add_row(row.case, row.method, str(row.users), *estimates, style=style)
    return table


def _estimates_table(title: str, *headings: str) -> Table:
    """An empty table of rows that take two lines each."""
    caption = "Below each mean or in brackets: its 95 % bootstrap interval over people."
    table = Table(
        title=title,
        title_justify="left",
        caption=caption,
        caption_justify="left",
        box=SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
    )
    for heading in headings:
        table.add_column(heading)
    return table


def estimate_cell(estimate: Estimate, *, wide: bool = False) -> Text:
    """The mean, and its interval beside it or on a second line."""
    interval = f"{_short(estimate.low)}-{_short(estimate.high)}"
    if wide:
        return Text.assemble(f"{estimate.mean:.4f} ", (f"({interval})", "dim"))
    return Text.assemble(f"{estimate.mean:.4f}\n", (interval, "dim"))


def _short(value: float) -> str:
    """Four decimals without the leading zero."""
    return f"{value:.4f}".removeprefix("0")


def _value(metrics: Metrics, field: str) -> float:
    return float(getattr(metrics, field))
