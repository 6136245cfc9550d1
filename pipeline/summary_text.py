"""Extract plain words from a post's summary, whose blocks are objects, lists or null with arbitrary keys."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pipeline.upstream import Json

_TIMED_OUT = re.compile(r"^\s*Error generating description", re.IGNORECASE)
_MARKDOWN = re.compile(r"[*_`#>|]+|^\s*[-+]\s+|^\s*\d+\.\s+|\[([^\]]*)\]\([^)]*\)", re.MULTILINE)
_SPACES = re.compile(r"\s+")
_WORD_BREAKS = re.compile(r"[_/]+")


@dataclass(frozen=True, slots=True)
class SummaryText:
    """The content of a summary in plain words."""

    description: str
    keywords: str  # heaviest first, joined by "; "
    mood: str  # emotions, then the psychological view; moods are compared with it
    content: str  # genre, topics, actions, sights and sounds


def read_summary(summary: Json) -> SummaryText:
    """Read any variant of ``post_summary``; a missing or malformed part is empty text."""
    fields: Mapping[str, Json] = summary if isinstance(summary, dict) else {}
    return SummaryText(
        description=_description(fields.get("description")),
        keywords=_keywords(fields.get("keywords")),
        mood=_join(fields.get("emotions"), fields.get("psycological_view_of_video")),
        content=_join(
            _genre(fields.get("genre")),
            fields.get("topics_of_video"),
            fields.get("actions"),
            fields.get("visual_elements_of_video"),
            fields.get("audio_elements"),
        ),
    )


def words_in(block: Json) -> Iterator[str]:
    """Walk a block: its texts in order, and the keys of true flags; numbers and other keys are ignored."""
    if isinstance(block, str):
        text = _plain(block)
        if text:
            yield text
    elif isinstance(block, list):
        for item in block:
            yield from words_in(item)
    elif isinstance(block, dict):
        for key, value in block.items():
            if value is True:
                yield _plain(key)
            else:
                yield from words_in(value)


def _join(*blocks: Json) -> str:
    return ", ".join(dict.fromkeys(word for block in blocks for word in words_in(block) if word))


def _description(value: Json) -> str:
    if not isinstance(value, str) or _TIMED_OUT.match(value):
        return ""
    return _SPACES.sub(" ", _MARKDOWN.sub(r" \1", value)).strip()


def _keywords(value: Json) -> str:
    weighted = []
    for item in value if isinstance(value, list) else []:
        if isinstance(item, dict) and isinstance(item.get("keyword"), str):
            weight = item.get("weight")
            weighted.append((float(weight) if isinstance(weight, int | float) else 0.0, _plain(str(item["keyword"]))))
        elif isinstance(item, str):
            weighted.append((0.0, _plain(item)))
    weighted.sort(key=lambda pair: -pair[0])
    return "; ".join(dict.fromkeys(word for _, word in weighted if word))


def _genre(value: Json) -> list[Json]:
    if not isinstance(value, str):
        return [value]
    return [part.strip().lower() for part in re.split(r"[/,]", value)]


def _plain(text: str) -> str:
    return _SPACES.sub(" ", _WORD_BREAKS.sub(" ", text)).strip()
