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
from mood_encoder.encoder_files import (
    MAX_TOKENS,
    TOKENIZER,
    TextEncoderError,
    is_one_token,
    panics_are_errors,
    read_tokenizer,
)
from mood_encoder.graph_file import (
    GRAPH,
    GRAPH_WEIGHTS,
    check_graph,
    dimension,
    longest_text,
    read_graph,
    vocabulary_size,
)
from mood_encoder.quiet_openvino import openvino
from mood_encoder.runtime import read_encoder
from mood_encoder.sentence_transformers_files import text_settings
from mood_encoder.signal_stack import keeping_signal_stack

LOWEST_COSINE = 0.995
"""The least cosine between the embeddings of a text by 8-bit and by full weights; the lowest measured is .9975."""

STATES_IN_A_GROUP = 32
"""Numbers of a state that share a scale where the processor multiplies in 8 bits; without VNNI it changes nothing."""


class OpenVinoEncoder:
    """The encoder of a directory, like TorchEncoder; safe to call from several threads.

    It runs ``model_int8.xml``, or ``model`` in its place: full weights, which pipeline/convert_encoder.py converts.
    TextEncoderError if a file is missing or broken, or if the graph is not that of a BERT with its tokenizer.
    """

    def __init__(
        self,
        directory: Path,
        *,
        model: openvino.Model | None = None,
        max_tokens: int = MAX_TOKENS,
        threads: int | None = 1,
        half_precision: bool = False,
    ) -> None:
        """Batches run one after the other, each on ``threads`` threads; None means one thread for each processor.

        With ``half_precision`` products are bfloat16 where the processor supports it, and float32 elsewhere.
        """
        path = directory / GRAPH
        for name in (TOKENIZER,) if model else (TOKENIZER, GRAPH, GRAPH_WEIGHTS):
            if not (directory / name).is_file():
                raise TextEncoderError(directory / name, "is missing: not an encoder's directory, or an incomplete one")
        properties: dict[str, object] = {
            "NUM_STREAMS": 1,
            "INFERENCE_NUM_THREADS": threads or os.cpu_count() or 1,
            "ENABLE_CPU_PINNING": False,  # other processes use the processors too
            "DYNAMIC_QUANTIZATION_GROUP_SIZE": 0 if model else STATES_IN_A_GROUP,
        }
        if not half_precision:
            properties["INFERENCE_PRECISION_HINT"] = "f32"
        if model is None:
            model = read_graph(path)
        else:
            check_graph(path, model)
        if not 3 <= max_tokens <= longest_text(model):
            raise TextEncoderError(
                path, f"allows 3 to {longest_text(model)} tokens a text, {max_tokens} were asked for"
            )
        self.max_tokens = max_tokens
        self._prompt = text_settings(directory).prompt
        self.dimension = dimension(model)
        self._tokenizer = read_tokenizer(
            directory / TOKENIZER, max_tokens=max_tokens, vocabulary_size=vocabulary_size(model)
        )
        try:
            with keeping_signal_stack():
                self._model = openvino.Core().compile_model(model, "CPU", properties)
        except Exception as error:
            raise TextEncoderError(path, f"is not a graph that OpenVINO can compile: {error}") from error
        self._request = self._model.create_infer_request()
        self._turn = threading.Lock()
        self._prove(path)

    @classmethod
    def read(cls, bundle: Bundle) -> Self:
        """The mood encoder of a bundle, with 8-bit weights; BundleError as in read_encoder."""
        return read_encoder(
            bundle, partial(cls, max_tokens=bundle.manifest.max_tokens), files=(GRAPH, GRAPH_WEIGHTS, TOKENIZER)
        )

    def encode(
        self, texts: Sequence[str], *, batch_size: int = 8, progress: Callable[[int], None] | None = None
    ) -> NDArray[np.float32]:
        """Embed texts: float32 [texts, dimension] with unit rows, in the order given.

        As TorchEncoder.encode, but a text has the same embedding, to the bit, whatever the other texts of a call.
        """
        tokens = [self._tokenizer.encode(self._prompt + text).ids for text in texts]
        if len(tokens) == 1:
            return self._run(tokens)
        embeddings = np.zeros((len(tokens), self.dimension), dtype=np.float32)
        for rows in _alike(tokens, batch_size):
            embeddings[rows] = self._run([tokens[row] for row in rows])
            if progress is not None:
                progress(len(rows))
        return embeddings

    def knows(self, word: str) -> bool:
        """Whether a word in lower case is one token: a common word, rightly spelt."""
        return is_one_token(self._tokenizer, word)

    def _run(self, tokens: Sequence[Sequence[int]]) -> NDArray[np.float32]:
        ids = np.array(tokens, dtype=np.int64)
        with self._turn:  # two batches at once would be slower: both read the same weights
            embeddings: NDArray[np.float32] = self._request.infer({0: ids}, share_inputs=True)[0]
        return embeddings

    def _prove(self, path: Path) -> None:
        """Embed a short text and the longest: some graphs fail, or give NaN, only then."""
        try:
            with panics_are_errors():
                ids = self._tokenizer.encode("a calm evening").ids
                longest = (ids * self.max_tokens)[: self.max_tokens]
            embeddings = np.concatenate([self._run([tokens]) for tokens in (ids, longest)])
        except Exception as error:
            raise TextEncoderError(path, f"does not give a BERT that can embed a text: {error}") from error
        norms = np.linalg.norm(embeddings, axis=-1)
        if embeddings.shape != (2, self.dimension) or not (np.abs(norms - 1) < 1e-3).all():
            raise TextEncoderError(path, f"gives embeddings of shape {embeddings.shape} with the norms {norms}, not 1")


def _alike(tokens: Sequence[Sequence[int]], batch_size: int) -> Iterator[list[int]]:
    """Batches of rows with equally many tokens, so that nothing is padded; longest first: memory peaks early."""
    rows_of_length: dict[int, list[int]] = defaultdict(list)
    for row, ids in enumerate(tokens):
        rows_of_length[len(ids)].append(row)
    for length in sorted(rows_of_length, reverse=True):
        rows = rows_of_length[length]
        for start in range(0, len(rows), batch_size):
            yield rows[start : start + batch_size]
