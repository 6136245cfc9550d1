"""Posts in a file or on standard input: a JSON list of them, one JSON object, or JSON Lines."""

import sys
from pathlib import Path

import orjson
from google.protobuf.json_format import ParseDict, ParseError

from moodfeed.catalog.v1 import catalog_pb2

STANDARD_INPUT = Path("-")
_SHOWN_CHARACTERS = 120


class ToldPostsError(Exception):
    """The posts cannot be read; says where, which one, and why."""


def read_posts(path: Path) -> list[catalog_pb2.Post]:
    """The posts, by the field names of the contract; ToldPostsError, OSError."""
    is_file = path != STANDARD_INPUT
    content = path.read_bytes() if is_file else sys.stdin.buffer.read()
    try:
        return [_post(row, number) for number, row in enumerate(_rows(content), start=1)]
    except ToldPostsError as error:
        raise ToldPostsError(f"{path if is_file else 'standard input'}: {error}") from error


def _rows(content: bytes) -> list[object]:
    rows: list[object] = []
    try:
        document = orjson.loads(content)
    except orjson.JSONDecodeError as whole:
        lines = [(number, line) for number, line in enumerate(content.splitlines(), start=1) if line.strip()]
        for number, line in lines:
            try:
                rows.append(orjson.loads(line))
            except orjson.JSONDecodeError as error:
                if number == 1:  # then it is no JSON Lines either
                    raise ToldPostsError(f"is neither JSON nor JSON Lines: {whole}") from error
                raise ToldPostsError(f"line {number} is not JSON: {error}") from error
    else:
        rows = document if isinstance(document, list) else [document]
    if not rows:
        raise ToldPostsError("contains no post")
    return rows


def _post(row: object, number: int) -> catalog_pb2.Post:
    if not isinstance(row, dict):
        raise ToldPostsError(f"post {number} is not a JSON object")
    try:
        return ParseDict(row, catalog_pb2.Post())
    except ParseError as error:
        raise ToldPostsError(f"post {number}: {str(error)[:_SHOWN_CHARACTERS]}") from error
