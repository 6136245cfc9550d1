"""The logarithms of what posts are expected to be, for one person: those of a slice of the bundle, and of live posts.

They are added in the same way wherever they are computed, so a post has the same number however it is found.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from post_index_service.codes import Rows, Scores
from post_index_service.known_numbers import KnownNumbers
from post_index_service.layer import LayerPart
from post_index_service.living_shares import LivingShares, PersonPart
from post_index_service.next_posts import NextPosts


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
