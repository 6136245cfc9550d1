"""The personal baselines, and the table of all that the model must beat.

Each method learns from the past, then scores all posts for given users. A personal method cannot score posts for a user
without a history, and scores posts without interactions poorly. In both cases all of them fall back to last-month
popularity.
"""

from collections.abc import Callable

import numpy as np
from implicit.als import AlternatingLeastSquares
from implicit.bpr import BayesianPersonalizedRanking
from implicit.nearest_neighbours import ItemItemRecommender, bm25_weight
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from threadpoolctl import threadpool_limits

from pipeline.crowd_baselines import CROWD_BASELINES, TIMED_CROWD_BASELINES, Method
from pipeline.dataset import Dataset
from pipeline.popularity import people_who_met
from pipeline.ranking import Recommender, Scores

_MONTH_DAYS = 30.0
_NEIGHBOURS = 500
_BM25_K1, _BM25_B = 1.2, 0.75
_CONFIDENCE = 40.0  # ALS's confidence in a pair with an interaction, relative to one without
_ORDER_DECAY = 0.5  # weight of a post in a history relative to that of the next newer one
_MOST_FACTORS = 256
_POSTS_PER_FACTOR = 32  # as many factors as a large catalogue needs would overfit a small one
_MOST_EASE_POSTS = 5_000
_EASE_PENALTY, _LEAST_EASE_PENALTY, _MOST_EASE_PENALTY = 4.0, 20.0, 500.0
_TIE_BREAK = 1e-3  # weight of popularity: small enough to decide only between equal personal scores


def item_neighbours(past: Dataset) -> Recommender:
    """Item-kNN with BM25 weights (collaborative filtering); newer posts of a history weigh more."""
    model = ItemItemRecommender(K=_NEIGHBOURS, num_threads=1)
    model.fit(bm25_weight(_strengths(past).T, K1=_BM25_K1, B=_BM25_B).T.tocsr(), show_progress=False)

    def score(shown: Dataset, user_rows: NDArray[np.int64]) -> NDArray[np.floating]:
        return np.asarray((_recent_strengths(shown, user_rows) @ model.similarity).toarray())

    return _with_fallback(past, score)


def alternating_least_squares(past: Dataset) -> Recommender:
    """Implicit ALS (Hu, Koren and Volinsky 2008; collaborative filtering); users are folded in from their histories."""
    with threadpool_limits(1, "blas"):  # the library's threads and those of BLAS compete for the cores
        model = AlternatingLeastSquares(factors=_factors(past), random_state=0, num_threads=1, iterations=15)
        model.fit(_CONFIDENCE * _strengths(past), show_progress=False)

    def score(shown: Dataset, user_rows: NDArray[np.int64]) -> NDArray[np.floating]:
        histories = _CONFIDENCE * _strengths(shown)[user_rows]
        with threadpool_limits(1, "blas"):
            factors = model.recalculate_user(user_rows, histories)
        return np.asarray(np.atleast_2d(factors) @ np.asarray(model.item_factors).T)

    return _with_fallback(past, score)


def bayesian_personalized_ranking(past: Dataset) -> Recommender:
    """BPR (Rendle et al. 2009; collaborative filtering); a user without interactions in training has no factors."""
    model = BayesianPersonalizedRanking(
        factors=_factors(past), learning_rate=0.1, iterations=100, random_state=0, num_threads=1
    )
    model.fit(_strengths(past), show_progress=False)
    is_known = np.diff(past.pairs.offsets) > 0

    def score(_: Dataset, user_rows: NDArray[np.int64]) -> NDArray[np.floating]:
        scores = np.asarray(model.user_factors)[user_rows] @ np.asarray(model.item_factors).T
        return np.asarray(scores * is_known[user_rows, None])

    return _with_fallback(past, score)


def embarrassingly_shallow(past: Dataset) -> Recommender:
    """EASE (Steck 2019; collaborative filtering): a linear model of each post by the others of a history.

    With X [users, posts] of ones and P = (X'X + lambda I)^-1, the weights are B = I - P / diag(P) by column, so that no
    post predicts itself, and a user's scores are x B. Lambda is four times the mean number of people who met a post,
    from 20 to the published 500. The inverse takes memory of the square of the posts and time of the cube, so only the
    5,000 posts that most people met are in it (200 MiB a matrix); the others score 0 and fall back as elsewhere.
    """
    counts = np.bincount(past.pairs.post_rows, minlength=len(past.post_ids))
    rows = np.sort(np.argsort(-counts, kind="stable")[:_MOST_EASE_POSTS])
    met = _met(past)[:, rows]
    gram = (met.T @ met).toarray()
    penalty = _EASE_PENALTY * len(past.pairs) / max(len(past.post_ids), 1)
    gram[np.diag_indices_from(gram)] += np.clip(penalty, _LEAST_EASE_PENALTY, _MOST_EASE_PENALTY)
    with threadpool_limits(1, "blas"):
        inverse = np.linalg.inv(gram)
    weights = (-inverse / np.diag(inverse)).astype(np.float32)
    np.fill_diagonal(weights, 0.0)

    def score(shown: Dataset, user_rows: NDArray[np.int64]) -> NDArray[np.floating]:
        scores = np.zeros((len(user_rows), len(past.post_ids)), dtype=np.float32)
        scores[:, rows] = _met(shown)[user_rows][:, rows] @ weights
        return scores

    return _with_fallback(past, score)


def content_based(past: Dataset) -> Recommender:
    """Posts whose BERT embedding is nearest to the strength-weighted mean of the user's history."""
    return _with_fallback(past, _score_by_content)


def hybrid(past: Dataset) -> Recommender:
    """The sum of item-kNN and content-based scores, each scaled to 0..1 for the user."""
    neighbours, content = item_neighbours(past), content_based(past)
    return _with_fallback(
        past,
        lambda shown, user_rows: _unit_range(neighbours(shown, user_rows)) + _unit_range(content(shown, user_rows)),
    )


PERSONAL_BASELINES: dict[str, Method] = {
    "item-kNN (collaborative)": item_neighbours,
    "implicit ALS (collaborative)": alternating_least_squares,
    "implicit BPR (collaborative)": bayesian_personalized_ranking,
    "EASE (collaborative)": embarrassingly_shallow,
    "content-based (BERT)": content_based,
    "hybrid (item-kNN + content)": hybrid,
}
BASELINES = CROWD_BASELINES | PERSONAL_BASELINES
"""The baselines for data without a clock, where every window of time is all of it."""
TIMED_BASELINES = CROWD_BASELINES | TIMED_CROWD_BASELINES | PERSONAL_BASELINES


def baselines_for(dataset: Dataset) -> dict[str, Method]:
    """Every baseline that the data can tell apart, by the name that tables give it."""
    return TIMED_BASELINES if dataset.has_clock else BASELINES


def _score_by_content(shown: Dataset, user_rows: NDArray[np.int64]) -> NDArray[np.floating]:
    profiles = _strengths(shown)[user_rows] @ shown.text
    profiles /= np.maximum(np.linalg.norm(profiles, axis=1, keepdims=True), 1e-9)
    return np.asarray(profiles @ shown.text.T)


def _strengths(dataset: Dataset) -> csr_matrix:
    """Strengths scaled to a mean of 1, for methods designed for counts: [users, posts]."""
    pairs = dataset.pairs
    shape = (len(dataset.user_ids), len(dataset.post_ids))
    strengths = np.maximum(pairs.strengths, 1e-3)
    return csr_matrix((strengths / strengths.mean(), (pairs.user_rows, pairs.post_rows)), shape=shape)


def _met(dataset: Dataset) -> csr_matrix:
    """1 for each pair: [users, posts]."""
    pairs = dataset.pairs
    shape = (len(dataset.user_ids), len(dataset.post_ids))
    return csr_matrix((np.ones(len(pairs)), (pairs.user_rows, pairs.post_rows)), shape=shape)


def _recent_strengths(dataset: Dataset, user_rows: NDArray[np.int64]) -> csr_matrix:
    """Strengths of the chosen users, halved for each newer post in the history: [chosen users, posts]."""
    pairs = dataset.pairs
    later = pairs.offsets[pairs.user_rows + 1] - 1 - np.arange(len(pairs))
    weights = np.maximum(pairs.strengths, 1e-3) * _ORDER_DECAY**later
    shape = (len(dataset.user_ids), len(dataset.post_ids))
    return csr_matrix((weights, (pairs.user_rows, pairs.post_rows)), shape=shape)[user_rows]


def _factors(past: Dataset) -> int:
    return int(np.clip(len(past.post_ids) // _POSTS_PER_FACTOR, 8, _MOST_FACTORS))


def _with_fallback(past: Dataset, score: Callable[[Dataset, NDArray[np.int64]], NDArray[np.floating]]) -> Recommender:
    popularity = _TIE_BREAK * _unit_range(people_who_met(past, days=_MONTH_DAYS)[None])

    def recommend(shown: Dataset, user_rows: NDArray[np.int64]) -> Scores:
        return _unit_range(score(shown, user_rows)) + popularity

    return recommend


def _unit_range(scores: NDArray[np.floating]) -> Scores:
    low = scores.min(axis=1, keepdims=True)
    return np.asarray((scores - low) / np.maximum(scores.max(axis=1, keepdims=True) - low, 1e-9), dtype=np.float32)
