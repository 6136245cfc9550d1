"""The orders in which posts can be ranked, each over the rows of one slice: exact, ties to the smaller post id."""

from dataclasses import dataclass
from typing import Protocol

import faiss
import numpy as np
from numpy.typing import NDArray

from two_tower.embedding_space import Matrix, Vector

Rows = NDArray[np.int64]
Scores = NDArray[np.float32]


class Order(Protocol):
    """A ranking of the rows of a slice, the same at every call."""

    def first(self, count: int, *, skip: Rows) -> tuple[Rows, Scores]:
        """The best ``count`` rows outside ``skip``, or all if there are fewer, with their scores."""

    def among(self, rows: Rows) -> tuple[Rows, Scores]:
        """The given rows in order, with their scores."""


@dataclass(frozen=True, slots=True)
class ByInnerProduct:
    """Largest inner product with a query first: ``vectors`` float32 [rows, dimension], contiguous."""

    vectors: Matrix
    query: Vector
    ids: NDArray[np.int64]

    def first(self, count: int, *, skip: Rows) -> tuple[Rows, Scores]:
        """Exact search by FAISS; it breaks ties as it likes, so the cut never runs through equal scores."""
        total = len(self.vectors)
        wanted = min(count + len(skip), total)
        if wanted == 0:
            return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.float32)
        fetched = min(wanted + 1, total)
        while True:
            found = faiss.knn(self.query[None], self.vectors, fetched, metric=faiss.METRIC_INNER_PRODUCT)
            scores, rows = found[0][0], found[1][0]
            if fetched == total or scores[wanted - 1] != scores[-1]:
                break
            fetched = min(2 * fetched, total)
        order = np.lexsort((self.ids[rows], -scores))
        order = order[~np.isin(rows[order], skip)][:count]
        return rows[order], scores[order]

    def among(self, rows: Rows) -> tuple[Rows, Scores]:
        """A few rows need no search."""
        scores = _products(self.vectors[rows], self.query)
        order = np.lexsort((self.ids[rows], -scores))
        return rows[order], scores[order]


@dataclass(frozen=True, slots=True)
class ByMoodAndUser:
    """In the order of ``by_both``, which weighs mood and user against each other, with the user's scores."""

    by_both: ByInnerProduct
    by_user: ByInnerProduct

    def first(self, count: int, *, skip: Rows) -> tuple[Rows, Scores]:
        """Exact search for both at once."""
        return self._with_user_scores(self.by_both.first(count, skip=skip)[0])

    def among(self, rows: Rows) -> tuple[Rows, Scores]:
        """A few rows need no search."""
        return self._with_user_scores(self.by_both.among(rows)[0])

    def _with_user_scores(self, rows: Rows) -> tuple[Rows, Scores]:
        return rows, _products(self.by_user.vectors[rows], self.by_user.query)


@dataclass(frozen=True, slots=True)
class ByPopularity:
    """Most popular first: ``popularity`` float32 [rows]."""

    popularity: Scores
    ids: NDArray[np.int64]

    def first(self, count: int, *, skip: Rows) -> tuple[Rows, Scores]:
        """Sort the slice."""
        return _cut(self.among(np.setdiff1d(np.arange(len(self.ids)), skip)), count)

    def among(self, rows: Rows) -> tuple[Rows, Scores]:
        """Sort the rows."""
        order = np.lexsort((self.ids[rows], -self.popularity[rows]))
        return rows[order], self.popularity[rows[order]]


def _products(vectors: Matrix, query: Vector) -> Scores:
    """Inner products [rows]. BLAS may round a row otherwise when it stands among more rows; einsum never does."""
    return np.asarray(np.einsum("rd,d->r", vectors, query), dtype=np.float32)


def _cut(ranked: tuple[Rows, Scores], count: int) -> tuple[Rows, Scores]:
    rows, scores = ranked
    return rows[:count], scores[:count]
