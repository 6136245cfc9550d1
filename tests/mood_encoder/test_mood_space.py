"""Where moods and posts lie in the text space, with the installed BERT."""

from itertools import product

import numpy as np
import pytest

from mood_encoder.encoder_files import default_encoder_directory
from mood_encoder.mood_families import FAMILIES
from mood_encoder.mood_reader import MoodReader, fitted_reader
from mood_encoder.mood_space import NAMES, weights_of_text
from mood_encoder.mood_text import post_to_mood_sentence
from mood_encoder.torch_encoder import TorchEncoder
from tests.mood_spaces import made_up_mood_space


@pytest.fixture(scope="module")
def reader() -> MoodReader:
    return fitted_reader(TorchEncoder(default_encoder_directory()))


def vector(reader: MoodReader, mood: str) -> np.ndarray:
    (meant,) = reader.read([mood])
    assert meant.vector is not None
    return meant.vector


def post(reader: MoodReader, emotions: str) -> np.ndarray:
    sentence = post_to_mood_sentence(emotions, "")
    return reader.place_post(emotions, "", reader.encoder.encode([sentence])[0])


@pytest.mark.parametrize("dimension", [4, 8, 384])
def test_families_are_unit_vectors_in_the_span_of_an_orthonormal_basis(dimension: int) -> None:
    space = made_up_mood_space(dimension)
    np.testing.assert_allclose(space.basis @ space.basis.T, np.eye(len(space.basis)), atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(space.families, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose((space.families @ space.basis.T) @ space.basis, space.families, atol=1e-5)
    np.testing.assert_allclose(space.families @ space.basis[-1], 0, atol=1e-5)  # no family means "no mood"


def test_a_family_lies_away_from_its_opposites_and_nearest_to_itself(reader: MoodReader) -> None:
    nearness = reader.space.families @ reader.space.families.T
    for row, name in enumerate(NAMES):
        assert nearness[row].argmax() == row
        for opposite in FAMILIES[name].opposites:
            assert nearness[row, NAMES.index(opposite)] < 0.1, (name, opposite)


@pytest.mark.parametrize(
    ("mood", "emotions", "opposite"),
    [
        ("calm", "quietude, placidness", "urgency, tension, anxiety"),
        ("happy", "mirth, elation", "sorrow, bereavement"),
        ("scary", "terror, menace", "safety, tranquility"),
        ("estoy muy triste", "sorrow, bereavement", "mirth, elation"),
        ("落ち着きたい", "quietude, placidness", "urgency, tension, anxiety"),
        ("no horror please", "quietude, placidness", "terror, menace"),
    ],
)
def test_a_mood_is_near_its_posts_and_opposite_to_others(
    reader: MoodReader, mood: str, emotions: str, opposite: str
) -> None:
    asked = vector(reader, mood)
    assert asked @ post(reader, emotions) > 0.3
    assert asked @ post(reader, opposite) < 0.1


def test_moods_and_posts_are_unit_vectors(reader: MoodReader) -> None:
    moods = ("calm", "no romance", "😂", "from sad to happy", "a heist among friends that goes joyfully wrong")
    for each in [*(vector(reader, mood) for mood in moods), post(reader, "calm"), post(reader, "a lake")]:
        assert np.linalg.norm(each) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("text", ["12345", "xkcdvbn", "John Smith", "Tuesday", "surullinen", "🇫🇷", "%00--"])
def test_what_says_nothing_about_a_mood_has_no_place(reader: MoodReader, text: str) -> None:
    assert reader.read([text])[0].vector is None


def test_the_head_places_a_word_that_no_table_has(reader: MoodReader) -> None:
    (meant,) = reader.read(["tumultuous"])
    assert not meant.understood.is_understood
    if meant.vector is not None:
        assert FAMILIES[max(meant.wanted, key=lambda name: meant.wanted[name])].valence < 0.5


def test_moods_of_one_call_are_as_those_of_several(reader: MoodReader) -> None:
    together = reader.read(["calm", "12345", "muy feliz"])
    for mood, meant in zip(["calm", "12345", "muy feliz"], together, strict=True):
        alone = reader.read([mood])[0].vector
        assert (alone is None) == (meant.vector is None)
        if alone is not None and meant.vector is not None:
            np.testing.assert_allclose(alone, meant.vector, atol=1e-5)


def test_opposite_moods_are_far_apart(reader: MoodReader) -> None:
    for one, other in product(("happy", "delighted"), ("sad", "miserable")):
        assert vector(reader, one) @ vector(reader, other) < 0.1


def test_an_english_word_of_a_post_is_no_mood_of_another_language() -> None:
    known = {"ask", "feel", "so", "happy"}.__contains__
    assert not weights_of_text("I ask you to see it", is_word=known)
    assert set(weights_of_text("I feel so happy", is_word=known)) == {"joy"}
