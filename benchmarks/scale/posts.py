"""Posts and queries of any size: users lie near posts, in clusters, as trained towers place them."""

import numpy as np

from bundle.embedding_space import Embedding, Matrix
from bundle.index_posts import Category, IndexPosts
from bundle.served_posts import PostTable, ServedPost
from post_index_service.index import PostIndex
from post_index_service.query import Query

TEXT_DIMENSION = 384
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
    return IndexPosts(
        post_ids=np.arange(1, count + 1, dtype=np.int64),
        category_ids=category_ids,
        tower_embeddings=_clustered(random, count, tower),
        text_embeddings=_clustered(random, count, text).astype(np.float16),
        popularity=random.random(count, dtype=np.float32),
        created_ms=np.arange(count, dtype=np.int64),
        posts=PostTable.of(
            ServedPost(row + 1, "https://video.example/", "", "", category, f"account {row % 10_000}", "")
            for row, category in enumerate(category_ids.tolist())
        ),
        categories=tuple(Category(number, f"category {number}") for number in np.unique(category_ids).tolist()),
    )


def queries(index: PostIndex, posts: IndexPosts, count: int) -> dict[str, list[Query]]:
    """Searches by user in a category, by user over all, and by mood and user in a category: near some posts."""
    random = np.random.default_rng(7)
    rows = random.integers(len(posts.posts), size=count)
    users = _near(random, posts.tower_embeddings[rows])
    moods = _near(random, posts.text_embeddings[rows].astype(np.float32))
    found: dict[str, list[Query]] = {"category": [], "all": [], "mood_user": []}
    for row, user, mood in zip(rows.tolist(), users, moods, strict=True):
        by_user = Query(user=Embedding(index.tower_space, user))
        of_category = by_user._replace(category_id=int(posts.category_ids[row]))
        found["category"].append(of_category)
        found["all"].append(by_user)
        found["mood_user"].append(of_category._replace(mood=Embedding(index.text_space, mood)))
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
