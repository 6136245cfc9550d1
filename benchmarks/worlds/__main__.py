"""Measure six new sample worlds beside the real platform, print the table and write it into docs/sample-world.md."""

import argparse
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from benchmarks.worlds.measures import measure
from benchmarks.worlds.records import read_records
from benchmarks.worlds.targets import TARGETS
from benchmarks.worlds.verdicts import Verdict, verdicts_of_acceptance, verdicts_of_rows
from sample_api.world import generate_world

SEEDS = (1, 2, 3, 4, 5, 6)
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
        "--seeds", type=int, nargs="+", default=SEEDS, help="worlds; others than 1 to 6 are not written"
    )
    arguments = parser.parse_args()
    with ProcessPoolExecutor(min(2, os.cpu_count() or 1)) as pool:
        worlds = list(pool.map(measure_seed, arguments.seeds))
    text = tables_of(worlds, arguments.seeds)
    print(text)
    if tuple(arguments.seeds) == SEEDS:
        write_page(text)
        print(f"\nWritten into {PAGE}")


if __name__ == "__main__":
    main()
