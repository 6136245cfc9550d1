"""Tables in foreign files as relations of DuckDB: CSV and its relatives, Parquet, JSON Lines, RecBole's atomic files.

Every column is read as text, whatever its type in the file, and the rule of its role converts it. DuckDB counts a line
with too few or too many fields, so that no line is lost without a trace.
"""

import codecs
import csv
import gzip
import io
import json
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count, islice
from pathlib import Path
from typing import BinaryIO, cast

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.foreign.errors import ImportSourceError
from pipeline.spilling_database import column_name, text_literal

CSV_ENDINGS = (".csv", ".tsv", ".txt", ".dat", ".data", ".item", ".inter", ".user")
JSON_ENDINGS = (".jsonl", ".ndjson", ".json")
PARQUET_ENDINGS = (".parquet", ".pq")
LIST_SEPARATOR = "\x1f"  # after each element of a list that is read as text: the unit separator of ASCII
_DELIMITERS = (",", "\t", ";", "|")
_JSON_OBJECTS_LOOKED_AT = 1_000
_DEEPEST_OBJECT = 3  # of objects in objects, whose names are columns
_ENCODINGS = {"utf-8": "utf-8", "utf-8-sig": "utf-8", "ascii": "utf-8", "utf-16": "utf-16", "utf-16-le": "utf-16",
              "iso8859-1": "latin-1"}  # fmt: skip
_GZIP = b"\x1f\x8b"
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
    if not path.exists():
        raise ImportSourceError(f"{path} is missing")
    encoding = _known_encoding(encoding) if encoding else _encoding_of(path)
    first, blank_lines = _opening(path, encoding)
    if not first.strip():
        raise ImportSourceError(f"{path} is empty")
    delimiter = delimiter or max(_DELIMITERS, key=first.count)
    header = names is None
    if names is None:
        fields = next(
            csv.reader(
                [first],
                delimiter=delimiter,
                quotechar=quote or None,
                quoting=csv.QUOTE_MINIMAL if quote else csv.QUOTE_NONE,
            )
        )
        # An index without a name, or a separator at the end of each line: no fault, and no role guesses such a column.
        names = tuple(name.strip() or f"column {place}" for place, name in enumerate(fields, start=1))
        if len(set(names)) < len(names):
            raise ImportSourceError(
                f"{path}: the first line must name every column once, but is {first.strip()[:80]!r}"
            )
    # By place, because the database takes names that differ in case only for the same.
    places = {name: f"c{place}" for place, name in enumerate(names)}
    columns = ", ".join(f"{place}: 'VARCHAR'" for place in places.values())
    relation = (
        f"read_csv({text_literal(path)}, auto_detect = false, columns = {{{columns}}}, header = {str(header).lower()}, "
        f"skip = {blank_lines}, delim = {text_literal(delimiter)}, quote = {text_literal(quote)}, "
        f"escape = {text_literal(quote)}, encoding = {text_literal(encoding)}, max_line_size = {_LONGEST_LINE}, "
        f"compression = {_compression(path)}, store_rejects = true, rejects_limit = 0)"
    )
    return TableFile(path, relation, places)


def first_line(path: Path, encoding: str = "utf-8") -> str:
    """The first line of a text file that is not blank; the file may be compressed."""
    return _opening(path, encoding)[0]


def _opening(path: Path, encoding: str) -> tuple[str, int]:
    """The first line that is not blank, and how many blank ones stand before it; any ends of lines."""
    with _opened(path) as file:
        text = io.TextIOWrapper(file, encoding={"utf-8": "utf-8-sig"}.get(encoding, encoding), errors="replace")
        for blank_lines in count():
            line = text.readline(_LONGEST_LINE)
            if line.strip() or not line:
                return line.rstrip("\n"), blank_lines
    raise AssertionError


def _known_encoding(name: str) -> str:
    """What the database calls an encoding, which has several names."""
    try:
        known = _ENCODINGS[codecs.lookup(name).name]
    except LookupError:
        raise ImportSourceError(
            f"--encoding {name}: known are {', '.join(sorted(set(_ENCODINGS.values())))}; convert a file of another one"
        ) from None
    return known


def _encoding_of(path: Path) -> str:
    """UTF-16 where a byte order mark says so, as in the texts that Excel saves as Unicode; else UTF-8."""
    with _opened(path) as file:
        return "utf-16" if file.read(2) in {codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE} else "utf-8"


def _parquet(path: Path) -> TableFile:
    try:
        schema = pq.read_schema(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise ImportSourceError(f"{path} cannot be read as Parquet: {error}") from error
    columns = {name: text for field in schema for name, text in _texts_of(field, column_name(field.name), field.name)}
    return TableFile(path, f"read_parquet({text_literal(path)})", columns)


def _texts_of(field: pa.Field, value: str, name: str) -> Iterator[tuple[str, str]]:
    """The columns of a field: itself, or those of the fields in it, named as in ``user.id``."""
    if pa.types.is_struct(field.type):
        for inner in field.type:
            yield from _texts_of(inner, f"struct_extract({value}, {text_literal(inner.name)})", f"{name}.{inner.name}")
    else:
        is_list = pa.types.is_list(field.type) or pa.types.is_large_list(field.type)
        yield name, _joined(value) if is_list else f"CAST({value} AS VARCHAR)"


def _joined(elements: str) -> str:
    separator = text_literal(LIST_SEPARATOR)
    return f"array_to_string({elements}, {separator}) || {separator}"


def _json_lines(path: Path) -> TableFile:
    """A file of one object a line, or one array of objects; objects in objects are columns such as ``user.id``."""
    is_array = first_line(path).lstrip().startswith("[")
    form = "'array'" if is_array else "'newline_delimited', ignore_errors = true"
    relation = f"read_json_objects({text_literal(path)}, format = {form}, compression = {_compression(path)})"
    names: dict[tuple[str, ...], None] = {}
    for line in _first_objects(path, relation) if is_array else _first_lines(path):
        try:
            row = json.loads(line)
        except ValueError:
            continue
        if isinstance(row, dict):
            names |= dict.fromkeys(_names_in(row))
    if not names:
        raise ImportSourceError(f"{path}: none of the first lines is a JSON object; JSON Lines has one object per line")
    columns = {}
    for name in names:
        pointer = text_literal("$" + "".join("." + json.dumps(part, ensure_ascii=False) for part in name))
        value = f"json_extract(json, {pointer})"
        elements = _joined(f"json_extract_string({value}, '$[*]')")
        # MongoDB writes a moment as {"$date": …}, an id as {"$oid": …}: a type, not a name.
        shown = ".".join(part for part in name if not part.startswith("$")) or name[0]
        columns[shown] = (
            f"CASE json_type({value}) WHEN 'ARRAY' THEN {elements} WHEN 'OBJECT' THEN NULL "
            f"ELSE json_extract_string(json, {pointer}) END"
        )
    return TableFile(path, relation, columns)


def _first_lines(path: Path) -> list[bytes]:
    with _opened(path) as file:
        return list(islice(file, _JSON_OBJECTS_LOOKED_AT))


def _first_objects(path: Path, relation: str) -> list[str]:
    try:
        with duckdb.connect() as connection:
            rows = connection.execute(f"SELECT json FROM {relation} LIMIT {_JSON_OBJECTS_LOOKED_AT}").fetchall()
    except duckdb.Error as error:
        raise ImportSourceError(f"{path} cannot be read: {error}") from error
    return [row[0] for row in rows]


def _names_in(row: Mapping[str, object], outer: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, value in row.items():
        if isinstance(value, dict) and len(outer) < _DEEPEST_OBJECT:
            yield from _names_in(value, (*outer, name))
        else:
            yield (*outer, name)


def _compression(path: Path) -> str:
    """What the file is, whatever its name says: a browser may have unpacked it on the way."""
    with path.open("rb") as file:
        return "'gzip'" if file.read(2) == _GZIP else "'none'"


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    try:
        with gzip.open(path) if _compression(path) == "'gzip'" else path.open("rb") as file:
            yield cast("BinaryIO", file)
    except (OSError, EOFError, zlib.error) as error:
        raise ImportSourceError(f"{path} cannot be read: {error}") from error
