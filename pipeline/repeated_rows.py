"""Find the rows of sorted pieces that repeat the row before them."""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray


def marked(
    batches: Iterable[pa.RecordBatch], keys: Sequence[str]
) -> Iterator[tuple[pa.RecordBatch, NDArray[np.bool_]]]:
    """Each batch that has rows, and which of them are equal in all ``keys`` to the row before, also of another batch.

    A key is a column of integers, or of few texts.
    """
    last: tuple[object, ...] | None = None
    for batch in batches:
        if not len(batch):
            continue
        columns = [batch.column(key) for key in keys]
        is_same = np.ones(len(batch), dtype=bool)
        for column in columns:
            is_number = pa.types.is_integer(column.type)
            array = (column if is_number else column.dictionary_encode().indices).to_numpy()
            is_same[1:] &= array[1:] == array[:-1]
        is_same[0] = last == tuple(column[0].as_py() for column in columns)
        last = tuple(column[-1].as_py() for column in columns)
        yield batch, is_same
