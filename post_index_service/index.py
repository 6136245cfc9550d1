"""Search among the posts of a category or of all: by user, by mood, by both, or by popularity.

Posts lie in order of category, so a category is a slice of each array and only that slice is scanned; a selector over
all posts measured up to 400 times slower. FAISS scans 8-bit codes, or, where posts are few, BLAS the vectors beside the
closeness of a mood that was met before. The best are ranked again, as many as it takes to be sure that no other post
belongs among them. Only a user's search over all of very many posts takes its few best from a coarser scan, and is not
sure.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np

from bundle.embedding_space import Embedding, EmbeddingKind, EmbeddingSpace, Vector
from bundle.index_posts import Category, IndexPosts
from bundle.served_posts import ServedPost, ServedPosts
from post_index_service.closeness import Closeness, RememberedCloseness
from post_index_service.codes import Codes, Rows, among_sorted, rounding_of_products
from post_index_service.ranking import (
    ByInnerProducts,
    ByPopularity,
    ByShortlist,
    ClosenessScan,
    CodedScan,
    DenseScan,
    InnerProduct,
    Order,
    Scan,
)
from post_index_service.shortlist import Shortlist

LARGEST_LIMIT = 100
MOST_EXCLUSIONS = 1000
MOST_SEEN = 100_000
MOST_EXACT = 200_000
"""Posts up to which a user's search over all categories is exact; beyond, it ranks a shortlist, see recall.py."""
MOST_DENSE = 4_096
"""Posts up to which their vectors are read, not their codes first; the closeness of a mood to them is remembered."""
_NORM_TOLERANCE = 1e-3


class SearchError(Exception):
    """A search that cannot be made.

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
    """No servable post has this category."""


class EmbeddingSpaceMismatchError(SearchError):
    """The embedding lives in another space: another bundle, kind or dimension."""


class InvalidEmbeddingError(SearchError):
    """The embedding is no unit vector of its dimension."""


class InvalidSearchError(SearchError):
    """Limit, offset or the number of ids is out of range."""


class Ranking(Enum):
    """Which rule ordered the posts."""

    USER = "user"
    MOOD_THEN_USER = "mood then user"
    MOOD = "mood"
    POPULAR = "popular"


@dataclass(frozen=True, slots=True)
class Query:
    """What to search for and what to leave out; see post_index.proto for the meaning of each field."""

    user: Embedding | None = None
    mood: Embedding | None = None
    category_id: int | None = None
    exclude_post_ids: Sequence[int] = ()
    seen_post_ids: Sequence[int] = ()
    offset: int = 0
    limit: int = 10


@dataclass(frozen=True, slots=True)
class RankedPost:
    """A post with its score."""

    post: ServedPost
    score: float


@dataclass(frozen=True, slots=True)
class SearchResult:
    """One page of a ranking of ``served``: its ``rows`` there, best first, with their ``scores``.

    ``has_more`` says whether the ranking goes on after it.
    """

    rows: tuple[int, ...]
    scores: tuple[float, ...]
    has_more: bool
    ranking: Ranking
    served: ServedPosts

    @property
    def posts(self) -> tuple[RankedPost, ...]:
        """What the page shows."""
        return tuple(map(RankedPost, self.served.at(np.array(self.rows, dtype=np.int64)), self.scores))


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
    ) -> None:
        self.bundle_id = bundle_id
        self.recall = math.nan  # until somebody has measured it
        self.tower_space = EmbeddingSpace(bundle_id, EmbeddingKind.TOWER, posts.tower_embeddings.shape[1])
        self.text_space = EmbeddingSpace(bundle_id, EmbeddingKind.TEXT, posts.text_embeddings.shape[1])
        self._posts = posts.posts
        self._tower = posts.tower_embeddings
        self._text = posts.text_embeddings
        self._user_weight = float(np.float32(user_weight))
        # Side by side, so that closeness + user_weight * user score is one inner product, which one pass finds.
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
        numbers, starts, counts = np.unique(posts.category_ids, return_index=True, return_counts=True)
        self._slices = {
            number: slice(start, start + count)
            for number, start, count in zip(numbers.tolist(), starts.tolist(), counts.tolist(), strict=True)
            if number > 0
        }
        self._names = {category.category_id: category for category in posts.categories}
        posts.let_go_of_pages()

    def categories(self) -> tuple[CategoryCount, ...]:
        """Exactly the categories with at least one post, ascending by number."""
        return tuple(
            CategoryCount(self._names[number], place.stop - place.start) for number, place in self._slices.items()
        )

    def search(self, query: Query) -> SearchResult:
        """One page of the query's ranking: the same at every call, ties to the smaller post id.

        It is exact, but by user over all categories of more than ``most_exact`` posts, where one of the first ten may
        rarely be missing. Every other promise holds there too.

        Posts seen by the user come after all others, ranked by the same rule among themselves.
        """
        _check_numbers(query)
        user = None if query.user is None else _check_embedding(query.user, self.tower_space)
        mood = None if query.mood is None else _check_embedding(query.mood, self.text_space)
        place = self._slice_of(query.category_id)
        ranking, order = self._order(place, user, mood)

        excluded = self._rows_in(place, query.exclude_post_ids)
        seen = self._rows_in(place, query.seen_post_ids)
        seen = seen[~among_sorted(seen, excluded)] if len(excluded) else seen
        total = place.stop - place.start - len(excluded)
        unseen_total = total - len(seen)
        first, last = min(query.offset, total), min(query.offset + query.limit, total)

        skip = np.sort(np.concatenate([excluded, seen])) if len(seen) else excluded
        rows, scores = order.first(min(last, unseen_total), skip=skip)
        if last > unseen_total:
            seen_rows, seen_scores = order.among(seen)
            rows, scores = np.concatenate([rows, seen_rows]), np.concatenate([scores, seen_scores])
        return SearchResult(
            rows=tuple((place.start + rows[first:last]).tolist()),
            scores=tuple(scores[first:last].tolist()),
            has_more=last < total,
            ranking=ranking,
            served=self._posts,
        )

    def _slice_of(self, category_id: int | None) -> slice:
        if category_id is None:
            return slice(0, len(self._posts))
        if category_id not in self._slices:
            raise CategoryNotFoundError("invalid category id", category_id=str(category_id))
        return self._slices[category_id]

    def _order(self, place: slice, user: Vector | None, mood: Vector | None) -> tuple[Ranking, Order]:
        ids = self._post_ids[place]
        by_user = None if user is None else InnerProduct(self._tower[place], user, self._user_weight)
        if mood is None:
            if by_user is None:
                return Ranking.POPULAR, ByPopularity(self._popularity[place], ids)
            exact = ByInnerProducts(self._scan_by_user(place, by_user), (by_user,), ids)
            if self._shortlist and len(ids) == len(self._post_ids):
                return Ranking.USER, ByShortlist(exact, self._shortlist, by_user.query)
            return Ranking.USER, exact
        by_mood = InnerProduct(self._text[place], mood)
        closeness = self._remembered(place, by_mood)
        products = (closeness or by_mood,) if by_user is None else (closeness or by_mood, by_user)
        scan = self._scan_by_mood(place, by_mood, by_user, closeness)
        ranking = Ranking.MOOD if by_user is None else Ranking.MOOD_THEN_USER
        return ranking, ByInnerProducts(scan, products, ids)

    def _remembered(self, place: slice, by_mood: InnerProduct) -> Closeness | None:
        total = place.stop - place.start
        if not 0 < total <= self._most_dense:
            return None
        return self._closeness.of(by_mood.query, (place.start, total), lambda: by_mood.of(np.arange(total)))

    def _scan_by_mood(
        self, place: slice, by_mood: InnerProduct, by_user: InnerProduct | None, closeness: Closeness | None
    ) -> Scan:
        if closeness is not None:
            return DenseScan(by_user, self._tower_rounding, closeness) if by_user else ClosenessScan(closeness)
        user = np.float32(self._user_weight) * by_user.query if by_user else np.zeros(self.tower_space.dimension, "f4")
        codes = self._text_and_tower_codes
        return CodedScan(codes, place, codes.query(by_mood.query, user), place.stop - place.start)

    def _scan_by_user(self, place: slice, by_user: InnerProduct) -> Scan:
        total = place.stop - place.start
        if total <= self._most_dense:
            return DenseScan(by_user, self._tower_rounding)
        return CodedScan(self._tower_codes, place, self._tower_codes.query(by_user.query), total)

    def _rows_in(self, place: slice, post_ids: Sequence[int]) -> Rows:
        """Rows, ascending and relative to the slice, of those of the ids that lie in it."""
        if not (post_ids and len(self._posts)):
            return np.zeros(0, dtype=np.int64)
        wanted = np.array(sorted(set(post_ids)), dtype=np.int64)
        is_category = place.stop - place.start < len(self._posts)  # in which the posts ascend by id
        ids = self._post_ids[place] if is_category else self._sorted_ids
        rows = ids.searchsorted(wanted)
        rows = rows[ids.take(rows, mode="clip") == wanted]
        return rows if is_category else np.sort(self._rows_by_id[rows].astype(np.int64))


def _check_numbers(query: Query) -> None:
    if not 1 <= query.limit <= LARGEST_LIMIT:
        raise InvalidSearchError(f"limit is {query.limit}, it must be 1 to {LARGEST_LIMIT}")
    if query.offset < 0:
        raise InvalidSearchError(f"offset is {query.offset}, it must not be negative")
    if len(query.exclude_post_ids) > MOST_EXCLUSIONS:
        raise InvalidSearchError(f"{len(query.exclude_post_ids)} excluded posts, at most {MOST_EXCLUSIONS} are allowed")
    if len(query.seen_post_ids) > MOST_SEEN:
        raise InvalidSearchError(f"{len(query.seen_post_ids)} seen posts, at most {MOST_SEEN} are allowed")


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
        raise InvalidEmbeddingError("embedding holds a value that is not finite, or far too large")
    if abs(norm - 1) > _NORM_TOLERANCE:
        raise InvalidEmbeddingError(f"embedding has norm {norm:.4f}, it must be a unit vector")
    return np.ascontiguousarray(values, dtype=np.float32)


def _describe(space: EmbeddingSpace) -> str:
    return f"bundle {space.bundle_id}, kind {space.kind.value}, dimension {space.dimension}"
