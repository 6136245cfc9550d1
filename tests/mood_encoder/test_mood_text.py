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


def in_signs(word: str, first: str) -> str:
    return "".join(chr(ord(first) + ord(letter) - ord("a")) for letter in word)


@given(st.text(alphabet="abcdefghijklmnopqrstuvwxyz", min_size=1), st.sampled_from("ａ𝐚𝗮𝘀𝙖𝚊𝒂𝓪𝕒ⓐ"))
def test_letters_in_other_signs_are_the_letters(word: str, first: str) -> None:
    first = first if first != "𝘀" else "𝘢"
    assert mood_to_words(in_signs(word, first)) == mood_to_words(word)


@pytest.mark.parametrize(
    ("emoticon", "word"),
    [
        (":)", "happy"), (":-)", "happy"), (":)))", "happy"), ("=)", "happy"), ("^^", "happy"), ("^_^", "happy"),
        (":D", "laughing"), ("XD", "laughing"), ("xD", "laughing"), (";)", "playful"), (":P", "silly"),
        (":(", "sad"), (":-(", "sad"), (":'(", "sad"), ("T_T", "sad"), (":((((", "sad"), (">:(", "angry"),
        ("<3", "love"), ("</3", "heartbroken"), (":O", "surprised"), (":/", "confused"), ("-_-", "annoyed"),
    ],
)  # fmt: skip
def test_an_emoticon_is_what_people_mean_by_it(emoticon: str, word: str) -> None:
    assert mood_to_words(emoticon) == word
    assert mood_to_words(f"rain {emoticon} again") == f"rain {word} again"
    assert mood_to_words(f"rain {emoticon}!") == f"rain {word}!"


def test_an_emoticon_may_follow_a_word_at_once() -> None:
    assert mood_to_words("rain:)") == "rain happy"
    assert mood_to_words("rain:((") == "rain sad"


@pytest.mark.parametrize("text", ["see http://a.example/b", "at 10:30 (or so)", "a list: (one)", "x^^2", "1:0", "C:/D"])
def test_what_only_looks_like_an_emoticon_stays(text: str) -> None:
    assert mood_to_words(text) == text


@pytest.mark.parametrize(
    ("stretched", "word"),
    [("saaaad", "sad"), ("happyyyy", "happy"), ("HAPPYYYY", "HAPPY"), ("happppyyyy", "happy"), ("loooove", "love"),
     ("booooored", "bored"), ("gooooood", "good"), ("cooool", "cool"), ("sleeeepy", "sleepy"), ("angryyy", "angry")],
)  # fmt: skip
def test_a_stretched_word_is_the_word(stretched: str, word: str) -> None:
    assert mood_to_words(stretched) == mood_to_words(word)


@pytest.mark.parametrize("word", ["zzz", "aaa", "www", "happy", "bookkeeper", "ㅋㅋㅋ", "ооочень"])
def test_other_letters_that_repeat_stay(word: str) -> None:
    assert mood_to_words(word) == word


@pytest.mark.parametrize(
    ("sequence", "alike"),
    [("🫱🏻‍🫲🏿", "🤝"), ("👨‍👩‍👧‍👦", "👪"), ("👩‍👩‍👦", "👪"), ("👩🏽‍❤️‍💋‍👨🏿", "💏"), ("👨🏻‍❤️‍👨🏿", "💑"), ("❤️", "❤"),
     ("🏳️‍🌈", "🏳‍🌈"), ("🧗🏽‍♀️", "🧗"), ("🙍🏾‍♂️", "🙍"), ("💃🏿", "💃")],
)  # fmt: skip
def test_a_sequence_of_emoji_is_one_thing(sequence: str, alike: str) -> None:
    assert mood_to_words(sequence) == mood_to_words(alike)


@pytest.mark.parametrize(
    ("sequence", "words"), [("🇫🇷", "France"), ("🏴󠁧󠁢󠁥󠁮󠁧󠁿", "England"), ("1️⃣", "1"), ("👩🏿‍🚀", "woman astronaut")]
)
def test_a_sequence_without_a_meaning_is_its_name(sequence: str, words: str) -> None:
    assert mood_to_words(sequence) == words


@pytest.mark.parametrize("symbol", sorted(emoji.EMOJI_DATA)[::7])
def test_no_emoji_leaves_a_skin_tone_or_a_joiner_behind(symbol: str) -> None:
    words = mood_to_words(symbol)
    assert "skin tone" not in words
    assert not set(words) & set("\u200d\ufe0f\ufe0e")
