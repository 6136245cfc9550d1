"""Write the figures into docs/live.md: `python -m benchmarks.live.page [RESULTS]`.

RESULTS is the directory that `python -m benchmarks.live` wrote, data/bench-live by default. A figure without a result
is named as not measured. Quick results are refused.
"""

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path

from benchmarks.live.figures import FIGURES
from benchmarks.live.results import Figure, Line, Table, read_figures
from pipeline.whole_files import write_whole_text

PAGE = Path(__file__).parents[2] / "docs" / "live.md"
PLOT = "live.png"
BEGIN, END = "<!-- figures: written by make bench-live -->", "<!-- end of figures -->"


class NoFiguresError(Exception):
    """The results or the page cannot be used: says which and why."""


def as_markdown(figures: Mapping[str, Figure]) -> str:
    """What was measured, what falls short first; raises NoFiguresError for quick results."""
    quick = [name for name, figure in figures.items() if figure.is_quick]
    if quick:
        raise NoFiguresError(f"the result of {quick[0]} is of --quick, whose numbers say nothing: measure it whole")
    parts = [_short(figures)]
    if any(figure.found and figure.found.curves for figure in figures.values()):
        what = "How soon writes are reflected and posts visible, feeds and searches beside writes, and the replay"
        parts.append(f"![{what}]({PLOT})\n")
    for name, entry in FIGURES.items():
        figure = figures.get(name)
        parts.append(f"### {entry.title}\n")
        parts.append(
            _figure(figure) if figure else f"Not measured: `.venv/bin/python -m benchmarks.live --only {name}`.\n"
        )
    return "\n".join(parts)


def _short(figures: Mapping[str, Figure]) -> str:
    lines = [
        f"- {FIGURES[name].title}: {line.what} is {_number(line)}, bar {_bar(line)}"
        for name in FIGURES
        if name in figures and (found := figures[name].found)
        for line in found.lines
        if line.is_met is False
    ]
    lines += [
        f"- {FIGURES[name].title}: {figures[name].left_out or 'not measured'}"
        if name in figures
        else f"- {FIGURES[name].title}: not measured"
        for name in FIGURES
        if name not in figures or figures[name].left_out
    ]
    return "**What falls short.**\n\n" + "\n".join(lines) + "\n" if lines else "Every bar is met.\n"


def _figure(figure: Figure) -> str:
    head = (
        f"*{figure.measured_at} UTC, commit {figure.commit}, {figure.seconds:.0f} s, load average "
        f"{figure.load_average:g} before; {figure.machine}.*\n"
    )
    if figure.found is None:
        return f"{head}\nLeft out: {figure.left_out}\n"
    lines = ["| | measured | bar | | |", "|---|---|---|---|---|"]
    for line in figure.found.lines:
        verdict = {None: "", True: "met", False: "**missed**"}[line.is_met]
        lines.append(f"| {line.what} | {_number(line)} | {_bar(line)} | {verdict} | {line.note} |")
    tables = [_table(table) for table in figure.found.tables]
    return "\n".join([head, figure.found.how, "", *lines, "", *tables])


def _table(table: Table) -> str:
    rows = [table.head, ("---",) * len(table.head), *table.rows]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows) + "\n"


def _number(line: Line) -> str:
    value = f"{line.value:,.0f}" if abs(line.value) >= 1000 or line.value == int(line.value) else f"{line.value:.3g}"
    return f"{value} {line.unit}".strip()


def _bar(line: Line) -> str:
    bar = "" if line.at_most is None else f"≤ {line.at_most:,g}"
    bar = bar if line.at_least is None else f"≥ {line.at_least:,g}"
    goal = f" (goal {line.goal:g})" if line.goal is not None else ""
    return f"{bar} {line.unit}{goal}".strip() if bar else ""


def write_page(text: str, page: Path = PAGE) -> None:
    """Replace the measured part of the page. Raises NoFiguresError if the page has no such part."""
    before, _, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not end:
        raise NoFiguresError(f"{page} has no part between {BEGIN!r} and {END!r}: restore both lines")
    write_whole_text(page, f"{before}{BEGIN}\n{text.strip()}\n{END}{after}")


def main() -> int:
    """Write the page and its plot; the exit code is 1 if there is nothing to write."""
    parser = argparse.ArgumentParser(description="Write the figures into docs/live.md.")
    parser.add_argument("results", type=Path, nargs="?", default=Path("data/bench-live"))
    results = parser.parse_args().results
    figures = read_figures(results)
    if not figures:
        sys.stderr.write(f"{results} holds no results: run `python -m benchmarks.live`\n")
        return 1
    try:
        write_page(as_markdown(figures))
    except NoFiguresError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    from benchmarks.live.plots import write_plot  # matplotlib takes a second

    write_plot(figures, PAGE.with_name(PLOT))
    return 0


if __name__ == "__main__":
    sys.exit(main())
