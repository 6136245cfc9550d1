"""Extract plain words from a post's summary, whose blocks are objects, lists or null with arbitrary keys."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from mood_encoder.post_texts import joined_words, plain_description, plain_word
from pipeline.upstream import Json


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
        text = plain_word(block)
        if text:
            yield text
    elif isinstance(block, list):
        for item in block:
            yield from words_in(item)
    elif isinstance(block, dict):
        for key, value in block.items():
            if value is True:
                yield plain_word(key)
            else:
                yield from words_in(value)


def _join(*blocks: Json) -> str:
    return joined_words(word for block in blocks for word in words_in(block))


def _description(value: Json) -> str:
    return plain_description(value) if isinstance(value, str) else ""


def _keywords(value: Json) -> str:
    weighted = []
    for item in value if isinstance(value, list) else []:
        if isinstance(item, dict) and isinstance(item.get("keyword"), str):
            weight = item.get("weight")
            number = float(weight) if isinstance(weight, int | float) else 0.0
            weighted.append((number, plain_word(str(item["keyword"]))))
        elif isinstance(item, str):
            weighted.append((0.0, plain_word(item)))
    weighted.sort(key=lambda pair: -pair[0])
    return "; ".join(dict.fromkeys(word for _, word in weighted if word))


def _genre(value: Json) -> list[Json]:
    if not isinstance(value, str):
        return [value]
    return [part.strip().lower() for part in re.split(r"[/,]", value)]
