"""The orders in which the rows of a slice can be ranked; ties go to the smaller post id.

Rows are counted from the start of the slice.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from bundle.embedding_space import HalfMatrix, Matrix, Vector, in_float32
from post_index_service.closeness import Closeness
from post_index_service.codes import CodedQuery, Codes, Rows, Scores, among_sorted
from post_index_service.shortlist import Shortlist

_FETCHED_MORE = 64  # more than asked for, as exact scores may order the last of them differently
_FETCHED_MORE_DENSE = 16
_ROUNDED_AGAIN = 1.1  # a weighted sum is rounded twice more, each time far less than a product of 64 terms
_SHORTLISTED = 512  # among a million random directions it misses none of the best ten
_BLOCK_ROWS = 8192


class Order(Protocol):
    """A ranking of the rows of a slice; every call gives the same one."""

    def first(self, count: int, *, skip: Rows) -> tuple[Rows, Scores]:
        """The best ``count`` rows outside ``skip`` (ascending), or all if there are fewer, best first, with scores."""

    def among(self, rows: Rows) -> tuple[Rows, Scores]:
        """The given rows, best first, with their scores."""


class Product(Protocol):
    """A term of a score: ``weight`` times one number for each row."""

    @property
    def weight(self) -> float:
        """The factor of the numbers in the score."""

    def of(self, rows: Rows) -> Scores:
        """The numbers of the rows, not weighted; a row's number does not depend on which other rows are asked for."""


@dataclass(frozen=True, slots=True)
class InnerProduct:
    """``weight`` times the inner product of a query with ``vectors`` [rows, dimension]."""

    vectors: Matrix | HalfMatrix
    query: Vector
    weight: float = 1.0

    def of(self, rows: Rows) -> Scores:
        """The products in float32, not weighted; computed in blocks so that few rows are copied at once."""
        scores = np.empty(len(rows), dtype=np.float32)
        for start in range(0, len(rows), _BLOCK_ROWS):
            block = in_float32(self.vectors[rows[start : start + _BLOCK_ROWS]])
            # The rounding of BLAS depends on how many rows there are; that of einsum does not.
            scores[start : start + _BLOCK_ROWS] = np.einsum("rd,d->r", block, self.query)
        return scores


class Scan(Protocol):
    """A first pass over all rows of a slice, by scores with a known largest error."""

    def nearest(self, count: int, *, skip: Rows) -> tuple[Rows, float]:
        """At least ``count`` of the best rows outside ``skip`` (ascending), or all if there are fewer, unordered.

        They come with a bound that the true score of no other row exceeds; it is -inf if there is no other row.
        """


@dataclass(frozen=True, slots=True)
class CodedScan:
    """Scans the codes of the slice ``span``."""

    codes: Codes
    span: slice
    query: CodedQuery

    def nearest(self, count: int, *, skip: Rows) -> tuple[Rows, float]:
        """One pass of FAISS."""
        total = self.span.stop - self.span.start
        fetched = 2 * count + _FETCHED_MORE + min(len(skip), count)
        if fetched >= total:
            rows, bound = np.arange(total), -np.inf
        else:
            rows, bound = self.codes.nearest(self.span, self.query, fetched)
        return rows[~among_sorted(rows, skip)], bound


@dataclass(frozen=True, slots=True)
class DenseScan:
    """Multiplies the vectors themselves: for few rows that is faster than scanning codes and bounding their error.

    The products of BLAS and those of InnerProduct differ by less than ``error``. With the ``closeness`` of a mood, the
    score is the closeness plus the weighted product.
    """

    product: InnerProduct
    error: float
    closeness: Closeness | None = None

    def nearest(self, count: int, *, skip: Rows) -> tuple[Rows, float]:
        """One matrix product."""
        scores, error = self.product.vectors @ self.product.query, self.error
        if self.closeness is not None:
            scores *= np.float32(self.product.weight)
            scores += self.closeness.scores
            error *= abs(self.product.weight) * _ROUNDED_AGAIN
            error += self.closeness.largest * 2.0**-22
        return _nearest(scores, count, skip=skip, error=error)


@dataclass(frozen=True, slots=True)
class ClosenessScan:
    """Reads the closeness of a mood alone, which is exact."""

    closeness: Closeness

    def nearest(self, count: int, *, skip: Rows) -> tuple[Rows, float]:
        """Read what is remembered."""
        return _nearest(self.closeness.scores, count, skip=skip, error=0.0)


def _nearest(scores: Scores, count: int, *, skip: Rows, error: float) -> tuple[Rows, float]:
    if len(skip):
        scores = scores.copy()
        scores[skip] = -np.inf
    fetched = count + _FETCHED_MORE_DENSE
    if fetched >= len(scores) - len(skip):
        return np.flatnonzero(scores != -np.inf), -np.inf
    rows = np.argpartition(scores, len(scores) - fetched)[-fetched:]
    return rows, float(scores[rows[0]]) + error  # the first of them is the smallest


@dataclass(frozen=True, slots=True)
class ByInnerProducts:
    """Ranks by the sum of one or two weighted products; the score shown is the last product, not weighted."""

    scan: Scan
    products: tuple[Product, ...]
    ids: NDArray[np.int64]

    def first(self, count: int, *, skip: Rows) -> tuple[Rows, Scores]:
        """Fetch more and more rows, ranked by exact scores, until no other row can be among the first."""
        count = min(count, len(self.ids))
        if count <= 0:
            return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.float32)
        asked = count
        while True:
            rows, bound = self.scan.nearest(asked, skip=skip)
            rows, sums, shown = self._ranked(rows)
            if bound == -np.inf or (len(rows) >= count and sums[count - 1] > bound):
                return rows[:count], shown[:count]
            asked *= 4

    def among(self, rows: Rows) -> tuple[Rows, Scores]:
        """Rank the rows by exact scores, without a scan."""
        rows, _, shown = self._ranked(rows)
        return rows, shown

    def _ranked(self, rows: Rows) -> tuple[Rows, Scores, Scores]:
        parts = [product.of(rows) for product in self.products]
        sums = parts[0] if len(parts) == 1 else parts[0] + np.float32(self.products[1].weight) * parts[1]
        order = np.lexsort((self.ids[rows], -sums))
        return rows[order], sums[order], parts[-1][order]


@dataclass(frozen=True, slots=True)
class ByShortlist:
    """Ranks the rows of a shortlist first, then all others, both exactly.

    The shortlist has the same length for every page, so pages never overlap.
    """

    exact: ByInnerProducts
    shortlist: Shortlist
    user: Vector

    def first(self, count: int, *, skip: Rows) -> tuple[Rows, Scores]:
        """Exact as far as the shortlist is complete."""
        likely = self.shortlist.rows(self.user, _SHORTLISTED + len(skip))
        rows, scores = self.exact.among(likely[~among_sorted(likely, skip)])
        if len(rows) < count:
            others, other_scores = self.exact.first(count - len(rows), skip=np.union1d(likely, skip))
            rows, scores = np.concatenate([rows, others]), np.concatenate([scores, other_scores])
        return rows[:count], scores[:count]

    def among(self, rows: Rows) -> tuple[Rows, Scores]:
        """Rank the rows by exact scores, without a scan."""
        return self.exact.among(rows)


@dataclass(frozen=True, slots=True)
class ByPopularity:
    """Ranks the most popular first; ``popularity`` is float32 [rows]."""

    popularity: Scores
    ids: NDArray[np.int64]

    def first(self, count: int, *, skip: Rows) -> tuple[Rows, Scores]:
        """Sort the rows that are at least as popular as the last one wanted."""
        rows = np.setdiff1d(np.arange(len(self.ids)), skip, assume_unique=True)
        if 0 < count < len(rows):
            least = np.partition(self.popularity[rows], len(rows) - count)[len(rows) - count]
            rows = rows[self.popularity[rows] >= least]
        rows, scores = self.among(rows)
        return rows[:count], scores[:count]

    def among(self, rows: Rows) -> tuple[Rows, Scores]:
        """Sort the rows by popularity."""
        order = np.lexsort((self.ids[rows], -self.popularity[rows]))
        return rows[order], self.popularity[rows[order]]
