"""The people of a source that has a file of them: their ids alone."""

from pathlib import Path

from duckdb import DuckDBPyConnection

from pipeline.foreign.columns import ReadTable, Role
from pipeline.foreign.ids import NO_SINGLE_VALUE, no_single_value, same_id
from pipeline.foreign.import_report import MALFORMED_LINE, MOST_EXAMPLES, ImportFindings
from pipeline.foreign.rejected_lines import malformed_rows
from pipeline.foreign.scanned_tables import scan
from pipeline.spilling_database import one_row

TABLE = "user"


def stage_people(connection: DuckDBPyConnection, source: ReadTable, findings: ImportFindings, *, copies: Path) -> None:
    """Create the table staged_people (row, name, fault); ImportSourceError if the file cannot be read at all."""

    def read(table: ReadTable) -> None:
        connection.execute(
            f"""
            CREATE OR REPLACE TABLE staged_people AS
            SELECT row, name, CASE
                WHEN is_malformed THEN '{MALFORMED_LINE}'
                WHEN name IS NULL THEN 'no person'
                WHEN {no_single_value("name")} THEN '{NO_SINGLE_VALUE}'
            END AS fault
            FROM (
                SELECT row_number() OVER () AS row, {same_id("name")} AS name, is_malformed FROM (
                    SELECT {table.sql(Role.USER)} AS name, coalesce({table.table.malformed}, false) AS is_malformed
                    FROM {table.table.relation}
                )
            )
            """
        )

    def has_line_breaks(_: None) -> bool:
        return bool(one_row(connection, f"SELECT count(*) FROM staged_people WHERE fault = '{NO_SINGLE_VALUE}'")[0])

    scanned = scan(connection, source, read, copies=copies, has_line_breaks=has_line_breaks)
    (rows,) = one_row(connection, "SELECT count(*) FROM staged_people")
    findings.totals[TABLE] = rows + scanned.rejected.count
    scanned.rejected.drop(findings, TABLE)
    malformed = connection.execute(f"SELECT row FROM staged_people WHERE fault = '{MALFORMED_LINE}' ORDER BY row")
    malformed_rows(scanned.source.table, [row for (row,) in malformed.fetchall()]).drop(findings, TABLE)
    for fault, count, examples in connection.execute(
        f"SELECT fault, count(*), min_by('row ' || row, row, {MOST_EXAMPLES}) FROM staged_people "
        f"WHERE fault <> '{MALFORMED_LINE}' GROUP BY fault ORDER BY fault"
    ).fetchall():
        findings.drop(TABLE, fault, count, examples)
