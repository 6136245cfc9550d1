"""Search among the posts of a category or of all: by user, by mood, by both, by popularity, or by trend.

``orders.py`` is the table of all searches, ``query_rows.py`` says which rows one looks at; the page is made here.
"""

import math
from collections.abc import Callable, Sequence

import numpy as np

from bundle.blend import Blend
from bundle.embedding_space import EmbeddingKind, EmbeddingSpace
from bundle.index_posts import UNKNOWN_MOMENT, IndexPosts
from bundle.post_steps import PostSteps
from bundle.post_trends import PostTrends
from bundle.served_posts import ServedPost
from compute.log_tail import LogTail
from post_index_service.attributes import Attributes
from post_index_service.beginnings import Beginnings
from post_index_service.begun_search import BegunSearch
from post_index_service.bundle_rows import BundleRows
from post_index_service.codes import NO_ROWS, Rows, among_sorted
from post_index_service.counted_searches import CountedSearches
from post_index_service.diversity import Listing, reordered_page
from post_index_service.division import Division
from post_index_service.explained_rows import explanations_of
from post_index_service.explanations import Explanation
from post_index_service.exploration import count_explored
from post_index_service.explored_searches import ExploredSearches
from post_index_service.external_ids import ExternalIds
from post_index_service.impressions import Impressions
from post_index_service.kept_moments import DEFAULT_KEPT_SECONDS
from post_index_service.layer import LayeredPosts, LayerPart
from post_index_service.live_posts import LivePosts
from post_index_service.living_shares import BlendedPosts
from post_index_service.named_rows import NamedRows
from post_index_service.orders import MOST_DENSE, MOST_EXACT, Orders
from post_index_service.query import Query
from post_index_service.query_rows import QueryRows
from post_index_service.ranking import Ranked
from post_index_service.reasons import reasons_of
from post_index_service.scans import EngineOf
from post_index_service.search_results import CategoryCount, SearchResult
from post_index_service.shard_ranking import ShardRanking, shard_ranking
from post_index_service.shard_reordering import ShardReordering
from post_index_service.trends import Trends
from rpc import wall_clock
from rpc.tracing import staged

BY_TOWER_ALONE = Blend()


class PostIndex:
    """The posts of one bundle; every method may be called from several threads."""

    def __init__(
        self,
        posts: IndexPosts,
        *,
        bundle_id: str,
        user_weight: float,
        most_exact: int = MOST_EXACT,
        most_dense: int = MOST_DENSE,
        trends: PostTrends | None = None,
        steps: PostSteps | None = None,
        blend: Blend = BY_TOWER_ALONE,
        log: LogTail | None = None,
        log_position: int = 0,
        kept_seconds: float = DEFAULT_KEPT_SECONDS,
        now_ms: Callable[[], int] = wall_clock.now_ms,
        explores: bool = False,
        engine: EngineOf | None = None,
        shards: int = 1,
        shard: int = 0,
    ) -> None:
        """``trends``, by default none, count the log up to ``log_position``; they go on if there is a ``log``.

        ``blend`` says how posts are ranked by user, and ``steps``, by default none, which posts followed which.
        So do the posts themselves, whose old forms are kept for ``kept_seconds``. ``now_ms`` reads milliseconds since
        1970, for rules that count at certain times. What was shown is counted if the index ``explores``. Without an
        ``engine``, our own finds the vectors.

        Of several ``shards``, the index ranks the posts of ``shard`` alone. It knows those of all, as the numbers of a
        ranking depend on them, but reads no embeddings of the others.
        """
        self.bundle_id = bundle_id
        self.recall = math.nan  # until it is measured, see recall.py
        self.tower_space = EmbeddingSpace(bundle_id, EmbeddingKind.TOWER, posts.tower_embeddings.shape[1])
        self.text_space = EmbeddingSpace(bundle_id, EmbeddingKind.TEXT, posts.text_embeddings.shape[1])
        self._posts = posts
        self.shard = Division.of(posts.category_ids, shards).shard(shard)
        self.held = self.shard.rows(posts.category_ids)
        rows_by_id = np.argsort(posts.post_ids, kind="stable").astype(np.int32)
        self._names_of_rows = NamedRows(posts.post_ids[rows_by_id], rows_by_id, ExternalIds(posts.posts))
        numbers, starts, counts = np.unique(posts.category_ids, return_index=True, return_counts=True)
        self._slices = {
            number: slice(start, start + count)
            for number, start, count in zip(numbers.tolist(), starts.tolist(), counts.tolist(), strict=True)
            if number > 0
        }
        attributes = Attributes(posts.posts, posts.created_ms)
        self._owners = attributes.owners
        self._rows = QueryRows(posts, self._names_of_rows, self._slices, attributes, self.shard)
        self.orders = Orders(
            posts,
            user_weight=user_weight,
            most_exact=most_exact,
            most_dense=most_dense,
            engine=engine(posts, self._names_of_rows) if engine else None,
            held=self.held,
        )
        self.live = LivePosts(
            BundleRows(posts, self._names_of_rows, self._slices, attributes.owners),
            bundle_id=bundle_id,
            dimensions=(self.tower_space.dimension, self.text_space.dimension),
            position=log_position,
            log=log,
            kept_seconds=kept_seconds,
            shard=self.shard,
        )
        self.trends = Trends(
            trends or PostTrends.none(len(posts.posts)),
            self._names_of_rows,
            position=log_position if log else 0,
            log=log,
        )
        self.blended = BlendedPosts.of(posts, blend, trends, steps)
        self._beginnings = Beginnings(
            posts,
            (self.tower_space, self.text_space),
            orders=self.orders,
            rows=self._rows,
            names=self._names_of_rows,
            counted=CountedSearches(self.trends, self.blended, self._names_of_rows),
            live=self.live,
            now_ms=now_ms,
        )
        self.reordering = ShardReordering(posts, self._names_of_rows, attributes.owners, self.live)
        met = trends.sums if trends else np.zeros(len(posts.posts))
        self.impressions = (
            Impressions(posts.created_ms, met, self._names_of_rows, log, now_ms=now_ms()) if explores and log else None
        )
        self._explored = ExploredSearches(self.impressions, self._beginnings.ids, of_bundle=len(posts.posts))
        self._names = {category.category_id: category for category in posts.categories}
        posts.let_go_of_pages()

    def categories(self) -> tuple[CategoryCount, ...]:
        """The categories that have at least one post, ascending by id."""
        counts = self.live.layer.counts(self._slices, self._names)
        return tuple(CategoryCount(category, count) for category, count in counts.items())

    @property
    def servable_count(self) -> int:
        """The number of posts that searches find by now."""
        return self.live.layer.count(len(self._posts.post_ids))

    def named_categories(self) -> frozenset[int]:
        """The categories whose names are known."""
        return frozenset({*self._names, *self.live.layer.category_names})

    def ids_called(self, external_id: str, *, in_bundle: bool = False) -> tuple[int, ...]:
        """The ids of the posts with an external id, ascending; of those of the bundle alone if ``in_bundle`` is set.

        A post that has got another external id since the bundle does not count.
        """
        rows = self._names_of_rows.external_ids.rows_in(self._everywhere, [external_id])
        of_bundle = {
            post_id for post_id in self._posts.post_ids[rows].tolist() if self.live.may_be_called(post_id, external_id)
        }
        return tuple(sorted(of_bundle if in_bundle else of_bundle | self.live.ids_called(external_id)))

    def bundle_posts(self, post_ids: Sequence[int]) -> dict[int, ServedPost]:
        """The posts of the bundle with these ids."""
        rows = self._rows.in_slice(self._everywhere, post_ids)
        return {post.post_id: post for post in self._posts.posts.at(rows)} if len(rows) else {}

    def held_ids(self, post_ids: Sequence[int]) -> frozenset[int]:
        """The ids of the posts of the bundle that this shard ranks; all of them if it is the only one."""
        if self.shard.is_whole:
            return frozenset(post_ids)
        rows = self._rows.in_slice(self.held, post_ids) + self.held.start
        return frozenset(self._posts.post_ids[rows].tolist())

    def made_at_ms(self, post_id: int) -> int | None:
        """When a post of the bundle was made, in milliseconds since 1970; None if the bundle does not know it."""
        row = self._names_of_rows.row_of(post_id)
        moment = UNKNOWN_MOMENT if row is None else int(self._posts.created_ms[row])
        return None if moment == UNKNOWN_MOMENT else moment

    def serves(self, post_id: int, position: int) -> bool:
        """Whether searches find the revision of a post at a position of the log."""
        known = self.live.revision(post_id)
        if known is None:  # the bundle holds it, if it could be embedded
            return position <= self.live.base and bool(self.bundle_posts([post_id]))
        return known.position == position and known.post is not None and not known.is_pending

    @staged("rank posts")
    def search(self, query: Query) -> SearchResult:
        """One page of the query's ranking. Every call gives the same ranking; ties go to the smaller post id.

        Posts that the user has seen come after all others, ranked by the same rule; their ranking scores are lower by
        more than those of an order can differ.

        The ranking is exact, with one exception: a search by user over more than ``most_exact`` posts rarely misses
        one of the first ten. Its pages still hold every post exactly once. Another engine says what it is not sure of.

        Posts and rules count as of ``posts_position``, or of now; what was taken away or hidden since keeps its place
        and is left out. An operator's rules move posts within the ranking, as exactly.

        Raises CategoryNotFoundError, EmbeddingSpaceMismatchError, InvalidEmbeddingError, InvalidSearchError,
        PostsNotHeldError and PositionNotReachedError; by trend and by user also CountsNotHeldError. If it is for posts
        like another one, moods and trends are not used, that post is left out, and PostNotFoundError is raised as well.
        Another engine raises PageTooDeepError and, for a later page than the first, EngineUnavailableError.
        """
        begun = self._beginnings.begin(query, self.ids_called)
        query, part = begun.query, begun.part
        explored = NO_ROWS
        if query.diversity or query.most_per_owner:
            listing = Listing(begun.best, begun.unseen_total, begun.total, pinned=len(begun.pinned))
            page, has_more = self._reordered_page(query, listing, part)
        else:
            first, last = min(query.offset, begun.total), min(query.offset + query.limit, begun.total)
            ranked = begun.best(last)
            if query.exploration:
                ranked, explored = self._explored.with_explored(ranked, begun)
            page, has_more = ranked.cut(first, last), last < begun.total
        page = self._rows.shown(page, query, part, begun.ruled)
        if len(explored):
            count_explored(page.rows, explored)
        has_more = begun.certainty.settle(query.offset, has_more=has_more)
        return self._result(begun, page, has_more=has_more, explored=explored)

    @staged("rank posts")
    def rank(
        self, query: Query, *, count: int, described: Sequence[int] | None = None, named: Sequence[int] = ()
    ) -> ShardRanking:
        """The first ``count`` posts of this shard's own ranking, to be merged with those of the other shards.

        ``described`` are the places of the posts that are given with all that is shown of them; None for all. Places
        beyond the ranking are ignored, and the offset of the query is. Posts whose ids are ``named`` are given as well.
        If a page of the query's limit up to ``count`` explores, so are the candidates. Raises what ``search`` does.
        """
        begun = self._beginnings.begin(query, self.ids_called)
        unseen, seen = begun.unseen_and_seen(min(max(count, 0), begun.total))
        withheld = self._rows.withheld(query, begun.part, begun.ruled)
        places = np.arange(len(unseen.rows) + len(seen.rows)) if described is None else np.array(described, np.int64)
        listed = unseen.followed_by(begun.lowered(seen)) if len(seen.rows) else unseen
        places = places[(places >= 0) & (places < len(listed.rows))]
        places = places[~among_sorted(listed.rows[places], withheld)]
        page = Ranked(listed.rows[places], listed.scores[places], listed.numbers[places])
        by_id: tuple[SearchResult, Sequence[int]] | None = None
        if named:
            wanted = begun.order.among(self._rows.visible(begun.part, named)).without(withheld)
            found_ids = self._beginnings.ids(begun.part).of(wanted.rows).tolist()
            by_id = self._result(begun, wanted, has_more=False), found_ids
        return shard_ranking(
            begun,
            unseen,
            seen,
            posts=self._posts,
            ids=self._beginnings.ids(begun.part),
            withheld=withheld,
            described=self._result(begun, page, has_more=len(listed.rows) < begun.total),
            places=places,
            candidates=self._explored.of_shard(begun, count=count),
            named=by_id,
        )

    def _result(self, begun: BegunSearch, page: Ranked, *, has_more: bool, explored: Rows = NO_ROWS) -> SearchResult:
        query, part, ruled = begun.query, begun.part, begun.ruled
        explanations: tuple[Explanation, ...] = ()
        if query.explain:
            explanations = explanations_of(
                page.rows,
                part=part,
                posts=self._posts,
                user=begun.user,
                mood=begun.mood,
                seen=(self._rows.in_slice(self._everywhere, query.seen_post_ids), query.seen_post_ids),
                ruled=ruled,
                blended=begun.blended,
                similarity=None if begun.likeness is None else page.scores,
            )
        return SearchResult(
            rows=tuple(part.numbers(page.rows, count=len(self._posts.post_ids)).tolist()),
            scores=tuple(page.scores.tolist()),
            ranking_scores=tuple(page.numbers.tolist()),
            reasons=reasons_of(page.rows, begun.ranking, pinned=begun.pinned, boosted=ruled.boosted, explored=explored),
            has_more=has_more,
            ranking=begun.ranking,
            served=LayeredPosts(self._posts.posts, part.layer.live) if len(part.layer.live) else self._posts.posts,
            rules_moment_ms=begun.moment_ms,
            counted_position=0 if begun.epoch is None else begun.epoch.position,
            posts_position=part.position if self.live.has_log else None,
            explanations=explanations,
            is_approximate=begun.certainty.is_approximate,
            unavailable_engine=begun.certainty.unavailable_engine,
        )

    @property
    def _everywhere(self) -> slice:
        return slice(0, len(self._posts.posts))

    def _reordered_page(self, query: Query, listing: Listing, part: LayerPart) -> tuple[Ranked, bool]:
        live = part.layer.live
        return reordered_page(
            listing,
            vectors=lambda rows: part.gathered(rows, self._posts.tower_embeddings, live.tower),
            owners=lambda rows: part.gathered_by(rows, self._owners.account_of, live.owners),
            diversity=query.diversity,
            most_per_owner=query.most_per_owner,
            offset=query.offset,
            limit=query.limit,
        )
