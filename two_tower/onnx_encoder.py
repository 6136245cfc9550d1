"""Texts to unit vectors through ONNX Runtime: the BERT of text_encoder without torch and transformers, and faster."""

import os
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from two_tower.bert_arrays import QUANTISED, Arrays, BertShape, check_arrays, read_arrays, read_tensors
from two_tower.bert_graph import IDS, bert_graph
from two_tower.encoder_files import (
    CONFIG,
    TOKENIZER,
    WEIGHTS,
    TextEncoderError,
    panics_are_errors,
    read_tokenizer,
)

LOWEST_COSINE = 0.995
"""How near the 8-bit embedding of a text must be to the one of the full weights; the nearest measured is .9987."""

_FATAL = 4  # what a session cannot do it raises; its log would say it a second time


class OnnxEncoder:
    """The encoder of a directory as TextEncoder is one; safe to call from several threads.

    With ``quantised`` it reads ``model_int8.safetensors`` in place of ``model.safetensors``. TextEncoderError if a file
    is missing, broken, or not of a BERT that has a graph here.
    """

    def __init__(
        self, directory: Path, *, quantised: bool = True, max_tokens: int = 128, threads: int | None = 1
    ) -> None:
        """``threads`` a text is embedded by; None for one a processor."""
        config_path, weights = directory / CONFIG, QUANTISED if quantised else WEIGHTS
        for file in (CONFIG, TOKENIZER, weights):
            if not (directory / file).is_file():
                raise TextEncoderError(directory / file, "is missing: not an encoder's directory, or an incomplete one")
        shape = BertShape.read(config_path)
        if not 3 <= max_tokens <= shape.max_position_embeddings:
            raise TextEncoderError(
                config_path, f"allows 3 to {shape.max_position_embeddings} tokens a text, {max_tokens} were asked for"
            )
        self.max_tokens = max_tokens
        self.dimension = shape.hidden_size
        self._tokenizer = read_tokenizer(directory / TOKENIZER, max_tokens=max_tokens, vocabulary_size=shape.vocab_size)
        arrays = read_tensors(directory / weights) if quantised else read_arrays(directory / weights)
        check_arrays(directory / weights, shape, arrays, is_quantised=quantised)
        self._session = _session(directory / weights, shape, arrays, threads=threads)
        self._prove(directory / weights)

    def encode(
        self, texts: Sequence[str], *, batch_size: int = 8, progress: Callable[[int], None] | None = None
    ) -> NDArray[np.float32]:
        """Embed texts: float32 [texts, dimension] with unit rows, in the order given.

        As TextEncoder.encode, and a text's company changes nothing but the last bits of its embedding.
        """
        tokens = [self._tokenizer.encode(text).ids for text in texts]
        if len(tokens) == 1:
            return self._run(tokens)
        embeddings = np.zeros((len(tokens), self.dimension), dtype=np.float32)
        for rows in _alike(tokens, batch_size):
            embeddings[rows] = self._run([tokens[row] for row in rows])
            if progress is not None:
                progress(len(rows))
        return embeddings

    def _run(self, tokens: Sequence[Sequence[int]]) -> NDArray[np.float32]:
        embeddings: NDArray[np.float32] = self._session.run(None, {IDS: np.array(tokens, dtype=np.int64)})[0]
        return embeddings

    def _prove(self, path: Path) -> None:
        """Embed one text: some settings fail, or make no number, only then."""
        try:
            with panics_are_errors():
                norm = float(np.linalg.norm(self.encode(["a calm evening"])))
        except Exception as error:
            raise TextEncoderError(path, f"gives no BERT that embeds a text: {error}") from error
        if not abs(norm - 1) < 1e-3:
            raise TextEncoderError(path, f"gives a BERT whose embedding has the norm {norm}, not 1")


def _alike(tokens: Sequence[Sequence[int]], batch_size: int) -> Iterator[list[int]]:
    """Rows of texts with as many tokens, longest first, so that memory peaks at once and nothing is padding."""
    rows_of_length: dict[int, list[int]] = defaultdict(list)
    for row, ids in enumerate(tokens):
        rows_of_length[len(ids)].append(row)
    for length in sorted(rows_of_length, reverse=True):
        rows = rows_of_length[length]
        for start in range(0, len(rows), batch_size):
            yield rows[start : start + batch_size]


def _session(path: Path, shape: BertShape, arrays: Arrays, *, threads: int | None) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or os.cpu_count() or 1
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # idle threads leave the processor alone
    options.log_severity_level = _FATAL
    try:
        return onnxruntime.InferenceSession(bert_graph(shape, arrays), options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise TextEncoderError(path, f"gives no graph that ONNX Runtime takes: {error}") from error
