"""How much a user counts beside a mood: the ``user_weight`` of a bundle."""

import numpy as np
from numpy.typing import NDArray

from bundle.embedding_space import HalfMatrix, Matrix, in_float32
from bundle.index_posts import IndexPosts
from pipeline.dataset import Dataset

USER_SHARE = 0.5  # spread of user scores relative to that of mood scores; scripts/measure_mood.py compares shares
TYPICAL_MOODS = ("happy", "sad", "calm", "exciting", "funny", "scary", "romantic", "angry")
_TYPICAL_USERS = 256
_BLOCK_ROWS = 8192
_SMALLEST_SPREAD = 1e-6


def balance(
    index: IndexPosts, users: NDArray[np.float32], moods: NDArray[np.float32], *, user_share: float = USER_SHARE
) -> float:
    """The ``user_weight`` at which user scores spread ``user_share`` times as far as closeness to a mood does.

    ``users`` float32 [users, tower dimension], ``moods`` float32 [moods, text dimension] are everyday moods. It is
    measured for each bundle, because the spread differs between trainings. It is rounded to three digits, so that the
    bundle does not depend on the processor's last bits.
    """
    closeness = _spread(index.text_embeddings, moods)
    spread_of_users = _spread(index.tower_embeddings, users) if users.size else 0.0
    if len(index.posts) < 2 or spread_of_users < _SMALLEST_SPREAD:
        return user_share
    return float(f"{user_share * closeness / spread_of_users:.3g}")


def typical_users(dataset: Dataset) -> NDArray[np.int64]:
    """Rows of at most 256 users with a history, evenly spaced over all of them: int64 [users]."""
    rows = np.flatnonzero(np.diff(dataset.pairs.offsets) > 0)
    return rows[np.linspace(0, len(rows) - 1, min(len(rows), _TYPICAL_USERS)).astype(np.int64)]


def _spread(posts: Matrix | HalfMatrix, queries: Matrix) -> float:
    """The standard deviation of the posts' inner products with a query, averaged over queries; in blocks of posts."""
    sums, squares = np.zeros(len(queries)), np.zeros(len(queries))
    for start in range(0, len(posts), _BLOCK_ROWS):
        scores = (in_float32(posts[start : start + _BLOCK_ROWS]) @ queries.T).astype(np.float64)
        sums += scores.sum(axis=0)
        squares += (scores * scores).sum(axis=0)
    variances = squares / max(len(posts), 1) - (sums / max(len(posts), 1)) ** 2
    return float(np.sqrt(np.maximum(variances, 0)).mean())
