"""Texts to unit vectors through OpenVINO: the BERT of torch_encoder without torch and transformers, and faster."""

import os
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from bundle.directory import Bundle
from mood_encoder.bert_arrays import BLOCK, QUANTISED, BertShape, check_arrays, read_arrays, read_tensors
from mood_encoder.bert_graph import bert_graph
from mood_encoder.encoder_files import CONFIG, TOKENIZER, WEIGHTS, TextEncoderError, panics_are_errors, read_tokenizer
from mood_encoder.quiet_openvino import openvino
from mood_encoder.runtime import read_encoder

LOWEST_COSINE = 0.995
"""How near the 8-bit embedding of a text must be to the one of the full weights; the nearest measured is .9987."""


class OpenVinoEncoder:
    """The encoder of a directory as TorchEncoder is one; safe to call from several threads.

    With ``quantised`` it reads ``model_int8.safetensors`` in place of ``model.safetensors``. TextEncoderError if a file
    is missing, broken, or not of a BERT that has a graph here.
    """

    def __init__(
        self,
        directory: Path,
        *,
        quantised: bool = True,
        max_tokens: int = 128,
        threads: int | None = 1,
        half_precision: bool = False,
    ) -> None:
        """A batch is embedded by ``threads``, None for one a processor; one batch after the other.

        With ``half_precision`` products are bfloat16 on a processor that has them, else float32.
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
            "ENABLE_CPU_PINNING": False,  # the processors are other processes' too
            "DYNAMIC_QUANTIZATION_GROUP_SIZE": BLOCK if quantised else 0,  # the states too, in blocks like the weights'
        }
        if not half_precision:
            properties["INFERENCE_PRECISION_HINT"] = "f32"
        self._model = _compile(directory / weights, bert_graph(shape, arrays), properties)
        self._request = self._model.create_infer_request()
        self._turn = threading.Lock()
        self._prove(directory / weights)

    @classmethod
    def read(cls, bundle: Bundle) -> Self:
        """The mood encoder of a bundle with 8-bit weights; errors as read_encoder raises them."""
        return read_encoder(bundle, cls, files=(CONFIG, TOKENIZER, QUANTISED))

    def encode(
        self, texts: Sequence[str], *, batch_size: int = 8, progress: Callable[[int], None] | None = None
    ) -> NDArray[np.float32]:
        """Embed texts: float32 [texts, dimension] with unit rows, in the order given.

        As TorchEncoder.encode, and a text's company changes nothing but the last bits of its embedding.
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
        with self._turn:  # two at once would take longer than one after the other: both wait for the same weights
            embeddings: NDArray[np.float32] = self._request.infer({0: ids}, share_inputs=True)[0]
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


def _compile(path: Path, graph: bytes, properties: dict[str, object]) -> openvino.CompiledModel:
    try:
        core = openvino.Core()
        return core.compile_model(core.read_model(graph), "CPU", properties)
    except Exception as error:
        raise TextEncoderError(path, f"gives no graph that OpenVINO takes: {error}") from error
