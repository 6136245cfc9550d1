"""How well moods find posts, as far as a catalogue without mood labels can tell."""

from collections import Counter
from dataclasses import dataclass

import numpy as np

from mood_encoder.mood_reader import MoodReader
from pipeline.dataset import Dataset
from pipeline.ranking import CUTOFF

_MOST_WORDS = 30
_FEWEST_POSTS = CUTOFF  # a word that fewer posts name cannot fill a page
_LEADS = ("evokes ", "a touch of ")


@dataclass(frozen=True, slots=True)
class MoodQuality:
    """Emotion words that at least ten posts name, asked for as moods.

    ``found`` is the mean share of the ten nearest posts that name the word themselves, ``by_chance`` that of ten random
    posts, both 0..1. It shows that a mood's word and the posts that use it meet, not that people agree with either.
    """

    words: int
    found: float
    by_chance: float


def measure_moods(dataset: Dataset, reader: MoodReader) -> MoodQuality | None:
    """Ask for the emotion words that most servable posts name; None if no word is named by ten of them."""
    rows = np.flatnonzero(dataset.posts["is_servable"].to_numpy(dtype=bool))
    named = [_emotions(text) for text in dataset.posts["mood_text"].iloc[rows]]
    counts = Counter(word for words in named for word in words)
    common = sorted((word for word, count in counts.items() if count >= _FEWEST_POSTS), key=lambda w: (-counts[w], w))
    chosen = common[:_MOST_WORDS]
    if not chosen:
        return None
    found = []
    for word in chosen:
        vector = reader.read([word])[0].vector
        closeness = np.zeros(len(rows)) if vector is None else dataset.mood_text[rows] @ vector
        found.append(np.mean([word in named[row] for row in np.argsort(-closeness, kind="stable")[:CUTOFF]]))
    return MoodQuality(
        words=len(chosen),
        found=float(np.mean(found)),
        by_chance=float(np.mean([counts[word] / len(rows) for word in chosen])),
    )


def _emotions(text: object) -> frozenset[str]:
    """The emotions that a post's mood text names."""
    words = []
    for part in str(text).split(","):
        word = part.strip()
        for lead in _LEADS:
            word = word.removeprefix(lead)
        words.append(word)
    return frozenset(filter(None, words))
