"""The runtimes that a BERT runs in, and how the mood encoder of a bundle is read in any of them; loads neither."""

from collections.abc import Callable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Protocol, TypeVar

from bundle.directory import Bundle
from bundle.embedding_space import Matrix
from bundle.file_names import MOOD_ENCODER
from bundle.manifest import BundleError
from mood_encoder.encoder_files import CONFIG, TextEncoderError


class Runtime(StrEnum):
    """In what a BERT runs; a process that chooses OpenVINO needs no torch."""

    OPENVINO = "openvino"
    TORCH = "torch"


class TextEncoder(Protocol):
    """Embeds texts: TorchEncoder in torch, OpenVinoEncoder without it."""

    @property
    def dimension(self) -> int:
        """Numbers of an embedding."""

    def encode(self, texts: Sequence[str]) -> Matrix:
        """Embed texts: float32 [texts, dimension] with unit rows, in the order given."""


_Encoder = TypeVar("_Encoder", bound=TextEncoder)


def read_encoder(bundle: Bundle, kind: Callable[[Path], _Encoder], *, files: Sequence[str]) -> _Encoder:
    """The encoder of a bundle; BundleError names the file that is no part of one, or of one of another dimension."""
    for name in files:
        bundle.path(f"{MOOD_ENCODER}/{name}")
    try:
        encoder = kind(bundle.directory / MOOD_ENCODER)
    except TextEncoderError as error:
        raise BundleError(error.path, error.reason) from error
    if encoder.dimension != bundle.manifest.text_dimension:
        raise BundleError(
            bundle.directory / MOOD_ENCODER / CONFIG,
            f"embeds in {encoder.dimension} dimensions, the manifest says {bundle.manifest.text_dimension}",
        )
    return encoder
