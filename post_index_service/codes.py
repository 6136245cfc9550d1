"""Vectors in 8 bits a value: a first pass reads a quarter of the bytes and bounds the error of its scores.

A vector x is stored as the integers c in x = mean + step * (c + e), elementwise, with e in -0.5..0.5. The inner product
with a query q is the sum of q·mean, (q * step)·c and (q * step)·e. The first term is the same for all vectors and does
not affect their order. By the Cauchy-Schwarz inequality the last is at most |q * step| times the largest |e| of all
vectors. The query is rounded to integers in the same way, so FAISS multiplies integers and adds no rounding error.
"""

import math
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import faiss
import numpy as np
from cachetools import LRUCache
from numpy.typing import NDArray

from bundle.embedding_space import HalfMatrix, Matrix, Vector, in_float32

Rows = NDArray[np.int64]
Scores = NDArray[np.float32]
CodeMatrix = NDArray[np.uint8]  # [rows, dimension]; a code c is stored as c + 128

LARGEST_CODE = 127
MOST_COPIED = 32_000_000
"""Bytes of copied codes that are remembered."""
_BLOCK_ROWS = 512  # so many that their float32 copies stay in the processor's cache
_SAMPLE_ROWS = 20_000
_THREADS = 2
_ROW_BITS = 32  # FAISS numbers a row by its list and its place in that, in 32 bits each
_SLACK = 1 + 1e-4  # covers the rounding errors made while the bounds themselves are computed


@dataclass(frozen=True, slots=True)
class Grid:
    """How vectors of one kind were rounded to codes.

    ``mean`` and ``step`` are [dimension], ``worst`` is the largest |e| and ``longest`` the largest |c| of a vector.
    """

    mean: Vector
    step: Vector
    worst: float
    longest: float


@dataclass(frozen=True, slots=True)
class CodedQuery:
    """A query rounded to integers: ``values`` float32 [dimension].

    A code score times ``unit``, plus ``constant``, lies within ``error`` of the true inner product.
    """

    values: Vector
    unit: float
    constant: float
    error: float


class Codes:
    """The codes of several kinds of vectors side by side, so that one pass computes the sum of their scores."""

    def __init__(
        self, matrix: CodeMatrix, grids: tuple[Grid, ...], *, most_copied: int = 0, first_row: int = 0
    ) -> None:
        """Copies of at most ``most_copied`` bytes are remembered.

        The first row of ``matrix`` is the row ``first_row`` for those who ask, as are all slices and rows then.
        """
        self.matrix = matrix
        self.first_row = first_row
        self.grids = grids
        self._copies: LRUCache[int, tuple[object, CodeMatrix]] = LRUCache(most_copied, lambda copy: copy[1].nbytes)
        self._lock = threading.Lock()  # cachetools leaves locking to its callers
        self._steps = np.concatenate([grid.step for grid in grids], dtype=np.float64)
        self._means = np.concatenate([grid.mean for grid in grids], dtype=np.float32)

    @classmethod
    def of(cls, *kinds: Matrix | HalfMatrix, first_row: int = 0) -> "Codes":
        """Round the vectors; each of ``kinds`` is [rows, dimension], with the same number of rows."""
        columns = np.cumsum([0, *(vectors.shape[1] for vectors in kinds)])
        matrix = np.empty((len(kinds[0]), columns[-1]), dtype=np.uint8)
        return cls(
            matrix,
            tuple(
                _round(vectors, matrix[:, start:end])
                for vectors, start, end in zip(kinds, columns[:-1], columns[1:], strict=True)
            ),
            first_row=first_row,
        )

    def last(self) -> "Codes":
        """A contiguous copy of the last kind's codes alone, which remembers what is copied of it."""
        grid = self.grids[-1]
        matrix = np.ascontiguousarray(self.matrix[:, -len(grid.step) :])
        return Codes(matrix, (grid,), most_copied=MOST_COPIED, first_row=self.first_row)

    def query(self, *queries: Vector) -> CodedQuery:
        """Round a query of one part a kind, [dimension] each; a score is the sum of the parts' inner products."""
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
        # The exact scores and the constant are float32 sums of as many terms as there are values: their rounding error.
        own = length * (len(whole) + 2) * 2.0**-22
        return CodedQuery(integers.astype(np.float32), unit, float(whole @ self._means), error * _SLACK + own)

    def nearest(self, span: slice, query: CodedQuery, count: int) -> tuple[Rows, float]:
        """The ``count`` rows of ``span`` with the best code scores, unordered and relative to its start, and a bound.

        The true inner product of every other row of the span is at most the bound.
        """
        return _scanned([self._of(span)], query, count)

    def _of(self, span: slice) -> CodeMatrix:
        return self.matrix[span.start - self.first_row : span.stop - self.first_row]

    def nearest_in(self, spans: Sequence[slice], query: CodedQuery, count: int) -> tuple[Rows, float]:
        """The same of several slices with at least ``count`` rows together; rows of the whole matrix."""
        found, bound = _scanned([self._of(span) for span in spans], query, count)
        starts = np.array([span.start for span in spans], dtype=np.int64)
        return starts[found >> _ROW_BITS] + (found & (1 << _ROW_BITS) - 1), bound

    def nearest_among(
        self, rows: Rows, span: slice, query: CodedQuery, count: int, *, again: object | None = None
    ) -> tuple[Rows, float]:
        """The same of some rows of a slice, at least ``count``, whose codes are copied first.

        The copy is remembered for ``again``, which always comes with the same rows.
        """
        found, bound = _scanned([self._copy(rows, span, again)], query, count)
        return rows[found], bound

    def _copy(self, rows: Rows, span: slice, again: object | None) -> CodeMatrix:
        if again is None or not self._copies.maxsize:
            return _gathered(self._of(span), rows)
        with self._lock:
            _, known = self._copies.get(id(again), (None, None))
        if known is None:
            known = _gathered(self._of(span), rows)
            if known.nbytes <= self._copies.maxsize:
                with self._lock:
                    self._copies[id(again)] = again, known  # it is held, so no other object gets its id
        return known


def _scanned(lists: Sequence[CodeMatrix], query: CodedQuery, count: int) -> tuple[Rows, float]:
    """The best ``count`` rows of all lists: the list's number above _ROW_BITS bits of the row in it; and the bound."""
    scores = np.full(count, -np.inf, dtype=np.float32)
    rows = np.full(count, -1, dtype=np.int64)
    scanner = _SCANNERS.of(lists[0].shape[1])
    scanner.set_query(faiss.swig_ptr(query.values))
    for number, codes in enumerate(lists):
        scanner.set_list(number, 0.0)
        scanner.scan_codes(len(codes), faiss.swig_ptr(codes), None, faiss.swig_ptr(scores), faiss.swig_ptr(rows), count)
    return rows, float(scores.min()) * query.unit + query.constant + query.error


def _gathered(matrix: CodeMatrix, rows: Rows) -> CodeMatrix:
    """Copies of rows; as one value of many bytes each, which is several times as fast as by single bytes."""
    width = matrix.shape[1]
    whole = matrix.view(f"V{width}").ravel()
    return whole.take(rows).view(np.uint8).reshape(len(rows), width)


class _Scanners(threading.local):
    """One FAISS scanner for each thread and dimension: a scanner holds its query, and SWIG never frees one."""

    def __init__(self) -> None:
        self._quantizers: list[Any] = []  # the scanners refer to them, and FAISS does not keep them alive
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
    """Write the codes of the vectors into ``codes`` and return their grid, with the largest rounding error."""
    if not len(vectors):
        return Grid(np.zeros(vectors.shape[1], "f4"), np.ones(vectors.shape[1], "f4"), 0.0, 0.0)
    every = max(1, len(vectors) // _SAMPLE_ROWS)
    mean = vectors[::every].mean(axis=0, dtype=np.float32)
    blocks = [slice(start, start + _BLOCK_ROWS) for start in range(0, len(vectors), _BLOCK_ROWS)]

    def extremes(span: slice) -> tuple[Vector, Vector]:
        block = in_float32(vectors[span])
        return block.min(axis=0), block.max(axis=0)

    with ThreadPoolExecutor(_THREADS) as threads:
        lowest, highest = zip(*threads.map(extremes, blocks), strict=True)
        step = np.maximum(np.max(highest, axis=0) - mean, mean - np.min(lowest, axis=0)) / np.float32(LARGEST_CODE)
        step[step == 0] = 1.0  # all vectors have the same value here
        per_step = np.float32(1) / step

        def round_block(span: slice) -> tuple[float, float]:
            exact = in_float32(vectors[span])  # updated in place from here on: memory bandwidth is the bottleneck
            exact -= mean
            exact *= per_step
            rounded = np.rint(exact)
            exact -= rounded
            lengths = _longest(exact), _longest(rounded)
            rounded += np.float32(LARGEST_CODE + 1)
            codes[span] = rounded
            return lengths

        worst, longest = np.max(list(threads.map(round_block, blocks)), axis=0).tolist()
    return Grid(mean, step, worst * _SLACK + _float32_error(mean, step), longest * _SLACK)


def rounding_of_products(vectors: Matrix) -> float:
    """The largest difference between two ways to sum the inner product of a row and a unit vector in float32."""
    starts = range(0, len(vectors), _BLOCK_ROWS)
    longest = max((_longest(vectors[start : start + _BLOCK_ROWS]) for start in starts), default=0.0)
    return longest * float((vectors.shape[1] + 2) * 2.0**-22)


def _float32_error(mean: Vector, step: Vector) -> float:
    """The error of e, as a length, that comes from the rounding of x - mean itself."""
    return float(np.linalg.norm((LARGEST_CODE + 1 + np.abs(mean) / step) * 2.0**-22))


def _length(vector: NDArray[np.floating]) -> float:
    return math.sqrt(float(vector @ vector))


def _longest(rows: Matrix) -> float:
    return float(np.sqrt(np.einsum("rd,rd->r", rows, rows).max()))


NO_ROWS: Rows = np.zeros(0, dtype=np.int64)
NO_ROWS.flags.writeable = False


def together(*parts: Rows) -> Rows:
    """The rows of parts that ascend and have no row in common, ascending."""
    filled = [rows for rows in parts if len(rows)]
    if len(filled) > 1:
        return np.sort(np.concatenate(filled))
    return filled[0] if filled else NO_ROWS


def among_sorted(values: Rows, sorted_values: Rows) -> NDArray[np.bool_]:
    """A mask of ``values`` that says which of them are in ``sorted_values``."""
    if not len(sorted_values):
        return np.zeros(len(values), dtype=np.bool_)
    return np.asarray(sorted_values.take(sorted_values.searchsorted(values), mode="clip") == values)
