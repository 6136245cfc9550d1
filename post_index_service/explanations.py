"""Why a post is where it is: the numbers that speak for it, and the posts of the user's history that it is like."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bundle.embedding_space import HalfMatrix, Matrix, Vector
from post_index_service.codes import Rows, Scores
from post_index_service.ranking import InnerProduct

_MOST_HISTORY = 3


@dataclass(frozen=True, slots=True)
class Explanation:
    """What speaks for a post; feed.proto documents each field. ``history`` holds pairs of post id and closeness."""

    user_score: float | None
    mood_closeness: float | None
    popularity: float
    history: tuple[tuple[int, float], ...]
    is_seen: bool
    rules: tuple[str, ...] = ()
    similarity: float | None = None
    popularity_share: float | None = None
    category_lift: float | None = None
    next_post: float | None = None


@dataclass(frozen=True, slots=True)
class History:
    """The posts of a user's history: ids int64 [posts] and their tower embeddings [posts, dimension]."""

    ids: NDArray[np.int64]
    vectors: Matrix


@dataclass(frozen=True, slots=True)
class Explained:
    """The arrays of the posts among which are those to explain, row by row."""

    ids: NDArray[np.int64]
    tower: Matrix
    text: Matrix | HalfMatrix
    popularity: Scores

    def explain(
        self, rows: Rows, *, user: Vector | None, mood: Vector | None, history: History
    ) -> tuple[Explanation, ...]:
        """An explanation for each of the rows."""
        count = len(rows)
        by_user = [None] * count if user is None else InnerProduct(self.tower, user).of(rows).tolist()
        by_mood = [None] * count if mood is None else InnerProduct(self.text, mood).of(rows).tolist()
        near = nearest(self.tower[rows], self.ids[rows], history)
        is_seen = np.isin(self.ids[rows], history.ids)
        return tuple(
            Explanation(*values)
            for values in zip(by_user, by_mood, self.popularity[rows].tolist(), near, is_seen.tolist(), strict=True)
        )


def nearest(vectors: Matrix, ids: NDArray[np.int64], history: History) -> Sequence[tuple[tuple[int, float], ...]]:
    """The posts of the history that are nearest to each post, nearest first; a post is not its own neighbour."""
    closeness = vectors @ history.vectors.T
    closeness[ids[:, None] == history.ids] = -np.inf
    best = np.lexsort((np.broadcast_to(history.ids, closeness.shape), -closeness), axis=1)[:, :_MOST_HISTORY]
    return [
        tuple((int(history.ids[place]), float(row[place])) for place in places if np.isfinite(row[place]))
        for places, row in zip(best, closeness, strict=True)
    ]
