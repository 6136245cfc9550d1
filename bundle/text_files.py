"""Text files of a bundle: JSON lines, each a text or a row of a dataclass. Readers raise BundleError with the file."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeVar

import orjson
from pydantic import TypeAdapter, ValidationError

from bundle.manifest import BundleError

_Line = TypeVar("_Line")


def write_texts(path: Path, texts: Iterable[str]) -> None:
    """Write texts as JSON lines."""
    write_lines(path, texts)


def read_texts(path: Path) -> tuple[str, ...]:
    """Read texts from JSON lines; BundleError names the line that is not a text."""
    return read_lines(path, str)


def write_lines(path: Path, rows: Iterable[_Line]) -> None:
    """Write dataclass rows as JSON lines."""
    path.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))


def read_lines(path: Path, row_class: type[_Line]) -> tuple[_Line, ...]:
    """Read JSON lines as rows of a dataclass; BundleError names the line that is not one."""
    return tuple(_parsed_lines(path, TypeAdapter(row_class)))


def _parsed_lines(path: Path, reader: TypeAdapter[_Line]) -> Iterator[_Line]:
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise BundleError(path, f"cannot be read: {error}") from error
    for number, line in enumerate(lines, start=1):
        try:
            yield reader.validate_json(line)
        except ValidationError as error:
            raise BundleError(path, f"line {number}: {error.errors()[0]['msg']}") from error
