"""Fill the collection of a bundle.

It counts only once all of it was checked, see checks.py: a run that is interrupted leaves a collection that nobody
asks, and the next run makes it anew.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from bundle.embedding_space import in_float32
from bundle.index_posts import IndexPosts
from post_collection.form import (
    CATEGORY,
    CREATED,
    EMBEDDING,
    LANGUAGE,
    LONGEST_LANGUAGE,
    METRIC,
    OWNER,
    PARTITIONS,
    POST_ID,
    IndexKind,
    language_of,
    owner_key,
)
from post_collection.server import Server

CALL_SECONDS, LOAD_SECONDS = 120.0, 3_600.0
"""How long Milvus may take for a call, and for one that lasts the longer the more posts there are."""
_BLOCK_BYTES = 8_000_000  # of vectors at once; Milvus takes messages of 64 MB
Progress = Callable[[str, int, int], None]
"""Told what is done, how many posts are, and of how many."""


@dataclass(frozen=True, slots=True)
class IndexForm:
    """The index of a collection: an IVF one has so many ``lists``, an HNSW one the two numbers of its graph."""

    kind: IndexKind = IndexKind.FLAT
    lists: int = 1_024
    neighbours: int = 16
    construction: int = 200

    @property
    def parameters(self) -> dict[str, int]:
        """As Milvus names them."""
        match self.kind:
            case IndexKind.FLAT:
                return {}
            case IndexKind.IVF_FLAT:
                return {"nlist": self.lists}
            case IndexKind.HNSW:
                return {"M": self.neighbours, "efConstruction": self.construction}


def fill(server: Server, name: str, posts: IndexPosts, *, form: IndexForm, progress: Progress) -> None:
    """Write all posts into a new collection, index it, and load it into Milvus's memory.

    What an earlier run left under the name is dropped. Raises MilvusUnavailableError and CollectionError.
    """
    count = len(posts.post_ids)
    drop(server, name)
    create(server, name, posts)
    size = block_size(posts)
    for start in range(0, count, size):
        progress("writing", start, count)
        server.ask("insert", name, rows_of(posts, slice(start, min(start + size, count))), seconds=CALL_SECONDS)
    progress("indexing", count, count)
    server.ask("flush", name, seconds=LOAD_SECONDS)
    build_index(server, name, form)
    progress("loading", count, count)
    server.ask("load_collection", name, seconds=LOAD_SECONDS)


def drop(server: Server, name: str) -> None:
    """Remove a collection, if it is there."""
    if server.ask("has_collection", name, seconds=CALL_SECONDS):
        server.ask("drop_collection", name, seconds=CALL_SECONDS)


def block_size(posts: IndexPosts) -> int:
    """How many posts are written at once."""
    dimension: int = posts.tower_embeddings.shape[1] + posts.text_embeddings.shape[1]
    return max(1, _BLOCK_BYTES // (4 * dimension))


def create(server: Server, name: str, posts: IndexPosts) -> None:
    """Make an empty collection for vectors of the posts' dimensions."""
    from pymilvus import CollectionSchema, DataType, FieldSchema  # noqa: PLC0415 - only where Milvus is asked for

    dimension = posts.tower_embeddings.shape[1] + posts.text_embeddings.shape[1]
    schema = CollectionSchema(
        [
            FieldSchema(POST_ID, DataType.INT64, is_primary=True, auto_id=False),
            FieldSchema(CATEGORY, DataType.INT64, is_partition_key=True),
            FieldSchema(OWNER, DataType.INT64),
            FieldSchema(LANGUAGE, DataType.VARCHAR, max_length=LONGEST_LANGUAGE),
            FieldSchema(CREATED, DataType.INT64),
            FieldSchema(EMBEDDING, DataType.FLOAT_VECTOR, dim=dimension),
        ]
    )
    server.ask("create_collection", name, schema=schema, num_partitions=PARTITIONS, seconds=CALL_SECONDS)


def rows_of(posts: IndexPosts, block: slice) -> list[dict[str, Any]]:
    """Some posts as Milvus is given them."""
    vectors = np.concatenate(
        [posts.tower_embeddings[block].astype(np.float32), in_float32(posts.text_embeddings[block])], axis=1
    )
    served = posts.posts.at(np.arange(block.start, block.stop))
    return [
        {
            POST_ID: post_id,
            CATEGORY: category_id,
            OWNER: owner_key(post.owner_username),
            LANGUAGE: language_of(post.language),
            CREATED: created,
            EMBEDDING: vector,
        }
        for post_id, category_id, created, post, vector in zip(
            posts.post_ids[block].tolist(),
            posts.category_ids[block].tolist(),
            posts.created_ms[block].tolist(),
            served,
            vectors,
            strict=True,
        )
    ]


def build_index(server: Server, name: str, form: IndexForm) -> None:
    """Index a collection whose posts are flushed, and wait until that is done."""
    from pymilvus.milvus_client.index import IndexParams  # noqa: PLC0415

    parameters = IndexParams()
    parameters.add_index(EMBEDDING, index_type=form.kind.value, metric_type=METRIC, params=form.parameters)
    server.ask("create_index", name, parameters, seconds=LOAD_SECONDS)
