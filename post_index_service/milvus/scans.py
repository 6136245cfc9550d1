"""The scans of one search, which ask Milvus for the nearest rows."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import structlog

from bundle.embedding_space import Vector
from post_collection.form import MOST_HITS
from post_collection.hits import Hits
from post_collection.server import CollectionError, MilvusUnavailableError
from post_index_service.codes import Rows, among_sorted
from post_index_service.filtered_scans import ListedScan
from post_index_service.filters import Allowed
from post_index_service.milvus.ordered_hits import ByHits
from post_index_service.milvus.posts import CollectedPosts
from post_index_service.ranking import ByInnerProducts, InnerProduct, KeyedOrder, Near, Scan
from post_index_service.scans import Certainty

UNAVAILABLE = "MILVUS_UNAVAILABLE"
FEW_HITS = 1_024
"""Those that rank first where a search is approximate, and of which it needs no more for most pages."""
_MOST_LISTED = 1_024  # allowed rows that are ranked by exact scores, without Milvus
_FETCHED_MORE = 64  # more than asked for, as exact scores may order the last of them differently
_MOST_SKIPPED = 1_024  # rows that are skipped among the hits; more of them are named to Milvus
_LARGEST_SHARE = 4  # times MOST_HITS: where so many hits would not be enough, a search goes on without being sure

_log = structlog.get_logger("post_index_service.milvus")


class MilvusScans:
    """The scans of one search; ``certainty`` is told what they cannot make sure of."""

    def __init__(self, posts: CollectedPosts, certainty: Certainty, *, seconds: float) -> None:
        """Milvus may take ``seconds`` for each answer."""
        self._posts, self._certainty, self._seconds = posts, certainty, seconds

    @property
    def depth(self) -> int:
        """As many as a search of Milvus gives."""
        return MOST_HITS

    def by_user(self, span: slice, by_user: InnerProduct, allowed: Allowed | None) -> Scan:
        """By the tower's part of the vectors."""
        return self._scan(span, by_user.query, None, allowed)

    def by_mood(
        self, span: slice, by_mood: InnerProduct, by_user: InnerProduct | None, allowed: Allowed | None
    ) -> Scan:
        """By the text's part, and with a user by both: the query brings the weight."""
        user = None if by_user is None else np.float32(by_user.weight) * by_user.query
        return self._scan(span, user, by_mood.query, allowed)

    def by_likeness(self, span: slice, query: Vector, allowed: Allowed | None) -> Scan:
        """By the tower's part."""
        return self._scan(span, query, None, allowed)

    def shortlist(self, span: slice, allowed: Allowed | None) -> Near | None:
        """The nearest rows, where Milvus may miss some."""
        if self._posts.is_exact or (allowed is not None and allowed.count <= _MOST_LISTED):
            return None
        return _NearUser(self, span, allowed)

    def ordered(self, exact: ByInnerProducts) -> KeyedOrder:
        """As it is, or where Milvus may miss rows, the hits first."""
        if self._posts.is_exact or not isinstance(exact.scan, MilvusScan):
            return exact
        return ByHits(exact, exact.scan)

    def _scan(self, span: slice, tower: Vector | None, text: Vector | None, allowed: Allowed | None) -> Scan:
        if allowed is not None and allowed.count <= _MOST_LISTED:
            return ListedScan(allowed.rows)
        return self.scan(span, tower, text, allowed)

    def scan(self, span: slice, tower: Vector | None, text: Vector | None, allowed: Allowed | None) -> "MilvusScan":
        """The scan of a slice by two weighted parts of a query, of which one may be None."""
        query = self._posts.query(tower, text)
        return MilvusScan(self._posts, self._certainty, self._seconds, span, query, allowed)


@dataclass(frozen=True, slots=True)
class _NearUser:
    """A Near of one slice."""

    scans: MilvusScans
    span: slice
    allowed: Allowed | None

    def rows(self, query: Vector, count: int) -> Rows:
        """As many hits as are wanted, at least FEW_HITS."""
        return self.scans.scan(self.span, query, None, self.allowed).hits(max(count, FEW_HITS))


@dataclass(frozen=True, slots=True)
class MilvusScan:
    """Asks for the rows of the slice ``span`` that are nearest to a query.

    Milvus sums products in another order than InnerProduct does, so a hit's score is taken for the true one within the
    rounding of either. If it does not answer, the most popular rows stand for its hits.
    """

    posts: CollectedPosts
    certainty: Certainty
    seconds: float
    span: slice
    query: Vector
    allowed: Allowed | None

    @property
    def count(self) -> int:
        """How many rows there are to find."""
        return self.span.stop - self.span.start if self.allowed is None else self.allowed.count

    def nearest(self, count: int, *, skip: Rows) -> tuple[Rows, float]:
        """One search of Milvus, for some more rows."""
        wanted = 2 * count + _FETCHED_MORE + min(len(skip), _MOST_SKIPPED)
        if wanted >= self.count:
            rows = np.arange(self.count) if self.allowed is None else self.allowed.rows
            return rows[~among_sorted(rows, skip)], -np.inf
        asked = min(wanted, MOST_HITS)
        named = skip if len(skip) > _MOST_SKIPPED or asked == MOST_HITS else skip[:0]
        found = self._asked(asked, without=named)
        if found is None:
            rows, bound = self._popular(), -np.inf
        else:
            rows, bound = self._rows_of(found), self._bound(found, asked)
            if wanted > _LARGEST_SHARE * MOST_HITS and bound != -np.inf:
                self.certainty.is_approximate = True
                bound = -np.inf
            self.certainty.is_approximate |= not self.posts.is_exact
        return rows[~among_sorted(rows, skip)], bound

    def hits(self, count: int) -> Rows:
        """The ``count`` nearest rows, or MOST_HITS of them, ascending."""
        if count >= self.count:
            return np.arange(self.count) if self.allowed is None else self.allowed.rows
        found = self._asked(min(count, MOST_HITS))
        self.certainty.is_approximate = True
        return self._popular() if found is None else np.sort(self._rows_of(found))

    def _bound(self, found: Hits, asked: int) -> float:
        """No other row has a larger score."""
        if len(found.scores) < asked:
            return -np.inf
        return float(found.scores[-1]) + self.posts.rounding_of(self.query)

    def _asked(self, count: int, *, without: Rows | Iterable[int] = ()) -> Hits | None:
        """What Milvus finds, None if it does not answer."""
        try:
            return self.posts.nearest(
                self.query, count, span=self.span, allowed=self.allowed, without=without, seconds=self.seconds
            )
        except (MilvusUnavailableError, CollectionError) as error:
            self.posts.failures.inc()
            _log.warning("Milvus search failed", reason=str(error))
            self.certainty.is_approximate, self.certainty.unavailable_engine = True, UNAVAILABLE
            return None

    def _rows_of(self, found: Hits) -> Rows:
        """The rows of hits: each once, and none that the filters leave out or that is not in the slice."""
        rows: Rows = self.posts.rows_of(found.post_ids) - self.span.start
        rows = rows[(rows >= 0) & (rows < self.span.stop - self.span.start)]
        if len(rows) != len(set(rows.tolist())):
            rows = np.unique(rows)
        return rows if self.allowed is None else rows[self.allowed.passes(rows)]

    def _popular(self) -> Rows:
        """The most popular rows, ascending."""
        return self.posts.popular(self.span, self.allowed)
