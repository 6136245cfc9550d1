"""Combine all interactions of a user with a post into one strength, by the rule of two_tower/interaction_strengths.py.

The rule is one DuckDB query. It runs on the table on disk, which may be larger than memory, and on frames in memory.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from duckdb import DuckDBPyConnection, DuckDBPyRelation

from pipeline.interaction_events import create_events
from pipeline.spilling_database import one_row, small_database, spilling_database
from pipeline.tables import INTERACTIONS_FILE, RECORDED_VERB, SCORE_SCHEMA, SKIP, is_timed
from pipeline.whole_files import whole_file
from two_tower.interaction_strengths import (
    BY_STRENGTH,
    NEAREST_TO_ONE,
    RATING_SPREAD,
    SHRINKAGE,
    SKIP_STRENGTH,
    STRENGTHS,
)

_EVENTS_AT_ONCE = 8_000_000  # the pairs of so many events take about a gigabyte
_ROWS_AT_ONCE = 500_000

_RATERS = f"""
CREATE OR REPLACE TEMP TABLE raters AS
WITH everybody AS (
    SELECT avg(rating_percent) AS mean, var_pop(rating_percent) AS variance FROM events WHERE verb = 'rating'
), sums AS (
    SELECT user_id, count(*) AS ratings,
        sum(rating_percent::DOUBLE) AS total, sum(rating_percent::DOUBLE ** 2) AS squares
    FROM events WHERE verb = 'rating' GROUP BY user_id
), means AS (
    SELECT *, (total + {SHRINKAGE} * (SELECT mean FROM everybody)) / (ratings + {SHRINKAGE}) AS mean FROM sums
)
SELECT user_id, mean, greatest(1, sqrt(greatest(0,
    squares - 2 * mean * total + ratings * mean ** 2 + {SHRINKAGE} * (SELECT variance FROM everybody)
) / (ratings + {SHRINKAGE}))) AS deviation
FROM means
"""
_STRENGTH = f"""
CASE CASE WHEN is_skip THEN 'skip' ELSE verb END
    WHEN 'skip' THEN {SKIP_STRENGTH}
    WHEN 'rating' THEN
        {STRENGTHS["rating"]} + {RATING_SPREAD} * tanh((rating_percent - raters.mean) / raters.deviation)
    {" ".join(f"WHEN '{verb}' THEN {strength}" for verb, strength in STRENGTHS.items() if verb != "rating")}
END
"""
_STRENGTHS_BY_VERB = ", ".join(
    f"coalesce(max({_STRENGTH}) FILTER (verb = '{verb}'), 0) AS of_{verb}" for verb in BY_STRENGTH
)
_DOUBT = " * ".join(f"(1 - least(of_{verb}, {NEAREST_TO_ONE}))" for verb in BY_STRENGTH)
_STRONGEST = " ".join(f"WHEN of_{verb} THEN '{verb}'" for verb in BY_STRENGTH)
_PAIRS = f"""
WITH pairs AS (
    SELECT user_id, post_id, min(moment) AS first_moment, max(moment) AS last_moment, count(*)::INTEGER AS event_count,
        {_STRENGTHS_BY_VERB}
    FROM events LEFT JOIN raters USING (user_id)
    WHERE user_id BETWEEN $lowest AND $highest
    GROUP BY user_id, post_id
)
SELECT user_id, post_id, (1 - {_DOUBT})::FLOAT AS strength,
    CASE greatest({", ".join(f"of_{verb}" for verb in BY_STRENGTH)}) {_STRONGEST} END AS verb,
    first_moment, last_moment, event_count
FROM pairs ORDER BY user_id, last_moment, post_id
"""


@dataclass(frozen=True, slots=True)
class ScoreReport:
    """The number of events and pairs, and the mean strength of a pair."""

    events: int
    pairs: int
    mean_strength: float

    def rows(self) -> list[tuple[str, ...]]:
        """The report as a table to print, headings first."""
        return [
            ("events", "user-post pairs", "mean strength"),
            (str(self.events), str(self.pairs), f"{self.mean_strength:.3f}"),
        ]


def score(clean_directory: Path, output: Path) -> ScoreReport:
    """Score the clean interactions and write one row for each user and post.

    People are scored in groups, so memory does not grow with the number of events. TableError for a malformed table.
    """
    timed = is_timed(clean_directory)
    output.parent.mkdir(parents=True, exist_ok=True)
    pairs, total = 0, 0.0
    with spilling_database(output.parent) as connection:
        events = create_events(connection, clean_directory / INTERACTIONS_FILE, timed=timed)
        connection.execute(_RATERS)
        with whole_file(output) as temporary, pq.ParquetWriter(temporary, SCORE_SCHEMA) as writer:
            for lowest, highest in _ranges_of_users(connection, events):
                for batch in _pairs(connection, lowest, highest).to_arrow_reader(_ROWS_AT_ONCE):
                    writer.write_batch(_score_batch(batch, timed=timed))
                    pairs += len(batch)
                    total += float(np.sum(batch.column("strength").to_numpy(), dtype=np.float64))
    return ScoreReport(events=events, pairs=pairs, mean_strength=total / pairs if pairs else 0.0)


def score_frame(interactions: pd.DataFrame) -> pd.DataFrame:
    """Strength of each (user, post): 1 - the product of (1 - strength) over its verbs, each verb at its strongest.

    So different verbs add up without exceeding 1, and repeating a verb changes nothing. The strength of a rating is
    relative to the user's other ratings. Columns as in scores.parquet, sorted by user, last moment and post.
    """
    is_skip = interactions[RECORDED_VERB] == SKIP if RECORDED_VERB in interactions else interactions["verb"].isna()
    moments = interactions["at"].astype("datetime64[ms, UTC]").astype("int64")
    events = pa.table(
        {
            "user_id": pa.array(interactions["user_id"].to_numpy(dtype="int64")),
            "post_id": pa.array(interactions["post_id"].to_numpy(dtype="int64")),
            "verb": pa.array(interactions["verb"], type=pa.string()),
            "is_skip": pa.array(is_skip.to_numpy(dtype=bool)),
            "moment": pa.array(moments.to_numpy(dtype="int64")),
            "rating_percent": pa.array(interactions["rating_percent"].astype("Int16"), type=pa.int16()),
        }
    )
    with small_database() as connection:
        connection.register("events", events)
        connection.execute(_RATERS)
        scored = _pairs(connection, -(2**63), 2**63 - 1).to_arrow_table()
    return pd.DataFrame(
        {
            "user_id": scored.column("user_id").to_numpy(),
            "post_id": scored.column("post_id").to_numpy(),
            "verb": pd.Series(scored.column("verb").to_pylist(), dtype="str"),
            "first_at": _moments(scored.column("first_moment").to_numpy()),
            "last_at": _moments(scored.column("last_moment").to_numpy()),
            "event_count": scored.column("event_count").to_numpy(),
            "strength": scored.column("strength").to_numpy(),
        }
    )


def _pairs(connection: DuckDBPyConnection, lowest: int, highest: int) -> DuckDBPyRelation:
    return connection.sql(_PAIRS, params={"lowest": lowest, "highest": highest})


def _ranges_of_users(connection: DuckDBPyConnection, events: int) -> list[tuple[int, int]]:
    """Ranges of user ids with about the same number of events each, ascending."""
    parts = -(-events // _EVENTS_AT_ONCE)
    if parts <= 1:
        return [(-(2**63), 2**63 - 1)]
    shares = [part / parts for part in range(1, parts)]
    (quantiles,) = one_row(connection, f"SELECT approx_quantile(user_id, {shares}) FROM events")
    ends = sorted(set(quantiles))
    return list(zip([-(2**63), *(end + 1 for end in ends)], [*ends, 2**63 - 1], strict=True))


def _score_batch(batch: pa.RecordBatch, *, timed: bool) -> pa.RecordBatch:
    """A batch of scores.parquet: moments of a set with a clock, positions of one that only has an order."""
    columns = {name: batch.column(name) for name in ("user_id", "post_id", "strength", "verb", "event_count")}
    for end in ("first", "last"):
        values = batch.column(f"{end}_moment")
        columns[f"{end}_at"] = values if timed else pa.nulls(len(batch), pa.int64())
        columns[f"{end}_position"] = pa.nulls(len(batch), pa.int64()) if timed else values
    return pa.RecordBatch.from_arrays(
        [columns[field.name].cast(field.type) for field in SCORE_SCHEMA], schema=SCORE_SCHEMA
    )


def _moments(milliseconds: "np.ndarray[tuple[int], np.dtype[np.int64]]") -> "pd.Series[pd.Timestamp]":
    return pd.to_datetime(pd.Series(milliseconds), unit="ms", utc=True).astype("datetime64[ms, UTC]")
