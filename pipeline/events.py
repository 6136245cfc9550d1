"""The interactions as arrays, ascending by time: 18 bytes each, a fifth of what a data frame takes."""

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
from pipeline.scratch import IN_MEMORY, Scratch, Value, pieces
from pipeline.tables import (
    INTERACTIONS_FILE,
    POSTS_FILE,
    RECORDED_VERB,
    SKIP,
    USERS_FILE,
    TableError,
    read_interactions,
)

_DAY = pd.Timedelta(days=1)
_EPOCH = pd.Timestamp(0, tz="UTC")
_MILLISECONDS_A_DAY = 86_400_000
_READ_AT_ONCE = 250_000  # rows
_LET_GO_EVERY = 4_000_000  # rows
_TABLE_OF = {"user_id": USERS_FILE, "post_id": POSTS_FILE}
_USUAL_TYPES = {
    "user_id": pa.int64(),
    "post_id": pa.int64(),
    "at": pa.timestamp("ms", "UTC"),
    "rating_percent": pa.int16(),
}


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
        """The events of a table as ``read_interactions`` gives it; both arrays of ids ascend.

        TableError if they lack an id.
        """
        return cls(
            user_rows=_rows_of("user_id", interactions["user_id"].to_numpy(dtype=np.int64), user_ids),
            post_rows=_rows_of("post_id", interactions["post_id"].to_numpy(dtype=np.int64), post_ids),
            verbs=verb_numbers(interactions["verb"].tolist()),
            rating_percents=interactions["rating_percent"].fillna(0).to_numpy(dtype=np.int8),
            days=days_since_epoch(interactions["at"]),
            is_skip=(interactions[RECORDED_VERB] == SKIP).fillna(False).to_numpy(dtype=np.bool_)
            if RECORDED_VERB in interactions
            else None,
        )


def read_events(
    clean_directory: Path, *, user_ids: NDArray[np.int64], post_ids: NDArray[np.int64], scratch: Scratch = IN_MEMORY
) -> Events:
    """Read interactions.parquet piece by piece into arrays of ``scratch``.

    Both arrays of ids ascend. TableError as ``read_interactions`` raises, and if they lack an id of the table.

    A table with an unusual column type falls back to ``read_interactions``, which is slower and needs more memory. It
    converts the column, or raises an error that names the first wrong row.
    """
    path = clean_directory / INTERACTIONS_FILE
    events = _read_as_written(path, user_ids=user_ids, post_ids=post_ids, scratch=scratch)
    if events is None:
        return Events.of_frame(read_interactions(clean_directory), user_ids=user_ids, post_ids=post_ids)
    return events


def days_since_epoch(moments: "pd.Series[pd.Timestamp]") -> NDArray[np.float64]:
    """Days since 1970 of UTC timestamps."""
    return np.asarray((moments - _EPOCH) / _DAY, dtype=np.float64)


class _UnusualError(Exception):
    """A column is not of the usual type, or holds a value that must not be there."""


def _read_as_written(
    path: Path, *, user_ids: NDArray[np.int64], post_ids: NDArray[np.int64], scratch: Scratch
) -> Events | None:
    """The events of a table whose columns have the usual types and no value that is wrong; else None."""
    try:
        with pq.ParquetFile(path) as file:
            schema, count = file.schema_arrow, file.metadata.num_rows
            _refuse_unusual_types(schema)
            has_recorded = RECORDED_VERB in schema.names
            user_rows, post_rows = scratch.empty(count, np.int32), scratch.empty(count, np.int32)
            milliseconds = scratch.empty(count, np.int64)
            verbs, percents = scratch.empty(count, np.int8), scratch.empty(count, np.int8)
            is_skip = scratch.empty(count, np.bool_) if has_recorded else None
            done, are_recorded = 0, 0
            for batch in file.iter_batches(_READ_AT_ONCE, columns=[*_USUAL_TYPES, "verb", *_recorded(schema)]):
                rows = slice(done, done + len(batch))
                user_rows[rows] = _rows_of("user_id", _column(batch, "user_id"), user_ids)
                post_rows[rows] = _rows_of("post_id", _column(batch, "post_id"), post_ids)
                milliseconds[rows] = _column(batch, "at").view(np.int64)
                verbs[rows] = _verbs(batch)
                percents[rows] = _rating_percents(batch, is_rating=verbs[rows] == VERBS.index("rating"))
                if is_skip is not None:
                    recorded = batch.column(RECORDED_VERB)
                    are_recorded += len(recorded) - recorded.null_count
                    is_skip[rows] = pc.fill_null(pc.equal(recorded, SKIP), False).to_numpy(zero_copy_only=False)
                done += len(batch)
                if done % _LET_GO_EVERY < len(batch):
                    scratch.let_go()
    except (pa.ArrowInvalid, pa.ArrowKeyError, OSError, _UnusualError):
        return None
    if not are_recorded:
        is_skip = None
    if not _ascend(milliseconds, user_rows, post_rows, verbs, scratch):
        order = np.lexsort((_name_ranks()[verbs], post_rows, user_rows, milliseconds))
        user_rows, post_rows = _taken(user_rows, order, scratch), _taken(post_rows, order, scratch)
        milliseconds = _taken(milliseconds, order, scratch)
        verbs, percents = _taken(verbs, order, scratch), _taken(percents, order, scratch)
        is_skip = None if is_skip is None else _taken(is_skip, order, scratch)
    return Events(user_rows, post_rows, verbs, percents, _as_days(milliseconds, scratch), is_skip)


def _refuse_unusual_types(schema: pa.Schema) -> None:
    for name, kind in _USUAL_TYPES.items():
        if name not in schema.names or schema.field(name).type != kind:
            raise _UnusualError(name)


def _recorded(schema: pa.Schema) -> tuple[str, ...]:
    return (RECORDED_VERB,) if RECORDED_VERB in schema.names else ()


def _column(batch: pa.RecordBatch, name: str) -> NDArray[np.generic]:
    column = batch.column(name)
    if column.null_count:
        raise _UnusualError(name)
    values: NDArray[np.generic] = column.to_numpy(zero_copy_only=False)
    return values


def _verbs(batch: pa.RecordBatch) -> NDArray[np.int8]:
    numbers = pc.index_in(batch.column("verb").cast(pa.string()), value_set=pa.array(VERBS))
    if numbers.null_count:
        raise _UnusualError("verb")
    return np.asarray(numbers.to_numpy(zero_copy_only=False), dtype=np.int8)


def _rating_percents(batch: pa.RecordBatch, *, is_rating: NDArray[np.bool_]) -> NDArray[np.int8]:
    column = batch.column("rating_percent")
    if not np.array_equal(column.is_valid().to_numpy(zero_copy_only=False), is_rating):
        raise _UnusualError("rating_percent")
    percents = column.fill_null(0).to_numpy()
    if (is_rating & ((percents < 1) | (percents > 100))).any():
        raise _UnusualError("rating_percent")
    return np.asarray(percents, dtype=np.int8)


def _ascend(
    milliseconds: NDArray[np.int64],
    user_rows: NDArray[np.int32],
    post_rows: NDArray[np.int32],
    verbs: NDArray[np.int8],
    scratch: Scratch,
) -> bool:
    """Whether the events are in order already, as an import and `moodfeed clean` write them."""
    ranks = _name_ranks()
    for piece in pieces(len(milliseconds)):
        rows = slice(max(piece.start - 1, 0), piece.stop)  # with the last one of the piece before
        is_tied = np.ones(rows.stop - rows.start - 1, dtype=np.bool_)
        for values in (milliseconds[rows], user_rows[rows], post_rows[rows], ranks[verbs[rows]]):
            if (is_tied & (values[1:] < values[:-1])).any():
                return False
            is_tied &= values[1:] == values[:-1]
        scratch.let_go()
    return True


def _taken(values: NDArray[Value], order: NDArray[np.int64], scratch: Scratch) -> NDArray[Value]:
    taken = scratch.empty(len(order), values.dtype.type)
    for piece in pieces(len(order)):
        taken[piece] = values[order[piece]]
    scratch.let_go()
    return taken


def _as_days(milliseconds: NDArray[np.int64], scratch: Scratch) -> NDArray[np.float64]:
    """Days since 1970, in the same memory."""
    days = milliseconds.view(np.float64)
    for piece in pieces(len(days)):
        days[piece] = milliseconds[piece] / _MILLISECONDS_A_DAY
    scratch.let_go()
    return days


def _rows_of(column: str, wanted: NDArray[np.generic], ids: NDArray[np.int64]) -> NDArray[np.int32]:
    """Rows of the ids in a column in the ascending ``ids`` of its table; TableError names one that is not there."""
    rows = np.searchsorted(ids, wanted)
    is_unknown = ids.take(rows, mode="clip") != wanted if len(ids) else np.ones(len(wanted), dtype=np.bool_)
    if is_unknown.any():
        raise TableError(
            f"{INTERACTIONS_FILE}, field {column}: {wanted[is_unknown][0]} is not in {_TABLE_OF[column]}: run the "
            "stage that writes both again (`moodfeed --help` lists them)"
        )
    return rows.astype(np.int32)


def _name_ranks() -> NDArray[np.int8]:
    """The place of each verb in alphabetical order, which tables are sorted by."""
    return np.argsort(np.argsort(VERBS)).astype(np.int8)
