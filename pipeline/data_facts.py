"""What the choice of training settings reads of a workspace's clean tables: length, order, clock and texts."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from duckdb import DuckDBPyConnection
from duckdb import Error as DuckDBError

from pipeline.dataset import SHORTEST_CLOCK_DAYS
from pipeline.spilling_database import one_row, small_database, text_literal
from pipeline.tables import INTERACTIONS_FILE, POSTS_FILE, TableError, is_timed, row_count

_READ_ABOUT = 1_000_000  # interactions, of people drawn by a hash of their ids
_ORDERED_BY_ID = 0.99  # share of a person's steps that go to a post with a higher id
_FEWEST_STEPS = 100  # that can tell
_MILLISECONDS_A_DAY = 86_400_000


class Order(StrEnum):
    """What is known of when people met posts."""

    CLOCK = "timestamps over four weeks or more"
    SHORT_CLOCK = "timestamps over less than four weeks"
    PLACES = "an order without timestamps"
    NONE = "no order: each person's rows are sorted by post"


@dataclass(frozen=True, slots=True)
class DataFacts:
    """``median_history`` counts the posts that a person met; ``with_text`` is the share of posts with a text, 0..1."""

    interactions: int
    posts: int
    median_history: float
    order: Order
    with_text: float


def read_facts(clean_directory: Path) -> DataFacts | None:
    """Read the facts from about a million interactions; None without interactions, or if a table cannot be read."""
    path = clean_directory / INTERACTIONS_FILE
    count = row_count(path)
    if not count:
        return None
    try:
        timed = is_timed(clean_directory)
        with small_database() as connection:
            median, order = _histories(connection, path, timed=timed, one_in=-(-count // _READ_ABOUT))
            posts, with_text = _texts(connection, clean_directory / POSTS_FILE)
    except (DuckDBError, TableError):  # the stage that reads the tables names the fault
        return None
    return DataFacts(interactions=count, posts=posts, median_history=median, order=order, with_text=with_text)


def _histories(connection: DuckDBPyConnection, path: Path, *, timed: bool, one_in: int) -> tuple[float, Order]:
    """The median number of posts that a person met, and what the order is."""
    moment = 'epoch_ms("at")' if timed else "position"
    drawn = f"SELECT user_id, post_id, {moment} AS moment FROM read_parquet({text_literal(path)})"
    if one_in > 1:
        drawn += f" WHERE hash(user_id) % {one_in} = 0"
    firsts = f"SELECT user_id, post_id, min(moment) AS moment FROM ({drawn}) GROUP BY user_id, post_id"
    lengths = f"SELECT count(*) AS length, min(moment) AS low, max(moment) AS high FROM ({firsts}) GROUP BY user_id"
    median, low, high = one_row(connection, f"SELECT median(length), min(low), max(high) FROM ({lengths})")
    if median is None:  # nobody was drawn
        return 0.0, Order.CLOCK if timed else Order.PLACES
    before = "lag(post_id) OVER (PARTITION BY user_id ORDER BY moment, post_id)"
    steps = f"SELECT post_id > {before} AS goes_up FROM ({firsts})"
    counted, share = one_row(connection, f"SELECT count(goes_up), avg(goes_up::INTEGER) FROM ({steps})")
    if counted >= _FEWEST_STEPS and share >= _ORDERED_BY_ID and not timed:
        return float(median), Order.NONE
    if not timed:
        return float(median), Order.PLACES
    is_long = high - low >= SHORTEST_CLOCK_DAYS * _MILLISECONDS_A_DAY
    return float(median), Order.CLOCK if is_long else Order.SHORT_CLOCK


def _texts(connection: DuckDBPyConnection, path: Path) -> tuple[int, float]:
    """The number of posts, and the share of those whose text is not empty."""
    try:
        if not pq.read_metadata(path).num_rows:
            return 0, 0.0
    except (pa.ArrowInvalid, OSError):
        return 0, 0.0
    texts = f"SELECT summary_text FROM read_parquet({text_literal(path)})"
    posts, share = one_row(connection, f"SELECT count(*), avg((trim(summary_text) <> '')::INTEGER) FROM ({texts})")
    return int(posts), float(share)
