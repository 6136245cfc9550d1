import emoji
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mood_encoder.encoder_files import default_encoder_directory
from mood_encoder.mood_text import mood_to_words, post_to_mood_sentence
from mood_encoder.torch_encoder import TorchEncoder


@pytest.fixture(scope="module")
def encoder() -> TorchEncoder:
    return TorchEncoder(default_encoder_directory())


@pytest.mark.parametrize(
    ("mood", "meant"), [("😢", "sad"), ("😂", "laughing"), ("😎", "cool"), ("🥱", "bored"), ("not 😢", "happy")]
)
def test_a_mood_lands_nearest_to_what_people_mean_by_it(encoder: TorchEncoder, mood: str, meant: str) -> None:
    words = ["sad", "laughing", "cool", "bored", "happy", "angry", "scared", "romantic"]
    nearness = encoder.encode([mood_to_words(mood)]) @ encoder.encode(words).T
    assert words[int(nearness[0].argmax())] == meant


@pytest.mark.parametrize(
    ("mood", "opposite"), [("not sad", "happy"), ("I don’t feel lonely", "friends"), ("not sad or bored", "exciting")]
)
def test_a_negated_mood_asks_for_its_opposite(mood: str, opposite: str) -> None:
    words = mood_to_words(mood)
    assert opposite in words
    assert "sad" not in words
    assert "lonely" not in words


def test_a_negation_without_a_known_opposite_stays_as_typed() -> None:
    assert mood_to_words("not sad or purple") == "not sad or purple"


@pytest.mark.parametrize("symbol", ["👍🏿", "👍🏻", "👍"])
def test_a_skin_tone_changes_no_mood(symbol: str) -> None:
    assert mood_to_words(symbol) == mood_to_words("👍")


def test_repeated_emoji_are_said_once_and_several_are_all_heard() -> None:
    assert mood_to_words("😢😢😢") == mood_to_words("😢")
    several = mood_to_words("😢😎")
    assert mood_to_words("😢") in several
    assert mood_to_words("😎") in several


def test_words_around_emoji_are_kept() -> None:
    assert mood_to_words("rainy day😢 again") == f"rainy day {mood_to_words('😢')} again"


def test_an_emoji_outside_of_the_table_speaks_through_its_name() -> None:
    assert mood_to_words("🪗") == "accordion"


@given(st.text(alphabet=st.characters(codec="utf-8") | st.sampled_from("😢👍🏿‍♀️❤🔥")))
def test_any_text_becomes_words_without_emoji(text: str) -> None:
    words = mood_to_words(text)
    assert words == " ".join(words.split())
    assert not emoji.emoji_count(words)


@given(st.text(alphabet="abcdefghijklm ", max_size=40))
def test_plain_words_come_back_as_they_are(text: str) -> None:
    assert mood_to_words(text) == " ".join(text.split())


def test_a_post_speaks_of_its_emotions_else_of_its_summary_else_not_at_all() -> None:
    assert "dread" in post_to_mood_sentence("dread", "a lake")
    assert "lake" not in post_to_mood_sentence("dread", "a lake")
    assert "a lake" in post_to_mood_sentence("", "a lake")
    assert post_to_mood_sentence("", " ") == ""
