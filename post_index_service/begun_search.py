"""A search whose rows and order are known, before any of them is ranked."""

from typing import NamedTuple

import numpy as np

from bundle.embedding_space import Vector
from post_index_service.codes import Rows
from post_index_service.layer import LayerPart
from post_index_service.living_shares import Blended
from post_index_service.query import Query
from post_index_service.ranking import Order, Ranked
from post_index_service.rankings import Ranking
from post_index_service.ruled_rows import RuledRows
from post_index_service.scans import Certainty, Scans, check_depth
from post_index_service.similar import Likeness
from post_index_service.trends import Epoch

SEEN_LOWER = 3.0
"""Times the reach of the order: any two numbers of it differ by at most twice the reach, and some rounding."""


class BegunSearch(NamedTuple):
    """``order`` ranks the rows of ``part``, and ``ordered`` with what rules move in it, such as ``pinned`` rows.

    Of ``total`` rows in the ranking ``unseen_total`` come before the ``seen`` ones; rows to ``skip`` are in none, or
    seen. All rows ascend but the pinned ones. The engine writes into ``certainty`` what its ``scans`` may have missed.
    """

    query: Query
    part: LayerPart
    user: Vector | None
    mood: Vector | None
    epoch: Epoch | None
    blended: Blended | None
    likeness: Likeness | None
    ranking: Ranking
    order: Order
    ordered: Order
    ruled: RuledRows
    pinned: Rows
    skip: Rows
    seen: Rows
    total: int
    unseen_total: int
    moment_ms: int
    scans: Scans
    certainty: Certainty

    def best(self, count: int) -> Ranked:
        """The first ``count`` rows of the ranking; the numbers of seen ones are lowered."""
        check_depth(count, self.scans, self.ranking, total=self.part.count)
        if count <= self.unseen_total:
            return self.ordered.first(count, skip=self.skip)
        unseen, seen = self.unseen_and_seen(count)
        return unseen.followed_by(self.lowered(seen)) if len(seen.rows) else unseen

    def lowered(self, seen: Ranked) -> Ranked:
        """Seen rows with numbers below those of all unseen ones."""
        return seen._replace(numbers=seen.numbers - np.float32(SEEN_LOWER * self.ordered.reach))

    def unseen_and_seen(self, count: int) -> tuple[Ranked, Ranked]:
        """The first ``count`` rows of the ranking, the seen ones apart and with the numbers that the order gives."""
        unseen = self.ordered.first(min(count, self.unseen_total), skip=self.skip)
        if count <= self.unseen_total:
            return unseen, unseen.cut(0, 0)
        return unseen, self.ordered.among(self.seen).cut(0, count - self.unseen_total)
