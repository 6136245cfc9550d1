"""Posts in a file or on standard input: a JSON list of them, one JSON object, or JSON Lines."""

import sys
from pathlib import Path

import orjson
from google.protobuf.json_format import ParseDict, ParseError

from moodfeed.catalog.v1 import catalog_pb2

STANDARD_INPUT = Path("-")
_SHOWN_CHARACTERS = 120


class ToldPostsError(Exception):
    """The posts cannot be read; says which one, and why."""


def read_posts(path: Path) -> list[catalog_pb2.Post]:
    """The posts, by the field names of the contract; ToldPostsError, OSError."""
    content = sys.stdin.buffer.read() if path == STANDARD_INPUT else path.read_bytes()
    rows = _rows(content)
    if not rows:
        raise ToldPostsError("there is no post")
    return [_post(row, number) for number, row in enumerate(rows, start=1)]


def _rows(content: bytes) -> list[object]:
    try:
        document = orjson.loads(content)
    except orjson.JSONDecodeError as whole:
        lines = [(number, line) for number, line in enumerate(content.splitlines(), start=1) if line.strip()]
        rows: list[object] = []
        for number, line in lines:
            try:
                rows.append(orjson.loads(line))
            except orjson.JSONDecodeError as error:
                if number == 1:  # then it is no JSON Lines either
                    raise ToldPostsError(f"this is not JSON: {whole}") from error
                raise ToldPostsError(f"line {number} is not JSON: {error}") from error
        return rows
    return document if isinstance(document, list) else [document]


def _post(row: object, number: int) -> catalog_pb2.Post:
    if not isinstance(row, dict):
        raise ToldPostsError(f"post {number} is not a JSON object")
    try:
        return ParseDict(row, catalog_pb2.Post())
    except ParseError as error:
        raise ToldPostsError(f"post {number}: {str(error)[:_SHOWN_CHARACTERS]}") from error
