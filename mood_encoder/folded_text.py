"""Texts in the one form in which they are compared with the tables of moods."""

import re
import unicodedata

_MARKS = re.compile("[\u0300-\u036f\u064b-\u0655\u0670\u0640\u093c\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
_ALIKE = str.maketrans(
    {"ı": "i", "ø": "o", "ł": "l", "æ": "ae", "œ": "oe", "ё": "е", "ँ": "ं"}
    | {"أ": "ا", "إ": "ا", "آ": "ا", "ٱ": "ا", "ة": "ه", "ى": "ي", "ؤ": "و", "ئ": "ي"}
)


def folded(text: str) -> str:
    """Text as it is compared with the tables: one form of each letter, no case, no accents, no Arabic vowels."""
    text = unicodedata.normalize("NFKC", text).casefold()
    if not text.isascii():
        text = "".join(unicodedata.normalize("NFD", sign) if _has_accents(sign) else sign for sign in text)
        text = _MARKS.sub("", text.translate(_ALIKE))
    return text


def _has_accents(sign: str) -> bool:
    return "\xc0" <= sign < "\u0700" or "\u1e00" <= sign < "\u2000"
