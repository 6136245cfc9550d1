"""What a person types while they watch a feed: a letter for the deed and the number of the post in the feed."""

import re
from dataclasses import dataclass

from cli.live_feed import Deed

LETTERS = {
    "l": Deed.LIKE,
    "i": Deed.INSPIRE,
    "v": Deed.VIEW,
    "s": Deed.SKIP,
    "n": Deed.NOT_INTERESTED,
}
HELP = "l3 likes post 3 · i inspires · v views · s skips · n not interested · u undoes · q quits"
_DEED = re.compile(r"(?P<letter>[a-z]?)\s*(?P<number>[0-9]{1,4})", re.ASCII)
_ESCAPE = re.compile(r"\x1b(\[[0-?]*[ -/]*[@-~]|O.|.)?")


@dataclass(frozen=True, slots=True)
class Do:
    """Do something with the post of a number, which counts from 1."""

    deed: Deed
    number: int


class Undo:
    """Take the newest deed back."""


class Quit:
    """Stop watching."""


@dataclass(frozen=True, slots=True)
class Unclear:
    """What was typed means nothing."""

    text: str


Command = Do | Undo | Quit | Unclear


def read_command(line: str) -> Command:
    """What a line means; a number alone is a like."""
    text = line.strip().lower()
    if text in {"q", "quit", "exit"}:
        return Quit()
    if text in {"u", "undo"}:
        return Undo()
    match = _DEED.fullmatch(text)
    if match is None or (match["letter"] or "l") not in LETTERS:
        return Unclear(line.strip())
    return Do(LETTERS[match["letter"] or "l"], int(match["number"]))


class TypedLine:
    """A line that grows by what the terminal sends."""

    def __init__(self) -> None:
        self.text = ""

    def take(self, sent: str) -> list[str]:
        """Take what was sent; gives the lines that it ended, in order. Ctrl-D on an empty line is the line ``q``."""
        lines: list[str] = []
        for character in _ESCAPE.sub("", sent):
            if character in "\r\n":
                lines.append(self.text)
                self.text = ""
            elif character in "\b\x7f":
                self.text = self.text[:-1]
            elif character == "\x15":  # Ctrl-U
                self.text = ""
            elif character == "\x04" and not self.text:
                lines.append("q")
            elif character.isprintable():
                self.text += character
        return [line for line in lines if line.strip()]
