"""Measure how well the encoder understands emoji and negation: one table each.

    python scripts/measure_emoji.py PATH/TO/emotag1200.csv

The file is EmoTag1200 (Shoeb and de Melo, 2020): people's scores, 0 to 1, of eight emotions for each of 150 emoji. An
emoji has a clear winner if its highest score is at least 0.5. It is understood if the nearest of the eight emotion
words has the highest score; on a tie either counts.
"""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import emoji
import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from mood_encoder.encoder_files import default_encoder_directory
from mood_encoder.mood_reader import MoodReader, fitted_reader
from mood_encoder.mood_text import mood_to_words
from mood_encoder.torch_encoder import TorchEncoder

EMOTIONS = ("anger", "anticipation", "disgust", "fear", "joy", "sadness", "surprise", "trust")
CLEAR_WINNER = 0.5
NEGATIONS = (
    ("not sad", "sad", "happy"),
    ("I'm not happy", "happy", "sad"),
    ("no stress", "stressed", "relaxed"),
    ("not boring", "bored", "exciting"),
    ("without fear", "scared", "safe"),
    ("not angry", "angry", "calm"),
    ("never lonely", "lonely", "together with friends"),
    ("not tired", "tired", "energetic"),
    ("nothing serious", "serious", "funny"),
    ("not 😢", "sad", "happy"),
)


@dataclass(frozen=True, slots=True)
class ClearWinners:
    """Emoji whose highest score is at least 0.5; ``is_winner`` bool [emoji, emotions]."""

    symbols: tuple[str, ...]
    is_winner: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Understanding:
    """Shares of emoji understood: over all emoji, and averaged over the emotions that win at least once."""

    accuracy: float
    mean_recall: float


def read_clear_winners(path: Path) -> ClearWinners:
    """Read EmoTag1200."""
    table = pd.read_csv(path)
    scores = table[list(EMOTIONS)].to_numpy()
    highest = scores.max(axis=1, keepdims=True)
    clear = highest[:, 0] >= CLEAR_WINNER
    return ClearWinners(symbols=tuple(table["emoji"][clear]), is_winner=(scores == highest)[clear])


def nearest_emotions(encoder: TorchEncoder, texts: Sequence[str]) -> NDArray[np.int64]:
    """The nearest emotion word of each text: int64 [texts], positions in EMOTIONS."""
    return np.argmax(encoder.encode(texts) @ encoder.encode(EMOTIONS).T, axis=1)


def nearest_in_mood_space(reader: MoodReader, symbols: Sequence[str]) -> NDArray[np.int64]:
    """The nearest emotion word of each emoji as serving places both; joy for one that says nothing about a mood."""
    emotions = np.stack([meant.vector for meant in reader.read(EMOTIONS) if meant.vector is not None])
    vectors = [meant.vector for meant in reader.read(symbols)]
    joy = EMOTIONS.index("joy")
    return np.array([joy if vector is None else int(np.argmax(emotions @ vector)) for vector in vectors])


def judge(winners: ClearWinners, answers: NDArray[np.int64]) -> Understanding:
    """Compare answers with the winners; an emoji with several winners counts for the answered one, else the first."""
    understood = winners.is_winner[np.arange(len(answers)), answers]
    truth = np.where(understood, answers, winners.is_winner.argmax(axis=1))
    recalls = [understood[truth == emotion].mean() for emotion in np.unique(truth)]
    return Understanding(accuracy=float(understood.mean()), mean_recall=float(np.mean(recalls)))


def print_emoji_table(encoder: TorchEncoder, winners: ClearWinners) -> None:
    """Understanding of emoji: always "joy", raw, by Unicode name, by mood_to_words."""
    ways: dict[str, Callable[[str], str]] = {
        'always "joy"': lambda _: "joy",
        "raw emoji": lambda symbol: symbol,
        "demojize": lambda symbol: emoji.demojize(symbol).strip(":").replace("_", " "),
        "mood_to_words": mood_to_words,
    }
    print(f"{len(winners.symbols)} emoji     accuracy  mean recall")
    for name, to_words in ways.items():
        found = judge(winners, nearest_emotions(encoder, [to_words(symbol) for symbol in winners.symbols]))
        print(f"{name:<14}{found.accuracy:>10.3f}{found.mean_recall:>13.3f}")
    found = judge(winners, nearest_in_mood_space(fitted_reader(encoder), winners.symbols))
    print(f"{'mood space':<14}{found.accuracy:>10.3f}{found.mean_recall:>13.3f}")


def print_misunderstood(encoder: TorchEncoder, winners: ClearWinners) -> None:
    """List each misunderstood emoji with its words, the answer and the truth."""
    words = [mood_to_words(symbol) for symbol in winners.symbols]
    for row, answer in enumerate(nearest_emotions(encoder, words)):
        if not winners.is_winner[row, answer]:
            truth = " or ".join(np.array(EMOTIONS)[winners.is_winner[row]])
            print(f"{winners.symbols[row]}  {words[row]}: {EMOTIONS[answer]}, people say {truth}")


def print_negation_table(encoder: TorchEncoder) -> None:
    """Cosine of negated moods to the mood and to its opposite, as typed and after mood_to_words."""
    print("negation            cosine to mood / opposite:  as typed     mood_to_words")
    for text, mood, opposite in NEGATIONS:
        typed, said, *words = encoder.encode([text, mood_to_words(text), mood, opposite])
        cosines = [f"{vector @ words[0]:6.2f} /{vector @ words[1]:5.2f}" for vector in (typed, said)]
        print(f"{text:<16}{mood + ' / ' + opposite:<32}{cosines[0]}   {cosines[1]}")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description="Measure how well the encoder understands emoji and negation.")
    parser.add_argument("emotag", type=Path, help="path of emotag1200.csv")
    parser.add_argument("--encoder", type=Path, help="a Hugging Face BERT directory (default: the installed MiniLM)")
    parser.add_argument("--misunderstood", action="store_true", help="list the emoji that are misunderstood")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    encoder = TorchEncoder(arguments.encoder or default_encoder_directory())
    winners = read_clear_winners(arguments.emotag)
    print_emoji_table(encoder, winners)
    if arguments.misunderstood:
        print_misunderstood(encoder, winners)
    print()
    print_negation_table(encoder)


if __name__ == "__main__":
    main()
