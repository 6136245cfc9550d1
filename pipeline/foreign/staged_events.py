"""The interactions of a source, read once into a table of the database; what cannot be read gets a fault."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from duckdb import DuckDBPyConnection
from duckdb import Error as DuckDBError

from bundle.verbs import VERBS
from pipeline.foreign.columns import ReadTable, Role
from pipeline.foreign.errors import ImportSourceError
from pipeline.foreign.ids import same_id
from pipeline.foreign.import_report import MOST_EXAMPLES, ImportFindings
from pipeline.foreign.moments_in_bulk import common_moment, create_other_moments
from pipeline.foreign.rejected_lines import rejected_lines
from pipeline.foreign.verb_words import verb_of
from pipeline.spilling_database import one_row

TABLE = "interaction"
UNKNOWN_VERB = "unknown verb (map it with --verb WORD=VERB)"
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
    tell: Callable[[str], None],
) -> StagedEvents:
    """Read the interactions. ImportSourceError if the file cannot be read at all."""
    tell(f"reading {source.table.path.name}")
    is_timed = source.has(Role.TIME)
    try:
        connection.execute(_staging_query(source, meaning))
    except DuckDBError as error:
        raise ImportSourceError(f"{source.table.path} cannot be read: {error}") from error
    if is_timed:
        tell("reading timestamps in rare formats")
        create_other_moments(
            connection, "SELECT DISTINCT other_time AS text FROM staged_events WHERE other_time IS NOT NULL"
        )
    best = meaning.best_rating
    (largest,) = one_row(connection, "SELECT max(rating) FROM staged_events WHERE fault IS NULL")
    if best is None and largest is not None:
        best = next((scale for scale in SCALES if largest <= scale), SCALES[-1])
    connection.execute(_view_query(is_timed=is_timed, best=best or 1.0))
    (rows,) = one_row(connection, "SELECT count(*) FROM staged_events")
    rejected, examples = rejected_lines(connection, source.table.path)
    findings.totals[TABLE] = rows + rejected
    findings.drop(TABLE, "malformed line", rejected, examples)
    _count_faults(connection, findings)
    return StagedEvents(is_timed, best)


def _staging_query(source: ReadTable, meaning: Meaning) -> str:
    if meaning.verb is not None:
        verb = f"'{meaning.verb}'"
    elif source.has(Role.VERB):
        verb = verb_of("verb_text", meaning.words)
    else:
        verb = "CASE WHEN is_blank(rating_text) THEN 'view' ELSE 'rating' END"
    verbs = ", ".join(f"'{verb}'" for verb in VERBS)
    is_ordered = source.has(Role.ORDER) and not source.has(Role.TIME)
    return f"""
    CREATE OR REPLACE TEMP MACRO is_blank(t) AS t IS NULL OR trim(t) = '';
    CREATE TABLE staged_events AS
    WITH texts AS (
        SELECT row_number() OVER () AS row,
            {source.sql(Role.USER)} AS user_text, {source.sql(Role.POST)} AS post_text,
            {source.sql(Role.VERB)} AS verb_text, {source.sql(Role.RATING)} AS rating_text,
            {source.sql(Role.TIME)} AS time_text, {source.sql(Role.ORDER)} AS order_text
        FROM {source.table.relation}
    ), meanings AS (
        SELECT *, {verb} AS verb, {common_moment("time_text")} AS milliseconds,
            {_finite("rating_text")} AS rating, {_finite("order_text")} AS place
        FROM texts
    ), checked AS (
        SELECT *, CASE
            WHEN is_blank(user_text) THEN 'no person'
            WHEN is_blank(post_text) THEN 'no post'
            WHEN verb IS NULL THEN '{UNKNOWN_VERB}'
            WHEN verb = 'rating' AND rating IS NULL THEN 'malformed rating'
            WHEN {str(is_ordered).lower()} AND place IS NULL THEN 'malformed place in the order'
        END AS fault
        FROM meanings
    )
    SELECT row, {same_id("user_text")} AS person, {same_id("post_text")} AS post,
        verb::ENUM ({verbs}) AS verb, milliseconds, place, fault,
        CASE WHEN milliseconds IS NULL AND NOT is_blank(time_text) THEN time_text END AS other_time,
        CASE WHEN verb = 'rating' THEN rating END AS rating,
        CASE fault
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
            WHEN {str(is_timed).lower()} AND milliseconds IS NULL THEN 'malformed time'
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
        FROM read_events WHERE fault IS NOT NULL GROUP BY fault ORDER BY fault
        """
    ).fetchall()
    for fault, count, examples in found:
        findings.drop(TABLE, fault, count, examples)
