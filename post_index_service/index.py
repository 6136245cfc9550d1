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
from post_index_service.bundle_rows import BundleRows
from post_index_service.codes import NO_ROWS, among_sorted, together
from post_index_service.counted_searches import CountedSearches
from post_index_service.diversity import Listing, reordered_page
from post_index_service.explained_rows import explanations_of
from post_index_service.exploration import EXPLORED_RANKINGS, count_explored, with_explored
from post_index_service.external_ids import ExternalIds
from post_index_service.impressions import Impressions
from post_index_service.kept_moments import DEFAULT_KEPT_SECONDS
from post_index_service.layer import LayeredPosts, LayerPart
from post_index_service.layered_ranking import LayeredIds
from post_index_service.live_posts import LivePosts
from post_index_service.living_shares import BlendedPosts
from post_index_service.named_rows import NamedRows
from post_index_service.orders import MOST_DENSE, MOST_EXACT, Orders
from post_index_service.query import Query
from post_index_service.query_checks import check_embedding, check_numbers
from post_index_service.query_rows import QueryRows
from post_index_service.ranking import Ranked
from post_index_service.rankings import Ranking
from post_index_service.reasons import reasons_of
from post_index_service.ruled_rows import NO_RULES, RuledSearch, with_rules
from post_index_service.scans import Certainty, EngineOf, check_depth
from post_index_service.search_results import CategoryCount, SearchResult
from post_index_service.similar import likeness_of
from post_index_service.trends import Trends
from rpc import wall_clock
from rpc.tracing import staged

BY_TOWER_ALONE = Blend()
_SEEN_LOWER = 3.0
"""Times the reach of the order: any two numbers of it differ by at most twice the reach, and some rounding."""


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
    ) -> None:
        """``trends``, by default none, count the log up to ``log_position``; they go on if there is a ``log``.

        ``blend`` says how posts are ranked by user, and ``steps``, by default none, which posts followed which.
        So do the posts themselves, whose old forms are kept for ``kept_seconds``. ``now_ms`` reads milliseconds since
        1970, for rules that count at certain times. What was shown is counted if the index ``explores``. Without an
        ``engine``, our own finds the vectors.
        """
        self.bundle_id = bundle_id
        self.recall = math.nan  # until it is measured, see recall.py
        self.tower_space = EmbeddingSpace(bundle_id, EmbeddingKind.TOWER, posts.tower_embeddings.shape[1])
        self.text_space = EmbeddingSpace(bundle_id, EmbeddingKind.TEXT, posts.text_embeddings.shape[1])
        self._posts = posts
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
        self._rows = QueryRows(posts, self._names_of_rows, self._slices, attributes)
        self.orders = Orders(
            posts,
            user_weight=user_weight,
            most_exact=most_exact,
            most_dense=most_dense,
            engine=engine(posts, self._names_of_rows) if engine else None,
        )
        self._now_ms = now_ms
        self.live = LivePosts(
            BundleRows(posts, self._names_of_rows, self._slices, attributes.owners),
            bundle_id=bundle_id,
            dimensions=(self.tower_space.dimension, self.text_space.dimension),
            position=log_position,
            log=log,
            kept_seconds=kept_seconds,
        )
        self.trends = Trends(
            trends or PostTrends.none(len(posts.posts)),
            self._names_of_rows,
            position=log_position if log else 0,
            log=log,
        )
        self.blended = BlendedPosts.of(posts, blend, trends, steps)
        self._counted = CountedSearches(self.trends, self.blended, self._names_of_rows)
        met = trends.sums if trends else np.zeros(len(posts.posts))
        self.impressions = (
            Impressions(posts.created_ms, met, self._names_of_rows, log, now_ms=now_ms()) if explores and log else None
        )
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
        check_numbers(query)
        user = None if query.user is None else check_embedding(query.user, self.tower_space)
        mood = None if query.mood is None else check_embedding(query.mood, self.text_space)
        epoch = self._counted.epoch(query, user, mood)
        part = self._rows.part(query, self.live)
        likeness = likeness_of(
            query,
            part,
            user,
            user_weight=self.orders.user_weight,
            ids_called=self.ids_called,
            row_of=self._names_of_rows.row_of,
            vectors=self._posts.tower_embeddings,
        )
        blended = self._counted.blended(query, part, epoch) if user is not None and epoch is not None else None
        scans = self.orders.scans(certainty := Certainty(), seconds=query.seconds)
        if likeness is None:
            ranking, order = self.orders.layered(part, user, mood, epoch, blended=blended, scans=scans)
        else:
            ranking, order = Ranking.SIMILAR, self.orders.like(part, likeness, scans)
            query = query._replace(not_interested_post_ids=[*query.not_interested_post_ids, likeness.post_id])
        now_ms = self._now_ms()
        moment_ms = now_ms if query.rules_moment_ms is None else query.rules_moment_ms
        ruled = NO_RULES
        if part.layer.rules.versions:
            ids = self._ids(part)
            ruled = RuledSearch(part, ids, query.category_id, moment_ms=moment_ms, now_ms=now_ms).rows()
        excluded = self._rows.excluded(query, part, ruled)
        seen = self._rows.seen(query, part, excluded)
        total = part.count - len(excluded)
        unseen_total = total - len(seen)

        skip = together(part.masked, excluded, seen)
        ordered, pinned = order, ruled.pinned
        if ruled is not NO_RULES:
            pinned = pinned[~among_sorted(pinned, skip)]
            ordered = with_rules(order, ids, pinned=pinned, ruled=ruled, left_out=(part.masked, excluded))

        def best(count: int) -> Ranked:
            check_depth(count, scans, ranking, total=part.count)
            ranked = ordered.first(min(count, unseen_total), skip=skip)
            if count <= unseen_total:
                return ranked
            of_seen = ordered.among(seen)
            lower = np.float32(_SEEN_LOWER * ordered.reach)
            return ranked.followed_by(of_seen._replace(numbers=of_seen.numbers - lower)).cut(0, count)

        explored = NO_ROWS
        if query.diversity or query.most_per_owner:
            listing = Listing(best, unseen_total, total, pinned=len(pinned))
            page, has_more = self._reordered_page(query, listing, part)
        else:
            first, last = min(query.offset, total), min(query.offset + query.limit, total)
            ranked = best(last)
            if (
                query.exploration
                and ranking in EXPLORED_RANKINGS
                and (impressions := self._impressions_at(part, query))
            ):
                ranked, explored = with_explored(
                    ranked,
                    query.exploration,
                    limit=query.limit,
                    movable=(len(pinned), unseen_total),
                    candidates=lambda exploration: impressions.candidates(
                        part,
                        self._ids(part),
                        order,
                        exploration,
                        without=np.unique(np.concatenate([skip, pinned, ruled.boosted])),
                        moment_ms=moment_ms,
                    ),
                )
            page, has_more = ranked.cut(first, last), last < total
        page = self._rows.shown(page, query, part, ruled)
        if len(explored):
            count_explored(page.rows, explored)
        has_more = certainty.settle(query.offset, has_more=has_more)
        return SearchResult(
            rows=tuple(part.numbers(page.rows, count=len(self._posts.post_ids)).tolist()),
            scores=tuple(page.scores.tolist()),
            ranking_scores=tuple(page.numbers.tolist()),
            reasons=reasons_of(page.rows, ranking, pinned=pinned, boosted=ruled.boosted, explored=explored),
            has_more=has_more,
            ranking=ranking,
            served=LayeredPosts(self._posts.posts, part.layer.live) if len(part.layer.live) else self._posts.posts,
            rules_moment_ms=moment_ms,
            counted_position=0 if epoch is None else epoch.position,
            posts_position=part.position if self.live.has_log else None,
            explanations=explanations_of(
                page.rows,
                part=part,
                posts=self._posts,
                user=user,
                mood=mood,
                seen=(self._rows.in_slice(self._everywhere, query.seen_post_ids), query.seen_post_ids),
                ruled=ruled,
                blended=blended,
                similarity=None if likeness is None else page.scores,
            )
            if query.explain
            else (),
            is_approximate=certainty.is_approximate,
            unavailable_engine=certainty.unavailable_engine,
        )

    @property
    def _everywhere(self) -> slice:
        return slice(0, len(self._posts.posts))

    def _ids(self, part: LayerPart) -> LayeredIds:
        return LayeredIds(self._posts.post_ids[part.span], part.layer.live.ids)

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

    def _impressions_at(self, part: LayerPart, query: Query) -> Impressions | None:
        known = self.impressions
        return known if known and known.has_read(part.position, seconds=query.seconds) else None
