"""Scan a foreign table so that every line of it is a row or counted as rejected."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Generic, TypeVar

from duckdb import DuckDBPyConnection
from duckdb import Error as DuckDBError

from pipeline.foreign.columns import ReadTable, Role
from pipeline.foreign.errors import ImportSourceError, temporary_files_fault
from pipeline.foreign.rejected_lines import RejectedLines, rejected_lines
from pipeline.foreign.unclosed_quotes import copy_whole_records

Result = TypeVar("Result")
ONE_LINE = frozenset(Role) - {Role.TITLE, Role.DESCRIPTION, Role.KEYWORDS, Role.CATEGORY}
"""The roles whose values never hold the end of a line."""


@dataclass(frozen=True, slots=True)
class Scanned(Generic[Result]):
    """What a scan gave, the table it read, which may be a copy, and the lines that are no rows."""

    result: Result
    source: ReadTable
    rejected: RejectedLines


def scan(
    connection: DuckDBPyConnection,
    source: ReadTable,
    read: Callable[[ReadTable], Result],
    *,
    copies: Path,
    has_line_breaks: Callable[[Result], bool],
) -> Scanned[Result]:
    """Read a table by ``read``; ImportSourceError if that is impossible.

    A quote that is not closed swallows the next lines. If the scan may have met one, which ``has_line_breaks`` tells
    for rows that it accepted, a copy without the malformed lines is read instead. Copies are written to ``copies``.
    """
    source = replace(source, table=source.table.readable(copies / f"{source.table.path.name}.utf-8"))
    quoting = source.table.quoting
    try:
        result = read(source)
        rejected = rejected_lines(connection, source.table.scanned)
        if quoting is None or not (rejected.has_open_quote or has_line_breaks(result)):
            return Scanned(result, source, rejected)
    except DuckDBError as error:
        if quoting is None:
            raise _unreadable(source, error) from error
    copy = copies / f"{source.table.path.name}.whole"
    names = list(source.table.columns)
    one_line = {names.index(column.name) for column in source.columns if column.role in ONE_LINE}
    malformed = copy_whole_records(source.table.scanned, quoting, copy, one_line=one_line)
    source = replace(source, table=replace(source.table, copy=copy))
    try:
        result = read(source)
    except DuckDBError as error:
        raise _unreadable(source, error) from error
    return Scanned(result, source, rejected_lines(connection, copy).with_malformed(malformed.count, malformed.examples))


def _unreadable(source: ReadTable, error: DuckDBError) -> ImportSourceError:
    said = str(error).splitlines()[0]
    if re.search(r"Could not write|failed to offload|No space left", said):  # its own files, beside the clean tables
        return temporary_files_fault(said)
    return ImportSourceError(f"{source.table.path} cannot be read: {said}")
