"""Reorders the merged ranking of all shards, as one index reorders its own: any shard can do it for all of them.

A shard knows the accounts of all posts. Their vectors it reads in the file of the bundle, those of a block at a time.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bundle.embedding_space import Matrix
from bundle.index_posts import IndexPosts
from post_index_service.attributes import Owners
from post_index_service.codes import NO_ROWS, Rows, Scores
from post_index_service.diversity import Listing, reordered_page
from post_index_service.exploration import Candidates, Exploration, count_explored, with_explored
from post_index_service.filters import NO_FILTERS
from post_index_service.impressions import MOST_IMPRESSIONS
from post_index_service.layer import LayerPart
from post_index_service.live_posts import LivePosts, PostsNotHeldError
from post_index_service.named_rows import NamedRows
from post_index_service.query import Query
from post_index_service.query_checks import check_numbers
from post_index_service.ranking import Ranked
from post_index_service.search_errors import InvalidSearchError


@dataclass(frozen=True, slots=True, kw_only=True)
class MergedRanking:
    """The start of a ranking of ``total`` posts: ``post_ids`` int64 and the ``numbers`` float32 that order them.

    The first ``pinned`` posts keep their places, and the first ``unseen`` ones come before all that the user has seen.
    Of the posts in ``candidate_ids`` int64, best first, some may be explored.
    """

    post_ids: NDArray[np.int64]
    numbers: Scores
    pinned: int
    unseen: int
    total: int
    candidate_ids: NDArray[np.int64]
    candidate_positives: NDArray[np.int64]
    candidate_impressions: NDArray[np.int64]


class ReorderedPosts(NamedTuple):
    """Posts of a page by id, int64, with their ranking scores, float32; some of them were ``explored``.

    Of a ranking that was too short the first ``needed`` posts are needed, and there is no page.
    """

    post_ids: NDArray[np.int64]
    numbers: Scores
    has_more: bool
    explored: NDArray[np.int64]
    needed: int = 0


class _TooShortError(Exception):
    def __init__(self, needed: int) -> None:
        super().__init__(needed)
        self.needed = needed


class ShardReordering:
    """Knows the posts of all shards of one bundle; may be called from several threads."""

    def __init__(self, posts: IndexPosts, names: NamedRows, owners: Owners, live: LivePosts) -> None:
        self._tower = posts.tower_embeddings
        self._names, self._owners, self._live = names, owners, live

    def page(self, ranking: MergedRanking, query: Query) -> ReorderedPosts:
        """The page of a query, of which the offset, limit, position and what reorders count.

        Raises InvalidSearchError, PostsNotHeldError and PositionNotReachedError.
        """
        check_numbers(query)
        _check(ranking, most=len(self._tower) + len(self._live.layer.live))
        ranked = Ranked(ranking.post_ids, np.zeros(len(ranking.post_ids), np.float32), ranking.numbers)
        if not (query.diversity or query.most_per_owner):
            return _explored_page(ranked, ranking, query)
        layer = self._live.as_of(query.posts_position, at_least=0, seconds=query.seconds)
        position = layer.position if query.posts_position is None else query.posts_position
        everywhere = slice(0, len(self._tower))
        part = layer.part(everywhere, None, position=position, filters=NO_FILTERS, allowed=None, unwanted=NO_ROWS)
        live = part.layer.live

        def best(count: int) -> Ranked:
            if count > len(ranked.rows):
                raise _TooShortError(count)
            return ranked.cut(0, count)

        def vectors(post_ids: Rows) -> Matrix:
            return part.gathered(self._rows(part, post_ids), self._tower, live.tower)

        def owners(post_ids: Rows) -> NDArray[np.int32]:
            return part.gathered_by(self._rows(part, post_ids), self._owners.account_of, live.owners)

        try:
            page, has_more = reordered_page(
                Listing(best, ranking.unseen, ranking.total, pinned=ranking.pinned),
                vectors=vectors,
                owners=owners,
                diversity=query.diversity,
                most_per_owner=query.most_per_owner,
                offset=query.offset,
                limit=query.limit,
            )
        except _TooShortError as error:
            return ReorderedPosts(NO_ROWS, ranked.scores[:0], has_more=True, explored=NO_ROWS, needed=error.needed)
        return ReorderedPosts(page.rows, page.numbers, has_more, NO_ROWS)

    def _rows(self, part: LayerPart, post_ids: NDArray[np.int64]) -> Rows:
        """The rows of posts of all shards, as a part counts them that is the whole bundle."""
        names, live = self._names, part.layer.live
        places = names.sorted_ids.searchsorted(post_ids)
        is_known = names.sorted_ids.take(places, mode="clip") == post_ids if len(names.sorted_ids) else places < 0
        rows = np.zeros(len(post_ids), dtype=np.int64)
        rows[is_known] = names.rows_by_id[places[is_known]]
        visible = part.layer.live_rows(None, position=part.position)
        if len(visible):
            visible = visible[np.argsort(live.ids[visible])]
            ids = live.ids[visible]
            places = ids.searchsorted(post_ids)
            is_live = ids.take(places, mode="clip") == post_ids
            rows[is_live] = part.frozen_count + visible[places[is_live]]
            is_known |= is_live
        if not is_known.all():
            raise PostsNotHeldError(f"a post of the ranking is not held as of position {part.position}")
        return rows


def _check(ranking: MergedRanking, *, most: int) -> None:
    """InvalidSearchError for what no gateway has merged; a ranking has at most so many posts."""
    if not 0 <= ranking.pinned <= ranking.unseen <= ranking.total <= most or len(ranking.post_ids) > ranking.total:
        raise InvalidSearchError("a ranking counts more posts than there are")
    if not np.isfinite(ranking.numbers).all():
        raise InvalidSearchError("a number of a ranking is not finite")
    if (ranking.candidate_positives < 0).any() or (ranking.candidate_impressions < 0).any():
        raise InvalidSearchError("a candidate of a ranking was met less than never")


def _explored_page(ranked: Ranked, ranking: MergedRanking, query: Query) -> ReorderedPosts:
    """The page whose last post may be one of the candidates."""
    first, last = min(query.offset, ranking.total), min(query.offset + query.limit, ranking.total)
    if last > len(ranked.rows):
        return ReorderedPosts(NO_ROWS, ranked.scores[:0], has_more=True, explored=NO_ROWS, needed=last)
    explored = NO_ROWS
    if query.exploration:
        ranked, explored = with_explored(
            ranked,
            query.exploration,
            limit=query.limit,
            movable=(ranking.pinned, ranking.unseen),
            candidates=lambda exploration: _candidates(ranking, exploration),
        )
    page = ranked.cut(first, last)
    explored = explored[np.isin(explored, page.rows)]
    count_explored(page.rows, explored)
    return ReorderedPosts(page.rows, page.numbers, last < ranking.total, explored)


def _candidates(ranking: MergedRanking, exploration: Exploration) -> Candidates:
    """Of the samples of all shards, those that would be in the sample of one index, and were shown seldom enough."""
    ids = ranking.candidate_ids
    none = np.zeros(len(ids), dtype=np.float32)
    merged = Candidates(Ranked(ids, none, none), ranking.candidate_positives, ranking.candidate_impressions)
    merged = merged.at(np.sort(exploration.sample(ids)))
    return merged.at(np.maximum(merged.positives, merged.impressions) < MOST_IMPRESSIONS)
