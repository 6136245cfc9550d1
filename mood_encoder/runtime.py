"""The runtimes of the mood encoder, and how a bundle's encoder is read in either; importing it loads neither."""

from collections.abc import Callable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Protocol, TypeVar

from bundle.directory import Bundle
from bundle.embedding_space import Matrix
from bundle.file_names import MOOD_ENCODER
from bundle.manifest import BundleError
from mood_encoder.encoder_files import TextEncoderError


class Runtime(StrEnum):
    """A runtime of the mood encoder; a process that chooses OpenVINO needs no torch."""

    OPENVINO = "openvino"
    TORCH = "torch"

    @classmethod
    def _missing_(cls, value: object) -> "Runtime | None":
        """Read the word in any case."""
        return next((runtime for runtime in cls if isinstance(value, str) and value.lower() == runtime.value), None)


class TextEncoder(Protocol):
    """Embeds texts. TorchEncoder and OpenVinoEncoder are the implementations."""

    @property
    def dimension(self) -> int:
        """The length of an embedding."""

    def encode(self, texts: Sequence[str]) -> Matrix:
        """Embed texts: float32 [texts, dimension] with unit rows, in the order given."""

    def knows(self, word: str) -> bool:
        """Whether a word in lower case is one token: a common word, rightly spelt."""


_Encoder = TypeVar("_Encoder", bound=TextEncoder)


def read_encoder(bundle: Bundle, read: Callable[[Path], _Encoder], *, files: Sequence[str]) -> _Encoder:
    """Read the encoder of a bundle, made of ``files``; ``read`` gets its directory and raises TextEncoderError.

    BundleError names the file that is missing or unusable, or the first of ``files`` if its dimension is not the
    manifest's.
    """
    for name in files:
        bundle.path(f"{MOOD_ENCODER}/{name}")
    try:
        encoder = read(bundle.directory / MOOD_ENCODER)
    except TextEncoderError as error:
        raise BundleError(error.path, error.reason) from error
    if encoder.dimension != bundle.manifest.text_dimension:
        raise BundleError(
            bundle.directory / MOOD_ENCODER / files[0],
            f"gives embeddings of {encoder.dimension} numbers, the manifest says {bundle.manifest.text_dimension}",
        )
    return encoder
