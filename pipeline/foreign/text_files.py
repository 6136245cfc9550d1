"""Open text files of other programs: compressed or not, in any encoding; write copies in UTF-8."""

import codecs
import errno
import gzip
import io
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import BinaryIO, cast

from pipeline.foreign.errors import ImportSourceError, temporary_files_fault

UTF_8 = "utf-8"
LATIN = "latin-1"
LONGEST_LINE = 2**24  # bytes; a text of a post may be long
_ALIASES = {"utf-8-sig": UTF_8, "ascii": UTF_8}
_GZIP = b"\x1f\x8b"
_OF_WRITING = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_PART = 2**20  # bytes
_SEPARATOR_LINE = re.compile(r'"?sep=."?')  # before the header: what Excel writes to say which separator follows


def known_encoding(name: str) -> str:
    """Python's name of an encoding; ImportSourceError if there is none of this name."""
    try:
        "".encode(name)
        known = codecs.lookup(name).name
    except LookupError:
        raise ImportSourceError(
            f"--encoding {name}: there is no such encoding; common are utf-8, utf-16, latin-1, cp1252 and shift_jis"
        ) from None
    return _ALIASES.get(known, known)


def encoding_of(path: Path) -> str:
    """UTF-16 where a byte order mark says so, as in the texts that Excel saves as Unicode; else UTF-8.

    ImportSourceError if the first characters are UTF-16 without the mark.
    """
    with opened(path) as file:
        start = file.read(4)
    if start[:2] in {codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE}:
        return "utf-16"
    if b"\x00" in start:
        guess = "utf-16-be" if start[:1] == b"\x00" else "utf-16-le"
        raise ImportSourceError(f"{path}: line 1 is not UTF-8 but looks like UTF-16: try --encoding {guess}")
    return UTF_8


def first_line(path: Path, encoding: str = UTF_8) -> str:
    """The first line of a text file that is not blank; the file may be compressed."""
    return opening(path, encoding)[0]


def opening(path: Path, encoding: str) -> tuple[str, int]:
    """The first line that says something, and how many others stand before it; any ends of lines."""
    with opened(path) as file:
        text = io.TextIOWrapper(file, encoding="utf-8-sig" if encoding == UTF_8 else encoding, errors="replace")
        for blank_lines in count():
            try:
                line = text.readline(LONGEST_LINE)
            except UnicodeError as error:  # an encoding that needs a byte order mark
                raise _undecodable(path, encoding, 1, error) from error
            if not line or (line.strip() and not _SEPARATOR_LINE.fullmatch(line.strip("\r\n"))):
                return line.rstrip("\n"), blank_lines
    raise AssertionError


def copy_in_utf8(path: Path, encoding: str, copy: Path) -> None:
    """Write a text file again in UTF-8; ImportSourceError names the first line that is not in the encoding."""
    decoder = codecs.getincrementaldecoder(encoding)()
    line = 1
    with opened(path) as file, copy.open("w", encoding=UTF_8, newline="") as output:
        while True:
            part = file.read(_PART)
            try:
                text = decoder.decode(part, final=not part)
            except UnicodeError as error:
                if isinstance(error, UnicodeDecodeError):
                    line += error.object[: error.start].decode(encoding, errors="ignore").count("\n")
                raise _undecodable(path, encoding, line, error) from error
            if not part:
                return
            output.write(text)
            line += text.count("\n")


def lines_beyond_utf8(path: Path) -> list[int]:
    """The numbers of the lines that are not UTF-8."""
    found = []
    with opened(path) as file:
        for number, line in enumerate(file, start=1):
            try:
                line.decode(UTF_8)
            except UnicodeError:
                found.append(number)
    return found


def compression(path: Path) -> str:
    """What the file is, whatever its name says: a browser may have unpacked it on the way. A literal of SQL."""
    with path.open("rb") as file:
        return "'gzip'" if file.read(2) == _GZIP else "'none'"


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """The bytes of a file, unpacked; ImportSourceError if they cannot be read."""
    try:
        with gzip.open(path) if compression(path) == "'gzip'" else path.open("rb") as file:
            yield cast("BinaryIO", file)
    except (OSError, EOFError, zlib.error) as error:
        if isinstance(error, OSError) and error.errno in _OF_WRITING:  # what the block writes meanwhile, such as a copy
            raise temporary_files_fault(str(error.strerror)) from error
        raise ImportSourceError(f"{path} cannot be read: {error}") from error


def _undecodable(path: Path, encoding: str, line: int, error: UnicodeError) -> ImportSourceError:
    return ImportSourceError(
        f"{path}: line {line} is not {encoding} ({error}); name the encoding of the file with --encoding"
    )
