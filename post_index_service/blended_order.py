"""The order by user of a blend: what a post is expected to be, in logarithms, plus the weighted inner product.

It is exact. The posts with the largest logarithms are known in order (LivingShares.head), and so are those with the
largest inner products (a scan of the codes). Where the last of both, added, come to less than the number that the last
post wanted has, no other post can be wanted: the threshold algorithm of Fagin, Lotem and Naor (2003).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from post_index_service.codes import NO_ROWS, Rows, Scores, among_sorted
from post_index_service.filtered_scans import SkippingScan
from post_index_service.filters import Allowed
from post_index_service.known_numbers import KnownNumbers
from post_index_service.layer import LayerPart
from post_index_service.living_shares import LivingShares, PersonPart
from post_index_service.next_posts import NextPosts
from post_index_service.ranking import (
    ByInnerProducts,
    DenseScan,
    InnerProduct,
    Keys,
    Ranked,
    Scan,
    reach_of,
)

_FIRST_HEAD = 256
_GROWS_BY = 4
_DENSE_SHARE = 0.125
"""Of the rows of a slice: more candidates take longer than all rows, multiplied."""
_GATHERED_SHARE = 0.25
"""Of the rows of a slice: fewer allowed ones are looked at one by one, as few of a head would be among them."""
_LONGEST = 1.01  # the largest inner product of two vectors that are taken for unit vectors
_ROUNDING = 2.0**-20  # of a sum of two numbers, as a share of them: far more than float32 has


@dataclass(frozen=True, slots=True)
class LivingTerm:
    """The logarithms of the rows of a slice of the bundle, for one person: a Product.

    ``edges`` are the rows at which the person's categories begin and end, relative to the slice and ascending, and
    ``offsets`` float32 what is added before the first edge, between each two, and after the last.
    """

    living: LivingShares
    person: PersonPart
    span: slice
    edges: NDArray[np.int64]
    offsets: Scores
    next_rows: Rows
    next_numbers: Scores
    weight: float = 1.0

    @classmethod
    def of_slice(cls, living: LivingShares, person: PersonPart, span: slice) -> "LivingTerm":
        """The term of the rows of a slice."""
        slices = living.posts.slices
        parts = sorted((slices[number], number) for number in person.offsets if number in slices)
        edges: list[int] = []
        offsets, lifts = [person.offset], [person.lift]
        for (start, stop), number in parts:
            first, last = max(start, span.start) - span.start, min(stop, span.stop) - span.start
            if first < last:
                edges += [first, last]
                offsets += [person.offsets[number], person.offset]
                lifts += [person.lifts[number], person.lift]
        places = np.array(edges, dtype=np.int64)
        numbers = person.next_posts.numbers
        begin, end = numbers.searchsorted([span.start, span.stop])
        rows = numbers[begin:end]
        next_lifts = np.array(lifts)[places.searchsorted(rows - span.start, side="right")]
        expected = next_numbers(living, living.shares[rows], next_lifts, person.next_posts.shares[begin:end])
        return cls(
            living,
            person,
            span,
            places,
            np.array(offsets, dtype=np.float32),
            rows - span.start,
            expected,
        )

    @property
    def reach(self) -> float:
        """That of the person's part."""
        return self.person.reach

    def of(self, rows: Rows) -> Scores:
        """The logarithms of the given rows."""
        numbers: Scores = (
            self.living.numbers[rows + self.span.start] + self.offsets[self.edges.searchsorted(rows, side="right")]
        )
        if len(self.next_rows):
            places = self.next_rows.searchsorted(rows)
            is_next = self.next_rows.take(places, mode="clip") == rows
            numbers[is_next] = self.next_numbers[places[is_next]]
        return numbers

    def whole(self) -> KnownNumbers:
        """Those of all rows of the slice."""
        lengths = np.diff(self.edges, prepend=0, append=self.span.stop - self.span.start)
        numbers = self.living.numbers[self.span] + np.repeat(self.offsets, lengths)
        numbers[self.next_rows] = self.next_numbers
        return KnownNumbers(numbers, self.reach)

    def groups(self) -> Sequence[tuple[slice, np.float32]]:
        """Slices, relative to this one, and what is added to the numbers of their heads: one of them is all rows.

        Rows that are in two of them are added less to in that one.
        """
        whole = slice(0, self.span.stop - self.span.start)
        parts = [
            (slice(int(first), int(last)), offset)
            for first, last, offset in zip(self.edges[::2], self.edges[1::2], self.offsets[1::2], strict=True)
        ]
        if len(parts) == 1 and parts[0][0] == whole:
            return parts
        return [(whole, self.offsets[0]), *parts]


def lifts_of(person: PersonPart, category_ids: NDArray[np.int32]) -> NDArray[np.float64]:
    """The lifts of posts of these categories."""
    return np.array([person.lifts.get(number, person.lift) for number in category_ids.tolist()], dtype=np.float64)


def next_numbers(
    living: LivingShares, shares: NDArray[np.float64], lifts: NDArray[np.float64], expected: NDArray[np.float64]
) -> Scores:
    """The logarithms of posts that are expected to follow."""
    return np.asarray(living.posts.blend.popularity * np.log(shares * lifts + expected)).astype(np.float32)


def next_shares_of(next_posts: NextPosts, numbers: Rows) -> NDArray[np.float64]:
    """What is expected in addition of posts that are counted under these numbers; 0 of most."""
    if not len(next_posts.numbers):
        return np.zeros(len(numbers))
    places = next_posts.numbers.searchsorted(numbers)
    is_next = next_posts.numbers.take(places, mode="clip") == numbers
    return np.where(is_next, next_posts.shares.take(places, mode="clip"), 0.0)


def live_term(living: LivingShares, person: PersonPart, part: LayerPart) -> KnownNumbers:
    """The term of the rows of the live segment."""
    live = part.layer.live
    shares, base = living.of_live(live)
    numbers = base + np.float32(person.offset)
    for category_id, offset in person.offsets.items():
        is_there = live.category_ids == category_id
        numbers[is_there] = base[is_there] + np.float32(offset)
    expected = next_shares_of(person.next_posts, live.trend_rows)
    rows = np.flatnonzero(expected)
    if len(rows):
        lifts = lifts_of(person, live.category_ids[rows])
        numbers[rows] = next_numbers(living, shares[rows], lifts, expected[rows])
    largest = float(np.abs(numbers[part.live_rows]).max(initial=0.0))
    return KnownNumbers(numbers, max(person.reach, largest))


def parts_of(
    living: LivingShares, person: PersonPart, part: LayerPart, rows: Rows
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """What rows of both segments are expected to be: their shares, their lifts, and what is added as the next post."""
    live = part.layer.live
    shares = part.gathered(rows, living.shares, living.of_live(live)[0])
    lifts = lifts_of(person, part.gathered(rows, living.posts.category_ids, live.category_ids))
    numbers = part.gathered_by(rows, lambda of_bundle: of_bundle, live.trend_rows)
    return shares, lifts, next_shares_of(person.next_posts, numbers)


@dataclass(frozen=True, slots=True)
class ByBlend:
    """Ranks the rows of a slice by a living term plus a weighted inner product, which is the score.

    ``scan`` makes one by the inner product, if it is needed. The products of BLAS and those of InnerProduct differ by less than ``rounding``.
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
        asked = count + len(skip) if self.by_user.weight == 0 else _FIRST_HEAD + 4 * count + min(len(skip), _FIRST_HEAD)
        largest = _LONGEST
        by_product = NO_ROWS
        while self.by_user.weight == 0 or asked < _DENSE_SHARE * len(self.ids):
            likely, bound = self.likely(asked)
            rows = np.union1d(likely, by_product)
            ranked = self.among(rows[~among_sorted(rows, skip)])
            if self.by_user.weight:
                bound += abs(self.by_user.weight) * largest + _ROUNDING * self.reach
            if bound == -np.inf or (len(ranked.rows) >= count and ranked.numbers[count - 1] > bound):
                return ranked.cut(0, count)
            asked *= _GROWS_BY
            if self.by_user.weight:
                nearest, largest = self.scan().nearest(asked, skip=skip)
                by_product, largest = np.sort(nearest), min(largest, _LONGEST)
        return self._by_all(count, skip=skip)

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
        return self.likely(_FIRST_HEAD + skipped)[0]

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
