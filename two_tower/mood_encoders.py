"""The mood encoder of a bundle, in the runtime that a process has: a text encoder is read the same way in either."""

from collections.abc import Callable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Protocol, TypeVar

from two_tower.bert_arrays import QUANTISED
from two_tower.bundle import Bundle, BundleError
from two_tower.bundle_files import MOOD_ENCODER
from two_tower.embedding_space import Matrix
from two_tower.encoder_files import CONFIG, TOKENIZER, TextEncoderError
from two_tower.openvino_encoder import OpenVinoEncoder


class Runtime(StrEnum):
    """In what a BERT runs; a process that chooses OpenVINO needs no torch."""

    OPENVINO = "openvino"
    TORCH = "torch"


class Encodes(Protocol):
    """A text encoder: TextEncoder in torch, OpenVinoEncoder without it."""

    @property
    def dimension(self) -> int:
        """Numbers of an embedding."""

    def encode(self, texts: Sequence[str]) -> Matrix:
        """Embed texts: float32 [texts, dimension] with unit rows, in the order given."""


_Encoder = TypeVar("_Encoder", bound=Encodes)


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


def read_quantised_mood_encoder(bundle: Bundle) -> OpenVinoEncoder:
    """The BERT of a bundle through OpenVINO, 8-bit weights; errors as read_encoder raises them."""
    return read_encoder(bundle, OpenVinoEncoder, files=(CONFIG, TOKENIZER, QUANTISED))
