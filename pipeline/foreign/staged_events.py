"""The interactions of a source, read once into a table of the database; what cannot be read gets a fault."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from duckdb import DuckDBPyConnection

from bundle.verbs import VERBS
from pipeline.accepted_forms import MOMENTS_SUCH_AS
from pipeline.foreign.columns import INTERACTION_ROLES, ReadTable, Role
from pipeline.foreign.ids import BLANKS, NO_SINGLE_VALUE, no_single_value, same_id
from pipeline.foreign.import_report import MALFORMED_LINE, MOST_EXAMPLES, ImportFindings
from pipeline.foreign.moments_in_bulk import common_moment, create_other_moments
from pipeline.foreign.rejected_lines import malformed_rows
from pipeline.foreign.scanned_tables import scan
from pipeline.foreign.verb_words import verb_of
from pipeline.spilling_database import one_row, text_literal

TABLE = "interaction"
UNKNOWN_VERB = "unknown verb (map it with --verb WORD=VERB)"
MALFORMED_TIME = f"malformed time (accepted are {MOMENTS_SUCH_AS})"
SCALES = (1.0, 5.0, 10.0, 100.0)  # the best rating is guessed: the smallest of these that no rating exceeds
_CLOCK_DIFFERENCE = 60_000  # milliseconds that another machine's clock may be ahead of ours


@dataclass(frozen=True, slots=True)
class Meaning:
    """Options that columns cannot hold: words for verbs, one verb for all rows, the best rating (None: guessed)."""

    words: Mapping[str, str] = field(default_factory=dict)
    verb: str | None = None
    best_rating: float | None = None


@dataclass(frozen=True, slots=True)
class StagedEvents:
    """The view ``read_events`` (row, person, post, verb, milliseconds, place, percent, fault, sample) and its facts."""

    is_timed: bool
    best_rating: float | None


def stage_events(
    connection: DuckDBPyConnection,
    source: ReadTable,
    meaning: Meaning,
    findings: ImportFindings,
    *,
    copies: Path,
    on_progress: Callable[[str], None],
) -> StagedEvents:
    """Read the interactions; copies of the file go to ``copies``. ImportSourceError if it cannot be read at all."""
    on_progress(f"reading {source.table.path.name}")
    is_timed = source.has(Role.TIME)
    scanned = scan(
        connection,
        source,
        lambda table: connection.execute(_staging_query(table, meaning)),
        copies=copies,
        has_line_breaks=lambda _: _has_line_breaks(connection),
    )
    if is_timed:
        on_progress("reading timestamps in rare formats")
        create_other_moments(
            connection, "SELECT DISTINCT other_time AS text FROM staged_events WHERE other_time IS NOT NULL"
        )
    best = meaning.best_rating
    (largest,) = one_row(connection, "SELECT max(rating) FROM staged_events WHERE fault IS NULL")
    if best is None and largest is not None:
        best = next((scale for scale in SCALES if largest <= scale), SCALES[-1])
    connection.execute(_view_query(is_timed=is_timed, best=best or 1.0))
    (rows,) = one_row(connection, "SELECT count(*) FROM staged_events")
    findings.totals[TABLE] = rows + scanned.rejected.count
    scanned.rejected.drop(findings, TABLE)
    malformed = connection.execute(f"SELECT row FROM staged_events WHERE fault = '{MALFORMED_LINE}' ORDER BY row")
    malformed_rows(scanned.source.table, [row for (row,) in malformed.fetchall()]).drop(findings, TABLE)
    _count_faults(connection, findings)
    return StagedEvents(is_timed, best)


def _has_line_breaks(connection: DuckDBPyConnection) -> bool:
    return bool(one_row(connection, "SELECT coalesce(bool_or(has_line_break), false) FROM staged_events")[0])


def _staging_query(source: ReadTable, meaning: Meaning) -> str:
    if meaning.verb is not None:
        verb = f"'{meaning.verb}'"
    elif source.has(Role.VERB):
        verb = verb_of("verb_text", meaning.words)
    else:
        verb = "CASE WHEN is_blank(rating_text) THEN 'view' ELSE 'rating' END"
    verbs = ", ".join(f"'{verb}'" for verb in VERBS)
    has_line_break = " OR ".join(f"contains(coalesce({role}_text, ''), chr(10))" for role in INTERACTION_ROLES)
    is_ordered = source.has(Role.ORDER) and not source.has(Role.TIME)
    return f"""
    CREATE OR REPLACE TEMP MACRO is_blank(t) AS t IS NULL OR trim(t, {text_literal(BLANKS)}) = '';
    CREATE OR REPLACE TABLE staged_events AS
    WITH texts AS (
        SELECT row_number() OVER () AS row,
            coalesce({source.table.malformed}, false) AS is_malformed,
            {source.sql(Role.USER)} AS user_text, {source.sql(Role.POST)} AS post_text,
            {source.sql(Role.VERB)} AS verb_text, {source.sql(Role.RATING)} AS rating_text,
            {source.sql(Role.TIME)} AS time_text, {source.sql(Role.ORDER)} AS order_text
        FROM {source.table.relation}
    ), meanings AS (
        SELECT *, {same_id("user_text")} AS person, {same_id("post_text")} AS post,
            {verb} AS verb, {common_moment("time_text")} AS milliseconds,
            {_finite("rating_text")} AS rating, {_finite("order_text")} AS place
        FROM texts
    ), checked AS (
        SELECT *, CASE
            WHEN is_malformed THEN '{MALFORMED_LINE}'
            WHEN person IS NULL THEN 'no person'
            WHEN post IS NULL THEN 'no post'
            WHEN {no_single_value("person")} OR {no_single_value("post")} THEN '{NO_SINGLE_VALUE}'
            WHEN verb IS NULL THEN '{UNKNOWN_VERB}'
            WHEN verb = 'rating' AND rating IS NULL THEN 'malformed rating'
            WHEN {str(is_ordered).lower()} AND place IS NULL THEN 'malformed place in the order'
        END AS fault
        FROM meanings
    )
    SELECT row, person, post, verb::ENUM ({verbs}) AS verb, milliseconds, place, fault,
        {has_line_break} AS has_line_break,
        CASE WHEN milliseconds IS NULL AND NOT is_blank(time_text) THEN time_text END AS other_time,
        CASE WHEN verb = 'rating' THEN rating END AS rating,
        CASE fault
            WHEN 'no person' THEN nullif(trim(user_text), '') WHEN 'no post' THEN nullif(trim(post_text), '')
            WHEN '{UNKNOWN_VERB}' THEN verb_text WHEN 'malformed rating' THEN rating_text
            WHEN 'malformed place in the order' THEN order_text
        END AS sample
    FROM checked
    """


def _finite(text: str) -> str:
    number = f"TRY_CAST({text} AS DOUBLE)"
    return f"CASE WHEN isfinite({number}) THEN {number} END"


def _view_query(*, is_timed: bool, best: float) -> str:
    latest = round(datetime.now(UTC).timestamp() * 1000) + _CLOCK_DIFFERENCE
    others = "LEFT JOIN other_moments ON other_time = other_moments.text" if is_timed else ""
    moment = "coalesce(staged_events.milliseconds, other_moments.milliseconds)" if is_timed else "NULL::BIGINT"
    return f"""
    CREATE VIEW read_events AS
    WITH moments AS (
        SELECT row, person, post, verb, place, rating, fault, sample, other_time, {moment} AS milliseconds
        FROM staged_events {others}
    )
    SELECT row, person, post, verb, milliseconds, place,
        CASE WHEN rating BETWEEN 0 AND {best} THEN greatest(1, round(100 * rating / {best}))::SMALLINT END AS percent,
        CASE
            WHEN fault IS NOT NULL THEN fault
            WHEN {str(is_timed).lower()} AND milliseconds IS NULL THEN '{MALFORMED_TIME}'
            WHEN milliseconds > {latest} THEN 'in the future'
            WHEN rating NOT BETWEEN 0 AND {best} THEN 'rating outside 0 to {best:g}'
        END AS fault,
        CASE
            WHEN fault IS NOT NULL THEN sample
            WHEN milliseconds IS NULL OR milliseconds > {latest} THEN coalesce(other_time, milliseconds::VARCHAR)
            ELSE rating::VARCHAR
        END AS sample
    FROM moments
    """


def _count_faults(connection: DuckDBPyConnection, findings: ImportFindings) -> None:
    found = connection.execute(
        f"""
        SELECT fault, count(*), min_by('row ' || row || coalesce(' (' || sample || ')', ''), row, {MOST_EXAMPLES})
        FROM read_events WHERE fault <> '{MALFORMED_LINE}' GROUP BY fault ORDER BY fault
        """
    ).fetchall()
    for fault, count, examples in found:
        findings.drop(TABLE, fault, count, examples)
