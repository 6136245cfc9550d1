"""An order that ranks what Milvus finds, where it may miss posts."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from post_collection.form import MOST_HITS
from post_index_service.codes import Rows, among_sorted
from post_index_service.ranking import ByInnerProducts, Keys, Ranked, largest_so_far
from post_index_service.search_errors import PageTooDeepError

_FEW = 1_024


class HitsOf(Protocol):
    """Finds rows of a slice that has ``count`` of them."""

    @property
    def count(self) -> int:
        """How many rows there are to find."""

    def hits(self, count: int) -> Rows:
        """The ``count`` nearest rows, or MOST_HITS of them, ascending."""


@dataclass(frozen=True, slots=True)
class ByHits:
    """Ranks few hits first and then the others that Milvus gives, each part by exact numbers.

    The parts have the same rows for every page, so pages never overlap. A row that comes late carries the number of the
    row before it, so that the numbers follow the order.
    """

    exact: ByInnerProducts
    found: HitsOf

    @property
    def reach(self) -> float:
        """That of the exact order."""
        return self.exact.reach

    def first(self, count: int, *, skip: Rows) -> Ranked:
        """Raises PageTooDeepError if Milvus does not give so many rows."""
        few = self.found.hits(_FEW + len(skip))
        ranked = self.exact.among(few[~among_sorted(few, skip)])
        if len(ranked.rows) < count:
            more = self.found.hits(MOST_HITS)
            others = self.exact.among(more[~among_sorted(more, np.union1d(few, skip))])
            least = ranked.numbers.min(initial=np.inf)
            ranked = ranked.followed_by(others._replace(numbers=np.minimum(others.numbers, least)))
        if len(ranked.rows) < min(count, self.found.count - len(skip)):
            raise PageTooDeepError(f"Milvus returns at most {len(ranked.rows)} posts of this ranking")
        return ranked.cut(0, count)

    def among(self, rows: Rows) -> Ranked:
        """Rank the rows by exact scores, without a search."""
        return self.exact.among(rows)

    def keys(self, ranked: Ranked) -> Keys:
        """By number; rows that carry the number of the row before them keep their order."""
        return largest_so_far(self.exact.ids[ranked.rows], ranked.numbers), -ranked.numbers
