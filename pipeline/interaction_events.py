"""The clean interactions as a view of DuckDB, checked: what `read_interactions` is for tables larger than memory."""

from pathlib import Path

import pyarrow.parquet as pq
from duckdb import DuckDBPyConnection
from duckdb import Error as DuckDBError

from bundle.verbs import VERBS
from pipeline.spilling_database import column_name, one_row, text_literal
from pipeline.tables import RECORDED_VERB, SKIP, TableError, check_interaction_columns

_VERBS = ", ".join(f"'{verb}'" for verb in VERBS)
_RULES = (  # field, a condition of rows that break the rule, and the rule
    ("user_id", "user_id IS NULL", "is null"),
    ("post_id", "post_id IS NULL", "is null"),
    ("verb", f"verb IS NULL OR verb NOT IN ({_VERBS})", f"must be one of {', '.join(VERBS)}"),
    ("at", "moment IS NULL", "is null"),
    (
        "rating_percent",
        "verb = 'rating' AND (rating_percent IS NULL OR rating_percent NOT BETWEEN 1 AND 100)",
        "must be 1 to 100",
    ),
    ("rating_percent", "verb <> 'rating' AND rating_percent IS NOT NULL", "must be null unless the verb is rating"),
)


def create_events(connection: DuckDBPyConnection, path: Path, *, timed: bool) -> int:
    """Create the view ``events``; returns its number of rows.

    Its columns are user_id, post_id, verb, is_skip (of a view that was recorded as a skip), rating_percent and
    ``moment``, an integer that orders a person's events: milliseconds since 1970, or the position in the person's
    history where the set has no clock (not ``timed``).
    TableError for a malformed table; the message names the first row.
    """
    check_interaction_columns(path)
    has_recorded = RECORDED_VERB in pq.read_schema(path).names
    is_skip = f"coalesce({RECORDED_VERB} = '{SKIP}', FALSE)" if has_recorded else "FALSE"
    moment = f"epoch_ms({column_name('at')})" if timed else "position::BIGINT"
    try:
        connection.execute(
            f"CREATE VIEW events AS SELECT user_id::BIGINT AS user_id, post_id::BIGINT AS post_id, "
            f"verb::VARCHAR AS verb, {is_skip} AS is_skip, {moment} AS moment, "
            f"rating_percent::SMALLINT AS rating_percent, file_row_number "
            f"FROM read_parquet({text_literal(path)}, file_row_number = true)"
        )
        broken = ", ".join(
            f"count(*) FILTER ({condition}), min(file_row_number) FILTER ({condition})" for _, condition, _ in _RULES
        )
        found = one_row(connection, f"SELECT {broken} FROM events")
    except DuckDBError as error:
        raise TableError(f"{path}: {error}") from error
    for (field, _, rule), count, row in zip(_RULES, found[::2], found[1::2], strict=True):
        if count:
            others = f" ({count - 1} more rows like it)" if count > 1 else ""
            name = "position" if field == "at" and not timed else field
            raise TableError(f"{path}, row {row}, field {name}: {rule}{others}")
    return int(pq.read_metadata(path).num_rows)
