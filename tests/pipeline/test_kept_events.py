"""What `clean` keeps is what a reader of one row at a time would keep, whatever the size of the pieces."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import clean as clean_module
from pipeline import kept_events, raw_events
from pipeline.accepted_forms import read_id, read_moment, read_number
from pipeline.clean import clean
from pipeline.raw_events import MOMENT_KEYS, example_of
from pipeline.raw_store import RawRow, RawStore
from pipeline.tables import INTERACTIONS_FILE, POSTS_FILE, USERS_FILE, read_users
from pipeline.upstream import Json

FIRST = datetime(2026, 1, 10, 7, 20, 55, tzinfo=UTC)
POSTS: list[Json] = [
    {"id": number, "video_link": "v", "created_at": "2026-01-10 00:00:00", "title": ""} for number in (1, 2, 3)
]
USERS: list[Json] = [{"id": number, "username": name} for number, name in ((1, "ana"), (2, "ben"), (3, "ana"))]
GONE = 3  # the post and the user that the second fetch does not list

IDS: st.SearchStrategy[Json] = st.one_of(
    st.integers(0, 4),
    st.integers(0, 4),
    st.sampled_from(
        ["1", " 2 ", "2.0", 1.0, "+1", "001", "-0", None, "", "one", True, [1], {"a": 1}, 1.5, "1e0", 2**63, 2**63 - 1,
         -(2**63), 10**18, float("nan"), float("inf"), 'a", "b', "１"]
    ),
)  # fmt: skip
SECONDS = st.integers(-2, 3).map(lambda second: FIRST + timedelta(seconds=second))
MOMENTS: st.SearchStrategy[Json] = st.one_of(
    SECONDS.map(lambda moment: moment.strftime("%Y-%m-%d %H:%M:%S")),
    SECONDS.map(lambda moment: int(moment.timestamp())),
    SECONDS.map(lambda moment: moment.timestamp() + 0.125),
    SECONDS.map(lambda moment: str(int(moment.timestamp() * 1000) + 1)),
    SECONDS.map(lambda moment: int(moment.timestamp() * 1000) * 1000 + 500),
    SECONDS.map(lambda moment: moment.strftime("%a, %d %b %Y %H:%M:%S GMT")),
    SECONDS.map(lambda moment: int(moment.strftime("%Y%m%d%H%M%S"))),
    SECONDS.map(lambda moment: moment.isoformat()),
    st.sampled_from(
        ["0000-00-00 00:00:00", "never", None, "", 0, True, [], "2026-02-30 10:00:00", "2026-01-10 24:00:00",
         "1999-01-01", "2199-01-01 00:00:00", "1500-01-01 00:00:00", 10**20, "2026-01-10 07:20:55 +00:00"]
    ),
)  # fmt: skip
PERCENTS: st.SearchStrategy[Json] = st.one_of(
    st.integers(-1, 102), st.sampled_from([50.5, 51.5, "50.5", "60", "060", " 7 ", "1e1", None, "nine", 0.6, True])
)


@st.composite
def rows_of(draw: st.DrawFn, verb: str) -> list[Json]:
    rows: list[Json] = []
    for number in range(1, draw(st.integers(0, 12)) + 1):
        row: dict[str, Json] = {
            "id": number,
            "user_id": draw(IDS),
            "post_id": draw(IDS),
            MOMENT_KEYS[verb]: draw(MOMENTS),
        }
        if verb == "rating":
            row["rating_percent"] = draw(PERCENTS)
        if draw(st.integers(0, 20)) == 0:
            row.pop(draw(st.sampled_from(list(row)[1:])))
        rows.append(row)
    return rows


TABLES = st.fixed_dictionaries({verb: rows_of(verb) for verb in MOMENT_KEYS})


def keep(path: Path, tables: dict[str, list[Json]]) -> Path:
    with RawStore(path) as store:
        for is_last in (False, True):
            for name, rows in (("post", POSTS), ("user", USERS)):
                listed = [row for row in rows if isinstance(row, dict) and not (is_last and row["id"] == GONE)]
                store.keep_page(name, 1, listed)
                store.finish(name)
        for verb, rows in tables.items():
            store.keep_page(verb, 1, rows)
    return path


Event = tuple[int, int, int, str, int, int | None]  # moment, user, post, verb, id, percent
Found = dict[tuple[str, str], list[str]]  # an example for each row, by verb and reason


def one_by_one(raw: Path) -> tuple[list[Event], Found]:
    """The rows that are kept, in order, and what is found, each row by itself."""
    found: Found = {}
    events = []
    with RawStore(raw) as store:
        assert store.fetched_at
        latest = round(store.fetched_at.timestamp() * 1000) + 60_000
        for verb in MOMENT_KEYS:
            for row in store.rows(verb):
                event, reason, example = judged(verb, row, latest)
                if reason:
                    found.setdefault((verb, reason), []).append(example)
                elif event:
                    events.append(event)
    events.sort(key=lambda event: event[:5])
    kept: list[Event] = []
    for event in events:
        if kept and event[:4] == kept[-1][:4]:
            found.setdefault((event[3], "duplicate user, post and moment: kept once"), []).append(f"id {event[4]}")
        else:
            kept.append(event)
    return kept, found


def judged(verb: str, row: RawRow, latest: int) -> tuple[Event | None, str, str]:
    """A row as an event, or why it is left out, and its example."""
    moment_key = MOMENT_KEYS[verb]
    user, post = (read_id(row.fields.get(name)) for name in ("user_id", "post_id"))
    moment = read_moment(row.fields.get(moment_key))
    percent = read_number(row.fields.get("rating_percent")) if verb == "rating" else 50
    is_percent = percent is not None and 1 <= percent <= 100
    for name, is_broken in (
        ("user_id", user is None),
        ("post_id", post is None),
        (moment_key, moment is None),
        ("rating_percent", not is_percent),
    ):
        if is_broken:
            return None, f"malformed {name}: dropped", example_of(row.row_id, row.fields.get(name))
    assert user is not None
    assert post is not None
    assert moment is not None
    assert percent is not None
    example = f"id {row.row_id} at {pd.Timestamp(moment, unit='ms'):%Y-%m-%d %H:%M:%S}"
    if GONE in {user, post}:
        return None, "post or user deleted upstream: left out, stays in the raw store", f"id {row.row_id}"
    for reason, is_so in (
        ("unknown post", post not in {1, 2}),
        ("unknown user", user not in {1, 2}),
        ("later than the fetch", moment > latest),
        ("older than the oldest post", moment < datetime(2026, 1, 9, tzinfo=UTC).timestamp() * 1000),
    ):
        if is_so:
            return None, f"{reason}: dropped", example
    return (moment, user, post, verb, row.row_id, round(percent) if verb == "rating" else None), "", ""


@contextmanager
def pieces_of(*, read: int, written: int, in_memory: int) -> Iterator[None]:
    """So many rows at once, and so many in a database that lies in memory."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(raw_events, "ROWS_AT_ONCE", read)
        patch.setattr(kept_events, "ROWS_AT_ONCE", written)
        patch.setattr(clean_module, "FEW_ROWS", in_memory)
        yield


@settings(deadline=None, max_examples=60)
@given(TABLES, st.sampled_from([1, 3, 1000]))
def test_each_row_is_kept_or_counted_as_it_would_be_by_itself(tables: dict[str, list[Json]], rows: int) -> None:
    with TemporaryDirectory() as directory, pieces_of(read=rows, written=rows, in_memory=10 * rows):
        raw, output = keep(Path(directory) / "raw", tables), Path(directory) / "clean"
        report = clean(raw, output, accept_losses=True)
        kept, found = one_by_one(raw)
        table = pq.read_table(output / INTERACTIONS_FILE).to_pylist()
        users = read_users(output)
    assert [
        (round(row["at"].timestamp() * 1000), row["user_id"], row["post_id"], row["verb"], row["rating_percent"])
        for row in table
    ] == [(*event[:4], event[5]) for event in kept]
    of_events = {
        (item.table, item.reason): (item.count, item.examples) for item in report.findings if item.table in MOMENT_KEYS
    }
    assert {key: count for key, (count, _) in of_events.items()} == {key: len(rows) for key, rows in found.items()}
    assert all(set(examples) <= set(found[key]) for key, (_, examples) in of_events.items())
    assert users["answers"].tolist() == [True, True]


def worlds(directory: Path) -> Path:
    """A store in which every finding has several rows."""
    tables: dict[str, list[Json]] = {}
    for place, (verb, key) in enumerate(MOMENT_KEYS.items()):
        moments: list[Json] = [f"2026-01-1{number % 3} 0{(number + place) % 4}:00:00" for number in range(40)]
        moments[3:12:3], moments[4:12:3], moments[5:12:3] = ["2198-01-01"] * 3, ["1999-01-01"] * 3, ["never"] * 3
        rows: list[dict[str, Json]] = [
            {"id": 100 - number, "user_id": 1 + number % 4, "post_id": 1 + number % 5, key: moment}
            | ({"rating_percent": 1 + number} if verb == "rating" else {})
            for number, moment in enumerate(moments)
        ]
        for row in (*rows[3:12], *rows[20:]):
            row |= {"user_id": 1, "post_id": 2}
        tables[verb] = list(rows)
    return keep(directory / "raw", tables)


def contents(directory: Path) -> list[object]:
    tables = [pq.read_table(directory / file) for file in (POSTS_FILE, USERS_FILE, INTERACTIONS_FILE)]
    return [
        *((table.schema.to_string(), table.to_pydict()) for table in tables),
        (directory / "report.json").read_text(encoding="utf-8"),
    ]


def test_the_tables_and_the_report_of_pieces_are_those_of_the_whole(tmp_path: Path) -> None:
    raw = worlds(tmp_path)
    whole = clean(raw, tmp_path / "whole", accept_losses=True)
    for number, (read, written, in_memory) in enumerate([(1, 1, 0), (7, 5, 0), (7, 5, 1000), (1000, 1000, 0)]):
        with pieces_of(read=read, written=written, in_memory=in_memory):
            assert clean(raw, tmp_path / str(number), accept_losses=True) == whole
        assert contents(tmp_path / str(number)) == contents(tmp_path / "whole")
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_the_findings_come_in_the_order_of_the_stages_and_then_of_the_rows(tmp_path: Path) -> None:
    """As reports had it when `clean` held all interactions in memory."""
    found = [item for item in clean(worlds(tmp_path), tmp_path / "clean", accept_losses=True).findings if item.count]
    events = [item for item in found if item.table in MOMENT_KEYS]
    verbs: dict[str, list[str]] = {}
    for item in events:
        verbs.setdefault(item.reason, []).append(item.table)
    by_time = ["inspire", "like", "rating", "view"]
    assert [(reason.removesuffix(": dropped"), names) for reason, names in verbs.items()] == [
        *((f"malformed {key}", [verb]) for verb, key in MOMENT_KEYS.items()),
        *((reason, [*MOMENT_KEYS]) for reason in ("unknown post", "unknown user")),
        ("post or user deleted upstream: left out, stays in the raw store", [*MOMENT_KEYS]),
        *((reason, by_time) for reason in ("later than the fetch", "older than the oldest post")),
        ("duplicate user, post and moment: kept once", ["like", "rating", "view", "inspire"]),
    ]
    assert [(item.count, item.examples) for item in events if item.table == "rating"] == [
        (3, ('id 89 ("never")', 'id 92 ("never")', 'id 95 ("never")')),
        (2, ("id 81 at 2026-01-11 02:00:00", "id 87 at 2026-01-11 00:00:00")),
        (1, ("id 85 at 2026-01-10 02:00:00",)),
        (5, ("id 82",)),
        (3, tuple(f"id {number} at 2198-01-01 00:00:00" for number in (91, 94, 97))),
        (3, tuple(f"id {number} at 1999-01-01 00:00:00" for number in (90, 93, 96))),
        (9, ("id 79",)),
    ]


def test_the_old_tables_stay_whole_if_cleaning_ends_at_any_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw, output = worlds(tmp_path), tmp_path / "clean"
    clean(raw, output, accept_losses=True)
    before = contents(output)
    with RawStore(raw) as store:
        store.keep_page("view", 1, [{"id": 1, "user_id": 1, "post_id": 1, "viewed_at": "2026-01-10 09:00:00"}])

    def ended(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    for step in ("stage_events", "judge_events", "write_kept_events", "write_posts", "write_users", "write_report"):
        with monkeypatch.context() as patch:
            patch.setattr(clean_module, step, ended)
            with pytest.raises(KeyboardInterrupt):
                clean(raw, output, accept_losses=True)
        assert contents(output) == before
    assert {path.name for path in tmp_path.iterdir()} == {"raw", "clean"}
    clean(raw, output, accept_losses=True)
    assert contents(output) != before
