"""The orders in which posts can be ranked, each over the rows of one slice, ties to the smaller post id."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from bundle.embedding_space import HalfMatrix, Matrix, Vector, in_float32
from post_index_service.closeness import Closeness
from post_index_service.codes import CodedQuery, Codes, Rows, Scores, among_sorted
from post_index_service.shortlist import Shortlist

_FETCHED_MORE = 64  # than asked for: the rows whose scores in the codes are within twice the error of the last one's
_FETCHED_MORE_DENSE = 16
_ROUNDED_AGAIN = 1.1  # a weighted sum is rounded twice more, by far less than the product of 64 terms was
_SHORTLISTED = 512  # of a million random directions none of the best ten is left out
_BLOCK_ROWS = 8192


class Order(Protocol):
    """A ranking of the rows of a slice, the same at every call."""

    def first(self, count: int, *, skip: Rows) -> tuple[Rows, Scores]:
        """The best ``count`` rows outside ``skip`` (ascending), or all if there are fewer, with their scores."""

    def among(self, rows: Rows) -> tuple[Rows, Scores]:
        """The given rows in order, with their scores."""


class Product(Protocol):
    """A part of a score: ``weight`` times a number a row."""

    @property
    def weight(self) -> float:
        """How much it counts."""

    def of(self, rows: Rows) -> Scores:
        """The numbers of the rows, without the weight: the same in whichever company they stand."""


@dataclass(frozen=True, slots=True)
class InnerProduct:
    """``weight`` times the inner product of a query with ``vectors`` [rows, dimension]."""

    vectors: Matrix | HalfMatrix
    query: Vector
    weight: float = 1.0

    def of(self, rows: Rows) -> Scores:
        """The products, without the weight, in float32, blockwise so that few rows are copied at once."""
        scores = np.empty(len(rows), dtype=np.float32)
        for start in range(0, len(rows), _BLOCK_ROWS):
            block = in_float32(self.vectors[rows[start : start + _BLOCK_ROWS]])
            # BLAS may round a row otherwise when it stands among more rows; einsum never does.
            scores[start : start + _BLOCK_ROWS] = np.einsum("rd,d->r", block, self.query)
        return scores


class Scan(Protocol):
    """A first pass over all rows of a slice, whose scores may be off by a known error."""

    def nearest(self, count: int, *, skip: Rows) -> tuple[Rows, float]:
        """The best rows outside ``skip`` (ascending), ``count`` at least where there are as many, in no order.

        With them a bound: no other row's true score is larger, -inf if there is no other.
        """


@dataclass(frozen=True, slots=True)
class CodedScan:
    """By the codes of the slice ``place``, of ``total`` rows."""

    codes: Codes
    place: slice
    query: CodedQuery
    total: int

    def nearest(self, count: int, *, skip: Rows) -> tuple[Rows, float]:
        """One pass of FAISS."""
        fetched = 2 * count + _FETCHED_MORE + min(len(skip), count)
        if fetched >= self.total:
            rows, bound = np.arange(self.total), -np.inf
        else:
            rows, bound = self.codes.nearest(self.place, self.query, fetched)
        return rows[~among_sorted(rows, skip)], bound


@dataclass(frozen=True, slots=True)
class DenseScan:
    """By the vectors themselves, of so few rows that reading them takes less than knowing how far codes are off.

    BLAS rounds a row's product otherwise than InnerProduct does: by less than ``error``. With a mood's ``closeness``
    the score is that plus the weighted product.
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
    """By a mood's closeness alone."""

    closeness: Closeness

    def nearest(self, count: int, *, skip: Rows) -> tuple[Rows, float]:
        """Look at what is remembered."""
        return _nearest(self.closeness.scores, count, skip=skip, error=0.0)


def _nearest(scores: Scores, count: int, *, skip: Rows, error: float) -> tuple[Rows, float]:
    if len(skip):
        scores = scores.copy()
        scores[skip] = -np.inf
    fetched = count + _FETCHED_MORE_DENSE
    if fetched >= len(scores) - len(skip):
        return np.flatnonzero(scores != -np.inf), -np.inf
    rows = np.argpartition(scores, len(scores) - fetched)[-fetched:]
    return rows, float(scores[rows[0]]) + error  # the first of them is the least


@dataclass(frozen=True, slots=True)
class ByInnerProducts:
    """Largest sum of weighted inner products first; what is shown is the last of them, without its weight."""

    scan: Scan
    products: tuple[Product, ...]
    ids: NDArray[np.int64]

    def first(self, count: int, *, skip: Rows) -> tuple[Rows, Scores]:
        """Scan for more and more rows until no other can be among the first, then rank by exact scores."""
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
        """A few rows need no search."""
        rows, _, shown = self._ranked(rows)
        return rows, shown

    def _ranked(self, rows: Rows) -> tuple[Rows, Scores, Scores]:
        parts = [product.of(rows) for product in self.products]
        sums = parts[0] if len(parts) == 1 else parts[0] + np.float32(self.products[1].weight) * parts[1]
        order = np.lexsort((self.ids[rows], -sums))
        return rows[order], sums[order], parts[-1][order]


@dataclass(frozen=True, slots=True)
class ByShortlist:
    """First the rows of a shortlist, then all others, both ranked exactly.

    The shortlist is as long for the first page as for the last, so that pages never overlap.
    """

    exact: ByInnerProducts
    shortlist: Shortlist
    user: Vector

    def first(self, count: int, *, skip: Rows) -> tuple[Rows, Scores]:
        """As exact as the shortlist is complete."""
        likely = self.shortlist.rows(self.user, _SHORTLISTED + len(skip))
        rows, scores = self.exact.among(likely[~among_sorted(likely, skip)])
        if len(rows) < count:
            others, other_scores = self.exact.first(count - len(rows), skip=np.union1d(likely, skip))
            rows, scores = np.concatenate([rows, others]), np.concatenate([scores, other_scores])
        return rows[:count], scores[:count]

    def among(self, rows: Rows) -> tuple[Rows, Scores]:
        """A few rows need no search."""
        return self.exact.among(rows)


@dataclass(frozen=True, slots=True)
class ByPopularity:
    """Most popular first: ``popularity`` float32 [rows]."""

    popularity: Scores
    ids: NDArray[np.int64]

    def first(self, count: int, *, skip: Rows) -> tuple[Rows, Scores]:
        """Sort those that are as popular as the last one wanted, or more."""
        rows = np.setdiff1d(np.arange(len(self.ids)), skip, assume_unique=True)
        if 0 < count < len(rows):
            least = np.partition(self.popularity[rows], len(rows) - count)[len(rows) - count]
            rows = rows[self.popularity[rows] >= least]
        rows, scores = self.among(rows)
        return rows[:count], scores[:count]

    def among(self, rows: Rows) -> tuple[Rows, Scores]:
        """Sort the rows."""
        order = np.lexsort((self.ids[rows], -self.popularity[rows]))
        return rows[order], self.popularity[rows[order]]
