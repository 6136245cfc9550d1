"""The interactions of the raw store, read in pieces into a table of a database; what is malformed is counted.

SQL reads a row only if it is written in one of the commonest forms; ``accepted_forms`` reads every other row. A
property test compares the two.
"""

import json
from collections.abc import Callable, Sequence

import pyarrow as pa
import pyarrow.compute as pc
from duckdb import DuckDBPyConnection

from pipeline.accepted_forms import read_id, read_moment, read_number
from pipeline.clean_findings import Findings
from pipeline.foreign.moments_in_bulk import common_moment
from pipeline.raw_store import KEPT_KEYS, RawStore
from pipeline.spilling_database import text_literal
from pipeline.upstream import Json

MOMENT_KEYS = {"view": "viewed_at", "like": "liked_at", "inspire": "inspired_at", "rating": "rated_at"}
ROWS_AT_ONCE = 250_000
_LONGEST_EXAMPLE = 60
_INTEGER = '"?(-?[0-9]{1,18})"?'
_PERCENT = '"?([0-9]{1,3})"?'
_MOMENT = '"?([0-9A-Z:. +-]{9,40})"?'
_READ = pa.schema(
    [
        ("id", pa.int64()),
        ("user_id", pa.int64()),
        ("post_id", pa.int64()),
        ("milliseconds", pa.int64()),
        ("percent", pa.int16()),
    ]
)


def stage_events(
    connection: DuckDBPyConnection,
    store: RawStore,
    findings: Findings,
    *,
    on_progress: Callable[[int], None] = lambda _: None,
) -> None:
    """Create the table raw_events (verb, id, user_id, post_id, milliseconds, percent) of the rows that can be read.

    ``percent`` is null unless the verb is rating. ``on_progress`` gets the number of rows read so far.
    """
    verbs = ", ".join(map(text_literal, sorted(MOMENT_KEYS)))  # so an ENUM is sorted as its texts are
    connection.execute(
        f"CREATE TEMP TABLE raw_events (verb ENUM ({verbs}), id BIGINT, user_id BIGINT, post_id BIGINT, "
        "milliseconds BIGINT, percent SMALLINT)"
    )
    done = 0
    for verb in MOMENT_KEYS:
        query = f"INSERT INTO raw_events SELECT '{verb}', id, user_id, post_id, milliseconds, percent FROM read_piece"
        for piece in store.pieces(verb, ROWS_AT_ONCE):
            connection.register("read_piece", _read(connection, verb, piece, findings))
            connection.execute(query)
            connection.unregister("read_piece")
            done += len(piece)
            on_progress(done)


def _read(connection: DuckDBPyConnection, verb: str, piece: pa.Table, findings: Findings) -> pa.Table:
    """The rows of a piece (id, payload) that can be read."""
    connection.register("piece", piece)
    read = connection.sql(_common_forms(verb)).to_arrow_table()
    connection.unregister("piece")
    wanted = _READ.names if verb == "rating" else _READ.names[:-1]
    is_read = pa.repeat(True, len(read))
    for name in wanted:
        is_read = pc.and_(is_read, pc.is_valid(read.column(name)))
    others = piece.filter(pc.invert(is_read))
    rows = [
        row
        for row_id, payload in zip(others.column("id").to_pylist(), others.column("payload").to_pylist(), strict=True)
        if (row := _other_form(verb, row_id, json.loads(payload), findings))
    ]
    columns = zip(*rows, strict=True) if rows else [[] for _ in _READ]
    arrays = [pa.array(list(column), type=kind.type) for column, kind in zip(columns, _READ, strict=True)]
    return pa.concat_tables([read.filter(is_read).cast(_READ), pa.Table.from_arrays(arrays, schema=_READ)])


def _common_forms(verb: str) -> str:
    """A query of each row of ``piece``, in its order; what is not in one of the commonest forms is null."""
    forms = {"id": '"?[0-9.-]+"?', "user_id": _INTEGER, "post_id": _INTEGER, MOMENT_KEYS[verb]: _MOMENT}
    if verb == "rating":
        forms["rating_percent"] = _PERCENT
    keys = sorted(KEPT_KEYS[verb])  # as the store writes them
    pattern = r"^\{" + ", ".join(f'"{key}": {forms[key]}' for key in keys) + r"\}$"
    names = ", ".join(f"'{key}'" for key in keys if key != "id")
    percent = "TRY_CAST(found.rating_percent AS SMALLINT)" if verb == "rating" else "NULL::SMALLINT"
    return f"""
    WITH matches AS (
        SELECT id, regexp_extract(payload, {text_literal(pattern)}, [{names}]) AS found FROM piece
    ), texts AS (
        SELECT id, TRY_CAST(found.user_id AS BIGINT) AS user_id, TRY_CAST(found.post_id AS BIGINT) AS post_id,
            found.{MOMENT_KEYS[verb]} AS moment, {percent} AS percent
        FROM matches
    )
    SELECT id, user_id, post_id, {common_moment("moment")} AS milliseconds,
        CASE WHEN percent BETWEEN 1 AND 100 THEN percent END AS percent
    FROM texts
    """


def _other_form(verb: str, row_id: int, fields: dict[str, Json], findings: Findings) -> tuple[object, ...] | None:
    """A row as ``_READ`` has it; None, and counted, if a field of it is malformed."""
    moment_key = MOMENT_KEYS[verb]
    percent = read_number(fields.get("rating_percent")) if verb == "rating" else None
    read: dict[str, object] = {
        "user_id": read_id(fields.get("user_id")),
        "post_id": read_id(fields.get("post_id")),
        moment_key: read_moment(fields.get(moment_key)),
        "rating_percent": round(percent) if percent is not None and 1 <= percent <= 100 else None,
    }
    wanted: Sequence[str] = [*read] if verb == "rating" else [*read][:3]
    broken = next((name for name in wanted if read[name] is None), None)
    if broken:
        findings.drop(verb, f"malformed {broken}", example_of(row_id, fields.get(broken)))
        return None
    return row_id, *read.values()


def example_of(row_id: int, value: Json) -> str:
    """A row's id and the value that is wrong in it, cut short."""
    text = json.dumps(value, ensure_ascii=False)
    return f"id {row_id} ({text if len(text) <= _LONGEST_EXAMPLE else text[:_LONGEST_EXAMPLE] + '…'})"
