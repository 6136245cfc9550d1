"""What each row of a clean table must hold: types, ranges and unique ids, checked by pandera a batch at a time."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from pandera.errors import SchemaErrors
from pandera.pandas import Check, Column, DataFrameSchema

from bundle.verbs import VERBS
from pipeline.tables import (
    INTERACTIONS_FILE,
    POST_COUNTS,
    POSTS_FILE,
    RECORDED_VERB,
    USER_COUNTS,
    USERS_FILE,
    column_types,
    is_nullable,
)
from pipeline.validation_report import Finding, Level, Missing, Range

TABLES = {"post": POSTS_FILE, "user": USERS_FILE, "interaction": INTERACTIONS_FILE}
_IDS = {"post": "post_id", "user": "user_id"}
_LARGEST_CATEGORY = 2**31 - 1
MOST_COMPARED = 20_000_000  # events; each takes about 150 bytes while they are compared
_ROWS_AT_ONCE = 250_000  # posts have long texts
_LONGEST_EXAMPLE = 60
_CHECKS: Mapping[str, Mapping[str, Check]] = {
    "post": {
        **{name: Check.ge(0) for name in POST_COUNTS},
        "category_id": Check.in_range(1, _LARGEST_CATEGORY),
        "average_rating": Check.in_range(0, 100),
    },
    "user": {
        **{name: Check.ge(0) for name in USER_COUNTS},
        "username": Check(lambda names: names.str.strip() != "", name="not_blank"),
    },
    "interaction": {
        "verb": Check.isin(VERBS),
        "rating_percent": Check.in_range(1, 100),
    },
}
_MISSING_IS_SUSPICIOUS = {"summary_text": 0.5, "category_id": 0.5, "video_link": 0.5, "owner_username": 0.9}
"""Columns that feeds need, and the share of missing values above which there is a warning."""
_MISSING_IS_MEANT = {"rating_percent", RECORDED_VERB}  # every verb but one has none; rows of the store alone have it


@dataclass(slots=True)
class TableSummary:
    """What a table holds, gathered over its batches; ``columns`` are the arrays that later checks read.

    Of more than MOST_COMPARED events the columns hold those of a sample of people, so that memory stays bounded.
    """

    rows: int = 0
    missing: tuple[Missing, ...] = ()
    ranges: tuple[Range, ...] = ()
    findings: tuple[Finding, ...] = ()
    columns: dict[str, NDArray[np.generic]] = field(default_factory=dict)
    one_person_in: int = 1  # the columns hold the events of one person in so many


@dataclass(slots=True)
class _Tally:
    """Counts over the batches of one table."""

    one_person_in: int = 1
    rows: int = 0
    missing: dict[str, int] = field(default_factory=dict)
    lowest: dict[str, Any] = field(default_factory=dict)  # of numbers and moments
    highest: dict[str, Any] = field(default_factory=dict)
    broken: dict[tuple[str, str], tuple[int, str]] = field(default_factory=dict)
    kept: dict[str, list[NDArray[np.generic]]] = field(default_factory=dict)


def check_table(table: str, directory: Path, *, keep: tuple[str, ...]) -> TableSummary:
    """Check every row of a clean table; the columns ``keep`` are returned as arrays if they have the right types.

    OSError or pyarrow.ArrowInvalid if the file is missing or is not Parquet.
    """
    types = column_types(TABLES[table])
    tally = _Tally(kept={name: [] for name in keep})
    with pq.ParquetFile(directory / TABLES[table]) as file:
        present = file.schema_arrow.names
        missing_columns = [name for name in types if name not in present and not is_nullable(name)]
        types = {name: dtype for name, dtype in types.items() if name in present}
        if missing_columns:
            what = f"columns are missing: {', '.join(missing_columns)}"
            finding = Finding(Level.ERROR, table, what, len(missing_columns), len(column_types(TABLES[table])), "")
            return TableSummary(rows=file.metadata.num_rows, findings=(finding,))
        if table == "interaction":
            tally.one_person_in = max(math.ceil(file.metadata.num_rows / MOST_COMPARED), 1)
        for batch in _batches(file, list(types)):
            _check_batch(table, batch, types, tally)
    findings = [
        Finding(Level.ERROR, table, what, count, tally.rows, example)
        for (_, what), (count, example) in tally.broken.items()
    ]
    columns = {} if findings else {name: np.concatenate(pieces) for name, pieces in tally.kept.items() if pieces}
    if table in _IDS and _IDS[table] in columns:
        findings += _duplicate_ids(table, columns[_IDS[table]])
    missing = tuple(Missing(table, name, count, tally.rows) for name, count in tally.missing.items() if count)
    findings += [
        Finding(Level.WARNING, table, f"{item.column} is mostly missing", item.count, item.of, "")
        for item in missing
        if item.count > _MISSING_IS_SUSPICIOUS.get(item.column, 1.0) * item.of
    ]
    ranges = tuple(Range(table, name, str(low), str(tally.highest[name])) for name, low in tally.lowest.items())
    return TableSummary(tally.rows, missing, ranges, tuple(findings), columns, tally.one_person_in)


def _batches(file: pq.ParquetFile, columns: list[str]) -> Iterator[pd.DataFrame]:
    for batch in file.iter_batches(_ROWS_AT_ONCE, columns=columns):
        yield pa.Table.from_batches([batch]).to_pandas()


def _check_batch(table: str, batch: pd.DataFrame, types: Mapping[str, object], tally: _Tally) -> None:
    schema = DataFrameSchema(
        {name: Column(dtype, _CHECKS[table].get(name), nullable=is_nullable(name)) for name, dtype in types.items()},
        coerce=True,
    )
    try:
        batch = schema.validate(batch, lazy=True)
    except SchemaErrors as error:
        for (column, check), cases in error.failure_cases.groupby(["column", "check"], sort=False, dropna=False):
            what = f"{column} fails {check}"
            count, example = tally.broken.get((str(column), what), (0, ""))
            first = cases.iloc[0]
            row = "" if pd.isna(first["index"]) else f"row {tally.rows + int(first['index'])}: "
            shown = f"{row}{first['failure_case']!r}"[:_LONGEST_EXAMPLE]
            tally.broken[str(column), what] = (count + len(cases), example or shown)
        tally.rows += len(batch)
        return
    is_kept = slice(None)
    if tally.one_person_in > 1:
        is_kept = pd.util.hash_array(batch["user_id"].to_numpy()) % tally.one_person_in == 0
    for name in types:
        column = batch[name]
        absent = column.isna() | (column == "" if types[name] == "str" else False)
        if name not in _MISSING_IS_MEANT:
            tally.missing[name] = tally.missing.get(name, 0) + int(absent.sum())
        if types[name] not in {"str", "bool"} and not absent.all():
            _widen(tally, name, column.min(), column.max())
        if name in tally.kept:
            tally.kept[name].append(_as_array(column)[is_kept])
    tally.rows += len(batch)


def _widen(tally: _Tally, name: str, low: Any, high: Any) -> None:
    tally.lowest[name] = min(tally.lowest.get(name, low), low)
    tally.highest[name] = max(tally.highest.get(name, high), high)


def _as_array(column: "pd.Series[Any]") -> NDArray[np.generic]:
    """Moments as milliseconds since 1970, UTC (the smallest int64 if null), verbs as their numbers, ids as they are."""
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        return np.asarray(column.dt.tz_localize(None), dtype="datetime64[ms]").astype(np.int64)
    if column.name == "verb":
        return pd.Categorical(column, categories=list(VERBS)).codes.astype(np.int8)
    if isinstance(column.dtype, pd.Int32Dtype):
        return column.fillna(0).to_numpy(dtype=np.int32)
    return column.to_numpy()


def _duplicate_ids(table: str, ids: NDArray[np.generic]) -> list[Finding]:
    values, counts = np.unique(ids, return_counts=True)
    repeated = counts > 1
    if not repeated.any():
        return []
    example = f"id {values[repeated][0]}, {counts[repeated][0]} times"
    return [Finding(Level.ERROR, table, f"{_IDS[table]} is not unique", int((counts - 1).sum()), len(ids), example)]
