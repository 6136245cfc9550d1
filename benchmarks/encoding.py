"""The mood encoder and the corpus encoder, beside transformers, beside OpenVINO, and beside their floors."""

import json
import re
import warnings
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from onnx import TensorProto
from onnxruntime import InferenceSession, SessionOptions
from onnxruntime.quantization import QuantType, quantize_dynamic
from transformers import BertModel

from benchmarks.peers import measure_beside
from benchmarks.rows import Row, in_turns
from benchmarks.searching import overlap
from pipeline.summary_text import read_summary
from sample_api.world import generate_world
from two_tower.bert_arrays import BertShape, read_arrays
from two_tower.bert_graph import IDS, bert_graph
from two_tower.encoder_files import CONFIG, TOKENIZER, WEIGHTS, default_encoder_directory, read_tokenizer
from two_tower.mood_text import post_to_mood_sentence
from two_tower.onnx_encoder import OnnxEncoder
from two_tower.quantised_bert import write_quantised
from two_tower.text_encoder import TextEncoder

FEELINGS = re.findall(
    r"\w+",
    """happy sad calm angry romantic lonely bored tired excited scared curious nostalgic playful proud stressed
    jealous hopeful grateful confused brave sleepy silly guilty relaxed restless inspired hungry cozy anxious joyful""",
)
FRAMES = ("{}", "feeling {} tonight", "something {} for a rainy evening", "I am {} and want to laugh")
TEXTS = 600
NEAREST = 10


def encoder_rows(*, rounds: int, texts: int = TEXTS) -> list[Row]:
    """One new mood in each runtime, what 8 bits leave of the ranking, and a corpus in batches."""
    torch.set_num_threads(1)
    directory = default_encoder_directory()
    moods = [frame.format(feeling) for frame in FRAMES for feeling in FEELINGS]
    timed = moods[::4]
    sentences = _sentences()
    with TemporaryDirectory(prefix="moodfeed-encoder-") as name:
        place = Path(name)
        eager, full = TextEncoder(directory), OnnxEncoder(directory, quantised=False)
        for file in (CONFIG, TOKENIZER):
            (place / file).write_bytes((directory / file).read_bytes())
        write_quantised(directory, place)
        quantised = OnnxEncoder(place)
        _write_for_openvino(directory, place, timed)
        ours, peers = measure_beside(
            ["openvino"], place, lambda call: quantised.encode([timed[call]]), count=len(timed), rounds=rounds
        )
        alone = in_turns(
            lambda call: eager.encode([timed[call]]),
            lambda call: full.encode([timed[call]]),
            lambda call: quantised.encode([timed[call]]),
            calls=len(timed),
            rounds=rounds,
        )
        posts = full.encode(sentences, batch_size=16)
        exact = eager.encode(moods, batch_size=1)
        nearest = [np.argsort(-(rows @ posts.T), axis=1)[:, :NEAREST] for rows in (quantised.encode(moods), exact)]
        rows = [
            Row("a new mood, transformers eager", 1e3 * alone[0], 1e3 * alone[2], "ms", "ours, 8 bits", at_least=6),
            Row("a new mood, ONNX Runtime, full weights", 1e3 * alone[1], 1e3 * alone[2], "ms", "ours, 8 bits"),
            *(
                Row("a new mood, OpenVINO", 1e3 * peer.seconds, 1e3 * ours, "ms", "ours, 8 bits", note=peer.cannot)
                for peer in peers
            ),
            Row("top-10 overlap of 8 bits", overlap(*nearest), 1, "", "full weights, eager", at_least=0.97),
        ]
        return rows + _corpus_rows(full, eager, directory, place, sentences[:texts], rounds=rounds)


def _corpus_rows(
    full: OnnxEncoder, eager: TextEncoder, directory: Path, place: Path, sentences: list[str], *, rounds: int
) -> list[Row]:
    """Texts a second of `moodfeed embed`, which reads full weights, beside int8, which is the floor, and eager."""
    shape, arrays = BertShape.read(directory / CONFIG), read_arrays(directory / WEIGHTS)
    (place / "full.onnx").write_bytes(bert_graph(shape, arrays))
    quantize_dynamic(
        place / "full.onnx",
        place / "int8.onnx",
        per_channel=True,
        weight_type=QuantType.QInt8,
        extra_options={"DefaultTensorType": TensorProto.FLOAT},  # of what the fused operators make it cannot tell
    )
    options = SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    session = InferenceSession(str(place / "int8.onnx"), options, providers=["CPUExecutionProvider"])
    tokenizer = read_tokenizer(directory / TOKENIZER, max_tokens=128, vocabulary_size=2**31)
    of_length: dict[int, list[list[int]]] = {}
    for sentence in sentences:
        ids = tokenizer.encode(sentence).ids
        of_length.setdefault(len(ids), []).append(ids)
    batches = [np.array(rows[start : start + 16]) for rows in of_length.values() for start in range(0, len(rows), 16)]
    by_length = sorted(sentences, key=len)
    ways: tuple[Callable[[int], object], ...] = (
        lambda _: full.encode(sentences, batch_size=16),
        lambda _: [session.run(None, {IDS: batch}) for batch in batches],
        lambda _: [eager.encode(by_length[start : start + 64]) for start in range(0, len(by_length), 64)],
    )
    embed, int8, plain = (len(sentences) / seconds for seconds in in_turns(*ways, calls=1, rounds=rounds))
    return [
        Row("moodfeed embed, full weights", embed, int8, "texts/s", "int8 per channel", at_least=0.8),
        Row("moodfeed embed, full weights", embed, plain, "texts/s", "transformers eager"),
    ]


def _sentences() -> list[str]:
    """The mood sentences of a sample world's posts, each once."""
    posts: Any = generate_world().tables.posts
    rows = [(str(row["title"]), read_summary(row["post_summary"])) for row in posts]
    found = (post_to_mood_sentence(summary.mood, f"{title}. {summary.description}") for title, summary in rows)
    return sorted({sentence for sentence in found if sentence})


def _write_for_openvino(directory: Path, place: Path, moods: list[str]) -> None:
    """The BERT as torch exports it, mean and norm included, and the moods' tokens."""

    class Pooled(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.bert = BertModel.from_pretrained(directory, attn_implementation="eager").eval()  # type: ignore[no-untyped-call]

        def forward(self, ids: torch.Tensor) -> torch.Tensor:
            states = self.bert(input_ids=ids).last_hidden_state
            return torch.nn.functional.normalize(states.mean(dim=1), dim=1)

    tokenizer = read_tokenizer(directory / TOKENIZER, max_tokens=128, vocabulary_size=2**31)
    tokens = [tokenizer.encode(mood).ids for mood in moods]
    (place / "tokens.json").write_text(json.dumps(tokens))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            Pooled(),
            (torch.tensor([tokens[0]]),),
            str(place / "bert.onnx"),
            dynamo=False,
            opset_version=17,
            input_names=["ids"],
            dynamic_axes={"ids": {1: "length"}},
        )
