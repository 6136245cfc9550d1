"""The fetched rows without personal fields: one SQLite file, upserted page by page."""

import json
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

import pyarrow as pa

from pipeline.accepted_forms import read_id
from pipeline.forgotten import Forgotten
from pipeline.upstream import Json

_EVENT_KEYS = frozenset({"id", "post_id", "user_id"})
KEPT_KEYS = {
    "view": _EVENT_KEYS | {"viewed_at"},
    "like": _EVENT_KEYS | {"liked_at"},
    "inspire": _EVENT_KEYS | {"inspired_at"},
    "rating": _EVENT_KEYS | {"rated_at", "rating_percent"},
    "post": frozenset(
        {
            "id", "category", "title", "comment_count", "upvote_count", "view_count", "exit_count", "rating_count",
            "share_count", "bookmark_count", "average_rating", "video_link", "thumbnail_url", "is_locked",
            "is_available_in_public_feed", "created_at", "username", "post_summary",
        }
    ),
    "user": frozenset(
        {
            "id", "username", "is_verified", "user_type", "share_count", "post_count", "following_count",
            "follower_count",
        }
    ),
}  # fmt: skip
"""The only keys that are stored. Of a user: id, username, counts and flags."""

KEPT_INNER_KEYS = {
    "category": frozenset({"id", "name"}),
    "post_summary": frozenset(
        {
            "description", "keywords", "genre", "emotions", "actions", "audio_elements", "visual_elements_of_video",
            "topics_of_video", "psycological_view_of_video",
        }
    ),
}  # fmt: skip
"""The only keys of nested objects that are stored; a summary's descriptions of persons in the video are not."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS rows (
    endpoint TEXT, id INTEGER, payload TEXT NOT NULL, fetch INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (endpoint, id)
);
CREATE TABLE IF NOT EXISTS malformed (endpoint TEXT, payload TEXT, PRIMARY KEY (endpoint, payload));
CREATE TABLE IF NOT EXISTS progress (endpoint TEXT PRIMARY KEY, next_page INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS complete_fetches (endpoint TEXT PRIMARY KEY, count INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""
_FETCH_COLUMN = "ALTER TABLE rows ADD COLUMN fetch INTEGER NOT NULL DEFAULT 0"  # for stores written before it existed


class RawStoreError(Exception):
    """The file is not a raw store, or is one of another upstream: names the file and what to do."""


@dataclass(frozen=True, slots=True)
class RawRow:
    """One stored row: its id, its kept fields, and whether the last complete fetch of its endpoint listed it."""

    row_id: int
    fields: dict[str, Json]
    is_listed: bool = True


class RawStore:
    """An open raw store; each page is one transaction, so that a crash loses at most the page being written."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._connection = sqlite3.connect(path)
            self._connection.execute("PRAGMA secure_delete = ON")
            self._connection.executescript(_SCHEMA)
            if "fetch" not in {column[1] for column in self._connection.execute("PRAGMA table_info(rows)")}:
                self._connection.execute(_FETCH_COLUMN)
        except sqlite3.DatabaseError as error:
            raise RawStoreError(
                f"{path} cannot be used as a raw store ({error}): move it away and run `moodfeed fetch`"
            ) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    @property
    def source(self) -> str | None:
        """The upstream that the rows came from; None if nothing was fetched."""
        return self._fact("source")

    @property
    def fetched_at(self) -> datetime | None:
        """When the newest page was stored, by this machine's clock or the upstream's, whichever is later, UTC.

        None if no page was.
        """
        moment = self._fact("fetched_at")
        return datetime.fromisoformat(moment) if moment else None

    def claim(self, source: str) -> None:
        """Record the upstream that the rows come from; RawStoreError if they came from another one."""
        if self.source not in {None, source}:
            raise RawStoreError(
                f"{self.path} holds rows of {self.source}, not of {source}: keep the two apart with --data OTHER"
            )
        with self._connection:
            self._keep_fact("source", source)

    def next_page(self, endpoint: str) -> int:
        """The page at which an interrupted fetch resumes; 1 after a complete one."""
        row = self._connection.execute("SELECT next_page FROM progress WHERE endpoint = ?", (endpoint,)).fetchone()
        return int(row[0]) if row else 1

    def keep_page(
        self, endpoint: str, page: int, rows: Sequence[Json], *, upstream_time: datetime | None = None
    ) -> int:
        """Upsert a page by id and record the next one; returns the number of rows without a usable id.

        Those rows are stored separately, so that cleaning can count them. ``upstream_time`` is what the upstream's
        clock said: where this machine's clock is behind it, no event is later than the fetch.
        """
        sound, broken = [], []
        fetch = self._complete_fetches(endpoint) + 1
        for row in rows:
            fields = _kept_fields(endpoint, row)
            row_id = read_id(fields.get("id"))
            payload = json.dumps(fields, ensure_ascii=False, sort_keys=True)
            payload = payload.encode(
                errors="replace"
            ).decode()  # half a surrogate pair is valid JSON, but not valid UTF-8
            if row_id is None:
                broken.append((endpoint, payload))
            else:
                sound.append((endpoint, row_id, payload, fetch))
        with self._connection:
            self._connection.executemany(
                "INSERT OR REPLACE INTO rows (endpoint, id, payload, fetch) VALUES (?, ?, ?, ?)", sound
            )
            self._connection.executemany("INSERT OR IGNORE INTO malformed VALUES (?, ?)", broken)
            self._connection.execute("INSERT OR REPLACE INTO progress VALUES (?, ?)", (endpoint, page + 1))
            moments = [moment for moment in (_now(), self.fetched_at, upstream_time) if moment]
            self._keep_fact("fetched_at", max(moments).isoformat())
        return len(broken)

    def finish(self, endpoint: str) -> None:
        """Record that the endpoint was read to its end: rows that this fetch did not list are no longer upstream."""
        with self._connection:
            self._connection.execute(
                "INSERT OR REPLACE INTO complete_fetches VALUES (?, ?)",
                (endpoint, self._complete_fetches(endpoint) + 1),
            )
        self.start_over(endpoint)

    def start_over(self, endpoint: str) -> None:
        """Forget the page at which a fetch stopped; the next fetch starts at page 1."""
        with self._connection:
            self._connection.execute("DELETE FROM progress WHERE endpoint = ?", (endpoint,))

    def forget(self, forgotten: Forgotten) -> int:
        """Delete every row of forgotten people and posts, and empty the names of owners; returns the rows changed.

        Deleted bytes are overwritten in the file. Rows without a usable id are deleted too if they name one of them.
        """
        deleted, emptied = [], []
        for endpoint in KEPT_KEYS:
            for row in self.rows(endpoint):
                left = forgotten.without_forgotten(endpoint, [{**row.fields, "id": row.row_id}])
                if not left:
                    deleted.append((endpoint, row.row_id))
                elif left[0] != {**row.fields, "id": row.row_id}:
                    payload = json.dumps(row.fields | {"username": ""}, ensure_ascii=False, sort_keys=True)
                    emptied.append((payload, endpoint, row.row_id))
        malformed = [
            (endpoint, payload)
            for endpoint, payload in self._connection.execute("SELECT endpoint, payload FROM malformed")
            if list(forgotten.without_forgotten(endpoint, [json.loads(payload)])) != [json.loads(payload)]
        ]
        with self._connection:
            self._connection.executemany("DELETE FROM rows WHERE endpoint = ? AND id = ?", deleted)
            self._connection.executemany("UPDATE rows SET payload = ? WHERE endpoint = ? AND id = ?", emptied)
            self._connection.executemany("DELETE FROM malformed WHERE endpoint = ? AND payload = ?", malformed)
        return len(deleted) + len(emptied) + len(malformed)

    def count(self, endpoint: str) -> int:
        """Number of rows with an id."""
        found = self._connection.execute("SELECT COUNT(*) FROM rows WHERE endpoint = ?", (endpoint,)).fetchone()
        return int(found[0])

    def rows(self, endpoint: str) -> Iterator[RawRow]:
        """All rows, ascending by id."""
        query = "SELECT id, payload, fetch FROM rows WHERE endpoint = ? ORDER BY id"
        last = self._complete_fetches(endpoint)
        for row_id, payload, fetch in self._connection.execute(query, (endpoint,)):
            yield RawRow(row_id, json.loads(payload), is_listed=fetch >= last)

    def pieces(self, endpoint: str, rows_at_once: int) -> Iterator[pa.Table]:
        """The same rows in tables (id, payload) of so many rows; a payload is JSON with its keys in order."""
        found = self._connection.execute("SELECT id, payload FROM rows WHERE endpoint = ? ORDER BY id", (endpoint,))
        while rows := found.fetchmany(rows_at_once):
            ids, payloads = zip(*rows, strict=True)
            yield pa.table({"id": pa.array(ids, type=pa.int64()), "payload": pa.array(payloads, type=pa.string())})

    def malformed_count(self, endpoint: str) -> int:
        """Number of distinct rows without a usable id."""
        query = "SELECT COUNT(*) FROM malformed WHERE endpoint = ?"
        return int(self._connection.execute(query, (endpoint,)).fetchone()[0])

    def _complete_fetches(self, endpoint: str) -> int:
        query = "SELECT count FROM complete_fetches WHERE endpoint = ?"
        row = self._connection.execute(query, (endpoint,)).fetchone()
        return int(row[0]) if row else 0

    def _fact(self, name: str) -> str | None:
        row = self._connection.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return str(row[0]) if row else None

    def _keep_fact(self, name: str, value: str) -> None:
        self._connection.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, value))


def _now() -> datetime:
    return datetime.now(UTC)


def _kept_fields(endpoint: str, row: Json) -> dict[str, Json]:
    if not isinstance(row, dict):
        return {}
    fields = {key: value for key, value in row.items() if key in KEPT_KEYS[endpoint]}
    for key, kept in KEPT_INNER_KEYS.items():
        value = fields.get(key)
        if isinstance(value, dict):
            fields[key] = {inner: item for inner, item in value.items() if inner in kept}
    return fields
