"""Search for the posts that are most like a post: by inner product with it, plus a weighted one with the user.

Post and user are vectors of one space, so one pass scans for the sum of both.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bundle.embedding_space import HalfMatrix, Matrix, Vector, in_float32
from post_index_service.filtered_scans import SkippingScan
from post_index_service.layer import Layer, LayerPart
from post_index_service.layered_ranking import Layered, LiveByProducts
from post_index_service.query import Query
from post_index_service.ranking import ByInnerProducts, DenseScan, InnerProduct, KeyedOrder, Scan
from post_index_service.scans import Scans
from post_index_service.search_errors import PostNotFoundError

_ROUNDING = 2.0**-20  # of the sum of two vectors, and of two products: far more than either can be


@dataclass(frozen=True, slots=True)
class Likeness:
    """The post that others are to be like, as a unit vector; and the user who asks, as one, if they are known."""

    post_id: int
    vector: Vector
    user: Vector | None
    user_weight: float

    def products(self, vectors: Matrix | HalfMatrix) -> tuple[InnerProduct, ...]:
        """What rows are ranked by: closeness to the post, which is the score, and then the user's score."""
        by_post = InnerProduct(vectors, self.vector)
        return (by_post,) if self.user is None else (by_post, InnerProduct(vectors, self.user, self.user_weight))

    def sum(self) -> Vector:
        """The vector whose inner product is the number that orders rows."""
        if self.user is None:
            return self.vector
        return np.asarray(self.vector + np.float32(self.user_weight) * self.user, dtype=np.float32)

    def order(
        self,
        part: LayerPart,
        vectors: Matrix | HalfMatrix,
        scans: Scans,
        ids: NDArray[np.int64],
        *,
        rounding: float | None,
    ) -> Layered:
        """The order of both segments: ``vectors`` and ``ids`` are those of the slice, ``scans`` those of the search.

        ``rounding`` is that of ``codes.rounding_of_products`` for a slice whose vectors are scanned themselves; None
        for one that ``scans`` search.
        """
        products = self.products(vectors)
        frozen: KeyedOrder
        if rounding is None:
            scan = scans.by_likeness(part.span, self.sum(), part.allowed)
            frozen = scans.ordered(ByInnerProducts(scan, products, ids, shown=0))
        else:
            frozen = ByInnerProducts(self._dense(part, vectors, rounding), products, ids, shown=0)
        live = part.layer.live
        return Layered(
            frozen, LiveByProducts(self.products(live.tower), live.ids, shown=0), part.frozen_count, part.live_rows
        )

    def _dense(self, part: LayerPart, vectors: Matrix | HalfMatrix, rounding: float) -> Scan:
        query = self.sum()
        length = math.sqrt(float(query @ query))
        dense = DenseScan(InnerProduct(vectors, query), rounding * length + _ROUNDING)
        return dense if part.allowed is None else SkippingScan(dense, np.flatnonzero(~part.allowed.mask))


def likeness_of(
    query: Query,
    part: LayerPart,
    user: Vector | None,
    *,
    user_weight: float,
    ids_called: Callable[[str], Sequence[int]],
    row_of: Callable[[int], int | None],
    vectors: Matrix | HalfMatrix,
) -> Likeness | None:
    """The post that others are to be like, None if there is none; PostNotFoundError if it is not visible.

    ``ids_called`` finds posts by external id, ``row_of`` their rows among the bundle's ``vectors``.
    """
    if query.similar_to_post_id is None and not query.similar_to_external_id:
        return None
    named = query.similar_to_post_id
    for post_id in ids_called(query.similar_to_external_id) if named is None else [named]:
        vector = vector_of(post_id, layer=part.layer, position=part.position, vectors=vectors, row=row_of(post_id))
        if vector is not None:
            return Likeness(post_id, vector, user, user_weight)
    raise PostNotFoundError("there is no such post")


def vector_of(
    post_id: int, *, layer: Layer, position: int, vectors: Matrix | HalfMatrix, row: int | None
) -> Vector | None:
    """The embedding of a post as of a position; None if it is not visible then.

    ``row`` is the one that it has among the bundle's ``vectors``, None if it is not there.
    """
    live = np.flatnonzero(layer.live.visible(position) & (layer.live.ids == post_id))
    if len(live):
        return np.ascontiguousarray(layer.live.tower[live[0]], dtype=np.float32)
    if row is None:
        return None
    ended = layer.ended
    place = int(ended.rows.searchsorted(row))
    if place < len(ended.rows) and ended.rows[place] == row and ended.positions[place] <= position:
        return None
    return np.ascontiguousarray(in_float32(vectors[row : row + 1])[0])
