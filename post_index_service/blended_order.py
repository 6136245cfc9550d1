"""The order by user of a blend: what a post is expected to be, in logarithms, plus the weighted inner product.

It is exact. The posts with the largest logarithms are known in order (LivingShares.head), and so are those with the
largest inner products (a scan of the codes). Where the last of both, added, come to less than the number that the last
post wanted has, no other post can be wanted: the threshold algorithm of Fagin, Lotem and Naor (2003).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from post_index_service.codes import NO_ROWS, Rows, among_sorted
from post_index_service.filtered_scans import SkippingScan
from post_index_service.filters import Allowed
from post_index_service.living_term import LivingTerm
from post_index_service.ranking import (
    ByInnerProducts,
    ByShortlist,
    DenseScan,
    InnerProduct,
    Keys,
    Ranked,
    Scan,
    reach_of,
)

_FIRST_HEAD = 256
_LIKELY = 1_024  # rows that are ranked beside a shortlist
_GROWS_BY = 4
_DENSE_SHARE = 0.125
"""Of the rows of a slice: more candidates take longer than all rows, multiplied."""
_GATHERED_SHARE = 0.25
"""Of the rows of a slice: fewer allowed ones are looked at one by one, as few of a head would be among them."""
_LONGEST = 1.01  # the largest inner product of two vectors that are taken for unit vectors
_ROUNDING = 2.0**-20  # of a sum of two numbers, as a share of them: far more than float32 has


@dataclass(frozen=True, slots=True)
class ByBlend:
    """Ranks the rows of a slice by a living term plus a weighted inner product, which is the score.

    ``scan`` makes one by the inner product, if it is needed. The products of BLAS and those of InnerProduct differ by
    less than ``rounding``.
    """

    term: LivingTerm
    by_user: InnerProduct
    ids: NDArray[np.int64]
    scan: Callable[[], Scan]
    rounding: float
    allowed: Allowed | None = None

    @property
    def reach(self) -> float:
        """The largest absolute logarithm, and the weight of the inner product."""
        return reach_of((self.term, self.by_user))

    def first(self, count: int, *, skip: Rows) -> Ranked:
        """Look at more and more rows, ranked by exact numbers, until no other row can be among the first."""
        count = min(count, len(self.ids))
        if count <= 0:
            return self.among(NO_ROWS)
        asked = _FIRST_HEAD + 4 * count + min(len(skip), _FIRST_HEAD)
        if self.by_user.weight == 0:
            asked = _FIRST_HEAD + 4 * count + min(len(skip), _FIRST_HEAD)
        if self.by_user.weight == 0:
            asked = count + len(skip)
        largest = _LONGEST
        by_product = NO_ROWS
        while self.by_user.weight == 0 or asked < _DENSE_SHARE * len(self.ids):
            likely, bound = self.likely(asked)
            ranked = self._certain(count, np.union1d(likely, by_product), bound, largest=largest, skip=skip)
            if ranked is not None:
                return ranked
            asked *= _GROWS_BY
            if self.by_user.weight:
                nearest, largest = self.scan().nearest(asked, skip=skip)
                by_product, largest = np.sort(nearest), min(largest, _LONGEST)
        return self._by_all(count, skip=skip)

    def first_likely(self, count: int, *, skip: Rows) -> Ranked | None:
        """The same if only the rows that ``most_likely`` gives have to be looked at; None if others may be among it."""
        likely, bound = self.likely(_LIKELY + len(skip))
        return self._certain(min(count, len(self.ids)), likely, bound, largest=_LONGEST, skip=skip)

    def _certain(self, count: int, rows: Rows, bound: float, *, largest: float, skip: Rows) -> Ranked | None:
        """The first of some rows, if no other can be among them: no logarithm of one exceeds the bound.

        ``largest`` is the largest inner product that it can have.
        """
        ranked = self.among(rows[~among_sorted(rows, skip)] if len(skip) else rows)
        if self.by_user.weight:
            bound += abs(self.by_user.weight) * largest + _ROUNDING * self.reach
        is_certain = bound == -np.inf or (len(ranked.rows) >= count > 0 and ranked.numbers[count - 1] > bound)
        return ranked.cut(0, count) if is_certain else None

    def likely(self, count: int) -> tuple[Rows, float]:
        """About ``count`` allowed rows with the largest logarithms, and all that are expected to follow; ascending.

        They come with a bound that the logarithm of no other allowed row exceeds, -inf if there is none. Where the
        numbers of other rows are equal to the last one's, their ids are larger: the bound is below it.
        """
        allowed = self.allowed
        if allowed is not None and allowed.count <= max(count, _GATHERED_SHARE * len(self.ids)):
            rows = allowed.rows
            heads, numbers, is_whole = [rows], [self.term.of(rows)], True
        else:
            heads, numbers, is_whole = [], [], True
            for span, offset in self.term.groups():
                whole = slice(self.term.span.start + span.start, self.term.span.start + span.stop)
                head = self.term.living.head(whole, count)
                heads.append(head + span.start)
                numbers.append(self.term.living.numbers[head + whole.start] + offset)
                is_whole &= len(head) == span.stop - span.start
        rows, logarithms = np.concatenate(heads), np.concatenate(numbers)
        bound = -np.inf
        if len(rows) > count:
            least = np.partition(logarithms, len(rows) - count)[len(rows) - count]
            rows = rows[logarithms >= least]
            bound = float(np.nextafter(least, np.float32(-np.inf)))
        elif not is_whole:
            bound = float(np.nextafter(logarithms.min(), np.float32(-np.inf)))
        rows = np.concatenate([rows, self.term.next_rows])
        if allowed is not None:
            rows = rows[allowed.passes(rows)]
        return np.unique(rows), bound

    def most_likely(self, skipped: int) -> Rows:
        """Some rows with the largest logarithms, if so many of them may be skipped: ascending."""
        return self.likely(_LIKELY + skipped)[0]

    def _by_all(self, count: int, *, skip: Rows) -> Ranked:
        scan: Scan = DenseScan(self.by_user, self.rounding, self.term.whole())
        if self.allowed is not None:
            scan = SkippingScan(scan, np.flatnonzero(~self.allowed.mask))
        return ByInnerProducts(scan, (self.term, self.by_user), self.ids).first(count, skip=skip)

    def among(self, rows: Rows) -> Ranked:
        """Rank the rows by exact numbers."""
        logarithms, products = self.term.of(rows), self.by_user.of(rows)
        numbers = logarithms + np.float32(self.by_user.weight) * products
        order = np.lexsort((self.ids[rows], -numbers))
        return Ranked(rows[order], products[order], numbers[order])

    def keys(self, ranked: Ranked) -> Keys:
        """By number, then by id."""
        return self.ids[ranked.rows], -ranked.numbers


@dataclass(frozen=True, slots=True)
class ByLikelyBlend:
    """Ranks by a shortlist where the likely rows leave it open which ones are first; so a page is found fast.

    What the likely rows leave certain, the shortlist that holds them ranks alike, so pages never overlap.
    """

    exact: ByBlend
    by_shortlist: ByShortlist

    @property
    def reach(self) -> float:
        """That of the exact order."""
        return self.exact.reach

    def first(self, count: int, *, skip: Rows) -> Ranked:
        """Exact as far as the shortlist is complete."""
        found = self.exact.first_likely(count, skip=skip)
        return self.by_shortlist.first(count, skip=skip) if found is None else found

    def among(self, rows: Rows) -> Ranked:
        """Rank the rows by exact numbers."""
        return self.exact.among(rows)

    def keys(self, ranked: Ranked) -> Keys:
        """Those of the shortlist."""
        return self.by_shortlist.keys(ranked)
