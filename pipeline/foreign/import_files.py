"""Import foreign files as clean tables for every later stage, instead of fetch and clean."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from duckdb import DuckDBPyConnection

from pipeline.clean_findings import CleanReport, write_report
from pipeline.foreign.errors import ImportSourceError
from pipeline.foreign.formats import Source
from pipeline.foreign.ids import number_names
from pipeline.foreign.import_report import MOST_EXAMPLES, NOT_UTF_8, UNKNOWN_POST, ImportFindings
from pipeline.foreign.people_of_source import stage_people
from pipeline.foreign.posts_of_source import read_posts_of_source
from pipeline.foreign.staged_events import TABLE, Meaning, StagedEvents, stage_events
from pipeline.repeated_rows import marked
from pipeline.spilling_database import one_row, spilling_database
from pipeline.tables import CLOCK, INTERACTIONS_FILE, NO_CLOCK, POSTS_FILE, USER_COUNTS, USERS_FILE, write_posts
from pipeline.whole_files import replace_together, whole_file
from pipeline.workspace import IMPORTED, REPORT_FILE

_ROWS_AT_ONCE = 500_000
_INTERACTIONS = pa.schema(
    [
        ("user_id", pa.int64()),
        ("post_id", pa.int64()),
        ("verb", pa.string()),
        ("at", pa.timestamp("ms", tz="UTC")),
        ("position", pa.int32()),
        ("rating_percent", pa.int16()),
    ]
)
_USERS = pa.schema(
    [
        ("user_id", pa.int64()),
        ("username", pa.string()),
        ("is_verified", pa.bool_()),
        ("user_type", pa.string()),
        *((name, pa.int64()) for name in USER_COUNTS),
        ("answers", pa.bool_()),
    ]
)
_BY_TIME = """
SELECT user_id, post_id, verb, milliseconds AS moment, percent, row FROM known_events
ORDER BY milliseconds, user_id, post_id, verb, row
"""
_BY_ORDER = """
SELECT user_id, post_id, verb, row_number() OVER (PARTITION BY user_id ORDER BY place, row) - 1 AS moment, percent, row
FROM (
    SELECT * FROM known_events
    QUALIFY row_number() OVER (PARTITION BY user_id, post_id, verb ORDER BY place, row) = 1
) ORDER BY user_id, moment
"""


@dataclass(frozen=True, slots=True)
class Imported:
    """The result: counts and findings, whether interactions have timestamps, and the best rating if there are any."""

    report: CleanReport
    is_timed: bool
    best_rating: float | None


def import_files(
    source: Source,
    output: Path,
    *,
    meaning: Meaning | None = None,
    accept_losses: bool = False,
    is_dry_run: bool = False,
    on_progress: Callable[[str], None] = lambda _: None,
) -> Imported:
    """Write posts.parquet, users.parquet, interactions.parquet and report.json, in memory bounded for interactions.

    Without timestamps, interactions have positions instead. ImportSourceError if a file cannot be read or no
    interaction is valid, or, unless ``accept_losses``, if one reason drops more than half of a table; the old tables
    then stay. With ``is_dry_run`` everything is read and nothing is written.
    """
    findings = ImportFindings()
    beside = _place_of_temporary_files(output.parent, is_dry_run=is_dry_run)
    with (
        spilling_database(beside) as connection,
        TemporaryDirectory(prefix=".imported-", dir=beside) as directory,
    ):
        incoming = Path(directory)
        events = stage_events(
            connection, source.interactions, meaning or Meaning(), findings, copies=incoming, on_progress=on_progress
        )
        posts = read_posts_of_source(connection, source.posts, findings, copies=incoming, on_progress=on_progress)
        if source.posts is not None:
            _count_unknown_posts(connection, findings)
        are_numbers = _number_people(connection, source, findings, copies=incoming, on_progress=on_progress)
        if not accept_losses:
            _refuse_losses(source, output, findings)
        _create_known_events(connection, are_numbers=are_numbers)
        write_posts(posts, incoming)
        people = _write_users(connection, incoming)
        on_progress("sorting the interactions")
        kept = _write_interactions(connection, incoming, events, findings)
        if not kept and not accept_losses:
            raise ImportSourceError(
                f"{source.interactions.table.path}: no interaction can be imported; {output} is unchanged"
            )
        report = CleanReport(
            kept={"post": len(posts), "user": people, "interaction": kept}, findings=tuple(findings.findings)
        )
        write_report(report, incoming, facts={IMPORTED: _facts(source, events)})
        if not is_dry_run:
            replace_together((POSTS_FILE, USERS_FILE, INTERACTIONS_FILE, REPORT_FILE), source=incoming, target=output)
    return Imported(report, events.is_timed, events.best_rating)


def _place_of_temporary_files(directory: Path, *, is_dry_run: bool) -> Path:
    """The directory that is written; a dry run makes none, and tries files where nothing may be written."""
    if is_dry_run and not os.access(directory, os.W_OK):
        return Path(gettempdir())
    directory.mkdir(parents=True, exist_ok=True)
    return directory


def _count_unknown_posts(connection: DuckDBPyConnection, findings: ImportFindings) -> None:
    count, examples = one_row(
        connection,
        f"""
        SELECT count(*), min_by('row ' || row || ' (' || post || ')', row, {MOST_EXAMPLES})
        FROM read_events ANTI JOIN post_numbers ON post = post_numbers.name WHERE fault IS NULL
        """,
    )
    findings.drop(TABLE, UNKNOWN_POST, count, examples or [])


def _refuse_losses(source: Source, output: Path, findings: ImportFindings) -> None:
    loss = findings.largest_loss()
    if loss is None:
        return
    table = {"post": source.posts, "user": source.users}.get(loss.table) or source.interactions
    if loss.reason.startswith(NOT_UTF_8):
        raise ImportSourceError(
            f"{table.table.path}: {loss.examples[0]} is not UTF-8, {loss.count} lines in all; name the encoding of the "
            f"file, such as --encoding cp1252; the tables in {output} are unchanged; --accept-losses imports the other "
            "rows"
        )
    example = f", for example {loss.examples[0]}" if loss.examples else ""
    raise ImportSourceError(
        f"{table.table.path}: {loss.count} of {findings.totals[loss.table]} rows would be dropped for one reason "
        f"({loss.reason}{example}); the tables in {output} are unchanged; --accept-losses imports the other rows"
    )


def _number_people(
    connection: DuckDBPyConnection,
    source: Source,
    findings: ImportFindings,
    *,
    copies: Path,
    on_progress: Callable[[str], None],
) -> bool:
    """Create the table people_numbers; returns whether every person's id is a number."""
    on_progress("numbering the people")
    with_post = "SEMI JOIN post_numbers ON post = post_numbers.name" if source.posts else ""
    names = f"SELECT person AS name FROM read_events {with_post} WHERE fault IS NULL"
    if source.users is not None:
        stage_people(connection, source.users, findings, copies=copies)
        names += " UNION ALL SELECT name FROM staged_people WHERE fault IS NULL"
    return number_names(connection, names, "people_numbers")


def _create_known_events(connection: DuckDBPyConnection, *, are_numbers: bool) -> None:
    """Create the view of the interactions without a fault and with a known post, with the ids of the clean tables."""
    person = "person::BIGINT" if are_numbers else "people_numbers.number"
    people = "" if are_numbers else "JOIN people_numbers ON person = people_numbers.name"
    connection.execute(
        f"CREATE VIEW known_events AS SELECT {person} AS user_id, post_numbers.number AS post_id, verb, milliseconds, "
        f"place, percent, row FROM read_events JOIN post_numbers ON post = post_numbers.name {people} "
        "WHERE fault IS NULL"
    )


def _write_users(connection: DuckDBPyConnection, directory: Path) -> int:
    people = 0
    with whole_file(directory / USERS_FILE) as temporary, pq.ParquetWriter(temporary, _USERS) as writer:
        query = connection.sql("SELECT number, name FROM people_numbers ORDER BY number")
        for batch in query.to_arrow_reader(_ROWS_AT_ONCE):
            zeros = pa.array(np.zeros(len(batch), dtype=np.int64))
            columns = {
                "user_id": batch.column("number"),
                "username": batch.column("name"),
                "is_verified": pa.array(np.zeros(len(batch), dtype=bool)),
                "user_type": pa.array(["" for _ in range(len(batch))]),
                **dict.fromkeys(USER_COUNTS, zeros),
                "answers": pa.array(np.ones(len(batch), dtype=bool)),
            }
            writer.write_batch(_batch(columns, _USERS))
            people += len(batch)
    return people


def _write_interactions(
    connection: DuckDBPyConnection, directory: Path, events: StagedEvents, findings: ImportFindings
) -> int:
    schema = _INTERACTIONS if events.is_timed else _INTERACTIONS.with_metadata({CLOCK: NO_CLOCK})
    query = connection.sql(_BY_TIME if events.is_timed else _BY_ORDER)
    kept, repeated = 0, 0
    examples: list[str] = []
    with whole_file(directory / INTERACTIONS_FILE) as temporary, pq.ParquetWriter(temporary, schema) as writer:
        for batch, is_repeated in marked(
            query.to_arrow_reader(_ROWS_AT_ONCE), ("moment", "user_id", "post_id", "verb")
        ):
            repeated += int(is_repeated.sum())
            if len(examples) < MOST_EXAMPLES:
                examples += [
                    f"row {row}" for row in batch.column("row").filter(is_repeated)[:MOST_EXAMPLES].to_pylist()
                ]
            new = batch.filter(pa.array(~is_repeated))
            nothing = pa.nulls(len(new), pa.int64())
            moment = new.column("moment")
            columns = {name: new.column(name) for name in ("user_id", "post_id", "verb")} | {
                "at": moment if events.is_timed else nothing,
                "position": nothing if events.is_timed else moment,
                "rating_percent": new.column("percent"),
            }
            writer.write_batch(_batch(columns, schema))
            kept += len(new)
    if not events.is_timed:
        (known,) = one_row(connection, "SELECT count(*) FROM known_events")
        repeated = known - kept
    what = "user, post and moment" if events.is_timed else "user and post"
    findings.add(TABLE, f"duplicate {what}: kept once", repeated, examples)
    return kept


def _batch(columns: dict[str, pa.Array], schema: pa.Schema) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([columns[field.name].cast(field.type) for field in schema], schema=schema)


def _facts(source: Source, events: StagedEvents) -> dict[str, object]:
    tables = {"interactions": source.interactions, "posts": source.posts, "users": source.users}
    return {
        "format": source.format.value,
        "clock": events.is_timed,
        "best_rating": events.best_rating,
        "tables": {
            name: {
                "file": str(table.table.path),
                "columns": {column.role.value: column.name for column in table.columns},
            }
            for name, table in tables.items()
            if table is not None
        },
    }
