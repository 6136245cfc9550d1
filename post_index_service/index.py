"""Search among the posts of a category or of all: by user, by mood, by both, by popularity, or by trend.

The arrays are sorted by category, so a category is a slice of each array and a search scans that slice alone. (A FAISS
selector over all posts measured up to 400 times slower.) ``PostIndex._order`` is the table of all searches: what is
asked for, what scans the slice, what ranks the rows that the scan finds. A scan has a known largest error, and as many
rows are ranked by exact scores as it takes to prove that no other row belongs among the first. The one exception is a
search by user over all of very many posts: it ranks a shortlist first, which may miss a post.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from bundle.embedding_space import Embedding, EmbeddingKind, EmbeddingSpace, Vector
from bundle.index_posts import Category, IndexPosts
from bundle.post_trends import PostTrends
from bundle.served_posts import ServedPost, ServedPosts
from compute.log_tail import LogTail
from post_index_service.allowed_posts import AllowedPosts
from post_index_service.attributes import Attributes
from post_index_service.bundle_rows import BundleRows
from post_index_service.closeness import Closeness, RememberedCloseness
from post_index_service.codes import Codes, Rows, among_sorted, rounding_of_products
from post_index_service.diversity import Listing, reordered_page
from post_index_service.explanations import Explained, Explanation, History
from post_index_service.exploration import EXPLORED_RANKINGS, Exploration, count_explored, with_explored
from post_index_service.external_ids import ExternalIds
from post_index_service.filtered_scans import SkippingScan, scan_of
from post_index_service.filters import NO_FILTERS, Allowed, Filters
from post_index_service.impressions import Impressions
from post_index_service.layer import LayeredPosts, LayerPart
from post_index_service.layered_ranking import Layered, LayeredIds, live_order
from post_index_service.live_posts import DEFAULT_KEPT_SECONDS, LivePosts
from post_index_service.named_rows import NamedRows
from post_index_service.ranking import (
    ByInnerProducts,
    ByPopularity,
    ByShortlist,
    ByTrend,
    ClosenessScan,
    DenseScan,
    InnerProduct,
    KeyedOrder,
    Order,
    Product,
    Ranked,
    Scan,
)
from post_index_service.rankings import Ranking
from post_index_service.reasons import Reason, reasons_of
from post_index_service.ruled_rows import RuledRows, RuledSearch, with_rules
from post_index_service.shortlist import Shortlist
from post_index_service.similar import Likeness, vector_of
from post_index_service.trends import Epoch, Trends
from rpc import wall_clock

LARGEST_LIMIT = 100
MOST_EXCLUSIONS = 1000
MOST_EXACT = 200_000
"""The largest index in which a search by user over all posts is exact; in a larger one it uses a shortlist."""
MOST_DENSE = 4_096
"""The largest slice whose vectors are scanned instead of their codes, and whose closeness to a mood is remembered."""
_NORM_TOLERANCE = 1e-3
_NONE = np.zeros(0, dtype=np.int64)
_SEEN_LOWER = 3.0
"""Times the reach of the order: any two numbers of it differ by at most twice the reach, and some rounding."""


class SearchError(Exception):
    """The base of the errors of a search.

    SearchError
    ├── CategoryNotFoundError
    ├── EmbeddingSpaceMismatchError
    ├── InvalidEmbeddingError
    ├── InvalidSearchError
    └── PostNotFoundError
    """

    def __init__(self, message: str, **metadata: str) -> None:
        super().__init__(message)
        self.metadata = metadata


class CategoryNotFoundError(SearchError):
    """There is no servable post in this category."""


class EmbeddingSpaceMismatchError(SearchError):
    """The embedding is of another space: another bundle, kind or dimension."""


class InvalidEmbeddingError(SearchError):
    """The embedding is not a unit vector of its space's dimension."""


class InvalidSearchError(SearchError):
    """The limit, the offset or a number of post ids is out of range."""


class PostNotFoundError(SearchError):
    """No search finds the post that others are to be like."""


@dataclass(frozen=True, slots=True)
class Query:
    """What to search for and which posts to leave out; post_index.proto documents each field.

    A position of the log is waited for up to ``seconds``.
    """

    user: Embedding | None = None
    mood: Embedding | None = None
    category_id: int | None = None
    exclude_post_ids: Sequence[int] = ()
    exclude_external_ids: Sequence[str] = ()
    seen_post_ids: Sequence[int] = ()
    not_interested_post_ids: Sequence[int] = ()
    withheld_post_ids: Sequence[int] = ()
    offset: int = 0
    limit: int = 10
    trending: bool = False
    counted_position: int | None = None
    at_least_position: int = 0
    posts_position: int | None = None
    rules_moment_ms: int | None = None
    similar_to_post_id: int | None = None
    similar_to_external_id: str = ""
    seconds: float = 0.0
    filters: Filters = NO_FILTERS
    diversity: float = 0.0
    most_per_owner: int = 0
    explain: bool = False
    exploration: Exploration | None = None


@dataclass(frozen=True, slots=True)
class RankedPost:
    """A post with its score and its ranking score, by which the posts are sorted, and why it is there."""

    post: ServedPost
    score: float
    ranking_score: float
    reason: Reason


@dataclass(frozen=True, slots=True)
class SearchResult:
    """One page of a ranking: ``rows`` of ``served``, best first, with their ``scores`` and ``reasons``.

    The order follows ``ranking_scores``, which never rise within a ranking. ``has_more`` says whether the ranking
    continues after this page. By trend, the log is counted up to ``counted_position``. Posts and rules count up to
    ``posts_position``, None without a log, and rules at the moment ``rules_moment_ms``.
    """

    rows: tuple[int, ...]
    scores: tuple[float, ...]
    ranking_scores: tuple[float, ...]
    reasons: tuple[Reason, ...]
    has_more: bool
    ranking: Ranking
    served: ServedPosts | LayeredPosts
    rules_moment_ms: int
    counted_position: int = 0
    posts_position: int | None = None
    explanations: tuple[Explanation, ...] = ()  # of each post, if they are asked for

    @property
    def posts(self) -> tuple[RankedPost, ...]:
        """The posts of the page with their scores, best first."""
        posts = self.served.at(np.array(self.rows, dtype=np.int64))
        return tuple(map(RankedPost, posts, self.scores, self.ranking_scores, self.reasons))


@dataclass(frozen=True, slots=True)
class CategoryCount:
    """A category with the number of its servable posts, at least 1."""

    category: Category
    post_count: int


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
        log: LogTail | None = None,
        log_position: int = 0,
        kept_seconds: float = DEFAULT_KEPT_SECONDS,
        now_ms: Callable[[], int] = wall_clock.now_ms,
        explores: bool = False,
    ) -> None:
        """``trends``, by default none, count the log up to ``log_position``; they go on if there is a ``log``.

        So do the posts themselves, whose old forms are kept for ``kept_seconds``. ``now_ms`` reads milliseconds since
        1970, for rules that count at certain times. What was shown is counted if the index ``explores``.
        """
        self.bundle_id = bundle_id
        self.recall = math.nan  # until it is measured, see recall.py
        self.tower_space = EmbeddingSpace(bundle_id, EmbeddingKind.TOWER, posts.tower_embeddings.shape[1])
        self.text_space = EmbeddingSpace(bundle_id, EmbeddingKind.TEXT, posts.text_embeddings.shape[1])
        self._posts = posts.posts
        self._tower = posts.tower_embeddings
        self._text = posts.text_embeddings
        self._user_weight = float(np.float32(user_weight))
        # Side by side: closeness + user_weight * user score is then one inner product, and one pass scans for it.
        self._text_and_tower_codes = Codes.of(posts.text_embeddings, posts.tower_embeddings)
        self._tower_codes = self._text_and_tower_codes.last()
        self._tower_rounding = rounding_of_products(posts.tower_embeddings)
        self._shortlist = Shortlist(self._tower_codes) if len(posts.posts) > most_exact else None
        self._most_dense, self._most_exact = most_dense, most_exact
        self._closeness = RememberedCloseness()
        self._popularity = posts.popularity
        self._post_ids = posts.post_ids
        self._rows_by_id = np.argsort(posts.post_ids, kind="stable").astype(np.int32)
        self._sorted_ids = posts.post_ids[self._rows_by_id]
        self._external_ids = ExternalIds(posts.posts)
        numbers, starts, counts = np.unique(posts.category_ids, return_index=True, return_counts=True)
        self._slices = {
            number: slice(start, start + count)
            for number, start, count in zip(numbers.tolist(), starts.tolist(), counts.tolist(), strict=True)
            if number > 0
        }
        self._attributes = Attributes(posts.posts, posts.created_ms)
        self._allowed = AllowedPosts(self._attributes, self._slices)
        self._now_ms = now_ms
        names = self._names_of_rows = NamedRows(self._sorted_ids, self._rows_by_id, self._external_ids)
        self.live = LivePosts(
            BundleRows(posts, names, self._slices, self._attributes.owners),
            bundle_id=bundle_id,
            dimensions=(self.tower_space.dimension, self.text_space.dimension),
            position=log_position,
            log=log,
            kept_seconds=kept_seconds,
        )
        self.trends = Trends(
            trends or PostTrends.none(len(posts.posts)),
            names,
            position=log_position if log else 0,
            log=log,
        )
        met = trends.sums if trends else np.zeros(len(posts.posts))
        self.impressions = Impressions(posts.created_ms, met, names, log, now_ms=now_ms()) if explores and log else None
        self._names = {category.category_id: category for category in posts.categories}
        posts.let_go_of_pages()

    def categories(self) -> tuple[CategoryCount, ...]:
        """The categories that have at least one post, ascending by id."""
        counts = self.live.layer.counts(self._slices, self._names)
        return tuple(CategoryCount(category, count) for category, count in counts.items())

    def named_categories(self) -> frozenset[int]:
        """The categories whose names are known."""
        return frozenset({*self._names, *self.live.layer.category_names})

    def ids_called(self, external_id: str, *, in_bundle: bool = False) -> tuple[int, ...]:
        """The ids of the posts with an external id, ascending; of those of the bundle alone if ``in_bundle`` is set.

        A post that has got another external id since the bundle does not count.
        """
        rows = self._external_ids.rows_in(slice(0, len(self._posts)), [external_id])
        of_bundle = {
            post_id for post_id in self._post_ids[rows].tolist() if self.live.may_be_called(post_id, external_id)
        }
        return tuple(sorted(of_bundle if in_bundle else of_bundle | self.live.ids_called(external_id)))

    def bundle_posts(self, post_ids: Sequence[int]) -> dict[int, ServedPost]:
        """The posts of the bundle with these ids."""
        rows = self._rows_in(slice(0, len(self._posts)), post_ids)
        return {post.post_id: post for post in self._posts.at(rows)} if len(rows) else {}

    def serves(self, post_id: int, position: int) -> bool:
        """Whether searches find the revision of a post at a position of the log."""
        known = self.live.revision(post_id)
        if known is None:  # the bundle holds it, if it could be embedded
            return position <= self.live.base and bool(self.bundle_posts([post_id]))
        return known.position == position and known.post is not None and not known.is_pending

    def search(self, query: Query) -> SearchResult:
        """One page of the query's ranking. Every call gives the same ranking; ties go to the smaller post id.

        Posts that the user has seen come after all others, ranked by the same rule; their ranking scores are lower by
        more than those of an order can differ.

        The ranking is exact, with one exception: a search by user over more than ``most_exact`` posts rarely misses
        one of the first ten. Its pages still hold every post exactly once.

        Posts and rules count as of ``posts_position``, or of now; what was taken away or hidden since keeps its place
        and is left out. An operator's rules move posts within the ranking, as exactly.

        Raises CategoryNotFoundError, EmbeddingSpaceMismatchError, InvalidEmbeddingError, InvalidSearchError,
        PostsNotHeldError and PositionNotReachedError; by trend also CountsNotHeldError. If it is for posts like another
        one, moods and trends are not used, that post is left out, and PostNotFoundError is raised as well.
        """
        _check_numbers(query)
        user = None if query.user is None else _check_embedding(query.user, self.tower_space)
        mood = None if query.mood is None else _check_embedding(query.mood, self.text_space)
        epoch = self._epoch(query) if query.trending and user is None and mood is None else None
        part = self._part(query)
        span, layer = part.span, part.layer
        likeness = self._likeness(query, part, user)
        if likeness is None:
            ranking, order = self._layered_order(part, user, mood, epoch)
        else:
            ranking, order = Ranking.SIMILAR, self._order_of_likeness(part, likeness)
            query = replace(query, not_interested_post_ids=[*query.not_interested_post_ids, likeness.post_id])

        ids = LayeredIds(self._post_ids[span], layer.live.ids)
        now_ms = self._now_ms()
        moment_ms = now_ms if query.rules_moment_ms is None else query.rules_moment_ms
        ruled = RuledSearch(part, ids, query.category_id, moment_ms=moment_ms, now_ms=now_ms).rows()
        excluded = self._excluded(query, part, ruled)
        seen = self._rows(part, query.seen_post_ids)
        seen = seen[~among_sorted(seen, excluded)] if len(excluded) else seen
        total = part.count - len(excluded)
        unseen_total = total - len(seen)

        skip = np.sort(np.concatenate([part.masked, excluded, seen]))
        pinned = ruled.pinned[~among_sorted(ruled.pinned, skip)]
        ordered = with_rules(order, ids, pinned=pinned, ruled=ruled, left_out=(part.masked, excluded))

        def best(count: int) -> Ranked:
            ranked = ordered.first(min(count, unseen_total), skip=skip)
            if count > unseen_total:
                of_seen = ordered.among(seen)
                lower = np.float32(_SEEN_LOWER * ordered.reach)
                ranked = ranked.followed_by(of_seen._replace(numbers=of_seen.numbers - lower))
            return ranked.cut(0, count)

        explored = _NONE
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
                        ids,
                        order,
                        exploration,
                        without=np.unique(np.concatenate([skip, pinned, ruled.boosted])),
                        moment_ms=moment_ms,
                    ),
                )
            page, has_more = ranked.cut(first, last), last < total
        withheld = np.concatenate([part.taken_away(), ruled.hidden_since, self._rows(part, query.withheld_post_ids)])
        page = page.without(np.unique(withheld)) if len(withheld) else page
        count_explored(page.rows, explored)
        explanations = self._explanations(part, page.rows, (user, mood), query, ruled) if query.explain else ()
        if likeness is not None:  # its closeness is the score
            pairs = zip(explanations, page.scores.tolist(), strict=bool(explanations))
            explanations = tuple(replace(explanation, similarity=score) for explanation, score in pairs)
        return SearchResult(
            rows=tuple(part.numbers(page.rows, count=len(self._posts)).tolist()),
            scores=tuple(page.scores.tolist()),
            ranking_scores=tuple(page.numbers.tolist()),
            reasons=reasons_of(page.rows, ranking, pinned=pinned, boosted=ruled.boosted, explored=explored),
            has_more=has_more,
            ranking=ranking,
            served=LayeredPosts(self._posts, layer.live) if len(layer.live) else self._posts,
            rules_moment_ms=moment_ms,
            counted_position=0 if epoch is None else epoch.position,
            posts_position=part.position if self.live.has_log else None,
            explanations=explanations,
        )

    def _layered_order(
        self, part: LayerPart, user: Vector | None, mood: Vector | None, epoch: Epoch | None
    ) -> tuple[Ranking, Order]:
        ranking, frozen = self._order(part.span, user, mood, epoch, part.allowed)
        if not len(part.live_rows):
            return ranking, frozen
        live = live_order(part, user=user, mood=mood, epoch=epoch, user_weight=self._user_weight)
        return ranking, Layered(frozen, live, part.frozen_count, part.live_rows)

    def _order_of_likeness(self, part: LayerPart, likeness: Likeness) -> Layered:
        ids = self._post_ids[part.span]
        rounding = self._tower_rounding if len(ids) <= self._most_dense else None
        return likeness.order(part, self._tower[part.span], self._tower_codes, ids, rounding=rounding)

    def _likeness(self, query: Query, part: LayerPart, user: Vector | None) -> Likeness | None:
        """The post that others are to be like, None if there is none; PostNotFoundError if it is not visible."""
        if query.similar_to_post_id is None and not query.similar_to_external_id:
            return None
        named = query.similar_to_post_id
        for post_id in self.ids_called(query.similar_to_external_id) if named is None else [named]:
            row = self._names_of_rows.row_of(post_id)
            vector = vector_of(post_id, layer=part.layer, position=part.position, vectors=self._tower, row=row)
            if vector is not None:
                return Likeness(post_id, vector, user, self._user_weight)
        raise PostNotFoundError("there is no such post")

    def _part(self, query: Query) -> LayerPart:
        """The rows that the query looks at; raises CategoryNotFoundError for any category that has no post there."""
        layer = self.live.as_of(query.posts_position, at_least=query.at_least_position, seconds=query.seconds)
        position = layer.position if query.posts_position is None else query.posts_position
        named = [*(() if query.category_id is None else (query.category_id,)), *query.filters.category_ids]
        for number in named:
            if not layer.has_category(number, self._slices.get(number), position=position):
                raise CategoryNotFoundError("invalid category id", category_id=str(number))
        is_one = named and (query.category_id is not None or len(set(named)) == 1)
        # A category may have live posts alone, and then no slice.
        span = self._slices.get(named[0], slice(0, 0)) if is_one else slice(0, len(self._posts))
        allowed, unwanted = self._allowed.of(query.filters, span)
        return layer.part(
            span,
            named[0] if is_one else None,
            position=position,
            filters=query.filters,
            allowed=allowed,
            unwanted=unwanted,
        )

    def _excluded(self, query: Query, part: LayerPart, ruled: RuledRows) -> Rows:
        """The visible rows that are in no place of the ranking, ascending."""
        excluded = self._rows(part, query.exclude_post_ids)
        others = [part.without_live(part.unwanted), ruled.hidden]
        if query.not_interested_post_ids:
            others.append(self._rows(part, query.not_interested_post_ids))
        if query.exclude_external_ids:
            called = self._external_ids.rows_in(part.span, query.exclude_external_ids)
            others.append(part.with_called(called, query.exclude_external_ids))
        others = [rows for rows in others if len(rows)]
        return np.unique(np.concatenate([excluded, *others])) if others else excluded

    def _impressions_at(self, part: LayerPart, query: Query) -> Impressions | None:
        known = self.impressions
        return known if known and known.has_read(part.position, seconds=query.seconds) else None

    def _rows(self, part: LayerPart, post_ids: Sequence[int]) -> Rows:
        """The visible rows of the posts with these ids, ascending."""
        return part.with_posts(self._rows_in(part.span, post_ids), post_ids)

    def _reordered_page(self, query: Query, listing: Listing, part: LayerPart) -> tuple[Ranked, bool]:
        live = part.layer.live
        return reordered_page(
            listing,
            vectors=lambda rows: part.gathered(rows, self._tower, live.tower),
            owners=lambda rows: part.gathered_by(rows, self._attributes.owners.account_of, live.owners),
            diversity=query.diversity,
            most_per_owner=query.most_per_owner,
            offset=query.offset,
            limit=query.limit,
        )

    def _explanations(
        self,
        part: LayerPart,
        rows: Rows,
        asked: tuple[Vector | None, Vector | None],
        query: Query,
        ruled: RuledRows,
    ) -> tuple[Explanation, ...]:
        """Of the rows of a page; posts of the history are those of the bundle, and the live ones that are visible."""
        live, (user, mood) = part.layer.live, asked
        everywhere = slice(0, len(self._posts))
        seen = self._rows_in(everywhere, query.seen_post_ids)
        seen_live = np.flatnonzero(live.visible(part.position) & np.isin(live.ids, query.seen_post_ids))
        seen = seen[~np.isin(self._post_ids[seen], live.ids[seen_live])]
        history = History(
            np.concatenate([self._post_ids[seen], live.ids[seen_live]]),
            np.concatenate([self._tower[seen], live.tower[seen_live]]),
        )
        explained = Explained(
            part.gathered(rows, self._post_ids, live.ids),
            part.gathered(rows, self._tower, live.tower),
            part.gathered(rows, self._text, live.text),
            part.gathered(rows, self._popularity, live.popularity),
        ).explain(np.arange(len(rows)), user=user, mood=mood, history=history)
        return tuple(
            replace(explanation, rules=ruled.names(row))
            for row, explanation in zip(rows.tolist(), explained, strict=True)
        )

    def _epoch(self, query: Query) -> Epoch:
        return self.trends.epoch(as_of=query.counted_position, at_least=query.at_least_position, seconds=query.seconds)

    def _order(
        self,
        span: slice,
        user: Vector | None,
        mood: Vector | None,
        epoch: Epoch | None,
        allowed: Allowed | None,
    ) -> tuple[Ranking, KeyedOrder]:
        """The table of all searches: what is asked for, what scans the slice, what the rows are ranked by."""
        post_ids = self._post_ids[span]
        by_mood = None if mood is None else self._closeness_to(span, mood)
        by_user = None if user is None else InnerProduct(self._tower[span], user, self._user_weight)
        is_small = len(post_ids) <= self._most_dense
        is_exact = allowed is not None and (allowed.names_categories or allowed.count <= self._most_exact)
        shortlist = None if is_exact or len(post_ids) < len(self._post_ids) else self._shortlist
        disallowed = np.flatnonzero(~allowed.mask) if allowed is not None and is_small else None

        def exact(scan: Scan, *products: Product) -> ByInnerProducts:
            return ByInnerProducts(scan if disallowed is None else SkippingScan(scan, disallowed), products, post_ids)

        ranking: Ranking
        order: KeyedOrder
        match by_mood, by_user:
            case None, None if epoch is not None:
                ranking, order = Ranking.TRENDING, ByTrend(epoch, span, self._popularity[span], post_ids, allowed)
            case None, None:
                ranking, order = Ranking.POPULAR, ByPopularity(self._popularity[span], post_ids, allowed)
            case None, InnerProduct() if shortlist:
                everything = exact(self._tower_scan(span, by_user, allowed), by_user)
                ranking, order = Ranking.USER, ByShortlist(everything, shortlist, by_user.query, allowed)
            case None, InnerProduct() if is_small:
                ranking, order = Ranking.USER, exact(DenseScan(by_user, self._tower_rounding), by_user)
            case None, InnerProduct():
                ranking, order = Ranking.USER, exact(self._tower_scan(span, by_user, allowed), by_user)
            case Closeness(), None:
                ranking, order = Ranking.MOOD, exact(ClosenessScan(by_mood), by_mood)
            case InnerProduct(), None:
                ranking, order = Ranking.MOOD, exact(self._text_scan(span, by_mood, None, allowed), by_mood)
            case Closeness(), InnerProduct():
                dense = DenseScan(by_user, self._tower_rounding, by_mood)
                ranking, order = Ranking.MOOD_THEN_USER, exact(dense, by_mood, by_user)
            case InnerProduct(), InnerProduct():
                coded = self._text_scan(span, by_mood, by_user, allowed)
                ranking, order = Ranking.MOOD_THEN_USER, exact(coded, by_mood, by_user)
        return ranking, order

    def _closeness_to(self, span: slice, mood: Vector) -> Closeness | InnerProduct:
        """The remembered closeness of the posts to a mood, or the product to compute it by."""
        by_mood = InnerProduct(self._text[span], mood)
        total = span.stop - span.start
        if not 0 < total <= self._most_dense:
            return by_mood
        known = self._closeness.of(mood, (span.start, total), lambda: by_mood.of(np.arange(total)))
        return known or by_mood

    def _tower_scan(self, span: slice, by_user: InnerProduct, allowed: Allowed | None) -> Scan:
        return scan_of(self._tower_codes, span, self._tower_codes.query(by_user.query), allowed)

    def _text_scan(
        self, span: slice, by_mood: InnerProduct, by_user: InnerProduct | None, allowed: Allowed | None
    ) -> Scan:
        """By mood, and by user in the same pass; without a user, the tower's codes are multiplied by zeros."""
        user = np.float32(by_user.weight) * by_user.query if by_user else np.zeros(self.tower_space.dimension, "f4")
        codes = self._text_and_tower_codes
        return scan_of(codes, span, codes.query(by_mood.query, user), allowed)

    def _rows_in(self, span: slice, post_ids: Sequence[int]) -> Rows:
        """The rows of the posts with these ids that lie in the slice, ascending and relative to its start."""
        if not post_ids or span.stop == span.start:
            return np.zeros(0, dtype=np.int64)
        wanted = np.array(post_ids, dtype=np.int64)
        is_category = span.stop - span.start < len(self._posts)  # within a category the posts ascend by id
        ids = self._post_ids[span] if is_category else self._sorted_ids
        rows = ids.searchsorted(wanted)
        rows = np.unique(rows[ids.take(rows, mode="clip") == wanted])
        return rows if is_category else np.sort(self._rows_by_id[rows].astype(np.int64))


def _check_numbers(query: Query) -> None:
    if not 1 <= query.limit <= LARGEST_LIMIT:
        raise InvalidSearchError(f"limit is {query.limit}, it must be from 1 to {LARGEST_LIMIT}")
    if query.offset < 0:
        raise InvalidSearchError(f"offset is {query.offset}, it must not be negative")
    if not 0 <= query.diversity <= 1:
        raise InvalidSearchError(f"diversity is {query.diversity}, it must be from 0 to 1")
    if query.most_per_owner < 0:
        raise InvalidSearchError(f"most_per_owner is {query.most_per_owner}, it must not be negative")
    excluded = len(query.exclude_post_ids) + len(query.exclude_external_ids)
    if excluded > MOST_EXCLUSIONS:
        raise InvalidSearchError(f"{excluded} posts are excluded, the maximum is {MOST_EXCLUSIONS}")


def _check_embedding(embedding: Embedding, expected: EmbeddingSpace) -> Vector:
    space, values = embedding.space, embedding.values
    if space != expected:
        raise EmbeddingSpaceMismatchError(
            f"embedding is of {_describe(space)}, this index holds {_describe(expected)}",
            embedding_bundle_id=space.bundle_id,
            index_bundle_id=expected.bundle_id,
        )
    if values.shape != (expected.dimension,):
        raise InvalidEmbeddingError(f"embedding has {values.size} values, its space has {expected.dimension}")
    with np.errstate(over="ignore", invalid="ignore"):
        norm = math.sqrt(float(values @ values))
    if not math.isfinite(norm):
        raise InvalidEmbeddingError("embedding holds a value that is not finite or far too large")
    if abs(norm - 1) > _NORM_TOLERANCE:
        raise InvalidEmbeddingError(f"embedding has norm {norm:.4f}, it must be a unit vector")
    return np.ascontiguousarray(values, dtype=np.float32)


def _describe(space: EmbeddingSpace) -> str:
    return f"bundle {space.bundle_id}, kind {space.kind.value}, dimension {space.dimension}"
