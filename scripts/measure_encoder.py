"""Measure the mood encoder in its runtimes: one short mood, quality of the ranking, batches, and the whole process.

    python scripts/measure_encoder.py

All at one thread, the ways taking turns in one process; a figure is the median of the rounds, a ratio the median of
the ratios of each round, since the machine's speed drifts. Overlap: of 200 moods, the share of the ten nearest posts
of a sample world that the quantised query finds too; the posts are always embedded with full weights.
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
import pandas as pd
import torch
from numpy.typing import NDArray

from bundle.directory import current_bundle, open_bundle
from mood_encoder.encoder_files import TOKENIZER, default_encoder_directory, read_tokenizer
from mood_encoder.mood_text import mood_to_words, post_to_mood_sentence
from mood_encoder.openvino_encoder import STATES_IN_A_GROUP
from mood_encoder.quiet_openvino import openvino
from mood_encoder.torch_encoder import TorchEncoder
from pipeline.convert_encoder import compressed, converted, full_encoder, write_graph
from pipeline.summary_text import read_summary
from sample_api.world import generate_world

NEAREST = 10
EAGER = "transformers, eager"
SERVED = "INT8_ASYM: what is served"
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
    """About 180 moods as people type them, in words."""
    typed = [*(frame.format(feeling) for frame, feeling in product(FRAMES, FEELINGS.split())), *EMOJI.split(), *OTHERS]
    return list(dict.fromkeys(mood_to_words(mood) for mood in typed))


def sample_sentences() -> list[str]:
    """The mood sentences of a sample world's posts, each once."""
    rows = [(str(row["title"]), read_summary(row["post_summary"])) for row in generate_world().tables.posts]
    sentences = (post_to_mood_sentence(summary.mood, f"{title}. {summary.description}") for title, summary in rows)
    return sorted({sentence for sentence in sentences if sentence})


def title_sentences(path: Path, count: int) -> list[str]:
    """The mood sentences of some posts of a Parquet table with titles, as of posts that name no emotion."""
    titles = pd.read_parquet(path)["title"].astype(str).sample(count, random_state=0)
    return sorted({sentence for title in titles if (sentence := post_to_mood_sentence("", title))})


Run = Callable[[NDArray[np.int64]], NDArray[np.float32]]


def in_openvino(graph: Path, *, half_precision: bool = False, states: int = STATES_IN_A_GROUP) -> Run:
    """The file of a graph, run as OpenVinoEncoder runs its own."""
    properties = {
        "NUM_STREAMS": 1,
        "INFERENCE_NUM_THREADS": 1,
        "ENABLE_CPU_PINNING": False,
        "DYNAMIC_QUANTIZATION_GROUP_SIZE": states,
    }
    if not half_precision:
        properties["INFERENCE_PRECISION_HINT"] = "f32"
    request = openvino.Core().compile_model(graph, "CPU", properties).create_infer_request()
    return lambda ids: request.infer({0: ids}, share_inputs=True)[0].copy()


def ways_to_run(directory: Path, scratch: Path) -> dict[str, Run]:
    """The converted encoder with full weights, and with what NNCF makes of them.

    NNCF gives 8-bit integers no group size. The word embeddings stay in float16 unless the name says otherwise.
    """
    full = converted(TorchEncoder(directory).bert, directory)
    path = scratch / "full.xml"
    write_graph(full.clone(), path)
    ways = {
        "full weights": in_openvino(path, states=0),
        "full weights, bfloat16": in_openvino(path, half_precision=True, states=0),
    }
    tried: dict[str, dict[str, object]] = {
        SERVED: {},
        "INT8_SYM": {"mode": "INT8_SYM"},
        "INT8_ASYM, words too": {"words_too": True},
        "FP8_E4M3, groups of 32": {"mode": "FP8_E4M3", "group_size": 32},
        "INT4_SYM, groups of 32": {"mode": "INT4_SYM", "group_size": 32},
    }
    for place, (name, options) in enumerate(tried.items()):
        path = scratch / f"{place}.xml"
        write_graph(compressed(full.clone(), **options), path)  # type: ignore[arg-type]
        ways[name] = in_openvino(path)
        print(f"{name}: {sum(path.with_suffix(end).stat().st_size for end in ('.xml', '.bin')) / 1e6:.0f} MB")
    return ways


def timed(ways: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, NDArray[np.float64]]:
    """Seconds of every way in every round, the ways taking turns."""
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
    """Speed and quality of a single new mood."""
    full, eager = full_encoder(directory), TorchEncoder(directory)
    tokenizer = read_tokenizer(directory / TOKENIZER, max_tokens=128, vocabulary_size=2**31)
    texts = moods()
    ids = [np.array([tokenizer.encode(text).ids]) for text in texts]
    short = [row for row, tokens in enumerate(ids) if 4 <= tokens.size <= 12][::6]
    exact = eager.encode(texts, batch_size=1)
    posts = {name: full.encode(sentences, batch_size=16) for name, sentences in worlds.items()}
    with tempfile.TemporaryDirectory() as scratch:
        sessions = ways_to_run(directory, Path(scratch))
    ways: dict[str, Callable[[], object]] = {
        EAGER: lambda: [eager.encode([texts[row]]) for row in short],
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
        ratio = np.median(seconds[EAGER] / values)
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
    names = [SERVED, "full weights"]
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
    """Texts a second of the whole corpus."""
    full, eager = full_encoder(directory), TorchEncoder(directory)
    half = full_encoder(directory, half_precision=True)
    by_length = sorted(sentences, key=len)
    seconds = timed(
        {
            "transformers, eager, batches of 32": lambda: [
                eager.encode(by_length[start : start + 64]) for start in range(0, len(by_length), 64)
            ],
            "full weights, batches of one length": lambda: full.encode(sentences, batch_size=16),
            "full weights, bfloat16, the same batches": lambda: half.encode(sentences, batch_size=16),
        },
        rounds,
    )
    print(f"\n{len(sentences)} texts")
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
    """Seconds until warm, resident memory, and a known user's context."""
    print("\n| runtime | seconds until warm | MB resident | microseconds a known user |\n|---|---|---|---|", flush=True)
    for runtime in ("torch", "openvino"):
        command = [sys.executable, "-c", PROCESS, str(current_bundle(bundles)), runtime]
        threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        subprocess.run(command, check=True, env=os.environ | threads)  # noqa: S603


def main() -> None:
    """Print every table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--titles", type=Path, help="a Parquet table with titles: a second corpus, and the batches'")
    parser.add_argument("--bundles", type=Path, help="bundles of which the current one is loaded in either runtime")
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
