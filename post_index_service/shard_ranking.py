"""What a shard tells of its own ranking: enough to merge it with those of the other shards into that of one index.

The numbers that order posts are those that one index with the posts of all shards would give, with two exceptions that
need all shards: how far seen posts are lowered, and the number of pinned ones. Both follow from the largest reach.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bundle.index_posts import IndexPosts
from post_index_service.begun_search import BegunSearch
from post_index_service.codes import NO_ROWS, Rows, Scores, among_sorted
from post_index_service.exploration import NO_CANDIDATES, Candidates
from post_index_service.layered_ranking import LayeredIds
from post_index_service.ranking import Ranked
from post_index_service.rankings import Ranking
from post_index_service.search_results import SearchResult

PINNED, SEEN, BOOSTED, WITHHELD = 1, 2, 4, 8
"""The bits of a kind: a post that is pinned, that was seen, whose number a rule has changed, that is not shown."""


class ShardRanking(NamedTuple):
    """The first posts of a shard's ranking, of which ``total`` are in it and ``unseen_total`` have not been seen.

    ``numbers`` float32 [posts] order the posts, but those of pinned posts are their places in their rule, and those of
    seen ones are not lowered. ``kinds`` uint8 [posts] say what each is. By trend, ``trends`` float64 and ``popularity``
    float32 [posts] order the posts that no rule has moved; otherwise they are empty. Posts are shown with the numbers
    that ``reach`` gives. ``described`` are the posts in ``places``, without those that are withheld. Posts and rules
    are the same from the position ``posts_changed`` on. If it ``explores``, ``candidates`` may be explored, and
    ``candidate_ids`` int64 are their ids. ``named`` are posts that are described by id: those of ``named_ids``.
    """

    post_ids: NDArray[np.int64]
    numbers: Scores
    kinds: NDArray[np.uint8]
    trends: NDArray[np.float64]
    popularity: Scores
    total: int
    unseen_total: int
    reach: float
    described: SearchResult
    places: Rows
    posts_changed: int
    explores: bool
    candidates: Candidates
    candidate_ids: NDArray[np.int64]
    named: SearchResult | None
    named_ids: Sequence[int]


def shard_ranking(
    begun: BegunSearch,
    unseen: Ranked,
    seen: Ranked,
    *,
    posts: IndexPosts,
    ids: LayeredIds,
    withheld: Rows,
    described: SearchResult,
    places: Rows,
    candidates: Candidates | None = None,
    named: tuple[SearchResult, Sequence[int]] | None = None,
) -> ShardRanking:
    """The ranking of the first rows of a search, unseen and seen ones apart; ``ids`` are those of its rows."""
    ruled, part = begun.ruled, begun.part
    both = unseen.followed_by(seen) if len(seen.rows) else unseen
    rows, numbers = both.rows, both.numbers.astype(np.float32)
    kinds = np.zeros(len(rows), dtype=np.uint8)
    kinds[len(unseen.rows) :] |= SEEN
    if len(ruled.boosted):
        is_pinned_at_all = among_sorted(rows, np.sort(begun.pinned))
        kinds[among_sorted(rows, ruled.boosted) & ~is_pinned_at_all] |= BOOSTED
    if len(begun.pinned):
        place_of = dict(zip(ruled.pinned.tolist(), ruled.pin_places.tolist(), strict=True))
        count = min(len(begun.pinned), len(unseen.rows))  # they come first
        kinds[:count] |= PINNED
        numbers = numbers.copy()
        numbers[:count] = [place_of[row] for row in rows[:count].tolist()]
    if len(withheld):
        kinds[among_sorted(rows, withheld)] |= WITHHELD
    trends, popularity = np.zeros(0), np.zeros(0, dtype=np.float32)
    if begun.ranking is Ranking.TRENDING and begun.epoch is not None:
        live = part.layer.live
        trends = part.gathered_by(rows, begun.epoch.trends, begun.epoch.trends(live.trend_rows))
        popularity = part.gathered(rows, posts.popularity, live.popularity)
    return ShardRanking(
        post_ids=ids.of(rows),
        numbers=numbers,
        kinds=kinds,
        trends=trends,
        popularity=popularity,
        total=begun.total,
        unseen_total=begun.unseen_total,
        reach=float(begun.ordered.reach),
        described=described,
        places=places,
        posts_changed=min(part.layer.changed, part.position),
        explores=candidates is not None,
        candidates=candidates or NO_CANDIDATES,
        candidate_ids=ids.of(candidates.ranked.rows) if candidates else NO_ROWS,
        named=named[0] if named else None,
        named_ids=named[1] if named else (),
    )
