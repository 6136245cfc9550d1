"""Moods asked of eleven posts whose embeddings are those of the words that they name."""

from dataclasses import replace
from typing import cast

import numpy as np
import pytest
from numpy.typing import NDArray

from mood_encoder.mood_reader import MoodReader
from mood_encoder.mood_space import MeantMood
from mood_encoder.mood_understanding import Understood
from pipeline.dataset import Dataset
from pipeline.mood_quality import measure_moods
from tests.pipeline.by_hand.tiny_dataset import tiny_dataset

WORDS = ("dread", "serenity")


class ByWord:
    """Reads a mood as the words in it."""

    def read(self, moods: list[str]) -> list[MeantMood]:
        nothing = Understood({}, {}, words="", plain="")
        return [MeantMood(vector, {}, nothing) for vector in vectors(moods)]


def vectors(texts: list[str]) -> NDArray[np.float32]:
    return np.array([[float(word in text) for word in WORDS] for text in texts], dtype=np.float32)


def dataset_of(moods: list[str]) -> Dataset:
    dataset = tiny_dataset((), posts=len(moods), text=np.zeros((len(moods), 2)))
    embeddings = vectors(moods)
    posts = dataset.posts.assign(mood_text=moods, is_servable=True)
    return replace(dataset, posts=posts, mood_text=embeddings)


def test_a_words_nearest_posts_are_counted_if_they_name_it() -> None:
    dataset = dataset_of(["evokes dread, a touch of dread"] * 10 + ["serenity"] * 10)
    found = measure_moods(dataset, cast("MoodReader", ByWord()))
    assert found is not None
    assert (found.words, found.found, found.by_chance) == (2, 1.0, 0.5)
    blind = replace(dataset, mood_text=np.roll(dataset.mood_text, 1, axis=1))  # each word leads to the other's posts
    found = measure_moods(blind, cast("MoodReader", ByWord()))
    assert found is not None
    assert found.found == 0.0


@pytest.mark.parametrize("moods", [["dread"] * 9 + ["serenity"] * 9, [""] * 12])
def test_words_that_fill_no_page_measure_nothing(moods: list[str]) -> None:
    assert measure_moods(dataset_of(moods), cast("MoodReader", ByWord())) is None
