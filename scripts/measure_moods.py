"""Measure how moods are understood against the lists in ``tests/mood_lists``: each bar beside its figure.

    python scripts/measure_moods.py --seeds 7 11

A sample world is generated, ingested and embedded with the pipeline's defaults; its posts' true moods are known. A
figure is the mean over the worlds. ``scripts/measure_mood.py`` compares ways to build the mood space.
"""

import argparse
import csv
import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from cli.sample_workspace import ingest_sample_world
from mood_encoder.encoder_files import default_encoder_directory
from mood_encoder.mood_reader import MoodReader
from mood_encoder.torch_encoder import TorchEncoder
from pipeline.dataset import Dataset, read_dataset
from pipeline.embed import read_text_embeddings
from pipeline.workspace import Workspace
from sample_api.world import generate_world

LISTS = Path(__file__).parents[1] / "tests" / "mood_lists"
CUTOFF = 10
_MOST_OF_AVOIDED, _LEAST_OF_ASKED = 1, 7
_TIMED = 60
_FEW = 0.6


Understand = Callable[[str], NDArray[np.float32] | None]
"""A typed mood to its vector; None if it says nothing about a mood."""


@dataclass(frozen=True, slots=True)
class MeasuredWorld:
    """Servable posts that have words: ``vectors`` float32 [posts, dimension], ``moods`` [posts] the true ones."""

    vectors: NDArray[np.float32]
    moods: NDArray[np.str_]
    emotions: tuple[str, ...]
    understand: Understand

    def first(self, typed: str) -> NDArray[np.str_] | None:
        """The true moods of the first ten posts; None if the mood was not understood."""
        vector = self.understand(typed)
        return None if vector is None else self.moods[np.argsort(-(self.vectors @ vector), kind="stable")[:CUTOFF]]

    def share(self, typed: str, moods: Sequence[str]) -> float:
        """The share of the first ten posts with one of the true moods; 0 if the mood was not understood."""
        first = self.first(typed)
        return 0.0 if first is None else float(np.isin(first, moods).mean())


def rows_of(name: str) -> list[list[str]]:
    """The rows of a list."""
    with (LISTS / name).open(encoding="utf-8", newline="") as file:
        return [row for row in csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE) if row]


@contextmanager
def ingested(seed: int, kept: Path | None) -> Iterator[tuple[Dataset, Path, dict[int, str]]]:
    """A sample world's data, the file of its text embeddings, and the true mood of each post."""
    world = generate_world(seed)
    with TemporaryDirectory() as temporary:
        workspace = Workspace((kept / str(seed)) if kept else Path(temporary))
        if not workspace.text_embeddings.exists():
            ingest_sample_world(world, workspace)
        yield (
            read_dataset(workspace.clean, workspace.text_embeddings),
            workspace.text_embeddings,
            dict(zip(world.truth.post_ids, world.truth.moods, strict=True)),
        )


def measured_world(dataset: Dataset, truth: dict[int, str], understand: Understand) -> MeasuredWorld:
    """The servable posts of a world."""
    rows = np.flatnonzero(dataset.posts["is_servable"].to_numpy(dtype=bool) & dataset.mood_text.any(axis=1))
    return MeasuredWorld(
        vectors=dataset.mood_text[rows],
        moods=np.array([truth[post_id] for post_id in dataset.post_ids[rows].tolist()]),
        emotions=tuple(dataset.posts["mood_text"].iloc[rows]),
        understand=understand,
    )


def oracle(world: MeasuredWorld, mood: str) -> float:
    """Precision at ten of a ranking by the posts' own emotion words: those that are told most by posts of the mood."""
    named = [set(text.replace("evokes ", "").replace("a touch of ", "").split(", ")) for text in world.emotions]
    counts: dict[str, list[int]] = {}
    for words, truth in zip(named, world.moods, strict=True):
        for word in words:
            both = counts.setdefault(word, [0, 0])
            both[0] += truth == mood
            both[1] += 1
    scores = np.array([np.mean([counts[word][0] / counts[word][1] for word in words]) for words in named])
    return float((world.moods[np.argsort(-scores, kind="stable")[:CUTOFF]] == mood).mean())


def figures_of(world: MeasuredWorld) -> dict[str, float]:
    """Every figure of one world, in the order of the table."""
    english = rows_of("english.tsv")
    precision = float(np.mean([world.share(typed, [mood]) for mood, typed in english]))
    best = float(np.mean([oracle(world, mood) for mood, _ in english]))
    found = {
        "opposites among the first ten": float(
            np.mean([world.share(typed, opposites.split(",")) for typed, opposites in rows_of("opposites.tsv")])
        ),
        "English P@10": precision,
        "English P@10 of the oracle's": precision / best,
        "phrasings": float(np.mean([_is_heeded(world, *row) for row in rows_of("phrasings.tsv")])),
    }
    (_, *moods), *languages = rows_of("languages.tsv")
    by_language = {
        name: float(np.mean([world.share(typed, [mood]) for mood, typed in zip(moods, texts, strict=True)]))
        for name, *texts in languages
    }
    found |= {f"{name} of English": share / by_language["English"] for name, share in by_language.items()}
    emoji = rows_of("emoji.tsv")
    shares = np.array(
        [[world.share(typed, labels.split(",")) for typed in (symbol, word)] for symbol, word, labels in emoji]
    )
    found["emoji of their words"] = float(shares[:, 0].mean() / shares[:, 1].mean())
    found["emoji P@10"] = float(shares[:, 0].mean())
    found["not a mood, and said so"] = float(
        np.mean([world.understand(typed) is None for (typed,) in rows_of("not_moods.tsv")])
    )
    return found


def _is_heeded(world: MeasuredWorld, typed: str, avoided: str, asked: str = "") -> bool:
    first = world.first(typed)
    if first is None:
        return False
    is_asked = bool(asked) and int((first == asked).sum()) >= _LEAST_OF_ASKED
    return is_asked or int((first == avoided).sum()) <= _MOST_OF_AVOIDED


def failures_of(world: MeasuredWorld) -> Iterator[tuple[str, str]]:
    """What falls short: the bar and the text."""
    yield from (("english", typed) for mood, typed in rows_of("english.tsv") if world.share(typed, [mood]) < _FEW)
    for typed, opposites in rows_of("opposites.tsv"):
        if world.share(typed, opposites.split(",")):
            yield "opposites", typed
    yield from (("phrasing", row[0]) for row in rows_of("phrasings.tsv") if not _is_heeded(world, *row))
    (_, *moods), *languages = rows_of("languages.tsv")
    for name, *texts in languages:
        yield from (
            (name, typed) for mood, typed in zip(moods, texts, strict=True) if world.share(typed, [mood]) < _FEW
        )
    for symbol, _, labels in rows_of("emoji.tsv"):
        if world.share(symbol, labels.split(",")) < _FEW:
            yield "emoji", symbol
    yield from (("not a mood", typed) for (typed,) in rows_of("not_moods.tsv") if world.understand(typed) is not None)


def _told(world: MeasuredWorld, typed: str) -> str:
    first = world.first(typed)
    return "not understood" if first is None else " ".join(str(mood)[:4] for mood in first)


def milliseconds_of_a_new_mood(understand: Understand) -> float:
    """Processor time of one mood that was not typed before, on one thread."""
    typed = [text for _, text in rows_of("english.tsv")][:_TIMED]
    for text in typed:
        understand(text)
    start = time.process_time()
    for text in typed:
        understand(text)
    return 1000 * (time.process_time() - start) / len(typed)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Measure how moods are understood.")
    parser.add_argument("--seeds", type=int, nargs="+", default=[7])
    parser.add_argument("--keep", type=Path, help="a directory that keeps the ingested worlds")
    parser.add_argument("--failures", action="store_true", help="tell what falls short")
    parser.add_argument("--json", type=Path, help="also write the figures there")
    arguments = parser.parse_args()
    encoder = TorchEncoder(default_encoder_directory())
    found: list[dict[str, float]] = []
    for seed in arguments.seeds:
        with ingested(seed, arguments.keep) as (dataset, embeddings, truth):
            reader = MoodReader(encoder, read_text_embeddings(embeddings).mood_space)

            def understand(typed: str, reader: MoodReader = reader) -> NDArray[np.float32] | None:
                return reader.read([typed])[0].vector

            world = measured_world(dataset, truth, understand)
            found.append(figures_of(world))
            if arguments.failures:
                for bar, typed in failures_of(world):
                    print(f"{bar:<12}{typed:<40}{_told(world, typed)}")
    means = {name: float(np.mean([figures[name] for figures in found])) for name in found[0]}
    means["ms of a new mood"] = milliseconds_of_a_new_mood(world.understand)
    for name, figure in means.items():
        print(f"{name:<32}{figure:8.3f}")
    if arguments.json:
        arguments.json.write_text(json.dumps(means, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
