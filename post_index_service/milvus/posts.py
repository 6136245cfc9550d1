"""The posts of one bundle as a Milvus collection holds them: which of its hits is which row."""

import math
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from cachetools import LRUCache
from numpy.typing import NDArray
from prometheus_client import Counter

from bundle.embedding_space import Vector
from bundle.index_posts import IndexPosts
from post_collection.form import side_by_side
from post_collection.hits import Collection, Hits
from post_index_service.codes import Rows
from post_index_service.filters import NO_FILTERS, Allowed
from post_index_service.milvus.expressions import expression_of
from post_index_service.named_rows import NamedRows

FAILURES = Counter("moodfeed_index_milvus_failures_total", "Searches that Milvus did not answer.")
_MOST_POPULAR = 4_096  # rows that stand for the hits of a server that does not answer
_REMEMBERED_HEADS = 256  # slices whose most popular rows are remembered
_LONGEST_SECONDS = 2.0  # that Milvus may take for one answer if nobody says less
_NORM_SLACK = 1.01  # vectors of unit length, and their rounding


@dataclass(frozen=True, eq=False)
class CollectedPosts:
    """The rows of one bundle, and its collection; may be called from several threads."""

    posts: IndexPosts
    names: NamedRows
    collection: Collection
    failures: Counter = FAILURES
    _heads: LRUCache[tuple[int, int], Rows] = field(default_factory=lambda: LRUCache(_REMEMBERED_HEADS))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def is_exact(self) -> bool:
        """Whether a search of the collection misses nothing."""
        return self.collection.effort.is_exact

    def query(self, tower: Vector | None, text: Vector | None) -> Vector:
        """The two weighted parts of a query, side by side."""
        dimensions = self.posts.tower_embeddings.shape[1], self.posts.text_embeddings.shape[1]
        return side_by_side(tower, text, dimensions=dimensions)

    def rounding_of(self, query: Vector) -> float:
        """How much two ways to sum a product with a query differ at most: see codes.rounding_of_products."""
        length = math.sqrt(2 * float(query @ query)) * _NORM_SLACK  # a row has two parts of unit length
        return length * (len(query) + 2) * 2.0**-22

    def nearest(
        self,
        query: Vector,
        count: int,
        *,
        span: slice,
        allowed: Allowed | None,
        without: Rows | Iterable[int],
        seconds: float,
    ) -> Hits:
        """The best hits in a slice, without some rows of it; raises what Collection.nearest does."""
        is_whole = span.start == 0 and span.stop == len(self.posts.post_ids)
        skipped = np.asarray(without, dtype=np.int64)
        expression = expression_of(
            category_id=None if is_whole else int(self.posts.category_ids[span.start]),
            filters=NO_FILTERS if allowed is None else allowed.filters,
            without=self.posts.post_ids[span.start + skipped].tolist() if len(skipped) else (),
        )
        seconds = min(seconds, _LONGEST_SECONDS) if seconds else _LONGEST_SECONDS
        return self.collection.nearest(query, count, expression=expression, seconds=seconds)

    def rows_of(self, post_ids: NDArray[np.int64]) -> Rows:
        """The rows of those of the posts that the bundle holds."""
        ids = self.names.sorted_ids
        if not len(ids):
            return np.zeros(0, dtype=np.int64)
        places = ids.searchsorted(post_ids)
        is_known = ids.take(places, mode="clip") == post_ids
        rows: Rows = self.names.rows_by_id[places[is_known]].astype(np.int64)
        return rows

    def popular(self, span: slice, allowed: Allowed | None) -> Rows:
        """The most popular rows of a slice, ascending and relative to its start."""
        if allowed is not None:
            rows = allowed.rows
            best: Rows = rows[self._most_popular(self.posts.popularity[span.start + rows])]
            return best
        key = span.start, span.stop
        with self._lock:
            known = self._heads.get(key)
        if known is None:
            known = self._most_popular(self.posts.popularity[span])
            with self._lock:
                self._heads[key] = known
        return known

    def _most_popular(self, popularity: NDArray[np.float32]) -> Rows:
        if len(popularity) <= _MOST_POPULAR:
            return np.arange(len(popularity))
        best = np.argpartition(popularity, len(popularity) - _MOST_POPULAR)[-_MOST_POPULAR:]
        return np.sort(best)
