"""A substitute for a missing title: the keywords of the post, else the beginning of its description."""

import unicodedata
from collections.abc import Iterator

import pandas as pd

from bundle.stand_in_titles import StandInTitle

LONGEST_LINE = 90  # characters of a title or of its substitute
_KEYWORDS = 4


def stand_in_titles(posts: pd.DataFrame) -> Iterator[StandInTitle]:
    """A line for each post with keywords or a description, and without a title that can be seen."""
    columns = (posts[name] for name in ("post_id", "title", "keywords", "description"))
    for post_id, title, keywords, description in zip(*columns, strict=True):
        if not one_line(title) and (text := stand_in_title(keywords, description)):
            yield StandInTitle(int(post_id), text)


def stand_in_title(keywords: str, description: str) -> str:
    """The first four keywords, else the beginning of the description; empty if there is neither."""
    return shorten(", ".join(first_words(keywords.replace(";", ","), _KEYWORDS)) or description)


def first_words(text: str, count: int) -> list[str]:
    """The first parts between commas that can be seen."""
    words = (one_line(part) for part in text.split(","))
    return [word for word in words if word][:count]


def shorten(text: str) -> str:
    """At most ``LONGEST_LINE`` characters on one line, cut between words if possible."""
    line = one_line(text)
    if len(line) <= LONGEST_LINE:
        return line
    cut = line[: LONGEST_LINE - 1]
    space = cut.rfind(" ")
    return (cut[:space] if space > LONGEST_LINE // 2 else cut).rstrip(" .,;") + "…"


def one_line(text: str) -> str:
    """One line without control characters and lone surrogates, which are invalid in HTML."""
    return " ".join("".join(" " if unicodedata.category(sign) in {"Cc", "Cs"} else sign for sign in text).split())
