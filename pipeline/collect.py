"""Collect what was recorded in the store into the clean tables, beside what the upstream or an import gave.

Posts of the store replace those of the same id, whoever changed them last, and deleted ones leave the table. Collected
interactions are marked by ``recorded_verb``, and each collection replaces those of the one before. The position of
the log up to which was collected stands in the same file as the rows, so that the two cannot part.
"""

import gc
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.forgotten import Forgotten
from pipeline.spilling_database import spilling_database, text_literal
from pipeline.store_people import People
from pipeline.store_posts import with_posts_of_store
from pipeline.tables import (
    INTERACTIONS_FILE,
    LOG_POSITION,
    POSTS_FILE,
    RECORDED_VERB,
    USERS_FILE,
    is_timed,
    read_posts,
    read_users,
    write_posts,
    write_users,
)
from pipeline.whole_files import replace_together, whole_file, write_whole_text
from pipeline.workspace import REPORT_FILE, Workspace
from store.interactions import Interaction, Verb
from store.port import Store

COLLECTED = "collected"  # the key of the report
_ROWS_AT_ONCE = 1_000_000
_EARLIER_THAN_POSTS = pd.Timedelta(days=1)
_VERBS = {Verb.VIEW: "view", Verb.LIKE: "like", Verb.INSPIRE: "inspire", Verb.RATING: "rating", Verb.SKIP: "view"}
"""What each verb is in the tables; a post that does not interest leaves the feeds, and the history stays as it is."""

_EVENTS = pa.schema(
    [
        ("user_id", pa.int64()),
        ("post_id", pa.int64()),
        ("verb", pa.string()),
        ("at", pa.int64()),
        ("rating_percent", pa.int16()),
        (RECORDED_VERB, pa.string()),
    ]
)


class CollectError(Exception):
    """There are no clean tables to collect into: says what to run."""


@dataclass(slots=True)
class CollectReport:
    """How many interactions were collected up to ``position``, and how many were not, by reason; and how many posts."""

    position: int
    kept: int = 0
    people_added: int = 0
    posts: int = 0
    posts_deleted: int = 0
    left_out: dict[str, int] = field(default_factory=dict)

    def rows(self) -> list[tuple[str, ...]]:
        """The report as a table to print, headings first."""
        return [
            ("what", "number"),
            ("interactions collected", f"{self.kept:,}"),
            ("people whom the tables did not know", f"{self.people_added:,}"),
            ("posts collected", f"{self.posts:,}"),
            ("posts of the tables that were deleted", f"{self.posts_deleted:,}"),
            *((reason, f"{count:,}") for reason, count in self.left_out.items()),
            ("position of the log", f"{self.position:,}"),
        ]

    def note(self, reason: str, count: int = 1) -> None:
        """Count what was not collected."""
        if count:
            self.left_out[reason] = self.left_out.get(reason, 0) + count


def collect(workspace: Workspace, store: Store, *, progress: Callable[[int], None] = lambda _: None) -> CollectReport:
    """Write the clean tables anew, with what counts in the store now; ``progress`` gets the interactions read so far.

    CollectError if there are no clean tables; the old tables stay if anything fails.
    """
    clean = workspace.clean
    if not (clean / INTERACTIONS_FILE).exists():
        raise CollectError(f"{clean} holds no tables: run `moodfeed clean` or `moodfeed import` first")
    report = CollectReport(store.position())
    forgotten = Forgotten.read(workspace.forgotten)
    of_store = with_posts_of_store(read_posts(clean), store, forgotten)
    posts, report.posts, report.posts_deleted = of_store.table, of_store.kept, len(of_store.deleted)
    people = People.of(read_users(clean), store, forgotten)
    with TemporaryDirectory(prefix=".collected-", dir=clean.parent) as directory:
        incoming = Path(directory)
        collected = incoming / "collected.parquet"
        _write_collected(collected, store, posts, people, report=report, progress=progress)
        report.people_added = len(people.added)
        posts = posts.copy()
        owners = posts["owner_username"]
        posts["owner_username"] = owners.where(~owners.isin(list(people.gone_names)), "")
        write_posts(posts, incoming)
        write_users(people.table(), incoming)
        _write_interactions(clean, incoming, collected, people, report, deleted_posts=of_store.deleted)
        _write_report(clean, incoming, report)
        # The interactions last: the position stands there, so a cut between two files is made good by collecting again.
        replace_together((POSTS_FILE, USERS_FILE, INTERACTIONS_FILE, REPORT_FILE), source=incoming, target=clean)
    return report


def _write_collected(
    path: Path,
    store: Store,
    posts: pd.DataFrame,
    people: People,
    *,
    report: CollectReport,
    progress: Callable[[int], None],
) -> None:
    """The interactions that count, as a file: they may be more than memory holds."""
    known = _KnownPosts.of(posts)
    batches: list[pa.RecordBatch] = []
    done = 0
    with _frozen(), pq.ParquetWriter(path, _EVENTS) as writer:
        for interactions in store.events_up_to(report.position):
            rows = [row for each in interactions if (row := _row(each, known, people, report))]
            columns = zip(*rows, strict=True) if rows else [[] for _ in _EVENTS]
            arrays = [pa.array(list(column), type=kind.type) for column, kind in zip(columns, _EVENTS, strict=True)]
            batches.append(pa.RecordBatch.from_arrays(arrays, schema=_EVENTS))
            done += len(interactions)
            progress(done)
            if sum(map(len, batches)) >= _ROWS_AT_ONCE:
                writer.write_table(pa.Table.from_batches(batches))
                batches.clear()
        writer.write_table(pa.Table.from_batches(batches, schema=_EVENTS))
    report.note("people who were forgotten: left out", len(people.left_out))


@contextmanager
def _frozen() -> Iterator[None]:
    """Keep the search for cycles, which the objects of a batch cause again and again, to what the block makes.

    It took a quarter of the time of collecting.
    """
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


@dataclass(frozen=True, slots=True)
class _KnownPosts:
    """The ids of the posts, also by their names at the source, and the earliest moment (ms) that an event can have."""

    ids: frozenset[int]
    by_name: dict[str, int]
    earliest_ms: int | None

    @classmethod
    def of(cls, posts: pd.DataFrame) -> "_KnownPosts":
        named = posts.dropna(subset=["external_id"])
        earliest = posts["created_at"].min() - _EARLIER_THAN_POSTS
        return cls(
            frozenset(posts["post_id"].tolist()),
            dict(zip(named["external_id"], named["post_id"].tolist(), strict=True)),
            None if pd.isna(earliest) else int(earliest.value // 10**6),
        )


def _row(
    interaction: Interaction, known: _KnownPosts, people: People, report: CollectReport
) -> tuple[object, ...] | None:
    """An interaction as a row of the table; None if it is none of a history."""
    user_id = people.id_of(interaction.username)
    if user_id is None:
        return None
    post_id = interaction.post_id
    if post_id is None and interaction.external_id is not None:
        post_id = known.by_name.get(interaction.external_id)
    if interaction.verb not in _VERBS:
        report.note("not interested: no part of a history")
        return None
    if post_id not in known.ids:
        report.note("unknown post: waits in the store")
        return None
    at = interaction.occurred_at_ms
    if known.earliest_ms is not None and at < known.earliest_ms:
        report.note("older than the oldest post: taken as of then")
        at = known.earliest_ms
    percent = interaction.rating_percent if interaction.verb is Verb.RATING else None
    if interaction.verb is Verb.RATING and percent is None:
        report.note("a rating without a number: left out")
        return None
    return user_id, post_id, _VERBS[interaction.verb], at, percent, interaction.verb.name


def _write_interactions(
    clean: Path,
    incoming: Path,
    collected: Path,
    people: People,
    report: CollectReport,
    *,
    deleted_posts: Sequence[int],
) -> None:
    """The rows of the upstream or the import, without departed people and deleted posts; then the collected ones."""
    timed = is_timed(clean)
    with pq.ParquetFile(clean / INTERACTIONS_FILE) as file:
        schema = file.schema_arrow
        if RECORDED_VERB not in schema.names:
            schema = schema.append(pa.field(RECORDED_VERB, pa.string()))
        schema = schema.with_metadata({**(schema.metadata or {}), LOG_POSITION: str(report.position).encode()})
        last: dict[int, int] = {}
        with whole_file(incoming / INTERACTIONS_FILE) as temporary, pq.ParquetWriter(temporary, schema) as writer:
            for table in _own_rows(file, schema, people, deleted_posts):
                if not timed:
                    _note_positions(table, last)
                writer.write_table(table)
            for table in _new_rows(collected, schema, timed=timed, last=last):
                report.kept += len(table)
                writer.write_table(table)


def _own_rows(
    file: pq.ParquetFile, schema: pa.Schema, people: People, deleted_posts: Sequence[int]
) -> Iterator[pa.Table]:
    for batch in file.iter_batches(_ROWS_AT_ONCE):
        table = pa.Table.from_batches([batch])
        if RECORDED_VERB in table.column_names:
            table = table.filter(pc.is_null(table[RECORDED_VERB]))
        else:
            table = table.append_column(RECORDED_VERB, pa.nulls(len(table), pa.string()))
        user_ids, is_kept = people.without_departed(table["user_id"].to_numpy())
        is_kept &= ~np.isin(table["post_id"].to_numpy(), deleted_posts)
        at = table.column_names.index("user_id")
        table = table.set_column(at, "user_id", pa.array(user_ids)).filter(pa.array(is_kept))
        yield table.select(schema.names).cast(schema)


def _note_positions(table: pa.Table, last: dict[int, int]) -> None:
    """Remember where each history ends, in a set without a clock."""
    highest = table.select(["user_id", "position"]).group_by("user_id").aggregate([("position", "max")])
    for user_id, position in zip(highest["user_id"].to_pylist(), highest["position_max"].to_pylist(), strict=True):
        last[user_id] = max(position, last.get(user_id, -1))


def _new_rows(collected: Path, schema: pa.Schema, *, timed: bool, last: dict[int, int]) -> Iterator[pa.Table]:
    for batch in _batches(collected, timed=timed):
        columns = {name: batch.column(name) for name in batch.schema.names}
        moments = columns.pop("at")
        positions = np.zeros(len(batch), dtype=np.int32)
        if not timed:
            for row, user_id in enumerate(columns["user_id"].to_pylist()):
                positions[row] = last[user_id] = last.get(user_id, -1) + 1
        columns["at"] = moments.cast(pa.timestamp("ms", "UTC")) if timed else pa.nulls(len(batch))
        columns["position"] = pa.nulls(len(batch)) if timed else pa.array(positions)
        yield pa.Table.from_arrays([columns[field_.name].cast(field_.type) for field_ in schema], schema=schema)


def _batches(collected: Path, *, timed: bool) -> Iterator[pa.RecordBatch]:
    """As they were written; in a set without a clock, oldest first."""
    if not timed:
        table = f"read_parquet({text_literal(collected)}, file_row_number = true)"
        with spilling_database(collected.parent) as connection:
            rows = connection.sql(f'SELECT * EXCLUDE file_row_number FROM {table} ORDER BY "at", file_row_number')
            yield from rows.to_arrow_reader(_ROWS_AT_ONCE)
        return
    with pq.ParquetFile(collected) as file:
        yield from file.iter_batches(_ROWS_AT_ONCE)


def _write_report(clean: Path, incoming: Path, report: CollectReport) -> None:
    """The report of the tables, with what was collected."""
    try:
        document = json.loads((clean / REPORT_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        document = {}
    facts = {
        "position": report.position,
        "interactions": report.kept,
        "people_added": report.people_added,
        "posts": report.posts,
        "posts_deleted": report.posts_deleted,
        "left_out": report.left_out,
    }
    text = json.dumps({**document, COLLECTED: facts}, indent=2, ensure_ascii=False) + "\n"
    write_whole_text(incoming / REPORT_FILE, text)
