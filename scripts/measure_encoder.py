"""Measure the mood encoder in its runtimes: latency of a short mood, ranking quality, batches and whole processes.

    python scripts/measure_encoder.py

Everything runs on one thread, and the variants take turns in one process. A figure is the median over rounds, a ratio
the median of each round's ratio, because the machine's speed drifts. Overlap is the share of a mood's ten nearest posts
that the quantised query finds too, over 200 moods; posts are always embedded with full weights.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from itertools import product
from pathlib import Path

import numpy as np
import onnxruntime
import pandas as pd
import torch
from numpy.typing import NDArray
from onnx import TensorProto
from onnxruntime.quantization import QuantType, quantize_dynamic

from bundle.array_files import Arrays
from bundle.directory import current_bundle, open_bundle
from mood_encoder.bert_arrays import BLOCK, BertShape, read_arrays
from mood_encoder.bert_graph import IDS, bert_graph
from mood_encoder.encoder_files import CONFIG, TOKENIZER, WEIGHTS, default_encoder_directory, read_tokenizer
from mood_encoder.mood_text import mood_to_words, post_to_mood_sentence
from mood_encoder.openvino_encoder import OpenVinoEncoder
from mood_encoder.quantised_bert import in_blocks, quantise
from mood_encoder.quiet_openvino import openvino
from mood_encoder.torch_encoder import TorchEncoder
from pipeline.convert_encoder import CONVERTED, compressed, converted, write_model
from pipeline.summary_text import read_summary
from sample_api.world import generate_world

NEAREST = 10
SERVED = "OpenVINO, 8 bits, blocks of 32"
LIBRARY = "OpenVINO's conversion"
FEELINGS = (
    "happy sad calm angry romantic lonely bored tired excited scared curious nostalgic playful proud stressed jealous "
    "hopeful grateful confused brave sleepy silly guilty relaxed restless inspired hungry cozy anxious joyful"
)
FRAMES = ("{}", "feeling {} tonight", "something {} for a rainy evening", "I am {} and want to laugh", "not {} at all")
EMOJI = "😀 😢 😂 😎 🥱 😡 😍 😱 🥰 😴 🤩 😭 🥺 😤 🤗 😇 🥳 😌 🤔 😬"
OTHERS = (
    "party with friends 🥳", "late night drive", "motivation for the gym", "heartbroken 😢", "missing home",
    "today was great 😂", "chill beats to study to", "in love with life", "so stressed about exams", "first snow",
)  # fmt: skip


def moods() -> list[str]:
    """About 180 moods as users type them, converted to words."""
    typed = [*(frame.format(feeling) for frame, feeling in product(FRAMES, FEELINGS.split())), *EMOJI.split(), *OTHERS]
    return list(dict.fromkeys(mood_to_words(mood) for mood in typed))


def sample_sentences() -> list[str]:
    """The distinct mood sentences of a sample world's posts."""
    rows = [(str(row["title"]), read_summary(row["post_summary"])) for row in generate_world().tables.posts]
    sentences = (post_to_mood_sentence(summary.mood, f"{title}. {summary.description}") for title, summary in rows)
    return sorted({sentence for sentence in sentences if sentence})


def title_sentences(path: Path, count: int) -> list[str]:
    """Mood sentences of ``count`` titles of a Parquet table, as for posts without emotions."""
    titles = pd.read_parquet(path)["title"].astype(str).sample(count, random_state=0)
    return sorted({sentence for title in titles if (sentence := post_to_mood_sentence("", title))})


def unordered(shape: BertShape, arrays: Arrays, block: int) -> Arrays:
    """The quantised arrays without the reordering of the hidden state."""
    quantised = quantise(shape, arrays, block=block)
    plain: Arrays = {"order": np.arange(shape.hidden_size)}
    for name in quantised.keys() - {"order"}:
        if name.endswith(".quantised"):
            product_name = name.removesuffix(".quantised")
            plain[name], plain[f"{product_name}.scales"] = in_blocks(arrays[f"{product_name}.weight"], block)
        elif not name.endswith(".scales"):
            plain[name] = arrays[name].astype(quantised[name].dtype)
    return plain


def session_of(graph: bytes | str) -> onnxruntime.InferenceSession:
    """An ONNX Runtime session with one thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


Run = Callable[[NDArray[np.int64]], NDArray[np.float32]]


def in_onnx_runtime(graph: bytes | str) -> Run:
    """Run a graph in ONNX Runtime."""
    session = session_of(graph)
    return lambda ids: session.run(None, {IDS: ids})[0]


def in_openvino(graph: bytes | Path, *, half_precision: bool = False, states: int = BLOCK) -> Run:
    """A graph, or the file of one, as OpenVinoEncoder runs its own."""
    properties = {
        "NUM_STREAMS": 1,
        "INFERENCE_NUM_THREADS": 1,
        "ENABLE_CPU_PINNING": False,
        "DYNAMIC_QUANTIZATION_GROUP_SIZE": states,
    }
    if not half_precision:
        properties["INFERENCE_PRECISION_HINT"] = "f32"
    core = openvino.Core()
    request = core.compile_model(core.read_model(graph), "CPU", properties).create_infer_request()
    return lambda ids: request.infer({0: ids}, share_inputs=True)[0].copy()


def library_ways(directory: Path, scratch: Path) -> dict[str, Path]:
    """OpenVINO's own conversion of the transformers model, and what NNCF makes of its weights: the files of graphs.

    NNCF gives 8-bit integers no group size. Words are in half precision but where the name says otherwise.
    """
    full = converted(TorchEncoder(directory)._bert)
    write_model(full.clone(), scratch / "full.xml")
    ways = {"full weights": scratch / "full.xml"}
    tried: dict[str, dict[str, object]] = {
        "INT8_ASYM": {},
        "INT8_SYM": {"mode": "INT8_SYM"},
        "INT8_ASYM, words too": {"words_too": True},
        "INT8_SYM, words too": {"mode": "INT8_SYM", "words_too": True},
        "FP8_E4M3, groups of 32": {"mode": "FP8_E4M3", "group_size": 32},
        "MXFP8_E4M3, groups of 32": {"mode": "MXFP8_E4M3"},
        "INT4_SYM, groups of 32": {"mode": "INT4_SYM", "group_size": 32},
    }
    for name, options in tried.items():
        path = scratch / f"{name.replace(' ', '_')}_{CONVERTED}"
        write_model(compressed(full.clone(), **options), path)  # type: ignore[arg-type]
        ways[name] = path
    return ways


def graphs(directory: Path, scratch: Path) -> dict[str, bytes | str]:
    """Every variant that is an ONNX graph, by name."""
    shape, arrays = BertShape.read(directory / CONFIG), read_arrays(directory / WEIGHTS)
    ways: dict[str, bytes | str] = {"full weights": bert_graph(shape, arrays)}
    for block in (16, 32, 64, 128):
        ways[f"8 bits, blocks of {block}"] = bert_graph(shape, quantise(shape, arrays, block=block))
    for block in (32, 128):
        ways[f"8 bits, blocks of {block}, not ordered"] = bert_graph(shape, unordered(shape, arrays, block))
    (scratch / "full.onnx").write_bytes(ways["full weights"])  # type: ignore[arg-type]
    dynamic = str(scratch / "dynamic.onnx")
    of_float = {"DefaultTensorType": TensorProto.FLOAT}  # it cannot infer the output type of the fused operators
    quantize_dynamic(
        scratch / "full.onnx", dynamic, per_channel=True, weight_type=QuantType.QInt8, extra_options=of_float
    )
    ways["int8 per channel, dynamic"] = dynamic
    return ways


def timed(ways: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, NDArray[np.float64]]:
    """Seconds of every variant in every round; the variants take turns."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, run in ways.items():
            started = time.perf_counter()
            run()
            seconds[name].append(time.perf_counter() - started)
    return {name: np.array(values) for name, values in seconds.items()}


def overlap(queries: NDArray[np.float32], exact: NDArray[np.float32], posts: NDArray[np.float32]) -> float:
    """Mean share of the ten posts nearest to the exact queries that are among those nearest to the queries."""
    found, wanted = (np.argsort(-(rows @ posts.T), axis=1, kind="stable")[:, :NEAREST] for rows in (queries, exact))
    return float(np.mean([len(set(a) & set(b)) / NEAREST for a, b in zip(found, wanted, strict=True)]))


def print_one_mood(directory: Path, worlds: Mapping[str, Sequence[str]], *, rounds: int) -> None:
    """Print the latency and ranking quality of a single new mood."""
    full, eager = OpenVinoEncoder(directory, quantised=False), TorchEncoder(directory)
    tokenizer = read_tokenizer(directory / TOKENIZER, max_tokens=128, vocabulary_size=2**31)
    texts = moods()
    ids = [np.array([tokenizer.encode(text).ids]) for text in texts]
    short = [row for row, tokens in enumerate(ids) if 4 <= tokens.size <= 12][::6]
    exact = eager.encode(texts, batch_size=1)
    posts = {name: full.encode(sentences, batch_size=16) for name, sentences in worlds.items()}
    with tempfile.TemporaryDirectory() as scratch:
        made = graphs(directory, Path(scratch))
        sessions = {f"ONNX Runtime, {name}": in_onnx_runtime(graph) for name, graph in made.items()}
        for name in ("full weights", "8 bits, blocks of 32"):
            sessions[f"OpenVINO, {name}"] = in_openvino(made[name])
        sessions["OpenVINO, full weights, bfloat16"] = in_openvino(made["full weights"], half_precision=True)
        for name, path in library_ways(directory, Path(scratch)).items():
            sessions[f"{LIBRARY}, {name}"] = in_openvino(path)
    ways: dict[str, Callable[[], object]] = {
        "transformers, eager": lambda: [eager.encode([texts[row]]) for row in short],
        **{name: lambda session=session: [session(ids[row]) for row in short] for name, session in sessions.items()},
    }
    seconds = timed(ways, rounds)
    counts = ", ".join(f"{len(rows)} of the {name}" for name, rows in posts.items())
    print(f"\n{len(texts)} moods, {len(short)} of 4 to 12 tokens timed; posts: {counts}")
    print(
        "| way | ms | times eager | time of the served | cosine min / mean | overlap: "
        + " / ".join(posts)
        + " | alike |"
    )
    print("|---|---|---|---|---|---|---|")
    for name, values in seconds.items():
        queries = exact
        if name in sessions:
            queries = np.concatenate([sessions[name](tokens) for tokens in ids])
        cosines = (queries * exact).sum(axis=1)
        overlaps = " / ".join(f"{overlap(queries, exact, rows):.3f}" for rows in posts.values())
        ratio = np.median(seconds["transformers, eager"] / values)
        columns = (
            name,
            f"{np.median(values) / len(short) * 1e3:.2f}",
            f"{ratio:.1f}",
            f"{np.median(values / seconds[SERVED]):.2f}",
            f"{cosines.min():.4f} / {cosines.mean():.4f}",
            overlaps,
            "-" if name not in sessions else "yes" if is_alike(sessions[name], ids) else "no",
        )
        print("|", " | ".join(columns), "|")

    print_together(sessions, ids, rounds=rounds * 4)


def is_alike(run: Run, ids: Sequence[NDArray[np.int64]]) -> bool:
    """Whether every mood's embedding is the same to the bit alone and with 1, 3 and 7 others of as many tokens."""
    of_length: dict[int, list[NDArray[np.int64]]] = {}
    for tokens in ids:
        of_length.setdefault(tokens.size, []).append(tokens)
    for alike, count in product(of_length.values(), (2, 4, 8)):
        for start in range(0, len(alike) - count + 1, count):
            rows = alike[start : start + count]
            if not np.array_equal(run(np.concatenate(rows)), np.concatenate([run(tokens) for tokens in rows])):
                return False
    return True


def print_together(sessions: Mapping[str, Run], ids: Sequence[NDArray[np.int64]], *, rounds: int) -> None:
    """Milliseconds a mood of 9 tokens, 1 to 8 together, in a loop of its own and after 120 MB of other memory."""
    counts = (1, 2, 4, 8)
    names = [SERVED, *(name for name in sessions if name.startswith(LIBRARY) and "INT8" in name)]
    tokens = np.concatenate([row[:, :9] for row in ids if row.size >= 9][:8])
    others = np.zeros(120 * 2**17)
    print("\n| ms a mood, together | " + " | ".join(map(str, counts)) + " |\n|---|---|---|---|---|")
    for is_cached, name in product((True, False), names):
        columns = []
        for count in counts:
            seconds = []
            for _ in range(rounds):
                if not is_cached:
                    others += 1
                started = time.perf_counter()
                sessions[name](tokens[:count])
                seconds.append(time.perf_counter() - started)
            columns.append(f"{np.median(seconds[1:]) / count * 1e3:.2f}")
        print(f"| {name}, weights in {'the cache' if is_cached else 'memory'} | " + " | ".join(columns) + " |")


def print_batches(directory: Path, sentences: Sequence[str], *, rounds: int) -> None:
    """Print the throughput over the whole corpus in texts per second."""
    full, eager = OpenVinoEncoder(directory, quantised=False), TorchEncoder(directory)
    half = OpenVinoEncoder(directory, quantised=False, half_precision=True)
    tokens = sorted((full._tokenizer.encode(text).ids for text in sentences), key=len)
    with tempfile.TemporaryDirectory() as scratch:
        dynamic = session_of(graphs(directory, Path(scratch))["int8 per channel, dynamic"])

    def run_dynamic() -> None:
        of_length: dict[int, list[list[int]]] = {}
        for row in tokens:
            of_length.setdefault(len(row), []).append(row)
        for rows in of_length.values():
            for start in range(0, len(rows), 16):
                dynamic.run(None, {IDS: np.array(rows[start : start + 16])})

    by_length = sorted(sentences, key=len)
    seconds = timed(
        {
            "transformers, eager, batches of 32": lambda: [
                eager.encode(by_length[start : start + 64]) for start in range(0, len(by_length), 64)
            ],
            "full weights, batches of one length": lambda: full.encode(sentences, batch_size=16),
            "full weights, bfloat16, the same batches": lambda: half.encode(sentences, batch_size=16),
            "int8 per channel, dynamic, the same batches": run_dynamic,
        },
        rounds,
    )
    print(f"\n{len(sentences)} texts of {np.mean([len(row) for row in tokens]):.0f} tokens")
    print("| way | texts/s | times eager |")
    print("|---|---|---|")
    eager_seconds = seconds["transformers, eager, batches of 32"]
    for name, values in seconds.items():
        print(f"| {name} | {len(sentences) / np.median(values):.0f} | {np.median(eager_seconds / values):.2f} |")


PROCESS = """
import resource, sys, time
started = time.perf_counter()
from pathlib import Path
from bundle.directory import open_bundle
from mood_encoder.runtime import Runtime
from user_tower_service.canaries import check_canaries
from user_tower_service.encoder import Encoder
from bundle.known_users import KnownUsers
import user_tower_service.__main__
bundle = open_bundle(Path(sys.argv[1]))
encoder = Encoder(bundle, mood_cache_size=0, runtime=Runtime(sys.argv[2]))
check_canaries(encoder, bundle)
seconds = time.perf_counter() - started
names = KnownUsers.read(bundle).usernames[:200]
user = time.perf_counter()
for name in names:
    encoder.encode_context(name, "")
user = (time.perf_counter() - user) / len(names)
resident = int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 2**20
print(f"| {sys.argv[2]} | {seconds:.1f} | {resident:.0f} | {user * 1e6:.0f} |")
"""


def print_processes(bundles: Path) -> None:
    """Print start-up time, resident memory and the time of a known user's context for each runtime."""
    print("\n| runtime | seconds until warm | MB resident | microseconds a known user |\n|---|---|---|---|", flush=True)
    for runtime in ("torch", "openvino"):
        command = [sys.executable, "-c", PROCESS, str(current_bundle(bundles)), runtime]
        threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        subprocess.run(command, check=True, env=os.environ | threads)  # noqa: S603


def main() -> None:
    """Print every table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--titles", type=Path, help="a Parquet table with titles: a second corpus, used for batches")
    parser.add_argument("--bundles", type=Path, help="directory of bundles; the current one is loaded in each runtime")
    parser.add_argument("--rounds", type=int, default=9)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    directory = default_encoder_directory()
    worlds = {"sample world": sample_sentences()}
    if arguments.titles:
        worlds["titles"] = title_sentences(arguments.titles, 3000)
    print_one_mood(directory, worlds, rounds=arguments.rounds)
    print_batches(directory, [*worlds.values()][-1][:600], rounds=max(arguments.rounds // 2, 1))
    if arguments.bundles:
        open_bundle(current_bundle(arguments.bundles))
        print_processes(arguments.bundles)


if __name__ == "__main__":
    main()
