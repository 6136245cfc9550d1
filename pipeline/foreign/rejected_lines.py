"""The lines of a text file that the database could not read as rows."""

from dataclasses import dataclass, replace
from pathlib import Path

from duckdb import DuckDBPyConnection

from pipeline.foreign.import_report import MALFORMED_LINE, MOST_EXAMPLES, NOT_UTF_8, ImportFindings
from pipeline.foreign.table_files import TableFile
from pipeline.foreign.text_files import lines_beyond_utf8
from pipeline.spilling_database import one_row, text_literal


@dataclass(frozen=True, slots=True)
class RejectedLines:
    """Counts of lines by reason, with examples; ``has_open_quote`` if a quote may have swallowed other lines."""

    malformed: int = 0
    not_utf8: int = 0
    examples: tuple[str, ...] = ()
    examples_not_utf8: tuple[str, ...] = ()
    has_open_quote: bool = False

    @property
    def count(self) -> int:
        """All lines."""
        return self.malformed + self.not_utf8

    def with_malformed(self, count: int, examples: tuple[str, ...]) -> "RejectedLines":
        """These and other malformed lines."""
        return replace(self, malformed=self.malformed + count, examples=(*examples, *self.examples))

    def drop(self, findings: ImportFindings, table: str) -> None:
        """Count the lines as dropped."""
        findings.drop(table, MALFORMED_LINE, self.malformed, list(self.examples))
        findings.drop(table, NOT_UTF_8, self.not_utf8, list(self.examples_not_utf8))


def rejected_lines(connection: DuckDBPyConnection, scanned: Path) -> RejectedLines:
    """The lines of a file that were rejected while it was scanned; none for a file that is no delimited text."""
    if not one_row(connection, "SELECT count(*) FROM duckdb_tables() WHERE table_name = 'reject_errors'")[0]:
        return RejectedLines()
    example = "'line ' || line || ' (' || csv_line || ')'"
    malformed, not_utf8, examples, examples_not_utf8, has_open_quote = one_row(
        connection,
        f"""
        SELECT count(*) FILTER (is_utf8), count(*) FILTER (NOT is_utf8),
            min_by({example}, line, {MOST_EXAMPLES}) FILTER (is_utf8),
            min_by({example}, line, {MOST_EXAMPLES}) FILTER (NOT is_utf8), coalesce(bool_or(has_open_quote), false)
        FROM (
            SELECT line, coalesce(any_value(csv_line), '') AS csv_line,
                NOT bool_or(error_type = 'INVALID ENCODING') AS is_utf8,
                bool_or(error_type = 'UNQUOTED VALUE' OR contains(csv_line, chr(10))) AS has_open_quote
            FROM reject_errors JOIN reject_scans USING (scan_id, file_id)
            WHERE file_path = {text_literal(scanned)} GROUP BY line
        )
        """,
    )
    return RejectedLines(malformed, not_utf8, tuple(examples or ()), tuple(examples_not_utf8 or ()), has_open_quote)


def malformed_rows(table: TableFile, rows: list[int]) -> RejectedLines:
    """Rows of JSON Lines that are no objects, by their numbers; a row that is not UTF-8 counts as such."""
    not_utf8 = lines_beyond_utf8(table.scanned) if rows else []
    return RejectedLines(
        max(0, len(rows) - len(not_utf8)),
        min(len(rows), len(not_utf8)),
        tuple(f"row {row}" for row in rows[:MOST_EXAMPLES]),
        tuple(f"line {line}" for line in not_utf8[:MOST_EXAMPLES]),
    )
