"""Search among the posts of a category or of all: by user, by mood, by both, by popularity, or by trend.

The arrays are sorted by category, so a category is a slice of each array and a search scans that slice alone. (A FAISS
selector over all posts measured up to 400 times slower.) ``PostIndex._order`` is the table of all searches: what is
asked for, what scans the slice, what ranks the rows that the scan finds. A scan has a known largest error, and as many
rows are ranked by exact scores as it takes to prove that no other row belongs among the first. The one exception is a
search by user over all of very many posts: it ranks a shortlist first, which may miss a post.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from bundle.embedding_space import Embedding, EmbeddingKind, EmbeddingSpace, Vector
from bundle.index_posts import Category, IndexPosts
from bundle.post_trends import PostTrends
from bundle.served_posts import ServedPost, ServedPosts
from compute.log_tail import LogTail
from post_index_service.bundle_rows import BundleRows
from post_index_service.closeness import Closeness, RememberedCloseness
from post_index_service.codes import Codes, Rows, among_sorted, rounding_of_products
from post_index_service.external_ids import ExternalIds
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
    CodedScan,
    DenseScan,
    InnerProduct,
    KeyedOrder,
    Order,
    Product,
    Scan,
)
from post_index_service.rankings import Ranking
from post_index_service.reasons import Reason, reasons_of
from post_index_service.ruled_rows import RuledSearch, with_rules
from post_index_service.shortlist import Shortlist
from post_index_service.trends import Epoch, Trends
from rpc import wall_clock

LARGEST_LIMIT = 100
MOST_EXCLUSIONS = 1000
MOST_EXACT = 200_000
"""The largest index in which a search by user over all posts is exact; in a larger one it uses a shortlist."""
MOST_DENSE = 4_096
"""The largest slice whose vectors are scanned instead of their codes, and whose closeness to a mood is remembered."""
_NORM_TOLERANCE = 1e-3
_SEEN_LOWER = 3.0
"""Times the reach of the order: any two numbers of it differ by at most twice the reach, and some rounding."""


class SearchError(Exception):
    """The base of the errors of a search.

    SearchError
    ├── CategoryNotFoundError
    ├── EmbeddingSpaceMismatchError
    ├── InvalidEmbeddingError
    └── InvalidSearchError
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
    seconds: float = 0.0


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
    ) -> None:
        """``trends``, by default none, count the log up to ``log_position``; they go on if there is a ``log``.

        So do the posts themselves, whose old forms are kept for ``kept_seconds``. ``now_ms`` reads milliseconds since
        1970, for rules that count at certain times.
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
        self._most_dense = most_dense
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
        self._now_ms = now_ms
        names = NamedRows(self._sorted_ids, self._rows_by_id, self._external_ids)
        self.live = LivePosts(
            BundleRows(posts, names, self._slices),
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
        PostsNotHeldError and PositionNotReachedError; by trend also CountsNotHeldError.
        """
        _check_numbers(query)
        user = None if query.user is None else _check_embedding(query.user, self.tower_space)
        mood = None if query.mood is None else _check_embedding(query.mood, self.text_space)
        epoch = self._epoch(query) if query.trending and user is None and mood is None else None
        layer = self.live.as_of(query.posts_position, at_least=query.at_least_position, seconds=query.seconds)
        position = layer.position if query.posts_position is None else query.posts_position
        span = self._slice_of(query.category_id)
        part = layer.part(span, query.category_id, position=position)
        if not part.count and query.category_id is not None:
            raise CategoryNotFoundError("invalid category id", category_id=str(query.category_id))
        ranking, order = self._layered_order(span, part, user, mood, epoch)

        now_ms = self._now_ms()
        moment_ms = now_ms if query.rules_moment_ms is None else query.rules_moment_ms
        ids = LayeredIds(self._post_ids[span], layer.live.ids)
        ruled = RuledSearch(part, span, ids, query.category_id, position, moment_ms, now_ms).rows()

        excluded = part.with_posts(self._rows_in(span, query.exclude_post_ids), query.exclude_post_ids)
        if query.not_interested_post_ids:
            unwanted = query.not_interested_post_ids
            excluded = np.union1d(excluded, part.with_posts(self._rows_in(span, unwanted), unwanted))
        if query.exclude_external_ids:
            called = self._external_ids.rows_in(span, query.exclude_external_ids)
            excluded = np.union1d(excluded, part.with_called(called, query.exclude_external_ids))
        if len(ruled.hidden):
            excluded = np.union1d(excluded, ruled.hidden)
        seen = part.with_posts(self._rows_in(span, query.seen_post_ids), query.seen_post_ids)
        seen = seen[~among_sorted(seen, excluded)] if len(excluded) else seen
        total = part.count - len(excluded)
        unseen_total = total - len(seen)
        first, last = min(query.offset, total), min(query.offset + query.limit, total)

        skip = np.sort(np.concatenate([part.masked, excluded, seen]))
        pinned = ruled.pinned[~among_sorted(ruled.pinned, skip)]
        order = with_rules(order, ids, pinned=pinned, ruled=ruled, left_out=np.union1d(part.masked, excluded))
        ranked = order.first(min(last, unseen_total), skip=skip)
        if last > unseen_total:
            of_seen = order.among(seen)
            lower = np.float32(_SEEN_LOWER * order.reach)
            ranked = ranked.followed_by(of_seen._replace(numbers=of_seen.numbers - lower))
        page = ranked.cut(first, last)
        withheld = [part.taken_away(), ruled.hidden_since]
        if query.withheld_post_ids:
            withheld.append(part.with_posts(self._rows_in(span, query.withheld_post_ids), query.withheld_post_ids))
        page = page.without(np.unique(np.concatenate(withheld)))
        is_live = page.rows >= part.frozen_count
        rows = span.start + page.rows
        rows[is_live] = len(self._posts) + layer.live.serials[page.rows[is_live] - part.frozen_count]
        return SearchResult(
            rows=tuple(rows.tolist()),
            scores=tuple(page.scores.tolist()),
            ranking_scores=tuple(page.numbers.tolist()),
            reasons=reasons_of(page.rows, ranking, pinned=pinned, boosted=ruled.boosted),
            has_more=last < total,
            ranking=ranking,
            served=LayeredPosts(self._posts, layer.live) if len(layer.live) else self._posts,
            rules_moment_ms=moment_ms,
            counted_position=0 if epoch is None else epoch.position,
            posts_position=position if self.live.has_log else None,
        )

    def _epoch(self, query: Query) -> Epoch:
        return self.trends.epoch(as_of=query.counted_position, at_least=query.at_least_position, seconds=query.seconds)

    def _slice_of(self, category_id: int | None) -> slice:
        if category_id is None:
            return slice(0, len(self._posts))
        return self._slices.get(category_id, slice(0, 0))  # a category may have live posts alone

    def _layered_order(
        self, span: slice, part: LayerPart, user: Vector | None, mood: Vector | None, epoch: Epoch | None
    ) -> tuple[Ranking, Order]:
        ranking, order = self._order(span, user, mood, epoch)
        if not len(part.live_rows):
            return ranking, order
        live = live_order(part, user=user, mood=mood, epoch=epoch, user_weight=self._user_weight)
        return ranking, Layered(order, live, part.frozen_count, part.live_rows)

    def _order(
        self, span: slice, user: Vector | None, mood: Vector | None, epoch: Epoch | None
    ) -> tuple[Ranking, KeyedOrder]:
        """The table of all searches: what is asked for, what scans the slice, what the rows are ranked by."""
        post_ids = self._post_ids[span]
        by_mood = None if mood is None else self._closeness_to(span, mood)
        by_user = None if user is None else InnerProduct(self._tower[span], user, self._user_weight)
        is_small = len(post_ids) <= self._most_dense
        shortlist = self._shortlist if len(post_ids) == len(self._post_ids) else None

        def exact(scan: Scan, *products: Product) -> ByInnerProducts:
            return ByInnerProducts(scan, products, post_ids)

        ranking: Ranking
        order: KeyedOrder
        match by_mood, by_user:
            case None, None if epoch is not None:
                ranking, order = Ranking.TRENDING, ByTrend(epoch, span, self._popularity[span], post_ids)
            case None, None:
                ranking, order = Ranking.POPULAR, ByPopularity(self._popularity[span], post_ids)
            case None, InnerProduct() if shortlist:
                everything = exact(self._tower_scan(span, by_user), by_user)
                ranking, order = Ranking.USER, ByShortlist(everything, shortlist, by_user.query)
            case None, InnerProduct() if is_small:
                ranking, order = Ranking.USER, exact(DenseScan(by_user, self._tower_rounding), by_user)
            case None, InnerProduct():
                ranking, order = Ranking.USER, exact(self._tower_scan(span, by_user), by_user)
            case Closeness(), None:
                ranking, order = Ranking.MOOD, exact(ClosenessScan(by_mood), by_mood)
            case InnerProduct(), None:
                ranking, order = Ranking.MOOD, exact(self._text_scan(span, by_mood), by_mood)
            case Closeness(), InnerProduct():
                dense = DenseScan(by_user, self._tower_rounding, by_mood)
                ranking, order = Ranking.MOOD_THEN_USER, exact(dense, by_mood, by_user)
            case InnerProduct(), InnerProduct():
                coded = self._text_scan(span, by_mood, by_user)
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

    def _tower_scan(self, span: slice, by_user: InnerProduct) -> CodedScan:
        return CodedScan(self._tower_codes, span, self._tower_codes.query(by_user.query))

    def _text_scan(self, span: slice, by_mood: InnerProduct, by_user: InnerProduct | None = None) -> CodedScan:
        """By mood, and by user in the same pass; without a user, the tower's codes are multiplied by zeros."""
        user = np.float32(by_user.weight) * by_user.query if by_user else np.zeros(self.tower_space.dimension, "f4")
        codes = self._text_and_tower_codes
        return CodedScan(codes, span, codes.query(by_mood.query, user))

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
