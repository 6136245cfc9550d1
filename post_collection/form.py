"""What a collection looks like: its name, its fields, its indexes.

Milvus 2.3 takes one vector field a collection, so a post's tower and text embeddings lie side by side in it, and a
query brings the weights: zeros for what it does not ask for. The category is the partition key: a search in a category
reads the partition that it hashes to.
"""

from enum import StrEnum
from hashlib import blake2b

import numpy as np

from bundle.embedding_space import Vector

POST_ID, CATEGORY, OWNER, LANGUAGE, CREATED, EMBEDDING = (
    "post_id",
    "category_id",
    "owner",
    "language",
    "created_ms",
    "embedding",
)
CURRENT_ALIAS, PREVIOUS_ALIAS = "moodfeed_current", "moodfeed_previous"
PREFIX = "moodfeed_bundle_"
PARTITIONS = 64
"""How many a collection has: Milvus's own default."""
MOST_HITS = 16_384
"""The most hits that a search of Milvus 2.3 gives."""
METRIC = "IP"
LONGEST_LANGUAGE = 64
"""Bytes of a language: of a longer one the collection holds the start, and the node looks again."""


class IndexKind(StrEnum):
    """How Milvus finds vectors."""

    FLAT = "FLAT"
    IVF_FLAT = "IVF_FLAT"
    HNSW = "HNSW"


def collection_name(bundle_id: str) -> str:
    """The name of a bundle's collection."""
    return f"{PREFIX}{bundle_id}"


def language_of(language: str) -> str:
    """How a collection holds a language: the same for names that differ in case alone, and not too long."""
    return language.casefold().encode()[:LONGEST_LANGUAGE].decode(errors="ignore")


def owner_key(owner_username: str) -> int:
    """How a collection holds an account: a hash of 64 bits, so that it holds no name; 0 for none."""
    if not owner_username:
        return 0
    return int.from_bytes(blake2b(owner_username.encode(), digest_size=8).digest(), "big", signed=True)


def side_by_side(tower: Vector | None, text: Vector | None, *, dimensions: tuple[int, int]) -> Vector:
    """A query of the two parts, weighted by their lengths; zeros for a part that is None.

    ``dimensions`` are those of the tower and of the text.
    """
    parts = [
        np.zeros(dimension, dtype=np.float32) if part is None else part
        for part, dimension in zip((tower, text), dimensions, strict=True)
    ]
    return np.concatenate(parts).astype(np.float32)
