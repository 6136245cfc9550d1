"""Posts and queries of any size: users lie near posts, in clusters, as trained towers place them."""

import numpy as np

from benchmarks.scale.index_bundle import made_table
from bundle.embedding_space import Embedding, Matrix
from bundle.index_posts import Category, IndexPosts
from post_index_service.index import PostIndex
from post_index_service.query import Query

TEXT_DIMENSION = 384
KINDS = ("user, category", "user, all", "mood, category", "mood and user, category", "mood and user, all")
"""What is searched for: by whom or what, and where."""
_CATEGORIES = 40
_CLUSTERS = 500
_NEAR = 0.7  # the length of the noise around the centre of a cluster
_BLOCK = 65_536


def made_posts(count: int, dimension: int, *, seed: int = 0) -> IndexPosts:
    """``count`` posts in 40 categories of unequal size.

    Of 448 dimensions 64 are the tower's and 384 the text's; of another number 8 are the text's beside all of them.
    """
    random = np.random.default_rng(seed)
    tower, text = (64, TEXT_DIMENSION) if dimension == 64 + TEXT_DIMENSION else (dimension, 8)
    shares = 1 / np.arange(1, _CATEGORIES + 1)
    category_ids = np.sort(1 + random.choice(_CATEGORIES, size=count, p=shares / shares.sum())).astype(np.int32)
    post_ids = np.arange(1, count + 1, dtype=np.int64)
    return IndexPosts(
        post_ids=post_ids,
        category_ids=category_ids,
        tower_embeddings=_clustered(random, count, tower),
        text_embeddings=_clustered(random, count, text).astype(np.float16),
        popularity=random.random(count, dtype=np.float32),
        created_ms=np.arange(count, dtype=np.int64),
        posts=made_table(post_ids, category_ids),
        categories=tuple(Category(number, f"category {number}") for number in np.unique(category_ids).tolist()),
    )


def queries(index: PostIndex, posts: IndexPosts, count: int, *, seed: int) -> dict[str, list[Query]]:
    """``count`` searches of each kind, near some posts; those of another seed are near others."""
    random = np.random.default_rng(seed)
    rows = random.integers(len(posts.posts), size=count)
    users = _near(random, posts.tower_embeddings[rows])
    moods = _near(random, posts.text_embeddings[rows].astype(np.float32))
    found: dict[str, list[Query]] = {kind: [] for kind in KINDS}
    for row, user_vector, mood_vector in zip(rows.tolist(), users, moods, strict=True):
        user, mood = Embedding(index.tower_space, user_vector), Embedding(index.text_space, mood_vector)
        category_id = int(posts.category_ids[row])
        found["user, category"].append(Query(user=user, category_id=category_id))
        found["user, all"].append(Query(user=user))
        found["mood, category"].append(Query(mood=mood, category_id=category_id))
        found["mood and user, category"].append(Query(user=user, mood=mood, category_id=category_id))
        found["mood and user, all"].append(Query(user=user, mood=mood))
    return found


def _clustered(random: np.random.Generator, count: int, dimension: int) -> Matrix:
    centres = _unit(random.normal(size=(_CLUSTERS, dimension)).astype(np.float32))
    vectors = np.empty((count, dimension), dtype=np.float32)
    for start in range(0, count, _BLOCK):
        block = vectors[start : start + _BLOCK]
        block[:] = _near(random, centres[random.integers(_CLUSTERS, size=len(block))])
    return vectors


def _near(random: np.random.Generator, vectors: Matrix) -> Matrix:
    noise = random.normal(scale=_NEAR / np.sqrt(vectors.shape[1]), size=vectors.shape).astype(np.float32)
    return _unit(vectors + noise)


def _unit(vectors: Matrix) -> Matrix:
    unit: Matrix = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    return unit
