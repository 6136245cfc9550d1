"""The interactions as arrays, ascending by time: 21 bytes each, a fifth of what a data frame takes."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from bundle.verbs import VERBS, verb_numbers
from pipeline.tables import INTERACTIONS_FILE, RECORDED_VERB, SKIP, read_interactions

_DAY = pd.Timedelta(days=1)
_EPOCH = pd.Timestamp(0, tz="UTC")
_MILLISECONDS_A_DAY = 86_400_000


@dataclass(frozen=True, slots=True)
class Events:
    """All interactions [events] ascending by time.

    ``user_rows`` and ``post_rows`` int32, ``verbs`` int8 (row of VERBS), ``rating_percents`` int8 (1 to 100, 0 unless
    the verb is rating), ``days`` float64 since 1970, ``is_skip`` bool: a view that was recorded as a skip; None if none
    was.
    """

    user_rows: NDArray[np.int32]
    post_rows: NDArray[np.int32]
    verbs: NDArray[np.int8]
    rating_percents: NDArray[np.int8]
    days: NDArray[np.float64]
    is_skip: NDArray[np.bool_] | None = None

    def __len__(self) -> int:
        return len(self.days)

    def where(self, chosen: NDArray[np.bool_] | NDArray[np.int64]) -> "Events":
        """The chosen events; ``chosen`` is bool [events] or holds their numbers."""
        return Events(
            user_rows=self.user_rows[chosen],
            post_rows=self.post_rows[chosen],
            verbs=self.verbs[chosen],
            rating_percents=self.rating_percents[chosen],
            days=self.days[chosen],
            is_skip=None if self.is_skip is None else self.is_skip[chosen],
        )

    @classmethod
    def of_frame(cls, interactions: pd.DataFrame, *, user_ids: NDArray[np.int64], post_ids: NDArray[np.int64]) -> Self:
        """The events of a table as ``read_interactions`` gives it; both arrays of ids ascend and hold every id."""
        return cls(
            user_rows=_rows_of(user_ids, interactions["user_id"].to_numpy(dtype=np.int64)),
            post_rows=_rows_of(post_ids, interactions["post_id"].to_numpy(dtype=np.int64)),
            verbs=verb_numbers(interactions["verb"].tolist()),
            rating_percents=interactions["rating_percent"].fillna(0).to_numpy(dtype=np.int8),
            days=days_since_epoch(interactions["at"]),
            is_skip=(interactions[RECORDED_VERB] == SKIP).fillna(False).to_numpy(dtype=np.bool_)
            if RECORDED_VERB in interactions
            else None,
        )


def read_events(clean_directory: Path, *, user_ids: NDArray[np.int64], post_ids: NDArray[np.int64]) -> Events:
    """Read interactions.parquet column by column; TableError as ``read_interactions`` raises it.

    A table with an unusual column type falls back to ``read_interactions``, which is slower. It converts the column, or
    raises an error that names the first wrong row.
    """
    events = _read_as_written(clean_directory / INTERACTIONS_FILE, user_ids=user_ids, post_ids=post_ids)
    if events is None:
        return Events.of_frame(read_interactions(clean_directory), user_ids=user_ids, post_ids=post_ids)
    return events


def days_since_epoch(moments: "pd.Series[pd.Timestamp]") -> NDArray[np.float64]:
    """Days since 1970 of UTC timestamps."""
    return np.asarray((moments - _EPOCH) / _DAY, dtype=np.float64)


def _read_as_written(path: Path, *, user_ids: NDArray[np.int64], post_ids: NDArray[np.int64]) -> Events | None:
    """The events of a table whose columns have the usual types and no value that is wrong; else None."""
    try:
        file = pq.ParquetFile(path, memory_map=True)
        user_rows = _rows_of(user_ids, _column(file, "user_id", pa.int64()))
        post_rows = _rows_of(post_ids, _column(file, "post_id", pa.int64()))
        milliseconds = _column(file, "at", pa.timestamp("ms", "UTC")).view(np.int64)
        verbs = _verbs(file)
        percents = _rating_percents(file, is_rating=verbs == VERBS.index("rating"))
        is_skip = _is_skip(file)
    except (pa.ArrowInvalid, pa.ArrowKeyError, OSError, _UnusualError):
        return None
    order = np.lexsort((_name_ranks()[verbs], post_rows, user_rows, milliseconds))
    return Events(
        user_rows=user_rows[order],
        post_rows=post_rows[order],
        verbs=verbs[order],
        rating_percents=percents[order],
        days=milliseconds[order] / _MILLISECONDS_A_DAY,
        is_skip=None if is_skip is None else is_skip[order],
    )


class _UnusualError(Exception):
    """A column is not of the usual type, or holds a value that must not be there."""


def _column(file: pq.ParquetFile, name: str, kind: pa.DataType) -> NDArray[np.generic]:
    if name not in file.schema_arrow.names or file.schema_arrow.field(name).type != kind:
        raise _UnusualError(name)
    column = file.read([name]).column(name)
    if column.null_count:
        raise _UnusualError(name)
    values: NDArray[np.generic] = column.to_numpy()
    return values


def _verbs(file: pq.ParquetFile) -> NDArray[np.int8]:
    pieces = []
    for batch in file.iter_batches(columns=["verb"]):
        numbers = pc.index_in(batch.column("verb").cast(pa.string()), value_set=pa.array(VERBS))
        if numbers.null_count:
            raise _UnusualError("verb")
        pieces.append(numbers.to_numpy(zero_copy_only=False).astype(np.int8))
    return np.concatenate(pieces or [np.zeros(0, dtype=np.int8)])


def _is_skip(file: pq.ParquetFile) -> NDArray[np.bool_] | None:
    if RECORDED_VERB not in file.schema_arrow.names:
        return None
    recorded = file.read([RECORDED_VERB]).column(RECORDED_VERB)
    if recorded.null_count == len(recorded):
        return None
    is_skip: NDArray[np.bool_] = pc.fill_null(pc.equal(recorded, SKIP), False).to_numpy()
    return is_skip


def _rating_percents(file: pq.ParquetFile, *, is_rating: NDArray[np.bool_]) -> NDArray[np.int8]:
    name = "rating_percent"
    if name not in file.schema_arrow.names or file.schema_arrow.field(name).type != pa.int16():
        raise _UnusualError(name)
    column = file.read([name]).column(name)
    if not np.array_equal(column.is_valid().to_numpy(), is_rating):
        raise _UnusualError(name)
    percents = column.fill_null(0).to_numpy()
    if (is_rating & ((percents < 1) | (percents > 100))).any():
        raise _UnusualError(name)
    return np.asarray(percents, dtype=np.int8)


def _rows_of(ids: NDArray[np.int64], wanted: NDArray[np.generic]) -> NDArray[np.int32]:
    """Rows of ``wanted`` in the ascending ``ids``; each must be present."""
    return np.searchsorted(ids, wanted).astype(np.int32)


def _name_ranks() -> NDArray[np.int8]:
    """The place of each verb in alphabetical order, which tables are sorted by."""
    return np.argsort(np.argsort(VERBS)).astype(np.int8)
