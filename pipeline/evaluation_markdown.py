"""An evaluation as Markdown: the tables of docs/quality.md."""

from collections.abc import Sequence

from pipeline.evaluation import (
    EVERYBODY,
    MODEL_NAME,
    OURS,
    Evaluation,
    Group,
    blend_line,
    fraction,
    signed,
    strongest_baselines,
    verdict_line,
)
from pipeline.paired_bootstrap import Difference
from pipeline.ranking import CUTOFF, Estimate


def markdown(evaluation: Evaluation) -> str:
    """Verdicts, methods, months, history lengths, post ages and post meetings."""
    shown = (MODEL_NAME, *strongest_baselines(evaluation))
    measured = (
        f"{evaluation.split}: {evaluation.test_users:,} cases (one person in one month), "
        f"{evaluation.test_users_seen_before:,} of them with a history. Settings: {evaluation.settings}. "
        f"{blend_line(evaluation)}"
    ).rstrip()
    parts = [
        f"{measured[0].upper()}{measured[1:]}",
        "\n".join(f"- {verdict_line(group)}" for group in evaluation.people),
        _methods(evaluation),
    ]
    if len(evaluation.months) > 1:
        parts.append(_months(evaluation, shown))
    for heading, groups in (
        ("posts in the history", evaluation.ndcg_by_history_length),
        ("age of the target in days", evaluation.recall_by_post_age),
        ("people who had met the target", evaluation.recall_by_post_meetings),
    ):
        if groups:
            parts.append(_groups(heading, groups, shown))
    return "\n\n".join(parts) + "\n"


def _methods(evaluation: Evaluation) -> str:
    everybody = evaluation.people[0]
    groups = evaluation.people if len(evaluation.people) > 1 else (everybody,)
    ndcg = f"NDCG@{CUTOFF}"
    headings = [
        "method",
        *(f"{ndcg}, {group.label}" for group in groups),
        f"to {everybody.best_baseline}",
        f"Recall@{CUTOFF}",
        f"HitRate@{CUTOFF}",
        "in category Recall / NDCG",
        f"coverage@{CUTOFF}",
        "distinct feeds per history",
    ]
    rows = []
    for name, metrics in sorted(evaluation.methods.items(), key=lambda item: item[1].ndcg_at_10.mean):
        in_category = (metrics.in_category_recall_at_10, metrics.in_category_ndcg_at_10)
        rows.append(
            [
                name,
                *(_with_interval(group.ndcg_at_10[name]) for group in groups),
                "best" if name == everybody.best_baseline else _difference(everybody.to_best_baseline[name]),
                fraction(metrics.recall_at_10.mean),
                fraction(metrics.hit_rate_at_10.mean),
                " / ".join(fraction(found.mean) for found in in_category),
                fraction(metrics.coverage_at_10),
                fraction(metrics.distinct_feeds),
            ]
        )
    return _table(headings, rows)


def _months(evaluation: Evaluation, shown: Sequence[str]) -> str:
    headings = ["35 days from", "cases", "with a history", "targets made later", *shown, "best baseline of the month"]
    rows = []
    for month in evaluation.months:
        means = month.ndcg_at_10[EVERYBODY]
        baselines = {name: mean for name, mean in means.items() if name not in OURS}
        best = max(baselines, key=lambda name, baselines=baselines: baselines[name])  # type: ignore[misc]
        rows.append(
            [
                month.label,
                f"{month.cases:,}",
                f"{month.cases_with_history:,}",
                f"{month.targets_made_later / month.targets:.0%}",
                *(fraction(means[name]) for name in shown),
                f"{best} ({fraction(means[best])})",
            ]
        )
    return _table(headings, rows)


def _groups(heading: str, groups: Sequence[Group], shown: Sequence[str]) -> str:
    rows = [[group.label, f"{group.count:,}", *(fraction(group.means[name]) for name in shown)] for group in groups]
    return _table([heading, "count", *shown], rows)


def _with_interval(estimate: Estimate) -> str:
    return f"{fraction(estimate.mean)} ({fraction(estimate.low)}–{fraction(estimate.high)})"


def _difference(difference: Difference) -> str:
    return f"{signed(difference.mean)} ({signed(difference.low)} to {signed(difference.high)})"


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [headings, ["---"] * len(headings), *(_bold(row) if row[0] == MODEL_NAME else row for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _bold(row: Sequence[str]) -> list[str]:
    return [f"**{cell}**" for cell in row]
