"""Embeddings, their spaces and recent histories as messages: one compute service writes them, the other reads them."""

from bundle.embedding_space import Embedding, EmbeddingKind, EmbeddingSpace, vector_from_bytes, vector_to_bytes
from compute.recent_history import RecentHistory
from moodfeed.embedding.v1 import embedding_pb2

_KINDS = {
    EmbeddingKind.TOWER: embedding_pb2.EMBEDDING_KIND_TOWER,
    EmbeddingKind.TEXT: embedding_pb2.EMBEDDING_KIND_TEXT,
}
_KINDS_OF_MESSAGES = {number: kind for kind, number in _KINDS.items()}


class MalformedEmbeddingError(Exception):
    """A message does not hold an embedding; the text says why."""


def write_embedding(embedding: Embedding) -> embedding_pb2.Embedding:
    """The message of an embedding."""
    return embedding_pb2.Embedding(space=write_space(embedding.space), values=vector_to_bytes(embedding.values))


def write_space(space: EmbeddingSpace) -> embedding_pb2.EmbeddingSpace:
    """The message of an embedding space."""
    return embedding_pb2.EmbeddingSpace(bundle_id=space.bundle_id, kind=_KINDS[space.kind], dimension=space.dimension)


def read_embedding(message: embedding_pb2.Embedding) -> Embedding:
    """The embedding in a message; MalformedEmbeddingError if its kind is missing or its number of values is wrong."""
    written, values = message.space, message.values
    kind, dimension = _KINDS_OF_MESSAGES.get(written.kind), written.dimension
    if kind is None:
        raise MalformedEmbeddingError("the embedding has no kind: pass on an embedding that EncodeContext returned")
    if len(values) != 4 * dimension:
        raise MalformedEmbeddingError(
            f"the embedding has {len(values)} bytes; {dimension} dimensions take {4 * dimension}"
        )
    return Embedding(EmbeddingSpace(written.bundle_id, kind, dimension), vector_from_bytes(values))


def write_recent_history(recent: RecentHistory) -> embedding_pb2.RecentHistory:
    """The message of a recent history."""
    return embedding_pb2.RecentHistory(post_ids=recent.post_ids, count=recent.count, newest_at_ms=recent.newest_at_ms)


def read_recent_history(message: embedding_pb2.RecentHistory) -> RecentHistory:
    """The recent history in a message."""
    return RecentHistory(message.post_ids, message.count, message.newest_at_ms)
