"""The mood encoder and the corpus encoder, beside transformers, full weights, and weights in 8 bits."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch

from benchmarks.rows import Row, in_turns
from benchmarks.searching import overlap
from mood_encoder.encoder_files import default_encoder_directory, encoder_files
from mood_encoder.mood_text import post_to_mood_sentence
from mood_encoder.openvino_encoder import OpenVinoEncoder
from mood_encoder.torch_encoder import TorchEncoder
from pipeline.convert_encoder import full_encoder, write_served_encoder
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
    """One new mood in each way, what 8 bits leave of the ranking, and a corpus in batches."""
    torch.set_num_threads(1)
    directory = default_encoder_directory()
    moods = [frame.format(feeling) for frame in FRAMES for feeling in FEELINGS]
    timed = moods[::4]
    sentences = _sentences()
    eager, full = TorchEncoder(directory), full_encoder(directory)
    with TemporaryDirectory(prefix="moodfeed-encoder-") as name:
        for file in encoder_files(directory):
            shutil.copy(file, name)
        write_served_encoder(Path(name), full=eager)
        served = OpenVinoEncoder(Path(name))
    seconds = in_turns(
        lambda call: served.encode([timed[call]]),
        lambda call: eager.encode([timed[call]]),
        lambda call: full.encode([timed[call]]),
        calls=len(timed),
        rounds=rounds,
    )
    ours, *others = (1e3 * value for value in seconds)
    posts = full.encode(sentences, batch_size=16)
    exact = eager.encode(moods, batch_size=1)
    nearest = [np.argsort(-(rows @ posts.T), axis=1)[:, :NEAREST] for rows in (served.encode(moods), exact)]
    rows = [
        Row("a new mood, transformers eager", others[0], ours, "ms", "ours, 8 bits", at_least=6),
        Row("a new mood, OpenVINO full weights", others[1], ours, "ms", "ours, 8 bits"),
        Row("top-10 overlap of 8 bits", overlap(*nearest), 1, "", "full weights, eager", at_least=0.97),
    ]
    return rows + _corpus_rows(full, served, eager, directory, sentences[:texts], moods=moods, rounds=rounds)


def _corpus_rows(
    full: OpenVinoEncoder,
    served: OpenVinoEncoder,
    eager: TorchEncoder,
    directory: Path,
    sentences: list[str],
    *,
    moods: list[str],
    rounds: int,
) -> list[Row]:
    """Texts a second of `moodfeed embed`, which reads full weights, beside 8 bits, which are the floor, and eager."""
    half = full_encoder(directory, half_precision=True)
    by_length = sorted(sentences, key=len)
    ways: tuple[Callable[[int], object], ...] = (
        lambda _: full.encode(sentences, batch_size=16),
        lambda _: half.encode(sentences, batch_size=16),
        lambda _: served.encode(sentences, batch_size=16),
        lambda _: [eager.encode(by_length[start : start + 64]) for start in range(0, len(by_length), 64)],
    )
    embed, halved, int8, plain = (len(sentences) / seconds for seconds in in_turns(*ways, calls=1, rounds=rounds))
    exact, queries = full.encode(sentences, batch_size=16), full.encode(moods)
    nearest = [
        np.argsort(-(queries @ posts.T), axis=1)[:, :NEAREST]
        for posts in (half.encode(sentences, batch_size=16), exact)
    ]
    return [
        Row("moodfeed embed", embed, int8, "texts/s", "the served encoder, int8 per channel", at_least=0.8),
        Row(
            "moodfeed embed --half-precision",
            halved,
            int8,
            "texts/s",
            "the served encoder, int8 per channel",
            at_least=0.8,
        ),
        Row("top-10 overlap of half precision", overlap(*nearest), 1, "", "full precision"),
        Row("moodfeed embed", embed, plain, "texts/s", "transformers eager"),
    ]


def _sentences() -> list[str]:
    """The mood sentences of a sample world's posts, each once."""
    posts: Any = generate_world().tables.posts
    rows = [(str(row["title"]), read_summary(row["post_summary"])) for row in posts]
    found = (post_to_mood_sentence(summary.mood, f"{title}. {summary.description}") for title, summary in rows)
    return sorted({sentence for sentence in found if sentence})
