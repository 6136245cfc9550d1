"""What the model must beat, each as strong as it is simple: all posts scored for all given users.

A personal method has nothing to say of a person without a history, and little of a post nobody touched; there every one
of them falls back to the popularity of the last month, the strongest of the impersonal ones.
"""

from collections.abc import Callable

import numpy as np
from implicit.als import AlternatingLeastSquares
from implicit.nearest_neighbours import ItemItemRecommender, bm25_weight
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from threadpoolctl import threadpool_limits

from pipeline.dataset import Dataset

Scores = NDArray[np.float32]  # [users, posts]
Scorer = Callable[[Dataset, NDArray[np.int64]], Scores]

_MONTH_DAYS = 30.0
_NEIGHBOURS = 100
_BM25_K1, _BM25_B = 1.2, 0.75
_FACTORS = 32
_TIE_BREAK = 1e-3  # how much popularity counts beside a personal score: only where that one is tied


def all_time_popularity(dataset: Dataset, user_rows: NDArray[np.int64]) -> Scores:
    """Number of events since the beginning."""
    return _same_for_all(np.bincount(dataset.event_posts, minlength=len(dataset.post_ids)), user_rows)


def last_month_popularity(dataset: Dataset, user_rows: NDArray[np.int64]) -> Scores:
    """Number of events in the last 30 days."""
    recent = dataset.event_posts[dataset.event_days >= dataset.end_day - _MONTH_DAYS]
    return _same_for_all(np.bincount(recent, minlength=len(dataset.post_ids)), user_rows)


def newest_first(dataset: Dataset, user_rows: NDArray[np.int64]) -> Scores:
    """Time of creation."""
    return _same_for_all(dataset.created_days, user_rows)


def random_order(dataset: Dataset, user_rows: NDArray[np.int64]) -> Scores:
    """A seeded random order for each user."""
    return np.random.default_rng(0).random((len(user_rows), len(dataset.post_ids)), dtype=np.float32)


def item_neighbours(dataset: Dataset, user_rows: NDArray[np.int64]) -> Scores:
    """Item-kNN: posts met by the same people, with BM25 weights (collaborative filtering)."""
    matrix = _strengths(dataset)
    model = ItemItemRecommender(K=_NEIGHBOURS, num_threads=1)
    model.fit(bm25_weight(matrix.T, K1=_BM25_K1, B=_BM25_B).T.tocsr(), show_progress=False)
    return _with_fallback((matrix[user_rows] @ model.similarity).toarray(), dataset, user_rows)


def alternating_least_squares(dataset: Dataset, user_rows: NDArray[np.int64]) -> Scores:
    """Implicit ALS (Hu, Koren and Volinsky 2008; collaborative filtering)."""
    with threadpool_limits(1, "blas"):  # the library's own threads and BLAS's get in each other's way
        model = AlternatingLeastSquares(factors=_FACTORS, random_state=0, num_threads=1, iterations=15)
        model.fit(_strengths(dataset), show_progress=False)
    scores = np.asarray(model.user_factors)[user_rows] @ np.asarray(model.item_factors).T
    has_history = np.diff(dataset.pairs.offsets)[user_rows] > 0
    return _with_fallback(scores * has_history[:, None], dataset, user_rows)


def content_based(dataset: Dataset, user_rows: NDArray[np.int64]) -> Scores:
    """Posts whose BERT embedding is nearest to the strength-weighted mean of what the user met."""
    profiles = _strengths(dataset)[user_rows] @ dataset.text
    profiles /= np.maximum(np.linalg.norm(profiles, axis=1, keepdims=True), 1e-9)
    return _with_fallback(profiles @ dataset.text.T, dataset, user_rows)


def hybrid(dataset: Dataset, user_rows: NDArray[np.int64]) -> Scores:
    """Item-kNN and content-based, each scaled to 0..1 for the user, in equal parts."""
    scores = _unit_range(item_neighbours(dataset, user_rows)) + _unit_range(content_based(dataset, user_rows))
    return _with_fallback(scores, dataset, user_rows)


BASELINES: dict[str, Scorer] = {
    "random": random_order,
    "all-time popularity": all_time_popularity,
    "newest first": newest_first,
    "last-month popularity": last_month_popularity,
    "item-kNN (collaborative)": item_neighbours,
    "implicit ALS (collaborative)": alternating_least_squares,
    "content-based (BERT)": content_based,
    "hybrid (item-kNN + content)": hybrid,
}


def _strengths(dataset: Dataset) -> csr_matrix:
    pairs = dataset.pairs
    shape = (len(dataset.user_ids), len(dataset.post_ids))
    return csr_matrix((np.maximum(pairs.strengths, 1e-3), (pairs.user_rows, pairs.post_rows)), shape=shape)


def _with_fallback(scores: NDArray[np.floating], dataset: Dataset, user_rows: NDArray[np.int64]) -> Scores:
    popularity = _unit_range(last_month_popularity(dataset, user_rows[:1]))
    return (_unit_range(scores) + _TIE_BREAK * popularity).astype(np.float32)


def _unit_range(scores: NDArray[np.floating]) -> NDArray[np.float64]:
    low = scores.min(axis=1, keepdims=True)
    return np.asarray((scores - low) / np.maximum(scores.max(axis=1, keepdims=True) - low, 1e-9), dtype=np.float64)


def _same_for_all(scores: NDArray[np.generic], user_rows: NDArray[np.int64]) -> Scores:
    return np.broadcast_to(scores.astype(np.float32), (len(user_rows), len(scores)))
