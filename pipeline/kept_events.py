"""Which interactions of the raw store are kept: those of known people and posts, within the time of the set, once.

They are sorted and written in pieces, so memory does not grow with their number.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from duckdb import DuckDBPyConnection
from numpy.typing import NDArray

from pipeline.clean_findings import MOST_EXAMPLES, Findings
from pipeline.raw_events import MOMENT_KEYS
from pipeline.repeated_rows import marked
from pipeline.tables import INTERACTIONS_FILE, interactions_schema
from pipeline.whole_files import whole_file

CLOCK_DIFFERENCE = 60_000  # milliseconds that upstream's clock may be ahead of ours
_ZONE_DIFFERENCE = 24 * 60 * 60 * 1000  # milliseconds; events without a time zone may be in another than the posts
ROWS_AT_ONCE = 1_000_000
_DELETED = "post or user deleted upstream: left out, stays in the raw store"
_UNKNOWN_POST, _UNKNOWN_USER = "unknown post", "unknown user"
_LATE, _EARLY = "later than the fetch", "older than the oldest post"
_REPEATED = "duplicate user, post and moment: kept once"


@dataclass(frozen=True, slots=True)
class KnownIds:
    """The ids of one table that are kept, and those that were deleted upstream."""

    kept: NDArray[np.int64]
    deleted: set[int]


def judge_events(
    connection: DuckDBPyConnection,
    posts: KnownIds,
    users: KnownIds,
    *,
    oldest_post: int | None,
    fetched_at: int,
    findings: Findings,
) -> None:
    """Create the view judged_events: raw_events with a ``fault``, null for those that are kept; count the faults.

    ``oldest_post`` and ``fetched_at`` are milliseconds since 1970: what is outside of them has a wrong clock, and would
    stretch every window.
    """
    _create_known(connection, "known_posts", posts)
    _create_known(connection, "known_users", users)
    is_early = "false" if oldest_post is None else f"milliseconds < {oldest_post - _ZONE_DIFFERENCE}"
    connection.execute(
        f"""
        CREATE TEMP VIEW judged_events AS SELECT raw_events.*, CASE
            WHEN known_posts.is_deleted OR known_users.is_deleted THEN '{_DELETED}'
            WHEN known_posts.id IS NULL THEN '{_UNKNOWN_POST}'
            WHEN known_users.id IS NULL THEN '{_UNKNOWN_USER}'
            WHEN milliseconds > {fetched_at + CLOCK_DIFFERENCE} THEN '{_LATE}'
            WHEN {is_early} THEN '{_EARLY}'
        END AS fault
        FROM raw_events
        LEFT JOIN known_posts ON raw_events.post_id = known_posts.id
        LEFT JOIN known_users ON raw_events.user_id = known_users.id
        """
    )
    _count_faults(connection, findings)


def write_kept_events(
    connection: DuckDBPyConnection,
    directory: Path,
    users: NDArray[np.int64],
    findings: Findings,
    *,
    on_progress: Callable[[int], None] = lambda _: None,
) -> NDArray[np.int64]:
    """Write interactions.parquet, by time, user, post and verb; returns how many interactions each of ``users`` has.

    Repetitions are counted. ``on_progress`` gets the number of rows so far.
    """
    schema = interactions_schema()
    order = np.argsort(users)
    activity = np.zeros(len(users), dtype=np.int64)  # in the order of ids
    repeated: dict[str, tuple[int, int]] = {}  # the number by verb, and the first id
    done = 0
    sorted_events = connection.sql(
        "SELECT milliseconds, user_id, post_id, verb, percent, id FROM judged_events WHERE fault IS NULL "
        "ORDER BY milliseconds, user_id, post_id, verb, id"
    )
    with whole_file(directory / INTERACTIONS_FILE) as temporary, pq.ParquetWriter(temporary, schema) as writer:
        for batch, is_repeated in marked(
            sorted_events.to_arrow_reader(ROWS_AT_ONCE), ("milliseconds", "user_id", "post_id", "verb")
        ):
            _note_repeated(batch.filter(pa.array(is_repeated)), repeated)
            new = batch.filter(pa.array(~is_repeated))
            writer.write_batch(_typed(new, schema))
            places = np.searchsorted(users, new.column("user_id").to_numpy(), sorter=order)
            activity += np.bincount(places, minlength=len(users))
            done += len(batch)
            on_progress(done)
    for verb, (count, first) in repeated.items():
        findings.add(verb, _REPEATED, f"id {first}", count=count)
    of_users = np.empty_like(activity)
    of_users[order] = activity
    return of_users


def _create_known(connection: DuckDBPyConnection, name: str, known: KnownIds) -> None:
    deleted = np.fromiter(known.deleted, dtype=np.int64, count=len(known.deleted))
    ids = pa.table(
        {
            "id": np.concatenate([known.kept, deleted]),
            "is_deleted": np.repeat([False, True], [len(known.kept), len(deleted)]),
        }
    )
    connection.register("known_ids", ids)
    connection.execute(f"CREATE TEMP TABLE {name} AS SELECT * FROM known_ids")
    connection.unregister("known_ids")


def _count_faults(connection: DuckDBPyConnection, findings: Findings) -> None:
    """Count the faults of each verb: those of a moment by time, the others by the order of the raw store."""
    found = connection.execute(
        f"""
        WITH placed AS (
            SELECT fault, verb, id, milliseconds, CASE
                WHEN fault IN ('{_LATE}', '{_EARLY}') THEN [milliseconds, user_id, post_id, enum_code(verb), id]
                ELSE [list_position({[*MOMENT_KEYS]}, verb::VARCHAR), id]
            END AS place
            FROM judged_events WHERE fault IS NOT NULL
        )
        SELECT fault, verb, count(*), min_by([id, milliseconds], place, {MOST_EXAMPLES}) FROM placed
        GROUP BY fault, verb ORDER BY min(place)
        """
    ).fetchall()
    for reason in (_UNKNOWN_POST, _UNKNOWN_USER, _DELETED, _LATE, _EARLY):
        for verb, count, rows in ((verb, count, rows) for fault, verb, count, rows in found if fault == reason):
            if reason == _DELETED:
                findings.add(verb, reason, f"id {rows[0][0]}", count=count)
                continue
            for row_id, at in rows:
                moment = pd.Timestamp(at, unit="ms", tz="UTC")
                findings.drop(verb, reason, f"id {row_id} at {moment:%Y-%m-%d %H:%M:%S}")
            if count > len(rows):
                findings.drop(verb, reason, "", count=count - len(rows))


def _note_repeated(rows: pa.RecordBatch, repeated: dict[str, tuple[int, int]]) -> None:
    for verb, row_id in zip(rows.column("verb").to_pylist(), rows.column("id").to_pylist(), strict=True):
        count, first = repeated.get(verb, (0, row_id))
        repeated[verb] = count + 1, first


def _typed(events: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    columns = {
        "user_id": events.column("user_id"),
        "post_id": events.column("post_id"),
        "verb": events.column("verb"),
        "at": events.column("milliseconds"),
        "rating_percent": events.column("percent"),
    }
    nothing = pa.nulls(len(events))
    return pa.RecordBatch.from_arrays(
        [columns.get(kind.name, nothing).cast(kind.type) for kind in schema], schema=schema
    )
