"""Turn raw rows into typed tables; every dropped row is counted by table and reason."""

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from pipeline.raw_store import RawRow, RawStore
from pipeline.summary_text import SummaryText, read_summary
from pipeline.tables import POST_COUNTS, USER_COUNTS, write_interactions, write_posts, write_users
from pipeline.upstream import Json
from pipeline.whole_files import write_whole_text

REPORT_FILE = "report.json"
MOMENT_KEYS = {"view": "viewed_at", "like": "liked_at", "inspire": "inspired_at", "rating": "rated_at"}
_MOST_EXAMPLES = 3
_EVENT_TIME = "%Y-%m-%d %H:%M:%S"


class CleanError(Exception):
    """There is no raw store: names the path and the command to run."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Rows of one table with one fault; ``reason`` names the fault and what was done with the rows."""

    table: str
    reason: str
    count: int
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CleanReport:
    """The number of rows that each table kept, and every finding."""

    kept: Mapping[str, int]
    findings: tuple[Finding, ...]

    def rows(self) -> list[tuple[str, ...]]:
        """The report as a table to print, headings first."""
        return [
            ("table", "what", "rows", "for example"),
            *((name, "kept", str(count), "") for name, count in self.kept.items()),
            *((item.table, item.reason, str(item.count), ", ".join(item.examples)) for item in self.findings),
        ]


@dataclass(slots=True)
class _Findings:
    """Mutable counts of findings while tables are read."""

    counts: dict[tuple[str, str], int] = field(default_factory=lambda: defaultdict(int))
    examples: dict[tuple[str, str], list[str]] = field(default_factory=lambda: defaultdict(list))

    def add(self, table: str, reason: str, example: str, *, count: int = 1) -> None:
        key = (table, reason)
        self.counts[key] += count
        if len(self.examples[key]) < _MOST_EXAMPLES and example:
            self.examples[key].append(example)

    def all(self) -> tuple[Finding, ...]:
        return tuple(
            Finding(table, reason, count, tuple(self.examples[table, reason]))
            for (table, reason), count in self.counts.items()
        )


class _BrokenFieldError(Exception):
    """A required field is missing or malformed."""


def clean(raw: Path, output: Path) -> CleanReport:
    """Write posts.parquet, users.parquet, interactions.parquet and report.json; CleanError if nothing was fetched."""
    if not raw.exists():
        raise CleanError(f"{raw} is missing: run `moodfeed fetch`")
    findings = _Findings()
    with RawStore(raw) as store:
        for name in (*MOMENT_KEYS, "post", "user"):
            if count := store.malformed_count(name):
                findings.add(name, "unusable id: dropped", "", count=count)
        posts = _posts(store, findings)
        users = _users(store, findings)
        events = _events(store, findings)
    events = _without_orphans(events, posts, users, findings)
    users = _choose_who_answers(users, events, findings)
    write_posts(posts, output)
    write_users(users, output)
    write_interactions(events, output)
    report = CleanReport(
        kept={"post": len(posts), "user": len(users), "interaction": len(events)}, findings=findings.all()
    )
    write_report(report, output)
    return report


def _posts(store: RawStore, findings: _Findings) -> pd.DataFrame:
    def read(row: RawRow) -> dict[str, object]:
        fields = row.fields
        summary = read_summary(fields.get("post_summary"))
        title = _text(fields, "title")
        category_id, category_name = _category(fields.get("category"))
        if category_id is None:
            findings.add("post", "no category: served only in feeds over all categories", f"id {row.row_id}")
        if not summary.description:
            findings.add("post", "no description: embedded from the other fields", f"id {row.row_id}")
        video_link = _text(fields, "video_link").strip()
        is_servable = fields.get("is_locked") is False and fields.get("is_available_in_public_feed") is True
        if not (is_servable and video_link):
            findings.add("post", "locked, not public or without video: never served", f"id {row.row_id}")
        average_rating = _number(fields, "average_rating")
        return {
            "post_id": row.row_id,
            "video_link": video_link,
            "title": title,
            "thumbnail_url": _text(fields, "thumbnail_url"),
            "owner_username": _text(fields, "username"),
            "category_id": category_id,
            "category_name": category_name,
            "created_at": pd.Timestamp(_integer(fields, "created_at"), unit="ms", tz="UTC"),
            **{name: int(_number(fields, name)) for name in POST_COUNTS},
            "average_rating": average_rating if average_rating > 0 else np.nan,
            "is_servable": is_servable and bool(video_link),
            "description": summary.description,
            "keywords": summary.keywords,
            "mood_text": summary.mood,
            "content_text": summary.content,
            "summary_text": _summary_text(title, summary),
        }

    return pd.DataFrame(_read_rows("post", store.rows("post"), read, findings), columns=_POST_COLUMNS)


def _users(store: RawStore, findings: _Findings) -> pd.DataFrame:
    def read(row: RawRow) -> dict[str, object]:
        username = row.fields.get("username")
        if not isinstance(username, str) or not username.strip():
            raise _BrokenFieldError("username")
        return {
            "user_id": row.row_id,
            "username": username,
            "is_verified": row.fields.get("is_verified") == 1,
            "user_type": _text(row.fields, "user_type"),
            **{name: int(_number(row.fields, name)) for name in USER_COUNTS},
        }

    columns = ["user_id", "username", "is_verified", "user_type", *USER_COUNTS]
    return pd.DataFrame(_read_rows("user", store.rows("user"), read, findings), columns=columns)


def _events(store: RawStore, findings: _Findings) -> pd.DataFrame:
    tables = []
    for verb, moment_key in MOMENT_KEYS.items():
        rows = [
            (row.row_id, *(row.fields.get(key) for key in ("user_id", "post_id", moment_key, "rating_percent")))
            for row in store.rows(verb)
        ]
        table = pd.DataFrame(rows, columns=["id", "user_id", "post_id", "at", "rating_percent"], dtype=object)
        table["verb"] = verb
        for name in ("user_id", "post_id"):
            table[name] = table[name].map(lambda value: value if _is_integer(value) else None)
        table["at"] = pd.to_datetime(table["at"], format=_EVENT_TIME, errors="coerce", utc=True)
        broken = {name: table[name].isna() for name in ("user_id", "post_id", "at")}
        if verb == "rating":
            percent = pd.to_numeric(
                table["rating_percent"].map(lambda value: value if _is_integer(value) else None), errors="coerce"
            )
            table["rating_percent"] = percent
            broken["rating_percent"] = ~percent.between(1, 100)
        else:
            table["rating_percent"] = np.nan
        is_broken = pd.Series(False, index=table.index)
        for name, rows_broken in broken.items():
            for row_id in table.loc[rows_broken & ~is_broken, "id"]:
                shown = moment_key if name == "at" else name
                findings.add(verb, f"malformed {shown}: dropped", f"id {row_id}")
            is_broken |= rows_broken
        tables.append(table[~is_broken])
    events = pd.concat(tables, ignore_index=True)
    events = events.astype({"user_id": "int64", "post_id": "int64", "rating_percent": "float64"})
    repeated = events.duplicated(["user_id", "post_id", "verb", "at"])
    for verb, count in events.loc[repeated, "verb"].value_counts(sort=False).items():
        example = events.loc[repeated & (events["verb"] == verb), "id"].iloc[0]
        findings.add(str(verb), "duplicate user, post and second: kept once", f"id {example}", count=int(count))
    return events[~repeated]


def _without_orphans(
    events: pd.DataFrame, posts: pd.DataFrame, users: pd.DataFrame, findings: _Findings
) -> pd.DataFrame:
    no_post = ~events["post_id"].isin(posts["post_id"])
    no_user = ~events["user_id"].isin(users["user_id"])
    orphans = {"unknown post: dropped": no_post, "unknown user: dropped": no_user & ~no_post}
    for reason, is_orphan in orphans.items():
        for verb, row_id in events.loc[is_orphan, ["verb", "id"]].itertuples(index=False):
            findings.add(verb, reason, f"id {row_id}")
    kept = events[~no_post & ~no_user]
    return kept.sort_values(["at", "user_id", "post_id", "verb"], ignore_index=True, kind="stable")


def _choose_who_answers(users: pd.DataFrame, events: pd.DataFrame, findings: _Findings) -> pd.DataFrame:
    """Mark the account that a shared username leads to: that with the most interactions, on a tie the smallest id."""
    activity = users["user_id"].map(events["user_id"].value_counts()).fillna(0)
    order = users.assign(activity=activity).sort_values(["activity", "user_id"], ascending=[False, True])
    answers = ~order["username"].duplicated()
    users = users.assign(answers=answers.reindex(users.index))
    for user_id in users.loc[~users["answers"], "user_id"]:
        findings.add("user", "username shared with a more active account: not reachable by name", f"id {user_id}")
    return users


def _read_rows(
    table: str, rows: Iterator[RawRow], read: Callable[[RawRow], dict[str, object]], findings: _Findings
) -> Iterator[dict[str, object]]:
    for row in rows:
        try:
            yield read(row)
        except _BrokenFieldError as error:
            findings.add(table, f"malformed {error}: dropped", f"id {row.row_id}")


def _summary_text(title: str, summary: SummaryText) -> str:
    """The text to embed; the encoder truncates, so the most informative parts come first."""
    parts = (title.strip(), summary.mood, summary.keywords, summary.content, summary.description)
    return ". ".join(part for part in parts if part)


def _category(value: Json) -> tuple[int | None, str | None]:
    if not isinstance(value, dict) or not _is_integer(value.get("id")):
        return None, None
    number = value["id"]
    if not isinstance(number, int) or not 1 <= number < 2**31:
        return None, None
    name = value.get("name")
    return number, name if isinstance(name, str) else str(number)


def _text(fields: Mapping[str, Json], name: str) -> str:
    value = fields.get(name)
    return value if isinstance(value, str) else ""


def _integer(fields: Mapping[str, Json], name: str) -> int:
    value = fields.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**45:
        raise _BrokenFieldError(name)
    return value


def _number(fields: Mapping[str, Json], name: str) -> float:
    """A count as a number; anything else is 0, because upstream counts are inconsistent and used for display only."""
    value = fields.get(name)
    return float(value) if isinstance(value, int | float) and np.isfinite(value) else 0.0


def _is_integer(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63


def write_report(report: CleanReport, output: Path) -> None:
    """Replace report.json in one step."""
    document = {
        "kept": dict(report.kept),
        "findings": [
            {"table": item.table, "reason": item.reason, "count": item.count, "examples": list(item.examples)}
            for item in report.findings
        ],
    }
    write_whole_text(output / REPORT_FILE, json.dumps(document, indent=2, ensure_ascii=False) + "\n")


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
