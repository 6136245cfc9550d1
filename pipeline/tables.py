"""The typed tables between the stages: their columns, and readers that name the first malformed row."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from bundle.verbs import VERBS
from pipeline.whole_files import whole_file

POSTS_FILE = "posts.parquet"
USERS_FILE = "users.parquet"
INTERACTIONS_FILE = "interactions.parquet"

RECORDED_VERB = "recorded_verb"
SKIP = "SKIP"  # a recorded verb: in the tables it is a view, and a weaker one

_MOMENT: Any = "datetime64[ms, UTC]"
POST_COUNTS = (
    "comment_count",
    "upvote_count",
    "view_count",
    "exit_count",
    "rating_count",
    "share_count",
    "bookmark_count",
)
USER_COUNTS = ("share_count", "post_count", "following_count", "follower_count")
_POST_TYPES: dict[str, Any] = {
    "post_id": "int64",
    "video_link": "str",
    "title": "str",
    "thumbnail_url": "str",
    "owner_username": "str",
    "category_id": "Int32",  # null: none
    "category_name": "str",  # null: none
    "created_at": _MOMENT,  # null: unknown
    **dict.fromkeys(POST_COUNTS, "int64"),
    "average_rating": "float64",  # 1 to 100, NaN: none
    "is_servable": "bool",
    "description": "str",
    "keywords": "str",
    "mood_text": "str",
    "content_text": "str",
    "summary_text": "str",  # the text to embed, most informative parts first
    "external_id": "str",  # the id of the post at its source; null: the same as post_id
    "language": "str",  # such as en; null: not known
}
_USER_TYPES: dict[str, Any] = {
    "user_id": "int64",
    "username": "str",
    "is_verified": "bool",
    "user_type": "str",
    **dict.fromkeys(USER_COUNTS, "int64"),
    "answers": "bool",  # whether its username leads to this account; only one of several with the same name
}
_INTERACTION_TYPES: dict[str, Any] = {
    "user_id": "int64",
    "post_id": "int64",
    "verb": "str",
    "at": _MOMENT,  # null in every row of a set without a clock
    "position": "Int32",  # place in the person's history from 0, the oldest; null in a set with a clock
    "rating_percent": "Int16",  # 1 to 100, null unless the verb is rating
    RECORDED_VERB: "str",  # what was recorded in the store; null in rows of the upstream or an import
}
_NULLABLE = {
    "category_id",
    "category_name",
    "average_rating",
    "rating_percent",
    "created_at",
    "at",
    "position",
    "external_id",
    "language",
    RECORDED_VERB,
}
_OPTIONAL = {"external_id", "language", "position", RECORDED_VERB}  # older tables lack them
SCORE_SCHEMA = pa.schema(
    [
        ("user_id", pa.int64()),
        ("post_id", pa.int64()),
        ("strength", pa.float32()),  # 0 to 1
        ("verb", pa.string()),
        ("first_at", pa.timestamp("ms", tz="UTC")),  # null in a set without a clock, as last_at is
        ("last_at", pa.timestamp("ms", tz="UTC")),
        ("first_position", pa.int32()),  # null in a set with a clock, as last_position is
        ("last_position", pa.int32()),
        ("event_count", pa.int32()),
    ]
)
CLOCK = b"moodfeed.clock"  # key of the fact in interactions.parquet; without it the set has a clock
NO_CLOCK = b"none"
LOG_POSITION = b"moodfeed.log_position"  # up to which the store was collected; not there if it was not
ORDER_STEP = pd.Timedelta(hours=1)
ORDER_END = pd.Timestamp("2026-01-01", tz="UTC")


class TableError(Exception):
    """A table cannot be read: names the file, and the row and field if there is one."""


def read_posts(directory: Path) -> pd.DataFrame:
    """Read posts.parquet, one row a post."""
    path = directory / POSTS_FILE
    posts = _read(path, _POST_TYPES)
    _refuse_rows(path, posts["post_id"].duplicated(), "post_id", "is a duplicate")
    _refuse_rows(path, posts["category_id"].lt(1).fillna(False), "category_id", "must be at least 1 or null")
    return posts


def read_users(directory: Path) -> pd.DataFrame:
    """Read users.parquet, one row a user."""
    path = directory / USERS_FILE
    users = _read(path, _USER_TYPES)
    _refuse_rows(path, users["user_id"].duplicated(), "user_id", "is a duplicate")
    return users


def read_interactions(directory: Path) -> pd.DataFrame:
    """Read interactions.parquet, one row an event, ascending by time.

    Without timestamps (``is_timed`` is false) there is only an order. Then ``at`` is not a real time: positions in a
    history are ORDER_STEP apart, and every history ends at ORDER_END.
    """
    path = directory / INTERACTIONS_FILE
    timed = is_timed(directory)
    interactions = _read(path, _INTERACTION_TYPES)
    _refuse_rows(path, ~interactions["verb"].isin(VERBS), "verb", f"must be one of {', '.join(VERBS)}")
    rating = interactions["rating_percent"]
    is_rating = interactions["verb"] == "rating"
    _refuse_rows(path, ~rating.between(1, 100).fillna(False) & is_rating, "rating_percent", "must be 1 to 100")
    _refuse_rows(path, rating.notna() & ~is_rating, "rating_percent", "must be null unless the verb is rating")
    order = "at" if timed else "position"
    _refuse_rows(path, interactions[order].isna(), order, "is null")
    if not timed:
        position = interactions["position"].astype("int64")
        later = position.groupby(interactions["user_id"]).transform("max") - position
        interactions["at"] = (ORDER_END - later * ORDER_STEP).astype(_MOMENT)
    interactions = interactions.drop(columns="position")
    return interactions.sort_values(["at", "user_id", "post_id", "verb"], ignore_index=True, kind="stable")


def column_types(file: str) -> Mapping[str, Any]:
    """The columns of a clean table, by the name of its file, and their dtypes."""
    return {POSTS_FILE: _POST_TYPES, USERS_FILE: _USER_TYPES, INTERACTIONS_FILE: _INTERACTION_TYPES}[file]


def interactions_schema() -> pa.Schema:
    """The columns of interactions.parquet as `moodfeed clean` writes them."""
    empty = pd.DataFrame({name: pd.Series([], dtype=kind) for name, kind in _INTERACTION_TYPES.items()})
    return pa.Table.from_pandas(empty, preserve_index=False).schema


def is_nullable(column: str) -> bool:
    """Whether a column of the clean tables may hold null."""
    return column in _NULLABLE


def is_timed(directory: Path) -> bool:
    """Whether the interactions have timestamps and not only an order; TableError if the table is missing."""
    metadata = _schema(directory / INTERACTIONS_FILE).metadata or {}
    return bool(metadata.get(CLOCK) != NO_CLOCK)


def log_position(directory: Path) -> int:
    """The position of the store's log up to which the interactions were collected; 0 if they were not."""
    metadata = _schema(directory / INTERACTIONS_FILE).metadata or {}
    return int(metadata.get(LOG_POSITION, b"0"))


def check_interaction_columns(path: Path) -> None:
    """TableError if interactions.parquet is missing, cannot be read or lacks a column."""
    _refuse_missing_columns(path, _INTERACTION_TYPES, _schema(path).names)


def row_count(path: Path) -> int:
    """The number of rows of a table; 0 if it is missing or cannot be read."""
    try:
        return int(pq.read_metadata(path).num_rows)
    except (pa.ArrowInvalid, OSError):
        return 0


def write_posts(posts: pd.DataFrame, directory: Path) -> None:
    """Replace posts.parquet in one step."""
    _write(posts, directory / POSTS_FILE, _POST_TYPES)


def write_users(users: pd.DataFrame, directory: Path) -> None:
    """Replace users.parquet in one step."""
    _write(users, directory / USERS_FILE, _USER_TYPES)


def _read(path: Path, types: Mapping[str, Any]) -> pd.DataFrame:
    try:
        table = pd.read_parquet(path)
    except FileNotFoundError:
        raise _missing(path) from None
    except (pa.ArrowInvalid, OSError) as error:
        raise TableError(f"{path} cannot be read as Parquet: {error}") from error
    _refuse_missing_columns(path, types, table.columns)
    table = table.reindex(columns=list(types))
    for name, dtype in types.items():
        if name not in _NULLABLE:
            _refuse_rows(path, table[name].isna(), name, "is null")
        try:
            table[name] = table[name].astype(dtype)
        except (TypeError, ValueError, OverflowError):
            _refuse_rows(path, ~table[name].map(lambda value, to=dtype: _fits(value, to)), name, f"is not {dtype}")
            raise TableError(f"{path}: column {name} is not {dtype}") from None
    return table


def _schema(path: Path) -> pa.Schema:
    try:
        return pq.read_schema(path)
    except FileNotFoundError:
        raise _missing(path) from None
    except (pa.ArrowInvalid, OSError) as error:
        raise TableError(f"{path} cannot be read as Parquet: {error}") from error


def _missing(path: Path) -> TableError:
    return TableError(f"{path} is missing: run the stage that writes it (`moodfeed --help` lists them)")


def _refuse_missing_columns(path: Path, types: Mapping[str, Any], present: Iterable[str]) -> None:
    missing = [name for name in types if name not in _OPTIONAL and name not in set(present)]
    if missing:
        raise TableError(f"{path}: column {missing[0]} is missing")


def _fits(value: object, dtype: Any) -> bool:
    try:
        pd.Series([value]).astype(dtype)
    except (TypeError, ValueError, OverflowError):
        return False
    return True


def _refuse_rows(path: Path, is_broken: "pd.Series[bool]", field: str, reason: str) -> None:
    rows = is_broken.to_numpy(dtype=bool).nonzero()[0]
    if len(rows):
        others = f" ({len(rows) - 1} more rows like it)" if len(rows) > 1 else ""
        raise TableError(f"{path}, row {rows[0]}, field {field}: {reason}{others}")


def _write(table: pd.DataFrame, path: Path, types: Mapping[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    typed = table.reindex(columns=[*table.columns, *(_OPTIONAL - set(table.columns))])[list(types)].astype(dict(types))
    with whole_file(path) as temporary:
        pq.write_table(pa.Table.from_pandas(typed, preserve_index=False), temporary)
