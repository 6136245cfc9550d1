"""Measures the mood encoder and the corpus encoder beside transformers, ONNX Runtime and their floors."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from onnx import TensorProto
from onnxruntime import InferenceSession, SessionOptions
from onnxruntime.quantization import QuantType, quantize_dynamic

from benchmarks.rows import Row, in_turns
from benchmarks.searching import overlap
from mood_encoder.bert_arrays import QUANTISED, BertShape, read_arrays, read_tensors
from mood_encoder.bert_graph import IDS, bert_graph
from mood_encoder.encoder_files import CONFIG, TOKENIZER, WEIGHTS, default_encoder_directory, read_tokenizer
from mood_encoder.mood_text import post_to_mood_sentence
from mood_encoder.openvino_encoder import OpenVinoEncoder
from mood_encoder.quantised_bert import write_quantised
from mood_encoder.torch_encoder import TorchEncoder
from pipeline.summary_text import read_summary
from sample_api.world import generate_world

FEELINGS = re.findall(
    r"\w+",
    """happy sad calm angry romantic lonely bored tired excited scared curious nostalgic playful proud stressed
    jealous hopeful grateful confused brave sleepy silly guilty relaxed restless inspired hungry cozy anxious joyful""",
)
FRAMES = ("{}", "feeling {} tonight", "something {} for a rainy evening", "I am {} and want to laugh")
TEXTS = 600
NEAREST = 10


def encoder_rows(*, rounds: int, texts: int = TEXTS) -> list[Row]:
    """One new mood in each runtime, how much of the ranking 8 bits preserve, and a corpus in batches."""
    torch.set_num_threads(1)
    directory = default_encoder_directory()
    moods = [frame.format(feeling) for frame in FRAMES for feeling in FEELINGS]
    timed = moods[::4]
    sentences = _sentences()
    with TemporaryDirectory(prefix="moodfeed-encoder-") as name:
        scratch = Path(name)
        eager, full = TorchEncoder(directory), OpenVinoEncoder(directory, quantised=False)
        for file in (CONFIG, TOKENIZER):
            (scratch / file).write_bytes((directory / file).read_bytes())
        write_quantised(directory, scratch)
        quantised = OpenVinoEncoder(scratch)
        shape = BertShape.read(directory / CONFIG)
        tokens = _tokens(directory, timed)
        peer_full = _session(bert_graph(shape, read_arrays(directory / WEIGHTS)))
        peer_quantised = _session(bert_graph(shape, read_tensors(scratch / QUANTISED)))
        seconds = in_turns(
            lambda call: quantised.encode([timed[call]]),
            lambda call: eager.encode([timed[call]]),
            lambda call: peer_full.run(None, {IDS: tokens[call]}),
            lambda call: peer_quantised.run(None, {IDS: tokens[call]}),
            calls=len(timed),
            rounds=rounds,
        )
        ours, *others = (1e3 * value for value in seconds)
        posts = full.encode(sentences, batch_size=16)
        exact = eager.encode(moods, batch_size=1)
        nearest = [np.argsort(-(rows @ posts.T), axis=1)[:, :NEAREST] for rows in (quantised.encode(moods), exact)]
        rows = [
            Row("a new mood, transformers eager", others[0], ours, "ms", "ours, 8 bits", at_least=6),
            Row("a new mood, ONNX Runtime, full weights", others[1], ours, "ms", "ours, 8 bits"),
            Row("a new mood, ONNX Runtime, the same 8 bits", others[2], ours, "ms", "ours, 8 bits"),
            Row("top-10 overlap of 8 bits", overlap(*nearest), 1, "", "full weights, eager", at_least=0.97),
        ]
        return rows + _corpus_rows(full, eager, directory, scratch, sentences[:texts], moods=moods, rounds=rounds)


def _corpus_rows(
    full: OpenVinoEncoder,
    eager: TorchEncoder,
    directory: Path,
    scratch: Path,
    sentences: list[str],
    *,
    moods: list[str],
    rounds: int,
) -> list[Row]:
    """Texts a second of `moodfeed embed`, which uses full weights, beside int8 (the floor) and transformers eager."""
    shape, arrays = BertShape.read(directory / CONFIG), read_arrays(directory / WEIGHTS)
    (scratch / "full.onnx").write_bytes(bert_graph(shape, arrays))
    quantize_dynamic(
        scratch / "full.onnx",
        scratch / "int8.onnx",
        per_channel=True,
        weight_type=QuantType.QInt8,
        extra_options={"DefaultTensorType": TensorProto.FLOAT},  # it cannot infer those of fused operators
    )
    session = _session(str(scratch / "int8.onnx"))
    half = OpenVinoEncoder(directory, quantised=False, half_precision=True)
    of_length: dict[int, list[NDArray[np.int64]]] = {}
    for ids in _tokens(directory, sentences):
        of_length.setdefault(ids.shape[1], []).append(ids)
    batches = [
        np.concatenate(rows[start : start + 16]) for rows in of_length.values() for start in range(0, len(rows), 16)
    ]
    by_length = sorted(sentences, key=len)
    ways: tuple[Callable[[int], object], ...] = (
        lambda _: full.encode(sentences, batch_size=16),
        lambda _: half.encode(sentences, batch_size=16),
        lambda _: [session.run(None, {IDS: batch}) for batch in batches],
        lambda _: [eager.encode(by_length[start : start + 64]) for start in range(0, len(by_length), 64)],
    )
    embed, halved, int8, plain = (len(sentences) / seconds for seconds in in_turns(*ways, calls=1, rounds=rounds))
    exact, queries = full.encode(sentences, batch_size=16), full.encode(moods)
    nearest = [
        np.argsort(-(queries @ posts.T), axis=1)[:, :NEAREST]
        for posts in (half.encode(sentences, batch_size=16), exact)
    ]
    return [
        Row("moodfeed embed", embed, int8, "texts/s", "int8 per channel", at_least=0.8),
        Row("moodfeed embed --half-precision", halved, int8, "texts/s", "int8 per channel", at_least=0.8),
        Row("top-10 overlap of half precision", overlap(*nearest), 1, "", "full precision"),
        Row("moodfeed embed", embed, plain, "texts/s", "transformers eager"),
    ]


def _sentences() -> list[str]:
    """The distinct mood sentences of a sample world's posts."""
    posts: Any = generate_world().tables.posts
    rows = [(str(row["title"]), read_summary(row["post_summary"])) for row in posts]
    found = (post_to_mood_sentence(summary.mood, f"{title}. {summary.description}") for title, summary in rows)
    return sorted({sentence for sentence in found if sentence})


def _tokens(directory: Path, texts: Sequence[str]) -> list[NDArray[np.int64]]:
    """The token ids of each text, [1, tokens]."""
    tokenizer = read_tokenizer(directory / TOKENIZER, max_tokens=128, vocabulary_size=2**31)
    return [np.array([tokenizer.encode(text).ids]) for text in texts]


def _session(graph: bytes | str) -> InferenceSession:
    options = SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 4
    return InferenceSession(graph, options, providers=["CPUExecutionProvider"])
