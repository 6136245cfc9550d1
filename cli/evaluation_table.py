"""Tables of evaluations, ablations and cold starts, 80 columns wide, with intervals on a second line."""

from collections.abc import Callable, Mapping, Sequence

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from pipeline.ablate import Ablation
from pipeline.cold_start import ColdStart
from pipeline.evaluation import EVERYBODY, MODEL_NAME, NEW, OURS, WITH_A_HISTORY, Evaluation, signed
from pipeline.paired_bootstrap import Difference
from pipeline.ranking import CUTOFF, Estimate

WIDE_COLUMNS = 240
_CATEGORY_NDCG = f"NDCG@{CUTOFF}\nin category"
_GROUP_HEADINGS: Mapping[str, str] = {EVERYBODY: "all", NEW: "new", WITH_A_HISTORY: "history"}
_ESTIMATES: Mapping[str, str] = {
    f"Recall@{CUTOFF}": "recall_at_10",
    f"NDCG@{CUTOFF}": "ndcg_at_10",
    f"HitRate@{CUTOFF}": "hit_rate_at_10",
    f"Recall@{CUTOFF}\nin category": "in_category_recall_at_10",
    _CATEGORY_NDCG: "in_category_ndcg_at_10",
}
_SHARES: Mapping[str, str] = {f"coverage\n@{CUTOFF}": "coverage_at_10", "distinct\nfeeds": "distinct_feeds"}
_ONLY_WIDE = {f"HitRate@{CUTOFF}"}


def evaluation_table(evaluation: Evaluation, *, wide: bool = False) -> Table:
    """All methods, best last; ``wide`` gives one line per method and more metrics.

    Where there are new people beside those with a history, the columns are NDCG@10 of each group.
    """
    title = (
        f"Posts that existed and were not yet met, {evaluation.split}; {evaluation.test_users} cases "
        f"({evaluation.test_users_seen_before} with a history)"
    )
    table = _estimates_table(title, "method")
    columns = _columns(evaluation, wide=wide)
    digits = 4 if wide or len(evaluation.people) == 1 else 3  # three fit beside the groups
    for heading in columns:
        table.add_column(heading.replace("\n", " ") if wide else heading, justify="right", no_wrap=True)
    for name, _ in sorted(evaluation.methods.items(), key=lambda item: item[1].ndcg_at_10.mean):
        cells = [_cell(value(name), wide=wide, digits=digits) for value in columns.values()]
        table.add_row(name, *cells, style="bold" if name == MODEL_NAME else None)
    return table


def months_table(evaluation: Evaluation) -> Table:
    """A month a row, newest first: the model beside the best baseline of all months and the best of the month."""
    table = Table(
        title=f"NDCG@{CUTOFF} by month",
        title_justify="left",
        box=SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
    )
    overall = evaluation.people[0].best_baseline
    table.add_column("35 days\nfrom")
    for heading in ("cases", "known", "two-tower", overall):
        table.add_column(heading, justify="right")
    table.add_column("best of the month")
    for month in evaluation.months:
        means = month.ndcg_at_10[EVERYBODY]
        best = max((name for name in means if name not in OURS), key=lambda name, means=means: means[name])  # type: ignore[misc]
        figures = (f"{means[MODEL_NAME]:.3f}", f"{means[overall]:.3f}")
        table.add_row(
            month.label, str(month.cases), str(month.cases_with_history), *figures, f"{means[best]:.3f} {best}"
        )
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


def estimate_cell(estimate: Estimate, *, wide: bool = False, digits: int = 4) -> Text:
    """The mean, and its interval beside it or on a second line."""
    low, high = (f"{value:.{digits}f}".removeprefix("0") for value in (estimate.low, estimate.high))
    mean = f"{estimate.mean:.{digits}f}"
    return _two_parts(mean, f"{low}-{high}", wide=wide)


def difference_cell(difference: Difference, *, wide: bool = False, digits: int = 4) -> Text:
    """The difference, and its interval beside it or on a second line."""
    mean, low, high = (signed(value, digits=digits) for value in (difference.mean, difference.low, difference.high))
    return _two_parts(mean, f"{low} {high}", wide=wide)


def _two_parts(mean: str, interval: str, *, wide: bool) -> Text:
    return (
        Text.assemble(f"{mean} ", (f"({interval})", "dim")) if wide else Text.assemble(f"{mean}\n", (interval, "dim"))
    )


def _columns(evaluation: Evaluation, *, wide: bool) -> dict[str, Callable[[str], Estimate | Difference | float | str]]:
    """What stands in the row of a method under each heading."""

    def metric(field: str) -> Callable[[str], Estimate | float]:
        return lambda name: getattr(evaluation.methods[name], field)

    if len(evaluation.people) == 1 and not wide:
        return {heading: metric(field) for heading, field in _ESTIMATES.items() if heading not in _ONLY_WIDE}
    groups = evaluation.people if len(evaluation.people) > 1 else ()
    ndcg = f"NDCG@{CUTOFF}"
    columns: dict[str, Callable[[str], Estimate | Difference | float | str]] = {
        f"{ndcg}\n{_GROUP_HEADINGS[group.label]}": lambda name, group=group: group.ndcg_at_10[name]  # type: ignore[misc]
        for group in groups
    }
    everybody = evaluation.people[0]
    columns["to best\nbaseline"] = lambda name: (
        everybody.to_best_baseline[name] if name != everybody.best_baseline else "best"
    )
    if not wide:
        return columns | {_CATEGORY_NDCG: metric(_ESTIMATES[_CATEGORY_NDCG])}
    left = {heading: field for heading, field in {**_ESTIMATES, **_SHARES}.items() if not groups or heading != ndcg}
    return columns | {heading: metric(field) for heading, field in left.items()}


def _cell(value: Estimate | Difference | float | str, *, wide: bool, digits: int) -> Text:
    if isinstance(value, Difference):
        return difference_cell(value, wide=wide, digits=digits)
    if isinstance(value, Estimate):
        return estimate_cell(value, wide=wide, digits=digits)
    return Text(value if isinstance(value, str) else f"{value:.3f}")
