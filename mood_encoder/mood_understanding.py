"""What a typed mood asks for and what it wants to avoid, by families of moods; rules of grammar, no encoder."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from mood_encoder.mood_families import FAMILIES
from mood_encoder.mood_lexicon import Item, Mood, Operator, find, is_function_word
from mood_encoder.mood_text import plain_words

_ARROWS = re.compile("[→⇒⇨➔➜➝➞➡⟶▶👉🔜⏩⏭]\ufe0f?|-+>|=+>")
_ARROW = " ⇒ "
_MORE, _LESS = 1.5, 0.5
_LEFT_BEHIND = 0.6  # of what somebody says to be, who asks for something else
_REACH = 4  # how many words later a negation ends
_REACH_BACK = 3
_SENSIBLE_DIFFERENCE = 0.1


@dataclass(frozen=True, slots=True)
class Understood:
    """What a typed mood means.

    ``wanted`` and ``avoided`` are weights of families, all positive. ``words`` are in English, for the encoder; empty
    if nothing is wanted. ``plain`` is the text in plain words, as typed. ``language`` is that of the words found, empty
    if none was found. ``found`` are the words that counted, each with its families and whether it is avoided.
    """

    wanted: Mapping[str, float]
    avoided: Mapping[str, float]
    words: str
    plain: str
    language: str = ""
    found: tuple[tuple[str, tuple[str, ...], bool], ...] = ()

    @property
    def is_understood(self) -> bool:
        """Whether any word of a mood was found."""
        return bool(self.found)


@dataclass(slots=True)
class _Said:
    mood: Mood
    weight: float
    is_avoided: bool
    is_wished: bool


@dataclass(slots=True)
class _Reader:
    """Goes through what was found, and decides of each mood whether it is wanted."""

    said: list[_Said] = field(default_factory=list)
    is_avoiding: bool = False
    has_avoided: bool = False  # since the negation
    is_wishing: bool = False
    is_from: bool = False
    weight: float = 1.0
    since: int = 0  # words since the negation, or since the last mood
    fallback: Mood | None = None
    clause: int = 0  # where the moods of this clause begin in ``said``

    def read(self, items: Iterable[Item]) -> list[_Said]:
        for item in items:
            if isinstance(item, Mood):
                self._mood(item)
            else:
                self._operator(item)
        self._end_avoiding()
        return self.said

    def _mood(self, mood: Mood) -> None:
        self.said.append(_Said(mood, self.weight, self.is_avoiding, self.is_wishing or mood.is_wish))
        self.has_avoided, self.fallback, self.weight, self.since = self.is_avoiding, None, 1.0, 0

    def _operator(self, operator: Operator) -> None:
        match operator.kind:
            case "avoid":
                self._end_avoiding()
                self.is_avoiding, self.fallback, self.since = True, operator.mood, 0
            case "avoided_before":
                if self.said and self.since <= _REACH_BACK:
                    self.said[-1].is_avoided = not self.said[-1].is_avoided
            case "wish" | "feel":
                self._begin_anew(is_wishing=operator.kind == "wish")
            case "from":
                self.is_from = True
            case "to":
                self._go_over()
            case "arrow":
                self._leave_behind()
            case "more" | "less":
                self.weight = _MORE if operator.kind == "more" else _LESS
            case "break" | "stop":
                self._end_clause()
            case "affirm":
                self._end_avoiding()
            case _:
                self._word()

    def _begin_anew(self, *, is_wishing: bool) -> None:
        """A negation that has had its word ends where somebody wishes, or tells how they are."""
        if self.has_avoided:
            self._end_avoiding()
        self.is_wishing = self.is_wishing or is_wishing

    def _go_over(self) -> None:
        """From one mood to another."""
        if self.is_from and len(self.said) > self.clause:
            self._leave_behind()
        elif self.has_avoided:
            self._end_avoiding()

    def _word(self) -> None:
        self.since += 1
        if self.is_avoiding and self.since > _REACH:
            self._end_avoiding()

    def _leave_behind(self) -> None:
        for said in self.said[self.clause :]:
            said.is_avoided = True
        self._end_clause()
        self.is_wishing = True

    def _end_clause(self) -> None:
        self._end_avoiding()
        self.is_wishing = self.is_from = False
        self.clause = len(self.said)

    def _end_avoiding(self) -> None:
        if self.is_avoiding and self.fallback is not None and not self.has_avoided:
            self.said.append(_Said(self.fallback, self.weight, is_avoided=False, is_wished=False))
        self.is_avoiding = self.has_avoided = False
        self.fallback, self.weight = None, 1.0


def understand(typed: str, *, is_word: Callable[[str], bool] = lambda _: False) -> Understood:
    """What a typed mood means, in any language of the tables; ``is_word`` is that of mood_lexicon.find."""
    plain = plain_words(_ARROWS.sub(_ARROW, typed))
    items = find(plain, is_word=is_word)
    said = _Reader().read(items)
    plain = " ".join(plain.replace("⇒", " to ").split())
    if not said:
        return Understood({}, {}, words=plain, plain=plain)
    _leave_states_behind(said)
    wanted = _weights(each for each in said if not each.is_avoided)
    avoided = _weights(each for each in said if each.is_avoided)
    for family in wanted:
        avoided.pop(family, None)
    languages = [each.mood.language for each in said]
    language = max(dict.fromkeys(languages), key=languages.count)
    is_as_typed = language == "english" and not any(each.is_avoided for each in said)
    if is_as_typed:
        words = " ".join(filter(None, map(_telling, items)))
    else:
        words = ", ".join(dict.fromkeys(_english(each.mood) for each in said if not each.is_avoided))
    if not wanted:
        instead = {family for name in avoided for family in FAMILIES[name].instead} - set(avoided)
        wanted = dict.fromkeys(sorted(instead), 0.7)
        words = ", ".join(FAMILIES[family].word for family in wanted)
    return Understood(
        wanted,
        avoided,
        words=words,
        plain=plain,
        language=language,
        found=tuple((each.mood.text, each.mood.families, each.is_avoided) for each in said),
    )


def _telling(item: Item) -> str:
    """What of an English text the encoder reads: moods, and words that are not everywhere; the fewer, the faster."""
    if isinstance(item, Mood):
        return item.text
    return item.text if item.kind == "word" and not is_function_word(item.text) else ""


def _leave_states_behind(said: list[_Said]) -> None:
    """Who is in a bad mood and asks for a better one wants to leave the first behind."""
    wished = [_valence(each.mood) for each in said if each.is_wished and not each.is_avoided]
    if not wished or max(wished) < _SENSIBLE_DIFFERENCE:
        return
    for each in said:
        if not (each.is_wished or each.is_avoided) and _valence(each.mood) < -_SENSIBLE_DIFFERENCE:
            each.is_avoided, each.weight = True, each.weight * _LEFT_BEHIND


def _valence(mood: Mood) -> float:
    return sum(FAMILIES[family].valence for family in mood.families) / len(mood.families)


def _weights(said: Iterable[_Said]) -> dict[str, float]:
    weights: dict[str, float] = {}
    for each in said:
        for family in each.mood.families:
            weights[family] = weights.get(family, 0.0) + each.weight / len(each.mood.families)
    return weights


def _english(mood: Mood) -> str:
    return mood.text if mood.language == "english" else " ".join(FAMILIES[family].word for family in mood.families)
