"""The lines of a text file that the database could not read as rows."""

from pathlib import Path

from duckdb import DuckDBPyConnection

from pipeline.foreign.import_report import MOST_EXAMPLES
from pipeline.spilling_database import one_row, text_literal


def rejected_lines(connection: DuckDBPyConnection, path: Path) -> tuple[int, list[str]]:
    """How many lines of a file were rejected while it was scanned, and examples; 0 for a file that is no text."""
    if not one_row(connection, "SELECT count(*) FROM duckdb_tables() WHERE table_name = 'reject_errors'")[0]:
        return 0, []
    count, examples = one_row(
        connection,
        f"""
        SELECT count(*), min_by('line ' || line || ' (' || coalesce(csv_line, '') || ')', line, {MOST_EXAMPLES}) FROM (
            SELECT DISTINCT line, any_value(csv_line) AS csv_line
            FROM reject_errors JOIN reject_scans USING (scan_id, file_id)
            WHERE file_path = {text_literal(path)} GROUP BY line
        )
        """,
    )
    return count, examples or []
