"""Tables in foreign files as relations of DuckDB: CSV and its relatives, Parquet, JSON Lines, RecBole's atomic files.

Every column is read as text, whatever its type in the file, and the rule of its role converts it. DuckDB counts a line
with too few or too many fields, so that no line is lost without a trace.
"""

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.foreign.errors import ImportSourceError
from pipeline.foreign.file_contents import is_parquet, refuse_other_contents
from pipeline.foreign.text_files import (
    LONGEST_LINE,
    UTF_8,
    compression,
    copy_in_utf8,
    encoding_of,
    first_line,
    known_encoding,
    opened,
    opening,
)
from pipeline.foreign.unclosed_quotes import Quoting
from pipeline.spilling_database import column_name, text_literal

CSV_ENDINGS = (".csv", ".tsv", ".txt", ".dat", ".data", ".item", ".inter", ".user")
JSON_ENDINGS = (".jsonl", ".ndjson", ".json")
PARQUET_ENDINGS = (".parquet", ".pq")
LIST_SEPARATOR = "\x1f"  # after each element of a list that is read as text: the unit separator of ASCII
_DELIMITERS = (",", "\t", ";", "|")
_JSON_OBJECTS_LOOKED_AT = 1_000
_MOST_DIGITS = 38
_DEEPEST_OBJECT = 3  # of objects in objects, whose names are columns


@dataclass(frozen=True, slots=True)
class TableFile:
    """One file as a table: ``columns`` holds an expression of type VARCHAR by name.

    ``relation_of`` gives what follows FROM for a file in UTF-8, which is the file itself or a copy.
    ``malformed`` is an expression, true for a row that is none; ``lists`` are the columns of lists and maps,
    ``rounded`` those of numbers that the database rounds, ``spaced`` those whose text may be a list with spaces between
    its elements; ``quoting`` is how a text quotes fields, None if it does not.
    """

    path: Path
    relation_of: Callable[[Path], str]
    columns: Mapping[str, str]
    encoding: str = UTF_8
    malformed: str = "false"
    lists: frozenset[str] = frozenset()
    rounded: frozenset[str] = frozenset()
    spaced: frozenset[str] = frozenset()
    quoting: Quoting | None = None
    copy: Path | None = None

    @property
    def relation(self) -> str:
        """What follows FROM."""
        return self.relation_of(self.scanned)

    @property
    def scanned(self) -> Path:
        """The file that the database reads."""
        return self.copy or self.path

    def readable(self, copy: Path) -> "TableFile":
        """The same table, read from a copy in UTF-8 if it is in another encoding."""
        if self.encoding == UTF_8:
            return self
        copy_in_utf8(self.path, self.encoding, copy)
        return replace(self, copy=copy, encoding=UTF_8)


def read_table_file(path: Path, *, encoding: str | None = None) -> TableFile:
    """Describe a file by its extension; ImportSourceError if it is missing, no file, empty or of an unknown type."""
    ending = kind_of(path)
    refuse_other_contents(path)
    if ending in PARQUET_ENDINGS or is_parquet(path):
        return _parquet(path)
    if ending in JSON_ENDINGS:
        return _json_lines(path, known_encoding(encoding) if encoding else encoding_of(path))
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
    refuse_other_contents(path)
    encoding = known_encoding(encoding) if encoding else encoding_of(path)
    first, blank_lines = opening(path, encoding)
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

    def relation_of(file: Path) -> str:
        return (
            f"read_csv({text_literal(file)}, auto_detect = false, columns = {{{columns}}}, "
            f"header = {str(header).lower()}, skip = {blank_lines}, delim = {text_literal(delimiter)}, "
            f"quote = {text_literal(quote)}, escape = {text_literal(quote)}, "
            f"encoding = 'utf-8', max_line_size = {LONGEST_LINE}, "
            f"compression = {compression(file)}, store_rejects = true, rejects_limit = 0)"
        )

    quoting = Quoting(delimiter, quote, fields=len(names), lines_before=blank_lines + header) if quote else None
    return TableFile(path, relation_of, places, encoding=encoding, quoting=quoting)


def _parquet(path: Path) -> TableFile:
    try:
        schema = pq.read_schema(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise ImportSourceError(f"{path} cannot be read as Parquet: {error}") from error
    columns = {name: text for field in schema for name, text in _texts_of(field, column_name(field.name), field.name)}
    if not columns:
        raise ImportSourceError(f"{path} has no columns")
    lists = frozenset(name for field in schema for name in _names_of(field, field.name, _is_list_or_map))
    rounded = frozenset(name for field in schema for name in _names_of(field, field.name, _is_rounded))
    return TableFile(path, lambda file: f"read_parquet({text_literal(file)})", columns, lists=lists, rounded=rounded)


def _texts_of(field: pa.Field, value: str, name: str) -> Iterator[tuple[str, str]]:
    """The columns of a field: itself, or those of the fields in it, named as in ``user.id``."""
    if pa.types.is_struct(field.type):
        for inner in field.type:
            yield from _texts_of(inner, f"struct_extract({value}, {text_literal(inner.name)})", f"{name}.{inner.name}")
    else:
        yield name, _joined(value) if _is_list(field.type) else f"CAST({value} AS VARCHAR)"


def _names_of(field: pa.Field, name: str, check: Callable[[pa.DataType], bool]) -> Iterator[str]:
    """The columns of a field whose types pass a check."""
    if pa.types.is_struct(field.type):
        for inner in field.type:
            yield from _names_of(inner, f"{name}.{inner.name}", check)
    elif check(field.type):
        yield name


def _is_list_or_map(kind: pa.DataType) -> bool:
    return _is_list(kind) or pa.types.is_map(kind)


def _is_rounded(kind: pa.DataType) -> bool:
    """DuckDB has decimals of 38 digits, and reads longer ones as floating-point numbers."""
    return bool(pa.types.is_decimal(kind)) and int(kind.precision) > _MOST_DIGITS


def _is_list(kind: pa.DataType) -> bool:
    is_one = (pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list)
    return any(check(kind) for check in is_one)


def _joined(elements: str) -> str:
    separator = text_literal(LIST_SEPARATOR)
    return f"array_to_string({elements}, {separator}) || {separator}"


def _json_lines(path: Path, encoding: str) -> TableFile:
    """A file of one object a line, or one array of objects; objects in objects are columns such as ``user.id``."""
    is_array = first_line(path, encoding).lstrip().startswith("[")
    if is_array and encoding != UTF_8:
        raise ImportSourceError(
            f"{path}: an array in {encoding} is not read; write it in UTF-8, or one object per line"
        )
    form = "'array'" if is_array else "'newline_delimited', ignore_errors = true"

    def relation_of(file: Path) -> str:
        return f"read_json_objects({text_literal(file)}, format = {form}, compression = {compression(file)})"

    names: dict[tuple[str, ...], bool] = {}
    for line in _first_objects(path, relation_of(path)) if is_array else _first_lines(path, encoding):
        try:
            row = json.loads(line)
        except ValueError:
            continue
        if isinstance(row, dict):
            for name, is_list in _names_in(row):
                names[name] = names.get(name, False) or is_list
    if not names:
        raise ImportSourceError(f"{path}: none of the first lines is a JSON object; JSON Lines has one object per line")
    columns = {}
    lists = set()
    for name, is_list in names.items():
        pointer = text_literal("$" + "".join("." + json.dumps(part, ensure_ascii=False) for part in name))
        value = f"json_extract(json, {pointer})"
        elements = _joined(f"json_extract_string({value}, '$[*]')")
        # MongoDB writes a moment as {"$date": …}, an id as {"$oid": …}: a type, not a name.
        shown = ".".join(part for part in name if not part.startswith("$")) or name[0]
        columns[shown] = (
            f"CASE json_type({value}) WHEN 'ARRAY' THEN {elements} WHEN 'OBJECT' THEN NULL "
            f"ELSE json_extract_string(json, {pointer}) END"
        )
        if is_list:
            lists.add(shown)
    malformed = "json IS NULL OR json_type(json) <> 'OBJECT'"
    return TableFile(path, relation_of, columns, encoding=encoding, malformed=malformed, lists=frozenset(lists))


def _first_lines(path: Path, encoding: str) -> list[str]:
    with opened(path) as file:
        text = io.TextIOWrapper(file, encoding=encoding, errors="replace")
        return list(islice(text, _JSON_OBJECTS_LOOKED_AT))


def _first_objects(path: Path, relation: str) -> list[str]:
    try:
        with duckdb.connect() as connection:
            rows = connection.execute(f"SELECT json FROM {relation} LIMIT {_JSON_OBJECTS_LOOKED_AT}").fetchall()
    except duckdb.Error as error:
        raise ImportSourceError(f"{path} cannot be read: {error}") from error
    return [row[0] for row in rows]


def _names_in(row: Mapping[str, object], outer: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], bool]]:
    """The names of the values in an object, and whether each is a list."""
    for name, value in row.items():
        if isinstance(value, dict) and len(outer) < _DEEPEST_OBJECT:
            yield from _names_in(value, (*outer, name))
        else:
            yield (*outer, name), isinstance(value, list)
