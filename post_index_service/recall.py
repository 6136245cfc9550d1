"""Measures, on the loaded index, how many of the best posts a search over all categories finds."""

import numpy as np

from bundle.embedding_space import Embedding
from bundle.index_posts import IndexPosts
from compute.recent_history import RecentHistory
from post_index_service.codes import Scores
from post_index_service.index import PostIndex
from post_index_service.query import Query

_USERS = 32
_LIMIT = 10
_NEAR_TIE = 1e-6
_NEAR_TIE_OF_A_BLEND = 1e-5  # its numbers are larger than inner products
_BLOCK_ROWS = 16_384
_LONG_HISTORY = RecentHistory(count=1_000_000)


def measure_recall(index: PostIndex, posts: IndexPosts) -> float:
    """Recall@10 over all categories of the index's shard, for users whose embedding is that of a post.

    It is 1 without posts.
    A found post counts if the number that orders it is at least the tenth best of all, which NumPy computes exactly.
    """
    first, count = index.held.start, index.held.stop - index.held.start
    if not count:
        return 1.0
    users = posts.tower_embeddings[first + np.linspace(0, count - 1, min(count, _USERS)).astype(np.int64)]
    users /= np.linalg.norm(users, axis=1, keepdims=True)
    limit = min(_LIMIT, count)
    best = np.full((len(users), limit), -np.inf, dtype=np.float32)
    weight, numbers, counted = _blend_of(index)
    near_tie = _NEAR_TIE if numbers is None else _NEAR_TIE_OF_A_BLEND
    for start in range(first, first + count, _BLOCK_ROWS):
        block = slice(start, min(start + _BLOCK_ROWS, first + count))
        scores = weight * (users @ posts.tower_embeddings[block].T)
        if numbers is not None:
            scores += numbers[block]
        best = np.partition(np.concatenate([best, scores], axis=1), -limit, axis=1)[:, -limit:]
    found = [
        number >= least - near_tie
        for user, least in zip(users, best.min(axis=1).tolist(), strict=True)
        for number in index.search(
            Query(
                user=Embedding(index.tower_space, user),
                limit=limit,
                recent_history=_LONG_HISTORY,
                counted_position=counted,
            )
        ).ranking_scores
    ]
    return float(np.mean(found))


def _blend_of(index: PostIndex) -> tuple[np.float32, Scores | None, int | None]:
    """What orders posts for a person with a long history in no session: the weight of the score, and what is added.

    Then the position up to which that is counted.
    """
    if index.blended is None:
        return np.float32(1), None, None
    epoch = index.trends.epoch()
    weight = index.blended.blend.tower_weight(_LONG_HISTORY.count)
    return np.float32(weight), index.blended.at(epoch).numbers, epoch.position
