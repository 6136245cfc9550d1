"""What was found while tables were made: rows with a fault, how many are left out, and the report that says so."""

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.whole_files import write_whole_text
from pipeline.workspace import REPORT_FILE

MOST_EXAMPLES = 3
_LARGEST_LOSS = 0.5  # share of a table that one reason may leave out
_SMALLEST_LOSS = 5  # rows; fewer do not suggest a fault of the whole table
_SMALLEST_WHOLE = 2  # rows; this many do if they are the whole table and malformed


@dataclass(frozen=True, slots=True)
class Finding:
    """Rows of one table with one fault; ``reason`` names the fault and what was done with the rows."""

    table: str
    reason: str
    count: int
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CleanReport:
    """The number of rows that each table kept, and every finding."""

    kept: Mapping[str, int]
    findings: tuple[Finding, ...]

    def rows(self) -> list[tuple[str, ...]]:
        """The report as a table to print, headings first."""
        return [
            ("table", "what", "rows", "for example"),
            *((name, "kept", str(count), "") for name, count in self.kept.items()),
            *((item.table, item.reason, str(item.count), ", ".join(item.examples)) for item in self.findings),
        ]


@dataclass(slots=True)
class Findings:
    """Mutable counts of findings while tables are read, and of the rows that each reason leaves out."""

    counts: dict[tuple[str, str], int] = field(default_factory=lambda: defaultdict(int))
    examples: dict[tuple[str, str], list[str]] = field(default_factory=lambda: defaultdict(list))
    losses: set[tuple[str, str]] = field(default_factory=set)

    def add(self, table: str, reason: str, example: str, *, count: int = 1) -> None:
        """Count rows that are kept."""
        key = (table, reason)
        self.counts[key] += count
        if len(self.examples[key]) < MOST_EXAMPLES and example:
            self.examples[key].append(example)

    def drop(self, table: str, reason: str, example: str, *, count: int = 1) -> None:
        """Count rows that are left out."""
        self.add(table, f"{reason}: dropped", example, count=count)
        self.losses.add((table, f"{reason}: dropped"))

    def all(self) -> tuple[Finding, ...]:
        """All of them, in the order in which they were met."""
        return tuple(self._finding(key) for key in self.counts)

    def largest_loss(self, totals: Mapping[str, int]) -> Finding | None:
        """The reason that leaves out the largest share of its table, if one leaves out more than half of it.

        That is five rows or more, or a whole table of two or more that cannot be read: the only event of a small table
        may well be an orphan. Events whose posts or users are unknown come last, because the cause may be in the other
        table.
        """
        shares = {key: count / totals[key[0]] for key, count in self.counts.items() if key in self.losses}
        large = [
            key
            for key, share in shares.items()
            if share > _LARGEST_LOSS
            and self.counts[key] >= (_SMALLEST_WHOLE if share == 1 and _is_malformed(key[1]) else _SMALLEST_LOSS)
        ]
        worst = max(large, key=lambda key: (not key[1].startswith("unknown"), shares[key]), default=None)
        return self._finding(worst) if worst else None

    def _finding(self, key: tuple[str, str]) -> Finding:
        return Finding(*key, self.counts[key], tuple(self.examples[key]))


def _is_malformed(reason: str) -> bool:
    return reason.startswith(("malformed", "unusable"))


def write_report(report: CleanReport, output: Path, *, facts: Mapping[str, object] | None = None) -> None:
    """Replace report.json in one step; ``facts`` go before the counts."""
    document = {
        **(facts or {}),
        "kept": dict(report.kept),
        "findings": [
            {"table": item.table, "reason": item.reason, "count": item.count, "examples": list(item.examples)}
            for item in report.findings
        ],
    }
    write_whole_text(output / REPORT_FILE, json.dumps(document, indent=2, ensure_ascii=False) + "\n")
