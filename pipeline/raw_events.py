"""The interactions of the raw store as a table: every one whose fields can be read."""

import json
from collections.abc import Sequence

import numpy as np
import pandas as pd

from pipeline.accepted_forms import read_id, read_moment, read_number
from pipeline.clean_findings import Findings
from pipeline.raw_store import RawStore
from pipeline.upstream import Json

MOMENT_KEYS = {"view": "viewed_at", "like": "liked_at", "inspire": "inspired_at", "rating": "rated_at"}
_EVENTS_AT_ONCE = 250_000
_LONGEST_EXAMPLE = 60
_EventRow = tuple[int, int, int, int, float, str]


def events_of(store: RawStore, findings: Findings) -> pd.DataFrame:
    """Columns id, user_id, post_id, at, rating_percent and verb; what is malformed is counted in ``findings``."""
    frames = [_frame([])]
    for verb, moment_key in MOMENT_KEYS.items():
        rows: list[_EventRow] = []  # an object takes ten times as much as a row of a frame
        for row in store.rows(verb):
            fields = row.fields
            percent = read_number(fields.get("rating_percent")) if verb == "rating" else None
            read = {
                "user_id": read_id(fields.get("user_id")),
                "post_id": read_id(fields.get("post_id")),
                moment_key: read_moment(fields.get(moment_key)),
                "rating_percent": percent if percent is not None and 1 <= percent <= 100 else None,
            }
            wanted = [*read] if verb == "rating" else [*read][:3]
            broken = next((name for name in wanted if read[name] is None), None)
            if broken:
                findings.drop(verb, f"malformed {broken}", example_of(row.row_id, fields.get(broken)))
            else:
                user_id, post_id, at, percent = read.values()
                rows.append((row.row_id, user_id, post_id, at, np.nan if percent is None else round(percent), verb))  # type: ignore[arg-type]
            if len(rows) == _EVENTS_AT_ONCE:
                frames.append(_frame(rows))
                rows.clear()
        frames.append(_frame(rows))
    return pd.concat(frames, ignore_index=True)


def _frame(rows: Sequence[_EventRow]) -> pd.DataFrame:
    events = pd.DataFrame(rows, columns=["id", "user_id", "post_id", "at", "rating_percent", "verb"])
    events = events.astype(
        {"id": "int64", "user_id": "int64", "post_id": "int64", "rating_percent": "float64", "verb": "str"}
    )
    events["at"] = pd.to_datetime(events["at"].astype("int64"), unit="ms", utc=True)
    return events


def example_of(row_id: int, value: Json) -> str:
    """A row's id and the value that is wrong in it, cut short."""
    text = json.dumps(value, ensure_ascii=False)
    return f"id {row_id} ({text if len(text) <= _LONGEST_EXAMPLE else text[:_LONGEST_EXAMPLE] + '…'})"
