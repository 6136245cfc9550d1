"""Tables in foreign files as relations of DuckDB: CSV and its relatives, Parquet, JSON Lines, RecBole's atomic files.

Every column is read as text, whatever its type in the file, and the rule of its role converts it. DuckDB counts a line
with too few or too many fields, so that no line is lost without a trace.
"""

import csv
import gzip
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO, cast

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.foreign.errors import ImportSourceError
from pipeline.spilling_database import column_name, text_literal

CSV_ENDINGS = (".csv", ".tsv", ".txt", ".dat", ".data", ".item", ".inter", ".user")
JSON_ENDINGS = (".jsonl", ".ndjson", ".json")
PARQUET_ENDINGS = (".parquet", ".pq")
LIST_SEPARATOR = "\x1f"  # after each element of a list that is read as text: the unit separator of ASCII
_DELIMITERS = (",", "\t", ";", "|")
_JSON_LINES_LOOKED_AT = 1_000
_LONGEST_LINE = 2**24  # bytes; a text of a post may be long


@dataclass(frozen=True, slots=True)
class TableFile:
    """One file as a table: ``relation`` is what follows FROM, ``columns`` an expression of type VARCHAR by name."""

    path: Path
    relation: str
    columns: Mapping[str, str]


def read_table_file(path: Path, *, encoding: str | None = None) -> TableFile:
    """Describe a file by its extension; ImportSourceError if it is missing, empty or of an unknown type."""
    ending = kind_of(path)
    if not path.exists():
        raise ImportSourceError(f"{path} is missing")
    if ending in PARQUET_ENDINGS:
        return _parquet(path)
    if ending in JSON_ENDINGS:
        return _json_lines(path)
    if ending in CSV_ENDINGS:
        return delimited(path, encoding=encoding)
    raise ImportSourceError(f"{path}: unknown file type; pass CSV, TSV, Parquet or JSON Lines")


def kind_of(path: Path) -> str:
    """The file name extension in lower case, without ``.gz``."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    return (suffixes[-2] if len(suffixes) > 1 and suffixes[-1] == ".gz" else suffixes[-1]) if suffixes else ""


def delimited(
    path: Path,
    *,
    delimiter: str | None = None,
    names: tuple[str, ...] | None = None,
    quote: str = '"',
    encoding: str | None = None,
) -> TableFile:
    """A delimited text file; ``names`` are its columns if it has no header, else the first line names them."""
    encoding = encoding or "utf-8"
    if not path.exists():
        raise ImportSourceError(f"{path} is missing")
    first = first_line(path, encoding)
    if not first.strip():
        raise ImportSourceError(f"{path} is empty")
    delimiter = delimiter or max(_DELIMITERS, key=first.count)
    header = names is None
    if names is None:
        names = tuple(
            name.strip()
            for name in next(
                csv.reader(
                    [first],
                    delimiter=delimiter,
                    quotechar=quote or None,
                    quoting=csv.QUOTE_MINIMAL if quote else csv.QUOTE_NONE,
                )
            )
        )
        if len(set(names)) < len(names) or not all(names):
            raise ImportSourceError(
                f"{path}: the first line must name every column once, but is {first.strip()[:80]!r}"
            )
    columns = ", ".join(f"{text_literal(name)}: 'VARCHAR'" for name in names)
    relation = (
        f"read_csv({text_literal(path)}, auto_detect = false, columns = {{{columns}}}, header = {str(header).lower()}, "
        f"delim = {text_literal(delimiter)}, quote = {text_literal(quote)}, escape = {text_literal(quote)}, "
        f"encoding = {text_literal(encoding)}, max_line_size = {_LONGEST_LINE}, "
        "store_rejects = true, rejects_limit = 0)"
    )
    return TableFile(path, relation, {name: column_name(name) for name in names})


def first_line(path: Path, encoding: str = "utf-8") -> str:
    """The first line of a text file, which may be compressed."""
    with _opened(path) as file:
        return file.readline(_LONGEST_LINE).decode(encoding, errors="replace").removeprefix("\ufeff").rstrip("\r\n")


def _parquet(path: Path) -> TableFile:
    try:
        schema = pq.read_schema(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise ImportSourceError(f"{path} cannot be read as Parquet: {error}") from error
    columns = {}
    for field in schema:
        name = column_name(field.name)
        is_list = pa.types.is_list(field.type) or pa.types.is_large_list(field.type)
        columns[field.name] = _joined(name) if is_list else f"CAST({name} AS VARCHAR)"
    return TableFile(path, f"read_parquet({text_literal(path)})", columns)


def _joined(elements: str) -> str:
    separator = text_literal(LIST_SEPARATOR)
    return f"array_to_string({elements}, {separator}) || {separator}"


def _json_lines(path: Path) -> TableFile:
    names: dict[str, None] = {}
    with _opened(path) as file:
        for line in islice(file, _JSON_LINES_LOOKED_AT):
            try:
                row = json.loads(line)
            except ValueError:
                continue
            if isinstance(row, dict):
                names |= dict.fromkeys(row)
    if not names:
        raise ImportSourceError(f"{path}: none of the first lines is a JSON object; JSON Lines has one object per line")
    columns = {}
    for name in names:
        pointer = text_literal("$." + json.dumps(name, ensure_ascii=False))
        value = f"json_extract(json, {pointer})"
        elements = _joined(f"json_extract_string({value}, '$[*]')")
        columns[name] = (
            f"CASE json_type({value}) WHEN 'ARRAY' THEN {elements} ELSE json_extract_string(json, {pointer}) END"
        )
    return TableFile(
        path, f"read_json_objects({text_literal(path)}, format = 'newline_delimited', ignore_errors = true)", columns
    )


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    try:
        with gzip.open(path) if path.suffix.lower() == ".gz" else path.open("rb") as file:
            yield cast("BinaryIO", file)
    except (OSError, EOFError) as error:
        raise ImportSourceError(f"{path} cannot be read: {error}") from error
