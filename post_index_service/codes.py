"""Vectors in 8 bits a value: a first pass reads a quarter of the bytes and says how far its scores can be off.

A vector x is kept as the integers c in x = mean + step * (c + e), elementwise, with e in -0.5..0.5. The inner product
with a query q is q·mean, which is the same for all and ranks nothing, plus (q * step)·c plus (q * step)·e, and by
Cauchy and Schwarz the last is at most |q * step| times the largest |e| of all vectors. The query is rounded to 8 bits
in the same way, so FAISS multiplies integers, without a rounding error of its own.
"""

import math
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from bundle.embedding_space import HalfMatrix, Matrix, Vector, in_float32

Rows = NDArray[np.int64]
Scores = NDArray[np.float32]
CodeMatrix = NDArray[np.uint8]  # [rows, dimension], a code c as c + 128

LARGEST_CODE = 127
_BLOCK_ROWS = 512  # whose float32 copies stay in the processor's cache
_SAMPLE_ROWS = 20_000
_THREADS = 2
_SLACK = 1 + 1e-4  # for what is rounded while the bounds themselves are computed


@dataclass(frozen=True, slots=True)
class Grid:
    """How vectors of one kind became codes.

    ``mean`` and ``step`` [dimension], ``worst`` the largest |e|, ``longest`` the largest |c| of a vector.
    """

    mean: Vector
    step: Vector
    worst: float
    longest: float


@dataclass(frozen=True, slots=True)
class CodedQuery:
    """A query rounded to integers, ``values`` float32 [dimension].

    The score of a vector's codes times ``unit`` plus ``constant`` lies within ``error`` of the true inner product.
    """

    values: Vector
    unit: float
    constant: float
    error: float


class Codes:
    """The codes of several kinds of vectors side by side, so that one pass sums their scores."""

    def __init__(self, matrix: CodeMatrix, grids: tuple[Grid, ...]) -> None:
        self.matrix = matrix
        self.grids = grids
        self._steps = np.concatenate([grid.step for grid in grids], dtype=np.float64)
        self._means = np.concatenate([grid.mean for grid in grids], dtype=np.float32)

    @classmethod
    def of(cls, *kinds: Matrix | HalfMatrix) -> "Codes":
        """Round the vectors; ``kinds`` [rows, dimension] each, with the same rows."""
        columns = np.cumsum([0, *(vectors.shape[1] for vectors in kinds)])
        matrix = np.empty((len(kinds[0]), columns[-1]), dtype=np.uint8)
        return cls(
            matrix,
            tuple(
                _round(vectors, matrix[:, start:end])
                for vectors, start, end in zip(kinds, columns[:-1], columns[1:], strict=True)
            ),
        )

    def last(self) -> "Codes":
        """The codes of the last kind alone, copied to lie in one piece."""
        grid = self.grids[-1]
        return Codes(np.ascontiguousarray(self.matrix[:, -len(grid.step) :]), (grid,))

    def query(self, *queries: Vector) -> CodedQuery:
        """Round a query, a part for each kind: the score is the sum of the parts' inner products."""
        whole = np.concatenate(queries)
        scaled = whole * self._steps
        unit = max(float(scaled.max()), -float(scaled.min())) / LARGEST_CODE or 1.0
        in_units = scaled / unit
        integers = np.rint(in_units)
        rounded_off = in_units - integers
        error = length = 0.0
        start = 0
        for grid in self.grids:
            part = slice(start, start := start + len(grid.step))
            error += _length(scaled[part]) * grid.worst + unit * _length(rounded_off[part]) * grid.longest
            length += _length(whole[part])
        # What the exact scores are themselves rounded by, and the constant: float32, as many terms as values.
        own = length * (len(whole) + 2) * 2.0**-22
        return CodedQuery(integers.astype(np.float32), unit, float(whole @ self._means), error * _SLACK + own)

    def nearest(self, place: slice, query: CodedQuery, count: int) -> tuple[Rows, float]:
        """The ``count`` rows of the slice that score best in the codes, counted from its start, in no order.

        With them a bound: no other row's true inner product is larger.
        """
        scores = np.full(count, -np.inf, dtype=np.float32)
        rows = np.full(count, -1, dtype=np.int64)
        codes = self.matrix[place]
        scanner = _SCANNERS.of(codes.shape[1])
        scanner.set_query(faiss.swig_ptr(query.values))
        scanner.set_list(0, 0.0)
        scanner.scan_codes(len(codes), faiss.swig_ptr(codes), None, faiss.swig_ptr(scores), faiss.swig_ptr(rows), count)
        return rows, float(scores.min()) * query.unit + query.constant + query.error


class _Scanners(threading.local):
    """A FAISS scanner a thread and dimension, as it holds the query that it scans for, and is never freed by SWIG."""

    def __init__(self) -> None:
        self._quantizers: list[Any] = []  # which FAISS does not keep alive
        self._scanners: dict[int, Any] = {}

    def of(self, dimension: int) -> Any:
        if dimension not in self._scanners:
            quantizer: Any = faiss.ScalarQuantizer(dimension, faiss.ScalarQuantizer.QT_8bit_direct_signed)
            self._quantizers.append(quantizer)
            self._scanners[dimension] = quantizer.select_InvertedListScanner(
                faiss.METRIC_INNER_PRODUCT, None, True, None, False
            )
        return self._scanners[dimension]


_SCANNERS = _Scanners()


def _round(vectors: Matrix | HalfMatrix, codes: CodeMatrix) -> Grid:
    """Write the codes of the vectors, and say what was lost."""
    if not len(vectors):
        return Grid(np.zeros(vectors.shape[1], "f4"), np.ones(vectors.shape[1], "f4"), 0.0, 0.0)
    every = max(1, len(vectors) // _SAMPLE_ROWS)
    mean = vectors[::every].mean(axis=0, dtype=np.float32)
    places = [slice(start, start + _BLOCK_ROWS) for start in range(0, len(vectors), _BLOCK_ROWS)]

    def extremes(place: slice) -> tuple[Vector, Vector]:
        block = in_float32(vectors[place])
        return block.min(axis=0), block.max(axis=0)

    with ThreadPoolExecutor(_THREADS) as threads:
        lowest, highest = zip(*threads.map(extremes, places), strict=True)
        step = np.maximum(np.max(highest, axis=0) - mean, mean - np.min(lowest, axis=0)) / np.float32(LARGEST_CODE)
        step[step == 0] = 1.0  # all vectors agree in this value
        per_step = np.float32(1) / step

        def round_block(place: slice) -> tuple[float, float]:
            exact = in_float32(vectors[place])  # and from here on in place: it is memory that takes the time
            exact -= mean
            exact *= per_step
            rounded = np.rint(exact)
            exact -= rounded
            lengths = _longest(exact), _longest(rounded)
            rounded += np.float32(LARGEST_CODE + 1)
            codes[place] = rounded
            return lengths

        worst, longest = np.max(list(threads.map(round_block, places)), axis=0).tolist()
    return Grid(mean, step, worst * _SLACK + _float32_error(mean, step), longest * _SLACK)


def rounding_of_products(vectors: Matrix) -> float:
    """How far two ways to sum the inner product of a row with a unit vector in float32 can lie apart."""
    starts = range(0, len(vectors), _BLOCK_ROWS)
    longest = max((_longest(vectors[start : start + _BLOCK_ROWS]) for start in starts), default=0.0)
    return longest * float((vectors.shape[1] + 2) * 2.0**-22)


def _float32_error(mean: Vector, step: Vector) -> float:
    """How far e can be off because x - mean was itself rounded, as a length."""
    return float(np.linalg.norm((LARGEST_CODE + 1 + np.abs(mean) / step) * 2.0**-22))


def _length(vector: NDArray[np.floating]) -> float:
    return math.sqrt(float(vector @ vector))


def _longest(rows: Matrix) -> float:
    return float(np.sqrt(np.einsum("rd,rd->r", rows, rows).max()))


def among_sorted(values: Rows, sorted_values: Rows) -> NDArray[np.bool_]:
    """Which of the values are among the sorted ones."""
    if not len(sorted_values):
        return np.zeros(len(values), dtype=np.bool_)
    return np.asarray(sorted_values.take(sorted_values.searchsorted(values), mode="clip") == values)
