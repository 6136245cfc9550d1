"""Refuses a query whose numbers or embeddings no search can use."""

import math

import numpy as np

from bundle.embedding_space import Embedding, EmbeddingSpace, Vector
from post_index_service.query import Query
from post_index_service.search_errors import (
    EmbeddingSpaceMismatchError,
    InvalidEmbeddingError,
    InvalidSearchError,
)

LARGEST_LIMIT = 100
MOST_EXCLUSIONS = 1000
_NORM_TOLERANCE = 1e-3


def check_numbers(query: Query) -> None:
    """InvalidSearchError if a number is out of range."""
    if not 1 <= query.limit <= LARGEST_LIMIT:
        raise InvalidSearchError(f"limit is {query.limit}, it must be from 1 to {LARGEST_LIMIT}")
    if query.offset < 0:
        raise InvalidSearchError(f"offset is {query.offset}, it must not be negative")
    if not 0 <= query.diversity <= 1:
        raise InvalidSearchError(f"diversity is {query.diversity}, it must be from 0 to 1")
    if query.most_per_owner < 0:
        raise InvalidSearchError(f"most_per_owner is {query.most_per_owner}, it must not be negative")
    excluded = len(query.exclude_post_ids) + len(query.exclude_external_ids)
    if excluded > MOST_EXCLUSIONS:
        raise InvalidSearchError(f"{excluded} posts are excluded, the maximum is {MOST_EXCLUSIONS}")


def check_embedding(embedding: Embedding, expected: EmbeddingSpace) -> Vector:
    """The values, if they are a unit vector of the space; EmbeddingSpaceMismatchError, InvalidEmbeddingError."""
    space, values = embedding.space, embedding.values
    if space != expected:
        raise EmbeddingSpaceMismatchError(
            f"embedding is of {_describe(space)}, this index holds {_describe(expected)}",
            embedding_bundle_id=space.bundle_id,
            index_bundle_id=expected.bundle_id,
        )
    if values.shape != (expected.dimension,):
        raise InvalidEmbeddingError(f"embedding has {values.size} values, its space has {expected.dimension}")
    norm = math.sqrt(float(values.dot(values)))  # unlike `@`, it warns of no overflow
    if not math.isfinite(norm):
        raise InvalidEmbeddingError("embedding holds a value that is not finite or far too large")
    if abs(norm - 1) > _NORM_TOLERANCE:
        raise InvalidEmbeddingError(f"embedding has norm {norm:.4f}, it must be a unit vector")
    return np.ascontiguousarray(values, dtype=np.float32)


def _describe(space: EmbeddingSpace) -> str:
    return f"bundle {space.bundle_id}, kind {space.kind.value}, dimension {space.dimension}"
