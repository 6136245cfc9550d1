"""Begins searches: finds which rows each one looks at, what orders them, and what the operators' rules move."""

from collections.abc import Callable, Sequence

from bundle.embedding_space import EmbeddingSpace
from bundle.index_posts import IndexPosts
from post_index_service.begun_search import BegunSearch
from post_index_service.codes import among_sorted, together
from post_index_service.counted_searches import CountedSearches
from post_index_service.layer import LayerPart
from post_index_service.layered_ranking import LayeredIds
from post_index_service.live_posts import LivePosts
from post_index_service.named_rows import NamedRows
from post_index_service.orders import Orders
from post_index_service.query import Query
from post_index_service.query_checks import check_embedding, check_numbers
from post_index_service.query_rows import QueryRows
from post_index_service.rankings import Ranking
from post_index_service.ruled_rows import NO_RULES, RuledSearch, with_rules
from post_index_service.scans import Certainty
from post_index_service.similar import likeness_of


class Beginnings:
    """The searches of one bundle; may be called from several threads."""

    def __init__(
        self,
        posts: IndexPosts,
        spaces: tuple[EmbeddingSpace, EmbeddingSpace],
        *,
        orders: Orders,
        rows: QueryRows,
        names: NamedRows,
        counted: CountedSearches,
        live: LivePosts,
        now_ms: Callable[[], int],
    ) -> None:
        """``spaces`` are those of the tower and of texts."""
        self._posts = posts
        self._tower_space, self._text_space = spaces
        self._orders, self._rows, self._names = orders, rows, names
        self._counted, self._live = counted, live
        self._now_ms = now_ms

    def begin(self, query: Query, ids_called: Callable[[str], Sequence[int]]) -> BegunSearch:
        """Everything about a search but the ranking itself; raises what PostIndex.search does.

        ``ids_called`` finds posts by external id.
        """
        check_numbers(query)
        user = None if query.user is None else check_embedding(query.user, self._tower_space)
        mood = None if query.mood is None else check_embedding(query.mood, self._text_space)
        epoch = self._counted.epoch(query, user, mood)
        part = self._rows.part(query, self._live)
        likeness = likeness_of(
            query,
            part,
            user,
            user_weight=self._orders.user_weight,
            ids_called=ids_called,
            row_of=self._names.row_of,
            vectors=self._posts.tower_embeddings,
        )
        blended = self._counted.blended(query, part, epoch) if user is not None and epoch is not None else None
        scans = self._orders.scans(certainty := Certainty(), seconds=query.seconds)
        if likeness is None:
            ranking, order = self._orders.layered(part, user, mood, epoch, blended=blended, scans=scans)
        else:
            ranking, order = Ranking.SIMILAR, self._orders.like(part, likeness, scans)
            query = query._replace(not_interested_post_ids=[*query.not_interested_post_ids, likeness.post_id])

        now_ms = self._now_ms()
        moment_ms = now_ms if query.rules_moment_ms is None else query.rules_moment_ms
        ruled = NO_RULES
        if part.layer.rules.versions:
            ids = self.ids(part)
            ruled = RuledSearch(part, ids, query.category_id, moment_ms=moment_ms, now_ms=now_ms).rows()
        excluded = self._rows.excluded(query, part, ruled)
        seen = self._rows.seen(query, part, excluded)
        total = part.count - len(excluded)

        skip = together(part.masked, excluded, seen)
        ordered, pinned = order, ruled.pinned
        if ruled is not NO_RULES:
            pinned = pinned[~among_sorted(pinned, skip)]
            ordered = with_rules(order, ids, pinned=pinned, ruled=ruled, left_out=(part.masked, excluded))
        return BegunSearch(
            query=query,
            part=part,
            user=user,
            mood=mood,
            epoch=epoch,
            blended=blended,
            likeness=likeness,
            ranking=ranking,
            order=order,
            ordered=ordered,
            ruled=ruled,
            pinned=pinned,
            skip=skip,
            seen=seen,
            total=total,
            unseen_total=total - len(seen),
            moment_ms=moment_ms,
            scans=scans,
            certainty=certainty,
        )

    def ids(self, part: LayerPart) -> LayeredIds:
        """The ids of the rows of a part."""
        return LayeredIds(self._posts.post_ids[part.span], part.layer.live.ids)
