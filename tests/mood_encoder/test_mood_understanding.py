"""What typed moods are understood as, by the tables of words and the grammar around them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mood_encoder.folded_text import folded
from mood_encoder.mood_families import FAMILIES
from mood_encoder.mood_lexicon import LANGUAGES, words_of
from mood_encoder.mood_understanding import understand


def families(weights: object) -> set[str]:
    return set(dict(weights))  # type: ignore[call-overload]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_word_of_the_tables_is_of_families_that_exist(language: str) -> None:
    names = {name for key in words_of(language) for name in key.removesuffix("!").split("+")}
    assert names <= FAMILIES.keys()
    assert {"joy", "sadness", "calm", "excitement", "fear", "stress", "loneliness", "boredom"} <= names


@pytest.mark.parametrize(
    ("typed", "wanted", "avoided"),
    [
        ("no clowns, no horror", {"calm"}, {"fear"}),
        ("nothing gloomy today", {"joy"}, {"sadness"}),
        ("I don't want anything stressful", {"calm"}, {"stress"}),
        ("anything but love songs", set(), {"romance"}),
        ("sick of being alone", {"togetherness", "joy"}, {"loneliness"}),
        ("less worry, more laughter", {"amusement"}, {"stress"}),
        ("cheerful, not gloomy", {"joy"}, {"sadness"}),
        ("I'm so tense, help me unwind", {"calm"}, {"stress"}),
        ("from angry to peaceful", {"calm"}, {"anger"}),
        ("😢 → 😂", {"amusement"}, {"sadness"}),
        ("😡➡️😌", {"calm"}, {"anger"}),
        ("sad -> happy", {"joy"}, {"sadness"}),
        ("nothing but happy songs", {"joy"}, set()),
        ("sick of everything", {"disgust", "tiredness"}, set()),
        ("scary and funny", {"fear", "amusement"}, set()),
        ("no quiero nada triste", {"joy"}, {"sadness"}),
        ("je ne veux pas de film d'horreur", {"calm"}, {"fear"}),
        ("nicht traurig, sondern lustig", {"amusement"}, {"sadness"}),
        ("mutlu değil", {"sadness"}, {"joy"}),
        ("मैं दुखी नहीं हूँ", {"joy"}, {"sadness"}),
        ("怖くない", {"calm"}, {"fear"}),
        ("безо всякой грусти, хочу радости", {"joy"}, {"sadness"}),
    ],
)
def test_what_is_avoided_is_told_from_what_is_wanted(typed: str, wanted: set[str], avoided: set[str]) -> None:
    understood = understand(typed)
    assert (families(understood.wanted), families(understood.avoided)) == (wanted, avoided)


@pytest.mark.parametrize(
    ("typed", "family"),
    [
        ("saaaad", "sadness"),
        ("HAPPYYYY!!!", "joy"),
        ("hapy", "joy"),
        ("lonley", "loneliness"),
        ("exited", "excitement"),
        ("𝘀𝗮𝗱", "sadness"),
        ("ｃａｌｍ", "calm"),
        ("ⓗⓐⓟⓟⓨ", "joy"),
        ("m̷e̷l̷l̷o̷w̷", "calm"),
        (":(", "sadness"),
        ("<3", "romance"),
        ("👩‍❤️‍💋‍👨", "romance"),
        ("👨‍👩‍👧‍👦", "togetherness"),
        ("\u200fسعيد\u200f", "joy"),
        ("me siento muy feliz hoy", "joy"),
        ("mi sento solo", "loneliness"),
        ("je suis fatiguée", "tiredness"),
        ("ich bin total wütend", "anger"),
        ("aku lagi galau", "sadness"),
        ("من خیلی غمگینم و حزين", "sadness"),
        ("mi sto annoiando", "boredom"),
        ("muito nervosa", "stress"),
    ],
)
def test_a_mood_is_understood_however_it_is_written(typed: str, family: str) -> None:
    assert families(understand(typed).wanted) == {family}


@pytest.mark.parametrize(
    "typed", ["", "12345", "qwrtzp", "Maria", "...", "🇩🇪", "1️⃣", "'; DROP TABLE posts; --", "the table", "\u200d\ufe0f"]
)
def test_what_says_nothing_about_a_mood_is_not_understood(typed: str) -> None:
    assert not understand(typed).is_understood


def test_who_is_happy_and_asks_for_more_leaves_nothing_behind() -> None:
    assert not understand("I'm happy and want to dance").avoided


def test_a_word_that_is_spelt_right_is_not_corrected() -> None:
    assert understand("hapy").is_understood
    assert not understand("hapy", is_word=lambda word: word == "hapy").is_understood


def test_intensity_weighs_the_moods_of_a_text() -> None:
    wanted = understand("very sad and a little angry").wanted
    assert wanted["sadness"] == 3 * wanted["anger"]


@given(st.text(max_size=512))
def test_no_text_breaks_the_understanding(text: str) -> None:
    understood = understand(text)
    assert set(understood.wanted) <= FAMILIES.keys()
    assert not set(understood.wanted) & set(understood.avoided)
    assert folded(folded(text)) is not None


@pytest.mark.parametrize("text", ["I would ask you", "I need to pay the fin of my loan"])
def test_an_english_word_in_an_english_text_is_no_mood_of_another_language(text: str) -> None:
    known = {"ask", "fin", "pay", "loan", "would", "need"}
    assert not understand(text, is_word=known.__contains__).is_understood


def test_the_same_word_alone_is_the_mood_that_it_is_elsewhere() -> None:
    assert understand("ask", is_word=lambda _: True).is_understood
    assert understand("I feel triste", is_word=lambda word: word == "feel").is_understood
