"""Turn raw rows into typed tables; every dropped row is counted by table and reason."""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mood_encoder.post_texts import joined_parts
from pipeline.accepted_forms import is_absent, read_counter, read_flag, read_id, read_moment, read_number
from pipeline.clean_findings import CleanReport, Finding, Findings, write_report
from pipeline.kept_events import CLOCK_DIFFERENCE, KnownIds, judge_events, write_kept_events
from pipeline.raw_events import MOMENT_KEYS, example_of, stage_events
from pipeline.raw_store import RawRow, RawStore
from pipeline.spilling_database import small_database, spilling_database
from pipeline.summary_text import SummaryText, read_summary
from pipeline.tables import (
    INTERACTIONS_FILE,
    POST_COUNTS,
    POSTS_FILE,
    USER_COUNTS,
    USERS_FILE,
    row_count,
    write_posts,
    write_users,
)
from pipeline.upstream import Json
from pipeline.whole_files import replace_together
from pipeline.workspace import REPORT_FILE

FEW_ROWS = 500_000  # interactions that are sorted in memory: a database on the disk takes longer to open


class CleanError(Exception):
    """There is no raw store, or too much of it would be left out: names the path and what to do."""


class _BrokenFieldError(Exception):
    """A required field is missing or malformed."""

    def __init__(self, name: str, value: Json) -> None:
        super().__init__(name)
        self.value = value


def clean(
    raw: Path,
    output: Path,
    *,
    accept_losses: bool = False,
    progress: Callable[[int, int, str], None] = lambda *_: None,
) -> CleanReport:
    """Write posts.parquet, users.parquet, interactions.parquet and report.json, in memory bounded for interactions.

    CleanError, and the old tables stay, if nothing was fetched; and, unless ``accept_losses``, if one reason leaves out
    more than half of a table, or an empty table would replace one with rows. ``progress`` gets the interactions read
    and sorted so far, the number of both, and what is done.
    """
    if not raw.exists():
        raise CleanError(f"{raw} is missing: run `moodfeed fetch`")
    findings = Findings()
    output.parent.mkdir(parents=True, exist_ok=True)
    with RawStore(raw) as store, TemporaryDirectory(prefix=".cleaned-", dir=output.parent) as directory:
        incoming = Path(directory)
        totals = _totals(store, findings)
        rows = sum(totals[verb] for verb in MOMENT_KEYS)
        progress(0, 2 * rows, "reading posts and people")
        fetched_at = _milliseconds(store.fetched_at or datetime.now(UTC))
        posts, deleted_posts = _posts(store, fetched_at, findings)
        users, deleted_users = _users(store, findings)
        post_ids, user_ids = posts["post_id"].to_numpy(dtype=np.int64), users["user_id"].to_numpy(dtype=np.int64)
        with small_database() if rows <= FEW_ROWS else spilling_database(output.parent) as connection:
            stage_events(connection, store, findings, on_progress=lambda done: progress(done, 2 * rows, "reading"))
            judge_events(
                connection,
                KnownIds(post_ids, deleted_posts),
                KnownIds(user_ids, deleted_users),
                oldest_post=_milliseconds(posts["created_at"].min()) if len(posts) else None,
                fetched_at=fetched_at,
                findings=findings,
            )
            progress(rows, 2 * rows, "sorting")
            activity = write_kept_events(
                connection,
                incoming,
                user_ids,
                findings,
                on_progress=lambda done: progress(rows + done, 2 * rows, "writing"),
            )
        users = _choose_who_answers(users, activity, findings)
        kept = {"post": len(posts), "user": len(users), "interaction": int(activity.sum())}
        if not accept_losses:
            _refuse_losses(raw, output, findings.largest_loss(totals), totals)
            _refuse_empty_tables(raw, output, kept)
        write_posts(posts, incoming)
        write_users(users, incoming)
        report = CleanReport(kept=kept, findings=findings.all())
        write_report(report, incoming)
        replace_together((POSTS_FILE, USERS_FILE, INTERACTIONS_FILE, REPORT_FILE), source=incoming, target=output)
    return report


def _totals(store: RawStore, findings: Findings) -> dict[str, int]:
    """The rows of each table, those without a usable id too, which are counted as dropped."""
    totals: dict[str, int] = {}
    for name in (*MOMENT_KEYS, "post", "user"):
        broken = store.malformed_count(name)
        totals[name] = store.count(name) + broken
        if broken:
            findings.drop(name, "unusable id", "", count=broken)
    return totals


def _refuse_losses(raw: Path, output: Path, loss: Finding | None, totals: Mapping[str, int]) -> None:
    if loss is None:
        return
    example = f", for example {loss.examples[0]}" if loss.examples else ""
    raise CleanError(
        f"{raw}: {loss.count} of {totals[loss.table]} {loss.table} rows would be dropped for one reason "
        f"({loss.reason}{example}); the tables in {output} are unchanged; --accept-losses keeps the other rows"
    )


def _refuse_empty_tables(raw: Path, output: Path, kept: Mapping[str, int]) -> None:
    for table, name in (("post", POSTS_FILE), ("user", USERS_FILE), ("interaction", INTERACTIONS_FILE)):
        if not kept[table] and (held := row_count(output / name)):
            raise CleanError(
                f"{raw} has no valid row for {output / name}, which holds {held}; the tables are unchanged; "
                "--accept-losses replaces them"
            )


def _posts(store: RawStore, fetched_at: int, findings: Findings) -> tuple[pd.DataFrame, set[int]]:
    """The posts, and the ids of those that were deleted upstream."""
    latest = fetched_at + CLOCK_DIFFERENCE

    def read(row: RawRow) -> dict[str, object]:
        fields, example = row.fields, f"id {row.row_id}"
        summary = read_summary(fields.get("post_summary"))
        title = _text(fields, "title")
        category_id, category_name = _category(fields.get("category"))
        created_at = read_moment(fields.get("created_at"))
        if created_at is None:
            raise _BrokenFieldError("created_at", fields.get("created_at"))
        if created_at > latest:
            findings.add("post", "created after the fetch: taken as created at the fetch", example)
            created_at = fetched_at
        if category_id is None:
            findings.add("post", "no category: served only in feeds over all categories", example)
        if not summary.description:
            findings.add("post", "no description: embedded from the other fields", example)
        video_link = _text(fields, "video_link").strip()
        is_locked = _flag(row, "post", "is_locked", findings) is True
        is_public = _flag(row, "post", "is_available_in_public_feed", findings) is not False
        is_servable = is_public and not is_locked and bool(video_link)
        if not is_servable:
            findings.add("post", "locked, not public or without video: never served", example)
        average_rating = read_number(fields.get("average_rating")) or 0.0
        return {
            "post_id": row.row_id,
            "video_link": video_link,
            "title": title,
            "thumbnail_url": _text(fields, "thumbnail_url"),
            "owner_username": _text(fields, "username"),
            "category_id": category_id,
            "category_name": category_name,
            "created_at": pd.Timestamp(created_at, unit="ms", tz="UTC"),
            **{name: _count(row, "post", name, findings) for name in POST_COUNTS},
            "average_rating": min(average_rating, 100.0) if average_rating > 0 else np.nan,
            "is_servable": is_servable,
            "description": summary.description,
            "keywords": summary.keywords,
            "mood_text": summary.mood,
            "content_text": summary.content,
            "summary_text": _summary_text(title, summary),
        }

    deleted: set[int] = set()
    rows = _read_rows("post", store.rows("post"), read, deleted, findings)
    return pd.DataFrame(rows, columns=_POST_COLUMNS), deleted


def _users(store: RawStore, findings: Findings) -> tuple[pd.DataFrame, set[int]]:
    """The users, and the ids of those that were deleted upstream."""

    def read(row: RawRow) -> dict[str, object]:
        username = _text(row.fields, "username")
        if not username.strip():
            raise _BrokenFieldError("username", row.fields.get("username"))
        return {
            "user_id": row.row_id,
            "username": username,
            "is_verified": _flag(row, "user", "is_verified", findings) is True,
            "user_type": _text(row.fields, "user_type"),
            **{name: _count(row, "user", name, findings) for name in USER_COUNTS},
        }

    columns = ["user_id", "username", "is_verified", "user_type", *USER_COUNTS]
    deleted: set[int] = set()
    rows = _read_rows("user", store.rows("user"), read, deleted, findings)
    return pd.DataFrame(rows, columns=columns), deleted


def _choose_who_answers(users: pd.DataFrame, activity: NDArray[np.int64], findings: Findings) -> pd.DataFrame:
    """Mark the account that a shared username leads to: that with the most interactions, on a tie the smallest id."""
    order = users.assign(activity=activity).sort_values(["activity", "user_id"], ascending=[False, True])
    answers = ~order["username"].duplicated()
    users = users.assign(answers=answers.reindex(users.index))
    for user_id in users.loc[~users["answers"], "user_id"]:
        findings.add("user", "username shared with a more active account: not reachable by name", f"id {user_id}")
    return users


def _read_rows(
    table: str,
    rows: Iterator[RawRow],
    read: Callable[[RawRow], dict[str, object]],
    deleted: set[int],
    findings: Findings,
) -> Iterator[dict[str, object]]:
    """The rows that can be read; the ids of those that upstream no longer lists are added to ``deleted``."""
    for row in rows:
        if not row.is_listed:
            deleted.add(row.row_id)
            findings.drop(table, "deleted upstream", f"id {row.row_id}")
            continue
        try:
            yield read(row)
        except _BrokenFieldError as error:
            findings.drop(table, f"malformed {error}", example_of(row.row_id, error.value))


def _summary_text(title: str, summary: SummaryText) -> str:
    return joined_parts(title, summary.mood, summary.keywords, summary.content, summary.description)


def _category(value: Json) -> tuple[int | None, str | None]:
    number = read_id(value.get("id")) if isinstance(value, dict) else None
    if not isinstance(value, dict) or number is None or not 1 <= number < 2**31:
        return None, None
    return number, _text(value, "name") or str(number)


def _text(fields: Mapping[str, Json], name: str) -> str:
    """A text; an integer as its digits, because some programs write names and titles of digits so."""
    value = fields.get(name)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value if isinstance(value, str) else ""


def _flag(row: RawRow, table: str, name: str, findings: Findings) -> bool | None:
    value = row.fields.get(name)
    flag = read_flag(value)
    if flag is None and not is_absent(value):
        findings.add(table, f"{name} is not a flag: read as absent", example_of(row.row_id, value))
    return flag


def _count(row: RawRow, table: str, name: str, findings: Findings) -> int:
    """A count, 0 for anything else: upstream counts are inconsistent and decide nothing."""
    value = row.fields.get(name)
    read = read_counter(value)
    if read is None:
        if not is_absent(value):
            findings.add(table, f"{name} is not a count: read as 0", example_of(row.row_id, value))
        return 0
    count, is_clipped = read
    if is_clipped:
        findings.add(table, f"{name} out of range: clipped", example_of(row.row_id, value))
    return count


def _milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


_POST_COLUMNS = [
    "post_id",
    "video_link",
    "title",
    "thumbnail_url",
    "owner_username",
    "category_id",
    "category_name",
    "created_at",
    *POST_COUNTS,
    "average_rating",
    "is_servable",
    "description",
    "keywords",
    "mood_text",
    "content_text",
    "summary_text",
]
