"""The port of an engine: what finds the vectors of a bundle that are near a query, before they are ranked exactly."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from bundle.embedding_space import Vector
from bundle.index_posts import IndexPosts
from post_index_service.filters import Allowed
from post_index_service.named_rows import NamedRows
from post_index_service.ranking import ByInnerProducts, InnerProduct, KeyedOrder, Near, Scan
from post_index_service.rankings import Ranking
from post_index_service.search_errors import EngineUnavailableError, PageTooDeepError


@dataclass(slots=True)
class Certainty:
    """What one search could not make sure of; engines write it while they search.

    ``is_approximate`` means that a better post may be missing. ``unavailable_engine`` names an engine that did not
    answer; empty if it did.
    """

    is_approximate: bool = False
    unavailable_engine: str = ""

    def settle(self, offset: int, *, has_more: bool) -> bool:
        """Whether another page can follow this one; EngineUnavailableError if it would continue another ranking.

        A ranking that was made without the engine ends with its first page: a later one would repeat posts.
        """
        if self.unavailable_engine and offset:
            raise EngineUnavailableError(f"this page needs an engine that does not answer: {self.unavailable_engine}")
        return has_more and not self.unavailable_engine


def check_depth(count: int, scans: "Scans", ranking: Ranking, *, total: int) -> None:
    """PageTooDeepError if an engine does not give the first ``count`` of ``total`` posts of a ranking."""
    depth = scans.depth
    if depth is not None and depth < min(count, total) and ranking not in {Ranking.POPULAR, Ranking.TRENDING}:
        raise PageTooDeepError(f"the index returns only the first {depth} of {total} posts", depth=str(depth))


class Scans(Protocol):
    """The scans of one search: of the rows of a slice of the bundle, of which ``allowed`` ones count, None for all."""

    @property
    def depth(self) -> int | None:
        """The most posts of a ranking by vectors that the engine gives of a larger slice; None for no limit."""

    def by_user(self, span: slice, by_user: InnerProduct, allowed: Allowed | None) -> Scan:
        """By the inner product with the user, not weighted."""

    def by_mood(
        self, span: slice, by_mood: InnerProduct, by_user: InnerProduct | None, allowed: Allowed | None
    ) -> Scan:
        """By the inner product with the mood plus, if there is a user, the weighted one with them."""

    def by_likeness(self, span: slice, query: Vector, allowed: Allowed | None) -> Scan:
        """By the inner product of a tower embedding with a query that is the sum of two."""

    def shortlist(self, span: slice, allowed: Allowed | None) -> Near | None:
        """What picks the likely rows of a search by user, where the engine does not find all; None where it does."""

    def ordered(self, exact: ByInnerProducts) -> KeyedOrder:
        """The order of the rows that one of these scans finds."""


class Engine(Protocol):
    """Finds the vectors of one bundle; may be called from several threads."""

    def scans(self, certainty: Certainty, *, seconds: float) -> Scans:
        """Those of a search that has ``seconds`` left, 0 if nobody waits for it."""


EngineOf = Callable[[IndexPosts, NamedRows], Engine]
"""Makes the engine of a bundle from its posts and their names."""
