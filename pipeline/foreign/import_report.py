"""The rows that an import drops or changes, counted by table and reason, with examples."""

from dataclasses import dataclass, field

from pipeline.clean_findings import Finding

UNKNOWN_POST = "unknown post"
MALFORMED_LINE = "malformed line"
NOT_UTF_8 = "not UTF-8 (name the encoding with --encoding)"
LARGEST_LOSS = 0.5  # share of a table that one reason may drop
MOST_EXAMPLES = 3
_LONGEST_EXAMPLE = 60


@dataclass(slots=True)
class ImportFindings:
    """The findings, those that drop rows (``losses``), and the number of rows of each table."""

    findings: list[Finding] = field(default_factory=list)
    losses: list[Finding] = field(default_factory=list)
    totals: dict[str, int] = field(default_factory=dict)

    def add(self, table: str, reason: str, count: int, examples: list[str]) -> None:
        """Count rows that are kept."""
        if count:
            self.findings.append(Finding(table, reason, count, tuple(map(_shortened, examples[:MOST_EXAMPLES]))))

    def drop(self, table: str, reason: str, count: int, examples: list[str]) -> None:
        """Count rows that are dropped."""
        if count:
            self.add(table, f"{reason}: dropped", count, examples)
            self.losses.append(self.findings[-1])

    def largest_loss(self) -> Finding | None:
        """The reason that drops the largest share of its table, if the share is above LARGEST_LOSS.

        Lines in another encoding count however few they are, because one option reads all of them. Interactions with
        unknown posts come last, because the cause may be in the posts.
        """
        large = [
            loss
            for loss in self.losses
            if loss.reason.startswith(NOT_UTF_8) or loss.count > LARGEST_LOSS * self.totals[loss.table]
        ]
        return max(
            large,
            key=lambda loss: (not loss.reason.startswith(UNKNOWN_POST), loss.count / self.totals[loss.table]),
            default=None,
        )


def _shortened(example: str) -> str:
    return example if len(example) <= _LONGEST_EXAMPLE else example[:_LONGEST_EXAMPLE] + "…"
