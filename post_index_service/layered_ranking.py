"""A ranking over two segments, the bundle's and the live one, and what an operator's rules make of it.

The rows of the slice come first, from 0 on, and then those of the live segment. All numbers are those that one segment
with all posts would give, so the order is the same as well.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from post_index_service.codes import Rows, Scores, among_sorted
from post_index_service.known_numbers import KnownNumbers
from post_index_service.popular_orders import trend_keys, trend_numbers
from post_index_service.ranking import (
    InnerProduct,
    KeyedOrder,
    Keys,
    Order,
    Ranked,
    largest_so_far,
    reach_of,
)
from post_index_service.trends import Epoch

_FEW = 64  # rows that are scored exactly at once
_COPIED = 4  # times as long as a row is multiplied, as a copy of it is
_LONGEST = 1.01  # vectors of unit length, and their rounding
_PINNED_HIGHER = 4.0
"""Times the reach of the order, with that of the boosts: more than any number of it."""


class LiveOrder(Protocol):
    """A ranking of the rows of the live segment: few enough to score all of them."""

    @property
    def reach(self) -> float:
        """As that of an Order."""

    def among(self, rows: Rows) -> Ranked:
        """The given rows, ranked."""

    def keys(self, ranked: Ranked) -> Keys:
        """As those of a KeyedOrder."""

    def numbers(self, rows: Rows) -> NDArray[np.floating]:
        """What orders the rows, before ties are resolved."""

    def best(self, rows: Rows, count: int) -> Ranked:
        """The best ``count`` of the given rows, ranked."""
        numbers = self.numbers(rows)
        if 0 < count < len(rows):
            rows = rows[numbers >= np.partition(numbers, len(numbers) - count)[len(numbers) - count]]
        return self.among(rows).cut(0, count)


@dataclass(frozen=True, slots=True)
class LiveByProducts(LiveOrder):
    """As ranking.ByInnerProducts, without a scan."""

    products: tuple[InnerProduct | KnownNumbers, ...]
    ids: NDArray[np.int64]
    shown: int = -1

    @property
    def reach(self) -> float:
        """That of a ByInnerProducts."""
        return reach_of(self.products)

    def numbers(self, rows: Rows) -> Scores:
        """The sums of the weighted products."""
        return _sum([product.of(rows) for product in self.products], self.products)

    def best(self, rows: Rows, count: int) -> Ranked:
        """By products of BLAS, which are fast and rounded otherwise, and by exact ones of the rows that may be it."""
        if count > 0 and len(rows) > count + _FEW:
            is_most = _COPIED * len(rows) > len(self.ids)
            parts = [_by_blas(product, rows, is_most=is_most) for product in self.products]
            numbers = _sum(parts, self.products)
            least = np.partition(numbers, len(numbers) - count)[len(numbers) - count]
            rows = rows[numbers >= least - np.float32(2 * self._error)]
        return self.among(rows).cut(0, count)

    @property
    def _error(self) -> float:
        """The largest difference between two ways to sum the number of a row: see codes.rounding_of_products."""
        weights = [1.0, *(abs(product.weight) for product in self.products[1:])]
        terms = sum(
            weight * (product.vectors.shape[1] + 2)
            for weight, product in zip(weights, self.products, strict=True)
            if isinstance(product, InnerProduct)
        )
        return float(_LONGEST * (terms + 8 * self.reach) * 2.0**-22)

    def among(self, rows: Rows) -> Ranked:
        """Rank the rows by exact scores."""
        parts = [product.of(rows) for product in self.products]
        sums = _sum(parts, self.products)
        order = np.lexsort((self.ids[rows], -sums))
        return Ranked(rows[order], parts[self.shown][order], sums[order])

    def keys(self, ranked: Ranked) -> Keys:
        """By number, then by id."""
        return self.ids[ranked.rows], -ranked.numbers


def _by_blas(product: InnerProduct | KnownNumbers, rows: Rows, *, is_most: bool) -> Scores:
    if isinstance(product, KnownNumbers):
        return product.of(rows)
    return (product.vectors @ product.query)[rows] if is_most else product.vectors[rows] @ product.query


def _sum(parts: Sequence[Scores], products: Sequence[InnerProduct | KnownNumbers]) -> Scores:
    return parts[0] if len(parts) == 1 else parts[0] + np.float32(products[1].weight) * parts[1]


@dataclass(frozen=True, slots=True)
class LiveByPopularity(LiveOrder):
    """As popular_orders.ByPopularity."""

    popularity: Scores
    ids: NDArray[np.int64]

    @property
    def reach(self) -> float:
        """The largest popularity."""
        return 1.0

    def numbers(self, rows: Rows) -> Scores:
        """The popularity."""
        return self.popularity[rows]

    def among(self, rows: Rows) -> Ranked:
        """Sort the rows by popularity."""
        rows = rows[np.lexsort((self.ids[rows], -self.popularity[rows]))]
        return Ranked(rows, self.popularity[rows], self.popularity[rows])

    def keys(self, ranked: Ranked) -> Keys:
        """By number, then by id."""
        return self.ids[ranked.rows], -ranked.numbers


@dataclass(frozen=True, slots=True)
class LiveByTrend(LiveOrder):
    """As popular_orders.ByTrend; ``visible`` are the rows whose largest trend is the reach."""

    epoch: Epoch
    trend_rows: NDArray[np.int64]
    popularity: Scores
    ids: NDArray[np.int64]
    visible: Rows

    @property
    def reach(self) -> float:
        """That of the largest trend."""
        return 1 + float(self.epoch.trends(self.trend_rows[self.visible]).max(initial=0.0))

    def numbers(self, rows: Rows) -> NDArray[np.float64]:
        """1 plus the trend, or the popularity of a post without any."""
        return trend_numbers(self.epoch.trends(self.trend_rows[rows]), self.popularity[rows])

    def among(self, rows: Rows) -> Ranked:
        """Sort the rows; equal trends by popularity."""
        trends = self.epoch.trends(self.trend_rows[rows])
        order = np.lexsort(trend_keys(trends, self.popularity[rows], self.ids[rows]))
        rows, trends = rows[order], trends[order]
        numbers = trend_numbers(trends, self.popularity[rows])
        return Ranked(rows, trends.astype(np.float32), numbers.astype(np.float32))

    def keys(self, ranked: Ranked) -> Keys:
        """By trend, then by popularity, then by id."""
        rows = ranked.rows
        return trend_keys(self.epoch.trends(self.trend_rows[rows]), self.popularity[rows], self.ids[rows])


@dataclass(frozen=True, slots=True)
class Layered:
    """Ranks the rows of a slice, ``frozen_count`` of them, and ``live_rows`` of the live segment (ascending)."""

    frozen: KeyedOrder
    live: LiveOrder
    frozen_count: int
    live_rows: Rows

    @property
    def reach(self) -> float:
        """The larger one of the two segments."""
        return max(self.frozen.reach, self.live.reach)

    def first(self, count: int, *, skip: Rows) -> Ranked:
        """The best of both."""
        cut = int(skip.searchsorted(self.frozen_count)) if len(skip) else 0
        rows = self.live_rows
        if cut < len(skip):
            rows = rows[~among_sorted(rows, skip[cut:] - self.frozen_count)]
        frozen, live = self.frozen.first(count, skip=skip[:cut]), self.live.best(rows, count)
        return self._merged(frozen, live).cut(0, count)

    def among(self, rows: Rows) -> Ranked:
        """The given rows of both, ranked."""
        is_live = rows >= self.frozen_count
        return self._merged(self.frozen.among(rows[~is_live]), self.live.among(rows[is_live] - self.frozen_count))

    def _merged(self, frozen: Ranked, live: Ranked) -> Ranked:
        moved = live._replace(rows=live.rows + self.frozen_count)
        return _merged(frozen, moved, self.frozen.keys(frozen), self.live.keys(live))


@dataclass(frozen=True, slots=True)
class LayeredIds:
    """The ids of the rows of both segments."""

    frozen: NDArray[np.int64]
    live: NDArray[np.int64]

    def of(self, rows: Rows) -> NDArray[np.int64]:
        """The ids of the posts in the given rows."""
        ids = np.empty(len(rows), dtype=np.int64)
        is_live = rows >= len(self.frozen)
        ids[~is_live] = self.frozen[rows[~is_live]]
        ids[is_live] = self.live[rows[is_live] - len(self.frozen)]
        return ids


@dataclass(frozen=True, slots=True)
class Boosted:
    """Adds to the numbers of ``rows`` (ascending) their ``boosts`` times the reach: float32 [rows], -1 to 1."""

    order: Order
    ids: LayeredIds
    rows: Rows
    boosts: Scores

    @property
    def reach(self) -> float:
        """With the largest boost."""
        return self.order.reach * (1 + float(np.abs(self.boosts).max(initial=0.0)))

    def first(self, count: int, *, skip: Rows) -> Ranked:
        """The boosted rows are ranked apart, by exact scores, and merged."""
        raised = self._raised(self.rows[~among_sorted(self.rows, skip)])
        return self._merged(self.order.first(count, skip=np.union1d(skip, self.rows)), raised).cut(0, count)

    def among(self, rows: Rows) -> Ranked:
        """The given rows, ranked."""
        is_boosted = among_sorted(rows, self.rows)
        return self._merged(self.order.among(rows[~is_boosted]), self._raised(rows[is_boosted]))

    def _raised(self, rows: Rows) -> Ranked:
        ranked = self.order.among(rows)
        boosts = self.boosts[self.rows.searchsorted(ranked.rows)] * np.float32(self.order.reach)
        numbers = ranked.numbers + boosts
        order = np.lexsort((self.ids.of(ranked.rows), -numbers))
        return Ranked(ranked.rows[order], ranked.scores[order], numbers[order])

    def _merged(self, others: Ranked, raised: Ranked) -> Ranked:
        keys = largest_so_far(self.ids.of(others.rows), others.numbers), -others.numbers
        return _merged(others, raised, keys, (self.ids.of(raised.rows), -raised.numbers))


@dataclass(frozen=True, slots=True)
class Pinned:
    """Ranks ``rows`` first, in their own order, with one number that is larger than any other."""

    order: Order
    rows: Rows

    @property
    def reach(self) -> float:
        """That of the other rows."""
        return self.order.reach

    def first(self, count: int, *, skip: Rows) -> Ranked:
        """The pinned rows, then the best of the others."""
        left = self.rows[~among_sorted(self.rows, skip)]
        ranked = self.order.among(np.sort(left))
        scores = ranked.scores[np.argsort(ranked.rows)][np.argsort(np.argsort(left))]
        pinned = Ranked(left, scores, np.full(len(left), _PINNED_HIGHER * self.order.reach, dtype=np.float32))
        others = self.order.first(max(count - len(left), 0), skip=np.union1d(skip, self.rows))
        return pinned.followed_by(others).cut(0, count)

    def among(self, rows: Rows) -> Ranked:
        """The given rows, ranked as if none was pinned."""
        return self.order.among(rows)


def _merged(first: Ranked, second: Ranked, keys_of_first: Keys, keys_of_second: Keys) -> Ranked:
    if not len(second.rows):
        return first
    if not len(first.rows):
        return second
    both = first.followed_by(second)
    order = np.lexsort([np.concatenate(pair) for pair in zip(keys_of_first, keys_of_second, strict=True)])
    return Ranked(both.rows[order], both.scores[order], both.numbers[order])
