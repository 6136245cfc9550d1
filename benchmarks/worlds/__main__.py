"""Measure new sample worlds beside the real platform, print the tables and write them into docs/sample-world.md."""

import argparse
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import chain
from pathlib import Path

from benchmarks.worlds.any_six import SIX, any_six
from benchmarks.worlds.measures import measure
from benchmarks.worlds.records import read_records
from benchmarks.worlds.targets import ACCEPTANCE, TARGETS
from benchmarks.worlds.verdicts import Verdict, verdicts_of_acceptance, verdicts_of_rows
from sample_api.world import generate_world

TUNED_ON = "1 to 20 and 201 to 220"  # the parameters of the world were chosen on these seeds
FRESH = tuple(range(301, 331))  # nobody looked at these before the parameters were fixed
BLOCK = SIX
_SURE = 0.99  # any six hold a figure at least so often, or the table lists it
SEEDS = FRESH[:BLOCK]  # in full, and those of the tests
PAGE = Path(__file__).parents[2] / "docs" / "sample-world.md"
_BEGIN, _END = "<!-- begin: written by make measure-worlds -->", "<!-- end -->"
_HEAD = "| # | figure | real | mean | worlds | worst | holds |\n|---|---|---|---|---|---|---|"


def measure_seed(seed: int, scale: float = 1.0) -> dict[str, float]:
    """All figures of the world of a seed."""
    tables = generate_world(seed, scale=scale).tables
    events = (tables.views, tables.likes, tables.inspires, tables.ratings)
    return measure(read_records(events=events, posts=tables.posts, users=tables.users))


def tables_of(worlds: Sequence[dict[str, float]], seeds: Sequence[int]) -> str:
    """Two Markdown tables: the ten rows, and the rule of acceptance."""
    rows = verdicts_of_rows(worlds)
    claims = {row.number: row.claim for row in TARGETS}
    lines = [f"Seeds {', '.join(map(str, seeds))}.", "", _HEAD]
    for number, verdicts in rows.items():
        lines.append(f"| **{number}** | **{claims[number]}** | | | | | {_word(verdicts)} |")
        lines += [_line(verdict) for verdict in verdicts]
    accepted = verdicts_of_acceptance(worlds)
    lines += ["", f"The rule of acceptance: {_word(accepted)}.", "", _HEAD]
    lines += [_line(verdict) for verdict in accepted]
    return "\n".join(lines)


def summary_of(worlds: Sequence[dict[str, float]]) -> str:
    """A Markdown table of the figures that some six worlds miss, and how often any six hold each row."""
    blocks = [worlds[first : first + BLOCK] for first in range(0, len(worlds) - BLOCK + 1, BLOCK)]
    of_blocks = [[*chain(*verdicts_of_rows(block).values()), *verdicts_of_acceptance(block)] for block in blocks]
    overall = [*chain(*verdicts_of_rows(worlds).values()), *verdicts_of_acceptance(worlds)]
    rows = [f"row {row.number}" for row in TARGETS for _ in row.figures] + ["acceptance"] * len(ACCEPTANCE)
    places = {(row, verdict.target): number for number, (row, verdict) in enumerate(zip(rows, overall, strict=True))}
    estimate = any_six(worlds)
    head = (
        f"| | figure | real | mean of {len(worlds)} | off | spread | blocks whose mean holds | worlds beyond twice "
        "| mean holds | holds |"
    )
    lines = [head, "|---|---|---|---|---|---|---|---|---|---|"]
    for each in estimate.targets:
        number = places[each.row, each.target]
        means = sum(block[number].mean_holds for block in of_blocks)
        if means < len(blocks) or overall[number].far or each.holds < _SURE:
            lines.append(
                f"| {each.row} | {each.target.name} | {each.target.real:.3g} ± {each.target.tolerance:.2g} "
                f"| {overall[number].mean:.3g} | {each.off:+.2f} | {each.spread:.2f} | {means} of {len(blocks)} "
                f"| {overall[number].far} of {len(worlds)} | {_percent(each.means)} | {_percent(each.holds)} |"
            )
    whole = sum(all(verdict.mean_holds for verdict in block) for block in of_blocks)
    rows_hold = [f"| {' | '.join(estimate.of_rows)} |", f"|{'---|' * len(estimate.of_rows)}"]
    rows_hold.append(f"| {' | '.join(map(_percent, estimate.of_rows.values()))} |")
    told = (
        f"All means hold in {whole} of {len(blocks)} blocks. Of six worlds drawn from the {len(worlds)}, all means "
        f"hold in {_percent(estimate.all_means)} of the draws, and everything in {_percent(estimate.everything)}.\n"
        "Each row holds, means and single worlds, in these shares of the draws:"
    )
    note = (
        "Figures that miss somewhere, the one that holds least often first. *Off* and *spread* are the mean and the "
        "standard\ndeviation of the distance from the target, in tolerances. The last two columns are shares of draws."
    )
    return "\n".join([told, "", *rows_hold, "", note, "", *lines])


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _word(verdicts: Sequence[Verdict]) -> str:
    return "yes" if all(verdict.holds for verdict in verdicts) else "**no**"


def _line(verdict: Verdict) -> str:
    target = verdict.target
    values = " ".join(f"{value:.3g}" for value in verdict.values)
    holds = "yes" if verdict.holds else "**no**"
    real = f"{target.real:.3g} ± {target.tolerance:.2g}"
    return f"| | {target.name} | {real} | {verdict.mean:.3g} | {values} | {verdict.worst:.3g} | {holds} |"


def write_page(text: str, page: Path = PAGE) -> None:
    """Replace the measured part of the page. Raises ValueError if the page has no such part."""
    before, _, rest = page.read_text(encoding="utf-8").partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not end:
        raise ValueError(f"{page} has no part between {_BEGIN!r} and {_END!r}: restore both lines")
    page.write_text(f"{before}{_BEGIN}\n{text}\n{_END}{after}", encoding="utf-8")


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description="Measure sample worlds beside the real platform's figures.")
    parser.add_argument(
        "--seeds", type=int, nargs="+", default=FRESH, help="worlds; only the default ones are written into the page"
    )
    arguments = parser.parse_args()
    with ProcessPoolExecutor(min(2, os.cpu_count() or 1)) as pool:
        worlds = list(pool.map(measure_seed, arguments.seeds))
    text = tables_of(worlds[:BLOCK], arguments.seeds[:BLOCK])
    if len(worlds) > BLOCK:
        text = f"{text}\n\n{summary_of(worlds)}"
    print(text)
    if tuple(arguments.seeds) == FRESH:
        write_page(text)
        print(f"\nWritten into {PAGE}")


if __name__ == "__main__":
    main()
