"""Foreign text on a terminal, shown without its control sequences; and arguments, which are read as UTF-8."""

import os
import unicodedata

from rich.text import Text

_INVISIBLE = {"Cc", "Cs", "Co", "Cn"}
_DIRECTIONS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u2028\u2029\ufeff")


def typed(text: str) -> str:
    """Decode an argument as UTF-8: in an ASCII locale, Python keeps its bytes as lone surrogates."""
    return os.fsencode(text).decode("utf-8", errors="replace")


def plain(text: str) -> Text:
    """Text that rich shows as it is: neither markup nor ``:codes:`` of emoji mean anything in it."""
    return Text(printable(text))


def printable(text: str) -> str:
    """The text on one line: characters that steer a terminal, or the order of what it shows, as their code points."""
    return "".join(
        " " if character in "\t\n\r" else f"<U+{ord(character):04X}>" if _is_steering(character) else character
        for character in text
    )


def _is_steering(character: str) -> bool:
    return character in _DIRECTIONS or unicodedata.category(character) in _INVISIBLE
