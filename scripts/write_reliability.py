"""Render the outcomes of the fault tests into the table of docs/reliability.md.

    python scripts/write_reliability.py data/fault-outcomes.jsonl

``make test-faults`` runs the tests, which write the outcomes, and then this script. The row of a fault without new
outcomes stays unchanged.
"""

import argparse
import json
import re
from pathlib import Path

from pipeline.whole_files import write_whole_text

DOCUMENT = Path(__file__).parents[1] / "docs" / "reliability.md"
BEGIN, END = "<!-- outcomes -->\n", "<!-- end of outcomes -->\n"
HEADING = (
    "| fault | how it is injected | requests | answered | degraded | failed | wrong |\n|---|---|---|---|---|---|---|\n"
)


def read_outcomes(path: Path) -> dict[str, str]:
    """One row of the table for each fault, from its last outcome."""
    rows = {}
    for text in path.read_text(encoding="utf-8").splitlines():
        line = json.loads(text)
        cells = [line["fault"], line["injected"]]
        cells += [f"{line[name]:,}" for name in ("requests", "answered", "degraded", "failed", "wrong")]
        rows[line["fault"]] = "| " + " | ".join(cells) + " |\n"
    return rows


def write_rows(new: dict[str, str], document: Path) -> None:
    """Replace or add rows between the two markers, in one step."""
    text = document.read_text(encoding="utf-8")
    start, end = text.index(BEGIN) + len(BEGIN), text.index(END)
    old = {
        row.split(" | ")[0].removeprefix("| "): row
        for row in re.findall(r"^\| .* \|\n", text[start:end], re.MULTILINE)[1:]  # without the heading
    }
    rows = old | new
    write_whole_text(document, text[:start] + HEADING + "".join(rows.values()) + text[end:])


def main() -> None:
    """Read the outcomes, render them and print the number of rows."""
    parser = argparse.ArgumentParser(description="Write the outcomes of the fault tests into docs/reliability.md.")
    parser.add_argument("outcomes", type=Path, help="JSON lines, as tests/faults/outcomes.py writes them")
    arguments = parser.parse_args()
    rows = read_outcomes(arguments.outcomes)
    write_rows(rows, DOCUMENT)
    print(f"{len(rows)} rows of {DOCUMENT.name} updated")


if __name__ == "__main__":
    main()
