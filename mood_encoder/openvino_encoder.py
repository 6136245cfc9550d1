"""Texts to unit vectors in OpenVINO: the same BERT as in torch_encoder, faster, without torch and transformers."""

import os
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from bundle.directory import Bundle
from mood_encoder.bert_arrays import BLOCK, QUANTISED, BertShape, check_arrays, read_arrays, read_tensors
from mood_encoder.bert_graph import bert_graph
from mood_encoder.encoder_files import (
    CONFIG,
    MAX_TOKENS,
    TOKENIZER,
    WEIGHTS,
    TextEncoderError,
    panics_are_errors,
    read_tokenizer,
)
from mood_encoder.quiet_openvino import openvino
from mood_encoder.runtime import read_encoder

LOWEST_COSINE = 0.995
"""The least cosine between the embeddings of a text by 8-bit and by full weights; the lowest measured is .9987."""


class OpenVinoEncoder:
    """The encoder of a directory, like TorchEncoder; safe to call from several threads.

    With ``quantised`` it reads ``model_int8.safetensors`` instead of ``model.safetensors``. TextEncoderError if a file
    is missing, broken, or of a BERT that bert_graph does not support.
    """

    def __init__(
        self,
        directory: Path,
        *,
        quantised: bool = True,
        max_tokens: int = MAX_TOKENS,
        threads: int | None = 1,
        half_precision: bool = False,
    ) -> None:
        """Batches run one after the other, each on ``threads`` threads; None means one thread for each processor.

        With ``half_precision`` products are bfloat16 where the processor supports it, and float32 elsewhere.
        """
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
        properties: dict[str, object] = {
            "NUM_STREAMS": 1,
            "INFERENCE_NUM_THREADS": threads or os.cpu_count() or 1,
            "ENABLE_CPU_PINNING": False,  # other processes use the processors too
            "DYNAMIC_QUANTIZATION_GROUP_SIZE": BLOCK if quantised else 0,  # states are quantised like weights
        }
        if not half_precision:
            properties["INFERENCE_PRECISION_HINT"] = "f32"
        self._model = _compile(directory / weights, bert_graph(shape, arrays), properties)
        self._request = self._model.create_infer_request()
        self._turn = threading.Lock()
        self._prove(directory / weights)

    @classmethod
    def read(cls, bundle: Bundle) -> Self:
        """The mood encoder of a bundle, with 8-bit weights; BundleError as in read_encoder."""
        return read_encoder(
            bundle, partial(cls, max_tokens=bundle.manifest.max_tokens), files=(CONFIG, TOKENIZER, QUANTISED)
        )

    def encode(
        self, texts: Sequence[str], *, batch_size: int = 8, progress: Callable[[int], None] | None = None
    ) -> NDArray[np.float32]:
        """Embed texts: float32 [texts, dimension] with unit rows, in the order given.

        As TorchEncoder.encode; the other texts of a call change only the last bits of an embedding.
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
        ids = np.array(tokens, dtype=np.int64)
        with self._turn:  # two batches at once would be slower: both read the same weights
            embeddings: NDArray[np.float32] = self._request.infer({0: ids}, share_inputs=True)[0]
        return embeddings

    def _prove(self, path: Path) -> None:
        """Embed one text: some configurations fail, or give NaN, only then."""
        try:
            with panics_are_errors():
                norm = float(np.linalg.norm(self.encode(["a calm evening"])))
        except Exception as error:
            raise TextEncoderError(path, f"does not give a BERT that can embed a text: {error}") from error
        if not abs(norm - 1) < 1e-3:
            raise TextEncoderError(path, f"gives a BERT whose embedding has the norm {norm}, not 1")


def _alike(tokens: Sequence[Sequence[int]], batch_size: int) -> Iterator[list[int]]:
    """Batches of rows with equally many tokens, so that nothing is padded; longest first: memory peaks early."""
    rows_of_length: dict[int, list[int]] = defaultdict(list)
    for row, ids in enumerate(tokens):
        rows_of_length[len(ids)].append(row)
    for length in sorted(rows_of_length, reverse=True):
        rows = rows_of_length[length]
        for start in range(0, len(rows), batch_size):
            yield rows[start : start + batch_size]


def _compile(path: Path, graph: bytes, properties: dict[str, object]) -> openvino.CompiledModel:
    try:
        core = openvino.Core()
        return core.compile_model(core.read_model(graph), "CPU", properties)
    except Exception as error:
        raise TextEncoderError(path, f"does not give a graph that OpenVINO accepts: {error}") from error
