"""What became of the mood of a request."""

from collections.abc import Mapping
from dataclasses import dataclass

from bundle.embedding_space import Vector


@dataclass(frozen=True, slots=True)
class AskedMood:
    """What became of the mood of a request; no ``embedding`` if it is blank or one of the other two is true."""

    embedding: Vector | None
    is_unavailable: bool
    is_not_understood: bool

    @classmethod
    def of(cls, mood: str, embeddings: Mapping[str, Vector | None]) -> "AskedMood":
        """``embeddings`` hold every mood that is not blank and could be read."""
        embedding = embeddings.get(mood)
        is_read = mood in embeddings
        return cls(embedding, bool(mood.strip()) and not is_read, is_read and embedding is None)
