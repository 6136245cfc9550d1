"""The tables and the verdicts of a live evaluation: 80 columns wide, or every metric with intervals."""

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from cli.evaluation_table import estimate_cell
from pipeline.evaluation import MODEL_NAME
from pipeline.live_evaluation.live_results import Asked, LiveEvaluation
from pipeline.live_evaluation.variants import Variant
from pipeline.ranking import CUTOFF

WIDE_COLUMNS = 165
_HEADINGS = {  # at most six characters a line: the table fits 80 columns
    Variant.FROZEN: "frozen",
    Variant.DAILY: "daily",
    Variant.DAILY_LIVE_HISTORY: "daily\n+live\nhist.",
    Variant.LIVE: "live",
}
_GROUP_HEADINGS = {
    "new": "new",
    "with a history": "with\nhist.",
    "first of a session": "first",
    "later in a session": "later",
}
_CAPTION = (
    "What is known: what was before the split; before midnight; the same with the person's own history up to the "
    "moment; everything up to the moment. HitRate (Hit) and the columns after it are those of the live variant."
)


def live_tables(evaluation: LiveEvaluation, *, wide: bool = False) -> tuple[Table, ...]:
    """One table for each kind of moment, best live method last; with ``wide`` one for each group of it too."""
    asked = {
        "At a session's start, the posts of the session": evaluation.session_start,
        "At each next post, that post": evaluation.next_post,
    }
    if wide:
        return tuple(_wide_table(title, each, group) for title, each in asked.items() for group in each.groups)
    tables = tuple(_table(title, each) for title, each in asked.items())
    tables[-1].caption = _CAPTION
    return tables


def coverage_line(evaluation: LiveEvaluation) -> str:
    """What was replayed."""
    months = evaluation.months
    left_out = sum(month.people_in_all - month.people for month in months)
    drawn = f"; {left_out} more were left out, to keep the replay short" if left_out else ""
    return (
        f"Replayed {len(months)} month{'s' * (len(months) > 1)} from {months[0].split} to {months[-1].end}: "
        f"{sum(month.people for month in months)} people "
        f"({sum(month.people_with_history for month in months)} with a history), "
        f"{sum(month.sessions for month in months)} sessions, "
        f"{sum(month.next_posts for month in months)} next posts{drawn}."
    )


def verdict_lines(evaluation: LiveEvaluation) -> tuple[Text, ...]:
    """Whether the live model is ahead of the best live baseline, level with it or behind it."""
    named = {"At a session's start": evaluation.session_start, "At the next post": evaluation.next_post}
    return tuple(_verdict_line(moment, asked) for moment, asked in named.items())


def _verdict_line(moment: str, asked: Asked) -> Text:
    verdict, difference = asked.verdict, asked.verdict.difference
    relation = {"ahead": "ahead of", "level": "level with", "behind": "behind"}[verdict.standing]
    style = {"ahead": "", "level": "bold", "behind": "bold red"}[verdict.standing]
    return Text(
        f"{moment} the live model is {relation} the best live baseline, {verdict.baseline}, in NDCG@{CUTOFF}: "
        f"{difference.mean:+.4f} ({difference.low:+.4f} to {difference.high:+.4f}).",
        style=style,
    )


def _table(title: str, asked: Asked) -> Table:
    everybody = asked.groups["all"]
    table = _empty(f"{title}: NDCG@{CUTOFF}. {everybody.people} people, {everybody.cases} cases")
    groups = [group for group in _GROUP_HEADINGS if group in asked.groups]
    for heading in (*_HEADINGS.values(), f"Hit\n@{CUTOFF}", *(_GROUP_HEADINGS[group] for group in groups)):
        table.add_column(heading, justify="right", no_wrap=True)
    for method in _worst_first(asked):
        variants = everybody.methods[method]
        live = variants[Variant.LIVE]
        means = [variants[variant].ndcg_at_10.mean for variant in _HEADINGS]
        means.append(live.hit_rate_at_10.mean)
        means += [asked.groups[group].methods[method][Variant.LIVE].ndcg_at_10.mean for group in groups]
        table.add_row(method, *(f"{mean:.3f}" for mean in means), style=_style(method))
    return table


def _wide_table(title: str, asked: Asked, group: str) -> Table:
    found = asked.groups[group]
    table = _empty(f"{title}: {group}, {found.people} people, {found.cases} cases", caption="Brackets: 95 % intervals.")
    columns = [(variant, f"NDCG@{CUTOFF} {variant}", "ndcg_at_10") for variant in Variant]
    columns += [(Variant.LIVE, f"HitRate@{CUTOFF} live", "hit_rate_at_10")]
    columns += [(Variant.LIVE, f"Recall@{CUTOFF} live", "recall_at_10")]
    for _, heading, _ in columns:
        table.add_column(heading, justify="right", no_wrap=True)
    for method in _worst_first(asked):
        cells = [
            estimate_cell(getattr(found.methods[method][variant], name), wide=True) for variant, _, name in columns
        ]
        table.add_row(method, *cells, style=_style(method))
    return table


def _empty(title: str, *, caption: str | None = None) -> Table:
    table = Table(
        title=title,
        title_justify="left",
        caption=caption,
        caption_justify="left",
        box=SIMPLE_HEAD,
        padding=0,
    )
    table.add_column("method", no_wrap=True)
    return table


def _worst_first(asked: Asked) -> list[str]:
    methods = asked.groups["all"].methods
    return sorted(methods, key=lambda method: methods[method][Variant.LIVE].ndcg_at_10.mean)


def _style(method: str) -> str | None:
    return "bold" if method == MODEL_NAME else None
