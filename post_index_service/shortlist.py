"""The posts that a user is likely to score highest among very many: 4 bits a value, which FAISS reads 32 posts at once.

No bound holds at 4 bits. Who takes the best from here is right nearly always, and says how often: see recall.py.
"""

from typing import Any

import faiss
import numpy as np

from bundle.embedding_space import Vector
from post_index_service.codes import Codes, Rows

_BLOCK_ROWS = 8192
_LEVELS = 16
_LEVEL_WIDTH = 0.335  # standard deviations: the best uniform levels for a normal distribution (Max, 1960, table II)
_FAISS_BLOCK = 32


class Shortlist:
    """Made of the codes of one kind of vectors, the levels of each dimension around its mean."""

    def __init__(self, codes: Codes) -> None:
        (self._grid,) = codes.grids
        count, dimension = codes.matrix.shape
        sample = codes.matrix[:: max(1, count // 20_000)].astype(np.float32)
        width = np.maximum(_LEVEL_WIDTH * sample.std(axis=0), 1e-3)
        lowest = sample.mean(axis=0) - width * np.float32(_LEVELS / 2)
        packed = np.zeros((count, (dimension + 1) // 2), dtype=np.uint8)
        for start in range(0, count, _BLOCK_ROWS):
            place = (codes.matrix[start : start + _BLOCK_ROWS] - lowest) / width
            levels = np.clip(place, 0, _LEVELS - 1, out=place).astype(np.uint8)
            packed[start : start + _BLOCK_ROWS] = levels[:, ::2]
            packed[start : start + _BLOCK_ROWS, : dimension // 2] |= levels[:, 1::2] << 4
        centroids = lowest[:, None] + width[:, None] * (np.arange(_LEVELS, dtype=np.float32) + 0.5)
        # A product quantizer whose parts are single dimensions; its levels are given, for training them takes seconds.
        plain: Any = faiss.IndexPQ(dimension, dimension, 4, faiss.METRIC_INNER_PRODUCT)
        faiss.copy_array_to_vector(centroids.astype(np.float32).ravel(), plain.pq.centroids)
        faiss.copy_array_to_vector(packed.ravel(), plain.codes)
        plain.ntotal, plain.is_trained = count, True
        self._index: Any = faiss.IndexPQFastScan(plain, _FAISS_BLOCK)

    def rows(self, query: Vector, count: int) -> Rows:
        """``count`` rows, or all if there are fewer, ascending."""
        scaled = (query * self._grid.step).astype(np.float32)
        found = self._index.search(scaled[None], min(count, self._index.ntotal))[1][0]
        rows: Rows = np.sort(found[found >= 0])
        return rows
