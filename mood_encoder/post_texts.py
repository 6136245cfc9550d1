"""The texts of a post that are embedded, made in the same way of an upstream's summary and of a post's own fields."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

_TIMED_OUT = re.compile(r"^\s*Error generating description", re.IGNORECASE)
_MARKDOWN = re.compile(r"[*_`#>|]+|^\s*[-+]\s+|^\s*\d+\.\s+|\[([^\]]*)\]\([^)]*\)", re.MULTILINE)
_SPACES = re.compile(r"\s+")
_WORD_BREAKS = re.compile(r"[_/]+")


@dataclass(frozen=True, slots=True)
class PostTexts:
    """The summary, which the post tower reads, and the mood, which names the emotions and may be empty."""

    summary: str
    mood: str
    description: str


def texts_of(*, title: str, description: str, emotions: Iterable[str] = ()) -> PostTexts:
    """The texts of a post that its author describes, as the pipeline has them."""
    mood = joined_words(map(plain_word, emotions))
    plain = plain_description(description)
    return PostTexts(summary=joined_parts(title, mood, plain), mood=mood, description=plain)


def joined_parts(title: str, *parts: str) -> str:
    """The text to embed; the encoder cuts it, so the most informative parts come first."""
    return ". ".join(part for part in (title.strip(), *parts) if part)


def joined_words(words: Iterable[str]) -> str:
    """Each word once, in order."""
    return ", ".join(dict.fromkeys(word for word in words if word))


def plain_word(text: str) -> str:
    """A word or a key such as ``very_calm`` in plain words."""
    return _SPACES.sub(" ", _WORD_BREAKS.sub(" ", text)).strip()


def plain_description(text: str) -> str:
    """A description without marks of Markdown; empty where a description says that it could not be made."""
    if _TIMED_OUT.match(text):
        return ""
    return _SPACES.sub(" ", _MARKDOWN.sub(r" \1", text)).strip()
