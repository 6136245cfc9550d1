"""The space an embedding lives in: one concept on disk, in code and on the wire."""

from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float32]  # [dimension]
Matrix = NDArray[np.float32]  # [rows, dimension]
HalfMatrix = NDArray[np.float16]  # [rows, dimension]


class EmbeddingKind(Enum):
    """What an embedding describes, and with what it may be compared."""

    TOWER = "tower"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class EmbeddingSpace:
    """Two embeddings may be compared only if their spaces are equal."""

    bundle_id: str
    kind: EmbeddingKind
    dimension: int


@dataclass(frozen=True, slots=True)
class Embedding:
    """A unit vector, float32 [dimension], together with its space."""

    space: EmbeddingSpace
    values: Vector


def vector_from_bytes(data: bytes) -> Vector:
    """Read little-endian float32 values; ValueError if the length is no multiple of 4."""
    return np.frombuffer(data, dtype="<f4").astype(np.float32, copy=False)


def vector_to_bytes(values: Vector) -> bytes:
    """Write little-endian float32 values, 4 bytes each."""
    return np.ascontiguousarray(values, dtype="<f4").tobytes()
