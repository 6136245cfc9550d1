"""Searches whose pages end with a new post: in one index, and what a shard tells of its own posts."""

from collections.abc import Callable
from functools import partial

from post_index_service.begun_search import BegunSearch
from post_index_service.codes import NO_ROWS, Rows
from post_index_service.exploration import EXPLORED_RANKINGS, NO_CANDIDATES, Candidates, with_explored
from post_index_service.impressions import Impressions
from post_index_service.layer import LayerPart
from post_index_service.layered_ranking import LayeredIds
from post_index_service.ranking import Ranked


class ExploredSearches:
    """The searches of an index; may be called from several threads."""

    def __init__(
        self, impressions: Impressions | None, ids: Callable[[LayerPart], LayeredIds], *, of_bundle: int
    ) -> None:
        """Without ``impressions`` nothing is explored; ``ids`` gives those of the rows of a part.

        ``of_bundle`` is the number of posts of the bundle.
        """
        self._impressions, self._ids, self._of_bundle = impressions, ids, of_bundle

    def with_explored(self, ranked: Ranked, begun: BegunSearch) -> tuple[Ranked, Rows]:
        """The start of a search's ranking with what its pages explore moved up, and the rows of that."""
        known, exploration = self._known(begun), begun.query.exploration
        if known is None or exploration is None:
            return ranked, NO_ROWS
        return with_explored(
            ranked,
            exploration,
            limit=begun.query.limit,
            movable=(len(begun.pinned), begun.unseen_total),
            candidates=partial(known.candidates, begun, self._ids(begun.part)),
        )

    def of_shard(self, begun: BegunSearch, *, count: int) -> Candidates | None:
        """The candidates of a shard if any page of the first ``count`` posts explores; None if the search does not."""
        known, exploration = self._known(begun), begun.query.exploration
        if known is None or exploration is None:
            return None
        part = begun.part
        most = min(count, self._of_bundle + len(part.layer.live))  # the ranking of all shards is no longer
        if not exploration.explores_any(most // begun.query.limit):
            return NO_CANDIDATES
        return known.candidates(begun, self._ids(part), exploration, also_often_shown=True)

    def _known(self, begun: BegunSearch) -> Impressions | None:
        """What is known as of the search; None if it does not explore."""
        known = self._impressions
        if known is None or begun.query.exploration is None or begun.ranking not in EXPLORED_RANKINGS:
            return None
        return known if known.has_read(begun.part.position, seconds=begun.query.seconds) else None
