"""The orders in which the rows of a slice can be ranked; ties go to the smaller post id.

Rows are counted from the start of the slice.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from bundle.embedding_space import HalfMatrix, Matrix, Vector, in_float32
from post_index_service.closeness import Closeness
from post_index_service.codes import Rows, Scores, among_sorted
from post_index_service.filters import Allowed
from post_index_service.known_numbers import KnownNumbers

FETCHED_MORE = 64  # more than asked for, as exact scores may order the last of them differently
_FETCHED_MORE_DENSE = 16
_ROUNDED_AGAIN = 1.1  # a weighted sum is rounded twice more, each time far less than a product of 64 terms
_SHORTLISTED = 512  # among a million random directions it misses none of the best ten
_BLOCK_ROWS = 8192


Keys = tuple[NDArray[np.generic], ...]
"""What rows are sorted by, ascending, as np.lexsort takes it: the last key counts first."""


class Ranked(NamedTuple):
    """Rows of a slice, best first, with the scores that are shown and the numbers that order them, which never rise."""

    rows: Rows
    scores: Scores
    numbers: Scores

    def cut(self, first: int, last: int) -> "Ranked":
        """The rows from ``first`` on, without those from ``last`` on."""
        if first == 0 and last >= len(self.rows):
            return self
        return Ranked(self.rows[first:last], self.scores[first:last], self.numbers[first:last])

    def without(self, rows: Rows) -> "Ranked":
        """The rows that are not among ``rows``, which ascend."""
        is_left = ~among_sorted(self.rows, rows)
        return Ranked(self.rows[is_left], self.scores[is_left], self.numbers[is_left])

    def followed_by(self, others: "Ranked") -> "Ranked":
        """These rows and then ``others``."""
        return Ranked(
            np.concatenate([self.rows, others.rows]),
            np.concatenate([self.scores, others.scores]),
            np.concatenate([self.numbers, others.numbers]),
        )


class Order(Protocol):
    """A ranking of the rows of a slice; every call gives the same one."""

    @property
    def reach(self) -> float:
        """The largest absolute number that orders rows, if all vectors are unit vectors and no rounding is done."""

    def first(self, count: int, *, skip: Rows) -> Ranked:
        """The best ``count`` rows outside ``skip`` (ascending), or all if there are fewer."""

    def among(self, rows: Rows) -> Ranked:
        """The given rows, ranked."""


class KeyedOrder(Order, Protocol):
    """An order whose rows can be merged with those of another segment that is ranked alike."""

    def keys(self, ranked: Ranked) -> Keys:
        """What rows that this order has ranked are sorted by."""


class ExactOrder(KeyedOrder, Protocol):
    """An order of rows with these ids, none of which it misses."""

    @property
    def ids(self) -> NDArray[np.int64]:
        """The ids of the rows of the slice."""


class Product(Protocol):
    """A term of a score: ``weight`` times one number for each row."""

    @property
    def weight(self) -> float:
        """The factor of the numbers in the score."""

    @property
    def reach(self) -> float:
        """The largest absolute number that a row can have, not weighted and before any rounding."""

    def of(self, rows: Rows) -> Scores:
        """The numbers of the rows, not weighted; a row's number does not depend on which other rows are asked for."""


@dataclass(frozen=True, slots=True)
class InnerProduct:
    """``weight`` times the inner product of a query with ``vectors`` [rows, dimension]."""

    vectors: Matrix | HalfMatrix
    query: Vector
    weight: float = 1.0

    @property
    def reach(self) -> float:
        """1: query and rows are unit vectors."""
        return 1.0

    def of(self, rows: Rows) -> Scores:
        """The products in float32, not weighted; computed in blocks so that few rows are copied at once."""
        if len(rows) <= _BLOCK_ROWS:
            return self._of_block(rows)
        scores = np.empty(len(rows), dtype=np.float32)
        for start in range(0, len(rows), _BLOCK_ROWS):
            scores[start : start + _BLOCK_ROWS] = self._of_block(rows[start : start + _BLOCK_ROWS])
        return scores

    def _of_block(self, rows: Rows) -> Scores:
        block = self.vectors.take(rows, axis=0)
        if block.dtype != np.float32:
            block = in_float32(block)
        # The rounding of BLAS depends on how many rows there are; that of einsum does not.
        scores: Scores = np.einsum("rd,d->r", block, self.query)
        return scores


class Scan(Protocol):
    """A first pass over all rows of a slice, by scores with a known largest error."""

    def nearest(self, count: int, *, skip: Rows) -> tuple[Rows, float]:
        """At least ``count`` of the best rows outside ``skip`` (ascending), or all if there are fewer, unordered.

        They come with a bound that the true score of no other row exceeds; it is -inf if there is no other row.
        """


class Near(Protocol):
    """Picks rows that probably score highest; one may be missing."""

    def rows(self, query: Vector, count: int) -> Rows:
        """The ``count`` most likely rows, or all rows if there are fewer, ascending."""


@dataclass(frozen=True, slots=True)
class DenseScan:
    """Multiplies the vectors themselves: for few rows that is faster than scanning codes and bounding their error.

    The products of BLAS and those of InnerProduct differ by less than ``error``. With the ``closeness`` of a mood, or
    other numbers that are known, the score is that plus the weighted product.
    """

    product: InnerProduct
    error: float
    closeness: Closeness | KnownNumbers | None = None

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
    rows = scores.argpartition(len(scores) - fetched)[-fetched:]
    return rows, float(scores[rows[0]]) + error  # the first of them is the smallest


def reach_of(products: Sequence[Product]) -> float:
    """The largest absolute sum of products, the first of which counts unweighted."""
    return products[0].reach + sum(abs(product.weight) * product.reach for product in products[1:])


@dataclass(frozen=True, slots=True)
class ByInnerProducts:
    """Ranks by the sum of one or two weighted products; the score is that of the product ``shown``, not weighted."""

    scan: Scan
    products: tuple[Product, ...]
    ids: NDArray[np.int64]
    shown: int = -1

    @property
    def reach(self) -> float:
        """That of the first product, which has the weight 1 or is the only one, and the weighted ones of the others."""
        return reach_of(self.products)

    def first(self, count: int, *, skip: Rows) -> Ranked:
        """Fetch more and more rows, ranked by exact scores, until no other row can be among the first."""
        count = min(count, len(self.ids))
        if count <= 0:
            return self._ranked(np.zeros(0, dtype=np.int64))
        asked = count
        while True:
            rows, bound = self.scan.nearest(asked, skip=skip)
            ranked = self._ranked(rows)
            if bound == -np.inf or (len(rows) >= count and ranked.numbers[count - 1] > bound):
                return ranked.cut(0, count)
            asked *= 4

    def among(self, rows: Rows) -> Ranked:
        """Rank the rows by exact scores, without a scan."""
        return self._ranked(rows)

    def keys(self, ranked: Ranked) -> Keys:
        """By number, then by id."""
        return self.ids[ranked.rows], -ranked.numbers

    def _ranked(self, rows: Rows) -> Ranked:
        parts = [product.of(rows) for product in self.products]
        sums = parts[0] if len(parts) == 1 else parts[0] + np.float32(self.products[1].weight) * parts[1]
        order = np.lexsort((self.ids[rows], -sums))
        return Ranked(rows[order], parts[self.shown][order], sums[order])


@dataclass(frozen=True, slots=True)
class ByShortlist:
    """Ranks the rows of a shortlist first, then all others, both exactly.

    The shortlist has the same length for every page, so pages never overlap. A row that the shortlist missed carries
    the number of the row before it, so that the numbers follow the order.
    """

    exact: ExactOrder
    shortlist: Near
    user: Vector
    allowed: Allowed | None = None
    also: Callable[[int], Rows] | None = None  # other likely rows, ascending, of which so many may be skipped

    @property
    def reach(self) -> float:
        """That of the exact order."""
        return self.exact.reach

    def first(self, count: int, *, skip: Rows) -> Ranked:
        """Exact as far as the shortlist is complete."""
        likely = self._likely(len(skip))
        ranked = self.exact.among(likely[~among_sorted(likely, skip)])
        if len(ranked.rows) < count:
            others = self.exact.first(count - len(ranked.rows), skip=np.union1d(likely, skip))
            least = ranked.numbers.min(initial=np.inf)
            ranked = ranked.followed_by(others._replace(numbers=np.minimum(others.numbers, least)))
        return ranked.cut(0, count)

    def _likely(self, skipped: int) -> Rows:
        allowed = self.allowed
        length, count = (1, 1) if allowed is None else (allowed.length, allowed.count)
        likely = self.shortlist.rows(self.user, _SHORTLISTED * length // count + skipped)
        if allowed is not None:
            likely = likely[allowed.passes(likely)]
        return likely if self.also is None else np.union1d(likely, self.also(skipped))

    def among(self, rows: Rows) -> Ranked:
        """Rank the rows by exact scores, without a scan."""
        return self.exact.among(rows)

    def keys(self, ranked: Ranked) -> Keys:
        """By number; rows that carry the number of the row before them keep their order."""
        return largest_so_far(self.exact.ids[ranked.rows], ranked.numbers), -ranked.numbers


def largest_so_far(ids: NDArray[np.int64], numbers: Scores) -> NDArray[np.int64]:
    """Of each row of a ranking the largest id of the rows up to it that have its number: it sorts them as they are."""
    is_equal = numbers[1:] == numbers[:-1]
    if not (is_equal & (ids[1:] < ids[:-1])).any():
        return ids
    ids = ids.copy()
    starts = np.flatnonzero(np.concatenate([[True], ~is_equal]))
    for start, end in zip(starts.tolist(), [*starts[1:].tolist(), len(ids)], strict=True):
        if end - start > 1:
            ids[start:end] = np.maximum.accumulate(ids[start:end])
    return ids
