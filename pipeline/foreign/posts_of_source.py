"""The posts of a source as a clean table: titles, categories and keywords, or the ids alone."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from duckdb import DuckDBPyConnection

from pipeline.accepted_forms import MOMENTS_SUCH_AS, is_absent, read_flag, read_id, read_moment
from pipeline.foreign.columns import POST_ROLES, ReadTable, Role
from pipeline.foreign.ids import NO_SINGLE_VALUE, is_single_value, number_names, same_id
from pipeline.foreign.import_report import ImportFindings
from pipeline.foreign.rejected_lines import malformed_rows
from pipeline.foreign.scanned_tables import ONE_LINE, scan
from pipeline.foreign.table_files import LIST_SEPARATOR
from pipeline.tables import POST_COUNTS

TABLE = "post"
_NO_CATEGORY = {"", "(no genres listed)", "none", "nan", "null", "unknown"}
_NO_TEXT = {"\\N", "NULL", "null", "NaN", "nan", "None", "<NA>", "N/A"}  # as programs write that there is none
_LARGEST_CATEGORY_ID = 2**31


def read_posts_of_source(
    connection: DuckDBPyConnection,
    source: ReadTable | None,
    findings: ImportFindings,
    *,
    copies: Path,
    on_progress: Callable[[str], None],
) -> pd.DataFrame:
    """The posts as written to posts.parquet, and the table post_numbers (name, number, is_number) in the database."""
    if source is None:
        number_names(connection, "SELECT post AS name FROM read_events WHERE fault IS NULL", "post_numbers")
        numbers = connection.sql("SELECT name, number, is_number FROM post_numbers ORDER BY number").to_arrow_table()
        findings.totals[TABLE] = len(numbers)
        return _table(numbers.to_pylist(), {}, findings)
    on_progress(f"reading {source.table.path.name}")
    columns = "".join(
        f', {source.sql(role)} AS "{role}"' for role in POST_ROLES if role is not Role.POST and source.has(role)
    )

    def read(table: ReadTable) -> pa.Table:
        return connection.sql(
            f"SELECT {same_id('name')} AS name, * EXCLUDE name FROM (SELECT {table.sql(Role.POST)} AS name{columns}, "
            f"coalesce({table.table.malformed}, false) AS is_malformed FROM {table.table.relation})"
        ).to_arrow_table()

    scanned = scan(connection, source, read, copies=copies, has_line_breaks=_has_line_breaks)
    rows = scanned.result.to_pylist()
    findings.totals[TABLE] = len(rows) + scanned.rejected.count
    scanned.rejected.drop(findings, TABLE)
    malformed = [number for number, row in enumerate(rows, start=1) if row["is_malformed"]]
    malformed_rows(scanned.source.table, malformed).drop(findings, TABLE)
    by_name: dict[str, dict[str, Any]] = {}
    nameless, broken, repeated = [], [], []
    for number, row in enumerate(rows, start=1):
        if row["is_malformed"]:
            continue
        if row["name"] is None:
            nameless.append(f"row {number}")
        elif not is_single_value(row["name"]):
            broken.append(f"row {number} ({row['name']})")
        elif row["name"] in by_name:
            repeated.append(f"row {number} ({row['name']})")
        else:
            by_name[row["name"]] = row
    findings.drop(TABLE, "no post", len(nameless), nameless)
    findings.drop(TABLE, NO_SINGLE_VALUE, len(broken), broken)
    findings.add(TABLE, "duplicate post: kept once", len(repeated), repeated)
    connection.register("names_of_posts", pa.table({"name": pa.array(list(by_name), type=pa.string())}))
    number_names(connection, "SELECT name FROM names_of_posts", "post_numbers")
    numbers = connection.sql("SELECT name, number, is_number FROM post_numbers ORDER BY number").to_arrow_table()
    return _table(numbers.to_pylist(), by_name, findings)


def _table(
    numbers: list[dict[str, Any]], by_name: Mapping[str, Mapping[str, Any]], findings: ImportFindings
) -> pd.DataFrame:
    rows = [by_name.get(number["name"], {}) for number in numbers]
    names = [number["name"] for number in numbers]
    titles = [_text(row, Role.TITLE) for row in rows]
    descriptions = [_text(row, Role.DESCRIPTION) for row in rows]
    groups = [_parts(row, Role.CATEGORY) for row in rows]
    category_ids, category_names = _categories(rows, groups)
    tags = [
        [*_parts(row, Role.KEYWORDS), *(group if len(group) > 1 else ())]
        for row, group in zip(rows, groups, strict=True)
    ]
    created = _moments(rows, names, findings)
    if any(titles):
        _find(findings, names, titles, "no title: embedded from the other fields")
    if any(category_ids):
        _find(findings, names, category_ids, "no category: served only in feeds over all categories")
    hidden = [read_flag(row.get(Role.HIDDEN)) is True for row in rows]
    findings.add(
        TABLE,
        "hidden: never served",
        sum(hidden),
        [name for name, is_hidden in zip(names, hidden, strict=True) if is_hidden],
    )
    return pd.DataFrame(
        {
            "post_id": np.array([number["number"] for number in numbers], dtype=np.int64),
            "video_link": [_text(row, Role.LINK) for row in rows],
            "title": titles,
            "thumbnail_url": [_text(row, Role.THUMBNAIL) for row in rows],
            "owner_username": [_text(row, Role.OWNER) for row in rows],
            "category_id": pd.array(category_ids, dtype="Int32"),
            "category_name": pd.array(category_names, dtype="str"),
            "created_at": pd.to_datetime(pd.Series(created, dtype="Int64"), unit="ms", utc=True),
            **dict.fromkeys(POST_COUNTS, 0),
            "average_rating": np.nan,
            "is_servable": [not is_hidden for is_hidden in hidden],
            "description": descriptions,
            "keywords": [", ".join(several) for several in tags],
            "mood_text": "",
            "content_text": titles,
            "summary_text": [_summary(*row) for row in zip(titles, category_names, tags, descriptions, strict=True)],
            "external_id": pd.array(
                [None if number["is_number"] else number["name"] for number in numbers], dtype="str"
            ),
            "language": pd.array([_text(row, Role.LANGUAGE) or None for row in rows], dtype="str"),
        }
    )


def _has_line_breaks(rows: pa.Table) -> bool:
    names = {"name", *(role.value for role in ONE_LINE)} & set(rows.column_names)
    return any(pc.any(pc.match_substring(rows.column(name), "\n")).as_py() for name in names)


def _text(row: Mapping[str, Any], role: Role) -> str:
    value = row.get(role)
    text = value.strip() if isinstance(value, str) else ""
    return "" if text in _NO_TEXT else text


def _parts(row: Mapping[str, Any], role: Role) -> list[str]:
    """The elements of a list, or of a text that separates them by | or commas."""
    text = _text(row, role)
    if not text:
        return []
    separator = next((mark for mark in (LIST_SEPARATOR, "|") if mark in text), ",")
    if separator == ",":
        text = text.strip("[]")
    parts = (part.strip().strip("'\"") for part in text.split(separator))
    return [part for part in parts if part.lower() not in _NO_CATEGORY]


def _categories(rows: list[Mapping[str, Any]], groups: list[list[str]]) -> tuple[list[int | None], list[str | None]]:
    """The id and name of each post's first category; names without ids are numbered in alphabetical order."""
    firsts = [group[0] if group else None for group in groups]
    ids = [read_id(row.get(Role.CATEGORY_ID)) for row in rows]
    if any(number is not None for number in ids):
        kept = [number if number is not None and 1 <= number < _LARGEST_CATEGORY_ID else None for number in ids]
        return kept, [
            None if number is None else first or str(number) for number, first in zip(kept, firsts, strict=True)
        ]
    if firsts and all(first is None or read_id(first) is not None for first in firsts):
        kept = [read_id(first) if first is not None else None for first in firsts]
        kept = [number if number is not None and 1 <= number < _LARGEST_CATEGORY_ID else None for number in kept]
        return kept, [None if number is None else str(number) for number in kept]
    numbers = {name: number for number, name in enumerate(sorted({first for first in firsts if first}), start=1)}
    return [numbers[first] if first else None for first in firsts], list(firsts)


def _moments(rows: list[Mapping[str, Any]], names: list[str], findings: ImportFindings) -> list[int | None]:
    created = [read_moment(row.get(Role.CREATED)) for row in rows]
    unread = [
        f"{name} ({row[Role.CREATED]})"
        for name, row, moment in zip(names, rows, created, strict=True)
        if moment is None and not is_absent(row.get(Role.CREATED))
    ]
    findings.add(
        TABLE, f"malformed time of creation (accepted are {MOMENTS_SUCH_AS}): read as unknown", len(unread), unread
    )
    return created


def _find(findings: ImportFindings, names: list[str], values: Iterable[object], reason: str) -> None:
    lacking = [name for name, value in zip(names, values, strict=True) if not value]
    findings.add(TABLE, reason, len(lacking), lacking)


def _summary(title: str, category: str | None, tags: list[str], description: str) -> str:
    """The text to embed. The encoder truncates it, so the most informative parts come first, and none is repeated."""
    said = title.lower()
    words = dict.fromkeys(word for word in tags if word.lower() not in said)
    return ". ".join(part for part in (title, ", ".join(words), description) if part) or (category or "")
