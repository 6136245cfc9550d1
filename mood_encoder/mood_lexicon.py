"""Finds the words of moods, and the words around them that count, in a text of any of the languages of the tables."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import import_module

from mood_encoder.folded_text import folded
from mood_encoder.mood_operators import CJK_AVOID, CJK_AVOIDED_BEFORE, FUNCTION_WORDS, OPERATORS

LANGUAGES = (
    "english", "spanish", "french", "german", "italian", "portuguese", "hindi", "japanese", "arabic", "indonesian",
    "turkish", "russian", "korean", "dutch", "polish", "chinese",
)  # fmt: skip
_WITHOUT_SPACES = frozenset({"japanese", "chinese"})
_CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff々ー"
_TOKEN = re.compile(
    rf"(?P<cjk>[{_CJK}]+)|(?P<word>(?:[^\W_{_CJK}]|[\u0900-\u0963\u0e31-\u0e4e])+)"
    r"|(?P<arrow>⇒)|(?P<stop>[.,;:!?…\n/|&+()\"。、！？，؛؟،।]+)"
)
_CLITICS = ("وال", "بال", "ال", "لل", "و", "ب")  # Arabic, written together with the word that follows
_LONGEST_CJK, _SHORTEST_CORRECTED = 10, 4
_FEWEST_LETTERS_AFTER_CLITIC = 3
_REMEMBERED_WORDS = 20_000
_ENGLISH_FROM = 2  # function words: then an English word is not that of another language that is spelt alike


@dataclass(frozen=True, slots=True)
class Mood:
    """Words of a mood that were found, and the families that they are of."""

    text: str
    families: tuple[str, ...]
    is_wish: bool
    language: str


@dataclass(frozen=True, slots=True)
class Operator:
    """Words that say what is to become of a mood; ``kind`` is a key of OPERATORS, "arrow", "stop" or "word"."""

    kind: str
    text: str = ""
    mood: Mood | None = None  # what the words mean where they have nothing to work on, as "sick of" has


Item = Mood | Operator


@dataclass(frozen=True, slots=True)
class _Entry:
    words: tuple[tuple[str, bool], ...]  # each with whether any ending will do
    language: str
    families: tuple[str, ...] = ()
    is_wish: bool = False
    kind: str = ""


def find(text: str, *, is_word: Callable[[str], bool] = lambda _: False) -> list[Item]:
    """What a text says of moods, in order. Misspelt English words are read as the nearest word of a mood.

    ``is_word`` tells words that are spelt right, though they are not of a mood.
    """
    tables = _tables()
    found = [(match.lastgroup or "", match[0]) for match in _TOKEN.finditer(folded(text))]
    words = [word for kind, word in found if kind == "word"]
    language = _language_of(words)
    is_english = language == "english" and _function_words(words, language) >= _ENGLISH_FROM
    items: list[Item] = []
    position = 0
    while position < len(found):
        kind, token = found[position]
        position += 1
        if kind == "cjk":
            items += _in_cjk(token, tables)
        elif kind != "word":
            items.append(Operator(kind))
        else:
            run = [token, *_words_after(found, position)]
            entries = _best(tables, run, language)
            is_foreign = all(entry.language != language and not entry.kind for entry in entries)
            if not entries or (is_english and is_foreign and is_word(token)):  # "ask" is no Turkish love here
                items.append(_corrected(token, tables, is_word) or Operator("word", token))
                continue
            position += len(entries[0].words) - 1
            items.append(_item(entries, " ".join(run[: len(entries[0].words)]), alone=_best(tables, run[:1], language)))
    return items


def _words_after(found: Sequence[tuple[str, str]], position: int) -> Iterator[str]:
    for kind, token in found[position : position + 6]:
        if kind != "word":
            return
        yield token


def _item(entries: Sequence[_Entry], text: str, *, alone: Sequence[_Entry] = ()) -> Item:
    """The item of entries; ``alone`` are those of its first word, which says a mood where "sick of" has no object."""
    moods = [entry for entry in entries if entry.families] or [entry for entry in alone if entry.families]
    mood = Mood(text, _all_families(moods), moods[0].is_wish, moods[0].language) if moods else None
    kinds = [entry.kind for entry in entries if entry.kind]
    return Operator(kinds[0], text, mood) if kinds or mood is None else mood


def _all_families(entries: Sequence[_Entry]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(family for entry in entries for family in entry.families))


@dataclass(frozen=True, slots=True)
class _Tables:
    entries: Mapping[str, tuple[_Entry, ...]]  # by the first word
    stems: Mapping[str, tuple[_Entry, ...]]  # by the beginning of the first word
    cjk: Mapping[str, tuple[_Entry, ...]]
    nearly: Mapping[str, tuple[str, ...]]  # English words by what is left of them without one letter


def _best(tables: _Tables, run: Sequence[str], language: str) -> list[_Entry]:
    """The entries that cover most words at the start of a run: of the text's language, or of the first that has any."""
    word = run[0]
    candidates = _beginning_with(word)
    if not candidates:
        for clitic in _CLITICS:
            if word.startswith(clitic) and len(word) - len(clitic) >= _FEWEST_LETTERS_AFTER_CLITIC:
                return _best(tables, [word[len(clitic) :], *run[1:]], language)
        return []
    fitting = [entry for entry in candidates if _fits(entry, run)]
    if not fitting:
        return []
    longest = max(len(entry.words) for entry in fitting)
    fitting = [entry for entry in fitting if len(entry.words) == longest]
    operators = [entry for entry in fitting if entry.kind]
    fitting = [entry for entry in fitting if not entry.kind]
    if fitting:
        spoken = [entry for entry in fitting if entry.language == language]
        fitting = spoken or [entry for entry in fitting if entry.language == fitting[0].language]
        exactness = max(_letters(entry) for entry in fitting)
        fitting = [entry for entry in fitting if _letters(entry) == exactness]
    return [*operators[:1], *fitting]


@lru_cache(_REMEMBERED_WORDS)
def _beginning_with(word: str) -> tuple[_Entry, ...]:
    """The entries whose first word is this one: those that name it, then the longest stems."""
    tables = _tables()
    stems = (entry for end in range(len(word), 1, -1) for entry in tables.stems.get(word[:end], ()))
    return (*tables.entries.get(word, ()), *stems)


@lru_cache(_REMEMBERED_WORDS)
def _languages_with(word: str) -> tuple[tuple[str, float], ...]:
    """The languages that a word speaks for, and how much."""
    moods = dict.fromkeys(entry.language for entry in _beginning_with(word) if entry.families)
    functions = _languages_of_functions().get(word, ())
    return (*((language, 1.0) for language in functions), *((language, 0.9) for language in moods))


def _letters(entry: _Entry) -> int:
    return sum(2 * len(word) + (not is_stem) for word, is_stem in entry.words)


def _fits(entry: _Entry, run: Sequence[str]) -> bool:
    if len(entry.words) > len(run):
        return False
    return all(
        token.startswith(word) if is_stem else token == word
        for (word, is_stem), token in zip(entry.words, run, strict=False)
    )


def _language_of(words: Sequence[str]) -> str:
    """The language that most words of a text are of; English if no other has more."""
    counts = dict.fromkeys(LANGUAGES, 0.0)
    for word in words:
        for language, weight in _languages_with(word):
            counts[language] += weight
    return max(counts, key=counts.__getitem__)


def _function_words(words: Sequence[str], language: str) -> int:
    """How many of the words every text of a language has."""
    return sum(language in _languages_of_functions().get(word, ()) for word in words)


def _in_cjk(run: str, tables: _Tables) -> Iterator[Item]:
    """Moods in a run of Japanese or Chinese, which has no spaces: the longest word at each place."""
    place = 0
    while place < len(run):
        for end in range(min(len(run), place + _LONGEST_CJK), place, -1):
            entries = tables.cjk.get(run[place:end])
            if entries:
                yield _item(entries, run[place:end])
                place = end
                break
            if run[place:end] in CJK_AVOIDED_BEFORE:
                yield Operator("avoided_before", run[place:end])
                place = end
                break
            if run[place:end] in CJK_AVOID:
                yield Operator("avoid", run[place:end])
                place = end
                break
        else:
            place += 1


def _corrected(token: str, tables: _Tables, is_word: Callable[[str], bool]) -> Item | None:
    """The mood of a word that is one letter away from one of the English tables, if it is no word itself."""
    if len(token) < _SHORTEST_CORRECTED or not token.isascii() or not token.isalpha() or is_word(token):
        return None
    near = {
        word
        for left in (token, *_without_a_letter(token))
        for word in tables.nearly.get(left, ())
        if word[0] == token[0] and (len(token) > _SHORTEST_CORRECTED or len(word) > _SHORTEST_CORRECTED)
    }
    if not near:
        return None
    word = min(near, key=lambda word: (abs(len(word) - len(token)), word[-1] != token[-1], word))
    entries = _best(tables, [word], "english")
    return _item(entries, word) if entries and entries[0].families else None


def _without_a_letter(word: str) -> Iterator[str]:
    return (word[:place] + word[place + 1 :] for place in range(len(word)))


def is_function_word(word: str) -> bool:
    """Whether a word in lower case is one that every text of its language has."""
    return word in _languages_of_functions()


@cache
def _languages_of_functions() -> Mapping[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for language, words in FUNCTION_WORDS.items():
        for word in dict.fromkeys(folded(words).split()):
            found[word] = (*found.get(word, ()), language)
    return found


@cache
def _tables() -> _Tables:
    by_word: dict[str, list[_Entry]] = {}
    by_stem: dict[str, list[_Entry]] = {}
    cjk: dict[str, list[_Entry]] = {}
    entries = [entry for language in LANGUAGES for entry in _entries_of(language)]
    entries += [_Entry(words, "", kind=kind) for kind, table in OPERATORS.items() for words in _phrases(table)]
    for entry in entries:
        if entry.language in _WITHOUT_SPACES:
            cjk.setdefault("".join(word for word, _ in entry.words), []).append(entry)
            continue
        first, is_stem = entry.words[0]
        (by_stem if is_stem else by_word).setdefault(first, []).append(entry)
    nearly: dict[str, list[str]] = {}
    for word in dict.fromkeys(_english_words()):
        for left in (word, *_without_a_letter(word)):
            nearly.setdefault(left, []).append(word)
    return _Tables(
        _frozen(by_word), _frozen(by_stem), _frozen(cjk), {key: tuple(words) for key, words in nearly.items()}
    )


def _frozen(entries: Mapping[str, Sequence[_Entry]]) -> dict[str, tuple[_Entry, ...]]:
    return {key: tuple(found) for key, found in entries.items()}


def words_of(language: str) -> dict[str, str]:
    """The table of a language."""
    words: dict[str, str] = import_module(f"mood_encoder.mood_words.{language}").WORDS
    return words


def _entries_of(language: str) -> Iterator[_Entry]:
    for key, table in words_of(language).items():
        families = tuple(key.removesuffix("!").split("+"))
        for words in _phrases(table):
            yield _Entry(words, language, families, is_wish=key.endswith("!"))


def _phrases(table: str) -> Iterator[tuple[tuple[str, bool], ...]]:
    for phrase in table.split(","):
        words = tuple((word.rstrip("*"), word.endswith("*")) for word in folded(phrase).split())
        if words:
            yield words


def _english_words() -> Iterator[str]:
    """Single words that a misspelt one may stand for: whole words, and the usual forms of stems."""
    for key, table in words_of("english").items():
        if key.endswith("!"):
            continue
        for words in _phrases(table):
            if len(words) == 1 and len(words[0][0]) >= _SHORTEST_CORRECTED - 1:
                word, is_stem = words[0]
                endings = _endings(word) if is_stem else ("",)
                for ending in endings:
                    if len(word + ending) >= _SHORTEST_CORRECTED:
                        yield word + ending


def _endings(stem: str) -> tuple[str, ...]:
    if stem in {"happ", "gloom", "spook", "creep", "mood"}:
        return ("y", "ier", "iness")
    return ("", "y", "ed", "ing", "ly", "ness", "ful", "ous", "ety", "e", "s", "d", "ive", "ic", "tion", "ated", "able")
