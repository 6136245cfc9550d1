"""Copy a delimited text without its malformed lines, so that a stray quote costs its own line and no other.

A parser of CSV reads on after a quote that is not closed, over the ends of lines, up to the next quote of another line.
"""

import io
import re
from collections import deque
from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path

from pipeline.foreign.import_report import MOST_EXAMPLES
from pipeline.foreign.text_files import opened

_LONGEST_RECORD = 2**20  # bytes in which a quote over several lines must be closed


@dataclass(frozen=True, slots=True)
class Quoting:
    """How the records of a text are written; ``lines_before`` are blank lines and the header."""

    delimiter: str
    quote: str
    fields: int
    lines_before: int


@dataclass(frozen=True, slots=True)
class MalformedLines:
    """How many lines of a text are not part of a record, and examples."""

    count: int
    examples: tuple[str, ...]


class _State(Enum):
    WHOLE = auto()
    OPEN = auto()  # the text ends within quotes
    MALFORMED = auto()


def copy_whole_records(path: Path, quoting: Quoting, copy: Path, *, one_line: Collection[int]) -> MalformedLines:
    """Copy the records of a text whose bytes for ASCII are those of ASCII; a line in no record becomes a blank line.

    A record of several lines is whole if its quotes close, its fields are as many as the header's, and none of the
    fields at the places ``one_line`` holds the end of a line. Otherwise its first line alone is malformed.
    """
    malformed = 0
    examples: list[str] = []
    pending: deque[str] = deque()
    number = 0
    # Latin-1 keeps every byte, whatever the encoding is.
    with (
        opened(path) as file,
        io.TextIOWrapper(file, encoding="latin-1") as lines,
        copy.open("w", encoding="latin-1", newline="\n") as output,
    ):
        while line := pending.popleft() if pending else lines.readline():
            number += 1
            if number <= quoting.lines_before or not line.strip("\n"):
                output.write(line)
                continue
            record, size = [line], len(line)
            state = _state_of(line, quoting, one_line)
            while state is _State.OPEN and size < _LONGEST_RECORD:
                more = pending.popleft() if pending else lines.readline()
                if not more:
                    break
                record.append(more)
                size += len(more)
                if quoting.quote in more:
                    state = _state_of("".join(record), quoting, one_line)
            if state is _State.WHOLE:
                output.writelines(record)
                number += len(record) - 1
                continue
            pending.extendleft(reversed(record[1:]))
            malformed += 1
            if len(examples) < MOST_EXAMPLES:
                examples.append(f"line {number} ({line.rstrip()})".encode("latin-1").decode(errors="replace"))
            output.write("\n" if quoting.fields > 1 else "")
    return MalformedLines(malformed, tuple(examples))


def _state_of(text: str, quoting: Quoting, one_line: Collection[int]) -> _State:
    delimiter, quote = quoting.delimiter, quoting.quote
    text = text.removesuffix("\n")
    if quote not in text:
        return _State.WHOLE if text.count(delimiter) + 1 == quoting.fields else _State.MALFORMED
    quoted = re.compile(f"{quote}[^{quote}]*+(?:{quote}{quote}[^{quote}]*+)*+{quote}")
    place = start = 0
    while True:
        if text.startswith(quote, start):
            found = quoted.match(text, start)
            if found is None:
                return _State.OPEN
            end = found.end()
            if end < len(text) and text[end] != delimiter:
                return _State.MALFORMED
        else:
            end = text.find(delimiter, start)
            end = len(text) if end < 0 else end
        if "\n" in text[start:end] and (place in one_line or text[start] != quote):
            return _State.MALFORMED
        place += 1
        if end == len(text):
            return _State.WHOLE if place == quoting.fields else _State.MALFORMED
        start = end + 1
