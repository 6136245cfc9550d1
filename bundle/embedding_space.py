"""The space that an embedding belongs to: the same concept on disk, in code and on the wire."""

from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float32]  # [dimension]
Matrix = NDArray[np.float32]  # [rows, dimension]
HalfMatrix = NDArray[np.float16]  # [rows, dimension]
_LITTLE_ENDIAN = np.dtype("<f4")


class EmbeddingKind(Enum):
    """What an embedding describes, and what it may be compared with."""

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


def in_float32(rows: Matrix | HalfMatrix) -> Matrix:
    """A copy in float32. It is exact, but a value that is not finite in float16 becomes 65536 or more.

    NumPy converts float16 one value at a time; shifting the bits of all values at once is seven times faster.
    """
    if rows.dtype == np.float32:
        return rows.astype(np.float32)
    bits = rows.view(np.int16).astype(np.int32)  # extends the sign
    bits <<= 13  # the fraction is in position; the exponent is too small by 127 - 15
    bits &= ~0x70000000
    floats: Matrix = bits.view(np.float32)
    floats *= np.float32(2.0**112)
    return floats


def vector_from_bytes(data: bytes) -> Vector:
    """Read little-endian float32 values; ValueError if the length is not a multiple of 4."""
    return np.frombuffer(data, dtype=_LITTLE_ENDIAN).astype(np.float32, copy=False)


def vector_to_bytes(values: Vector) -> bytes:
    """Write little-endian float32 values, 4 bytes each."""
    return np.ascontiguousarray(values, dtype="<f4").tobytes()
