"""The mood encoder in OpenVINO: OpenVINO's own conversion of the transformers model, in 8 bits for serving by NNCF.

docs/decisions/encoder-graph.md says why, and what it loses.
"""

import hashlib
import io
import logging
import shutil
import warnings
from contextlib import redirect_stdout
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from transformers import BertModel

from mood_encoder.encoder_files import TextEncoderError, encoder_files
from mood_encoder.graph_file import GRAPH, GRAPH_WEIGHTS
from mood_encoder.openvino_encoder import LOWEST_COSINE, OpenVinoEncoder
from mood_encoder.quiet_openvino import openvino
from mood_encoder.sentence_transformers_files import SETTINGS, max_tokens_of, text_settings, write_text_settings
from mood_encoder.torch_encoder import TorchEncoder, pooled
from pipeline.converted_graphs import kept_graph

PROOF_TEXTS = (
    "",
    "calm",
    "happy",
    "sad",
    "angry",
    "laughing",
    "romantic",
    "exhausted and lonely tonight",
    "nervous, excited",
    "something funny for a rainy evening",
    "I am stressed about my exams and want to relax",
    "show me something that makes me cry",
    "party with friends",
    "not quite awake yet, coffee first",
    "nostalgic for the summers of my childhood",
    "scary stories in the dark",
    "proud of what we made",
    "in love",
    "bored to death",
    "motivation for the gym!!!",
    "mañana será otro día",
    "qwzx 123 #tbt",
    "The mood of this video: joyful, hopeful, warm, evokes gratitude, a touch of longing",
    "The mood of this video: tense, eerie, isolation, evokes dread",
    "A tabby kitten purring on the windowsill beside a ball of yarn. cats, cozy, sleepy afternoon " * 3,
)
"""Moods and posts' sentences, short and long, in and out of the vocabulary; fixed, so that exports compare."""

_FULL = "full.xml"
_LIBRARIES = ("nncf", "openvino", "torch", "transformers")


def write_served_encoder(directory: Path, *, full: TorchEncoder) -> None:
    """Write the 8-bit graph beside the files of ``full`` in ``directory``, proven to serve well.

    The same BERT gives the same bytes. TextEncoderError if the BERT cannot be converted, or if the embedding of a proof
    text is not as near to that of ``full`` as serving promises.
    """
    path = directory / GRAPH

    def convert(scratch: Path) -> None:
        for file in encoder_files(directory):
            shutil.copyfile(file, scratch / file.name)
        write_text_settings(full.settings, scratch)
        write_graph(compressed(converted(full.bert, path, pooling=full.settings.pooling)), scratch / GRAPH)
        try:
            served = OpenVinoEncoder(scratch, max_tokens=full.max_tokens)
        except TextEncoderError as error:
            raise TextEncoderError(directory / error.path.name, error.reason) from error
        _prove(path, served, full)
        for file in encoder_files(scratch):
            file.unlink()
        (scratch / SETTINGS).unlink(missing_ok=True)

    write_text_settings(full.settings, directory)
    kept = kept_graph(_key(directory, f"served {full.max_tokens} {full.settings}"), convert)
    if kept is None:
        with TemporaryDirectory() as scratch:
            convert(Path(scratch))
            _copy_graph(Path(scratch), directory)
    else:
        _copy_graph(kept, directory)


def lowest_cosine(served: OpenVinoEncoder, full: TorchEncoder) -> tuple[float, str]:
    """The lowest cosine between the embeddings of a proof text by two encoders, and that text."""
    cosines = (served.encode(PROOF_TEXTS) * full.encode(PROOF_TEXTS)).sum(axis=1)
    worst = int(np.argmin(cosines))
    return float(cosines[worst]), PROOF_TEXTS[worst]


def _prove(path: Path, served: OpenVinoEncoder, full: TorchEncoder) -> None:
    cosine, text = lowest_cosine(served, full)
    if not cosine >= LOWEST_COSINE:  # nor where it is not a number
        raise TextEncoderError(
            path,
            f"embeds {text!r} with the cosine {cosine:.4f} to the full weights, serving needs {LOWEST_COSINE}: "
            "this BERT loses too much accuracy in 8 bits",
        )


def _copy_graph(source: Path, target: Path) -> None:
    for name in (GRAPH, GRAPH_WEIGHTS):
        shutil.copyfile(source / name, target / name)


def full_encoder(directory: Path, *, threads: int | None = 1, half_precision: bool = False) -> OpenVinoEncoder:
    """The BERT of a directory in OpenVINO with full weights; TextEncoderError as in TorchEncoder."""

    def convert(scratch: Path) -> None:
        full = TorchEncoder(directory)
        graph = converted(full.bert, directory, pooling=full.settings.pooling)
        openvino.save_model(graph, scratch / _FULL, compress_to_fp16=False)

    max_tokens = max_tokens_of(directory)
    kept = kept_graph(_key(directory, f"full {text_settings(directory).pooling}"), convert)
    if kept is None:
        with TemporaryDirectory() as scratch:
            convert(Path(scratch))
            model = _read_without_mapping(Path(scratch) / _FULL)
    else:
        model = _read_without_mapping(kept / _FULL)
    return OpenVinoEncoder(
        directory, model=model, max_tokens=max_tokens, threads=threads, half_precision=half_precision
    )


def _key(directory: Path, kind: str) -> str:
    """A digest of all that a graph follows from: the encoder's files, the converting code, the libraries."""
    digest = hashlib.sha256(f"{kind}\n{[version(name) for name in _LIBRARIES]}\n".encode())
    for file in (*encoder_files(directory), Path(__file__)):
        with file.open("rb") as content:
            digest.update(hashlib.file_digest(content, "sha256").digest())
    return digest.hexdigest()


class _Pooled(torch.nn.Module):
    """A BERT with pooling and normalisation, without a mask: texts share a batch only with texts of as many tokens."""

    def __init__(self, bert: BertModel, pooling: str) -> None:
        super().__init__()
        self._bert = bert
        self._pooling = pooling

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """Embed token ids int64 [texts, tokens]: float32 [texts, dimension] with unit rows."""
        states = self._bert(input_ids=ids).last_hidden_state
        return pooled(states, None, self._pooling)


def converted(bert: BertModel, path: Path, *, pooling: str = "mean") -> openvino.Model:
    """Convert a BERT with full weights: ``ids`` int64 [texts, tokens] to float32 [texts, dimension] with unit rows.

    TextEncoderError with ``path`` if OpenVINO cannot.
    """
    example = torch.ones((2, 7), dtype=torch.long)
    sizes = {"ids": dict.fromkeys((0, 1), torch.export.Dim.DYNAMIC)}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch.export's own, of torch's parts
            # Not convert_model(module, example_input=...): that traces with torch.jit.trace, which torch deprecates.
            return openvino.convert_model(torch.export.export(_Pooled(bert, pooling), (example,), dynamic_shapes=sizes))
    except Exception as error:
        raise TextEncoderError(path, f"OpenVINO cannot convert this BERT: {error}") from error


def compressed(
    model: openvino.Model, *, mode: str = "INT8_ASYM", words_too: bool = False, group_size: int | None = None
) -> openvino.Model:
    """Compress the weights of products to 8 bits with one scale a row, and all others to float16.

    ``mode`` is a name of nncf.CompressWeightsMode; those of 8-bit integers take no ``group_size``. With ``words_too``
    the word embeddings are compressed like the products.
    """
    import nncf  # noqa: PLC0415 - takes seconds, and only export needs it; after quiet_openvino, it has no telemetry

    nncf.set_log_level(logging.WARNING)
    kept = None if words_too else nncf.IgnoredScope(types=["Gather"], validate=False)
    with TemporaryDirectory() as scratch, redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # NNCF keeps what it does not compress as it is, so it gets float16.
        openvino.save_model(model, Path(scratch) / GRAPH)
        halved = _read_without_mapping(Path(scratch) / GRAPH)
        return nncf.compress_weights(
            halved, mode=nncf.CompressWeightsMode[mode], ignored_scope=kept, group_size=group_size
        )


def _read_without_mapping(path: Path) -> openvino.Model:
    """Read a graph whose file may be removed afterwards."""
    core = openvino.Core()
    core.set_property({"ENABLE_MMAP": False})
    return core.read_model(path)


def write_graph(model: openvino.Model, path: Path) -> None:
    """Write a graph and its weights beside it; the same model gives the same bytes.

    The names that OpenVINO gives count all nodes that the process has made, so they are replaced first.
    """
    for place, node in enumerate(model.get_ordered_ops()):
        node.set_friendly_name(f"{node.get_type_name()}.{place}")
    openvino.save_model(openvino.Model(model.get_results(), model.get_parameters(), "bert"), path)
