"""Picks the posts that probably score highest for a user, from codes of 4 bits a value that FAISS scans 32 at a time.

Four bits give no useful bound on the error, so a post that belongs in the shortlist can be missing. recall.py measures
how often that happens.
"""

from typing import Any

import faiss
import numpy as np

from bundle.embedding_space import Vector
from post_index_service.codes import Codes, Rows

_BLOCK_ROWS = 8192
_LEVELS = 16
_LEVEL_WIDTH = 0.335  # in standard deviations: the best uniform levels for a normal distribution (Max, 1960, table II)
_FAISS_BLOCK = 32


class Shortlist:
    """Built from the codes of one kind of vectors; the levels of each dimension are centred on its mean."""

    def __init__(self, codes: Codes) -> None:
        (self._grid,) = codes.grids
        count, dimension = codes.matrix.shape
        sample = codes.matrix[:: max(1, count // 20_000)].astype(np.float32)
        width = np.maximum(_LEVEL_WIDTH * sample.std(axis=0), 1e-3)
        lowest = sample.mean(axis=0) - width * np.float32(_LEVELS / 2)
        packed = np.zeros((count, (dimension + 1) // 2), dtype=np.uint8)
        for start in range(0, count, _BLOCK_ROWS):
            fractional = (codes.matrix[start : start + _BLOCK_ROWS] - lowest) / width
            levels = np.clip(fractional, 0, _LEVELS - 1, out=fractional).astype(np.uint8)
            packed[start : start + _BLOCK_ROWS] = levels[:, ::2]
            packed[start : start + _BLOCK_ROWS, : dimension // 2] |= levels[:, 1::2] << 4
        centroids = lowest[:, None] + width[:, None] * (np.arange(_LEVELS, dtype=np.float32) + 0.5)
        # A product quantizer whose parts are single dimensions. Its levels are set here; training takes seconds.
        plain: Any = faiss.IndexPQ(dimension, dimension, 4, faiss.METRIC_INNER_PRODUCT)
        faiss.copy_array_to_vector(centroids.astype(np.float32).ravel(), plain.pq.centroids)
        faiss.copy_array_to_vector(packed.ravel(), plain.codes)
        plain.ntotal, plain.is_trained = count, True
        self._index: Any = faiss.IndexPQFastScan(plain, _FAISS_BLOCK)

    def rows(self, query: Vector, count: int) -> Rows:
        """The ``count`` most likely rows, or all rows if there are fewer, ascending."""
        scaled = (query * self._grid.step).astype(np.float32)
        found = self._index.search(scaled[None], min(count, self._index.ntotal))[1][0]
        rows: Rows = np.sort(found[found >= 0])
        return rows
