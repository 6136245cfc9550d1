"""Search for the posts that are most like a post: by inner product with it, plus a weighted one with the user.

Post and user are vectors of one space, so one pass scans for the sum of both.
"""

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bundle.embedding_space import HalfMatrix, Matrix, Vector, in_float32
from post_index_service.codes import Codes
from post_index_service.layer import Layer
from post_index_service.layered_ranking import LiveByProducts
from post_index_service.ranking import ByInnerProducts, CodedScan, DenseScan, InnerProduct, Scan

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

    def frozen_order(
        self, vectors: Matrix | HalfMatrix, codes: Codes, span: slice, ids: NDArray[np.int64], *, rounding: float | None
    ) -> ByInnerProducts:
        """The order of a slice: ``vectors`` and ``ids`` are its own, ``codes`` those of all rows.

        ``rounding`` is that of ``codes.rounding_of_products`` for a slice whose vectors are scanned themselves; None
        for one whose codes are.
        """
        query = self.sum()
        scan: Scan
        if rounding is None:
            coded = codes.query(query)
            scan = CodedScan(codes, span, replace(coded, error=coded.error + _ROUNDING))
        else:
            length = math.sqrt(float(query @ query))
            scan = DenseScan(InnerProduct(vectors, query), rounding * length + _ROUNDING)
        return ByInnerProducts(scan, self.products(vectors), ids, shown=0)

    def live_order(self, layer: Layer) -> LiveByProducts:
        """The same of the live segment."""
        return LiveByProducts(self.products(layer.live.tower), layer.live.ids, shown=0)


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
