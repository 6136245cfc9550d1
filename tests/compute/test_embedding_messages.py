import numpy as np
import pytest

from bundle.embedding_space import Embedding, EmbeddingKind, EmbeddingSpace
from compute.embedding_messages import MalformedEmbeddingError, read_embedding, write_embedding, write_space
from moodfeed.embedding.v1 import embedding_pb2


@pytest.mark.parametrize("kind", EmbeddingKind)
def test_an_embedding_is_read_as_it_was_written(kind: EmbeddingKind) -> None:
    embedding = Embedding(EmbeddingSpace("0" * 64, kind, 3), np.array([0.1, -2.0, 3.5], dtype=np.float32))
    read = read_embedding(embedding_pb2.Embedding.FromString(write_embedding(embedding).SerializeToString()))
    assert read.space == embedding.space
    assert read.values.dtype == np.float32
    assert read.values.tolist() == embedding.values.tolist()


def test_each_kind_has_a_number_of_its_own() -> None:
    spaces = [write_space(EmbeddingSpace("0" * 64, kind, 3)) for kind in EmbeddingKind]
    assert len({space.kind for space in spaces}) == len(EmbeddingKind)
    assert embedding_pb2.EMBEDDING_KIND_UNSPECIFIED not in {space.kind for space in spaces}


def test_an_embedding_without_a_kind_is_malformed() -> None:
    message = embedding_pb2.Embedding(space=embedding_pb2.EmbeddingSpace(dimension=1), values=b"\0" * 4)
    with pytest.raises(MalformedEmbeddingError, match="has no kind"):
        read_embedding(message)


@pytest.mark.parametrize("size", [0, 4, 11, 13, 16])
def test_an_embedding_with_another_number_of_values_than_its_dimension_is_malformed(size: int) -> None:
    space = EmbeddingSpace("0" * 64, EmbeddingKind.TOWER, 3)
    with pytest.raises(MalformedEmbeddingError, match=f"{size} bytes; 3 dimensions take 12"):
        read_embedding(embedding_pb2.Embedding(space=write_space(space), values=b"\0" * size))
