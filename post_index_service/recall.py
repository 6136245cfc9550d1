"""Measures, on the loaded index, how many of the best posts a search over all categories finds."""

import numpy as np

from bundle.embedding_space import Embedding
from bundle.index_posts import IndexPosts
from post_index_service.index import PostIndex
from post_index_service.query import Query

_USERS = 32
_LIMIT = 10
_NEAR_TIE = 1e-6
_BLOCK_ROWS = 16_384


def measure_recall(index: PostIndex, posts: IndexPosts) -> float:
    """Recall@10 over all categories, for users whose embedding is that of a post; 1 for an index without posts.

    A found post counts if its score is at least the tenth best of all scores, which NumPy computes exactly.
    """
    count = len(posts.posts)
    if not count:
        return 1.0
    users = posts.tower_embeddings[np.linspace(0, count - 1, min(count, _USERS)).astype(np.int64)]
    users /= np.linalg.norm(users, axis=1, keepdims=True)
    limit = min(_LIMIT, count)
    best = np.full((len(users), limit), -np.inf, dtype=np.float32)
    for start in range(0, count, _BLOCK_ROWS):
        scores = users @ posts.tower_embeddings[start : start + _BLOCK_ROWS].T
        best = np.partition(np.concatenate([best, scores], axis=1), -limit, axis=1)[:, -limit:]
    found = [
        ranked.score >= least - _NEAR_TIE
        for user, least in zip(users, best.min(axis=1).tolist(), strict=True)
        for ranked in index.search(Query(user=Embedding(index.tower_space, user), limit=limit)).posts
    ]
    return float(np.mean(found))
