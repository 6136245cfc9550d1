"""What cleaning leaves out: never most of a table, never a good table for an empty one, and always with a count."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from cli.subcommands import app
from pipeline.accepted_forms import MOST_COUNTED
from pipeline.clean import CleanError, clean
from pipeline.raw_store import RawStore
from pipeline.tables import read_interactions, read_posts, read_users
from pipeline.upstream import Json

POSTS: list[dict[str, Json]] = [
    {
        "id": number,
        "category": {"id": 2, "name": "Vible"},
        "title": f"title {number}",
        "video_link": f"https://video.example/{number}",
        "created_at": 1_700_000_000_000 + number,
        "username": "ana",
        "post_summary": [],
    }
    for number in range(1, 11)
]
USERS: list[dict[str, Json]] = [{"id": number, "username": f"user {number}"} for number in range(1, 11)]
VIEWS: list[dict[str, Json]] = [
    {"id": number, "user_id": number, "post_id": number, "viewed_at": f"2026-01-10 07:20:{number:02}"}
    for number in range(1, 11)
]


def keep(path: Path, **tables: Sequence[Json]) -> Path:
    """A raw store of one complete fetch."""
    with RawStore(path) as store:
        for name, rows in ({"post": POSTS, "user": USERS, "view": VIEWS} | tables).items():
            store.keep_page(name, 1, list(rows))
            store.finish(name)
    return path


def changed(rows: Sequence[dict[str, Json]], count: int, **fields: Json) -> list[Json]:
    return [row | fields if number < count else row for number, row in enumerate(rows)]


def findings(path: Path, output: Path, *, accept_losses: bool = False) -> dict[tuple[str, str], int]:
    report = clean(path, output, accept_losses=accept_losses)
    return {(item.table, item.reason): item.count for item in report.findings}


@pytest.mark.parametrize(
    ("table", "rows", "said"),
    [
        (
            "view",
            changed(VIEWS, 6, viewed_at="last week"),
            r'6 of 10 view rows .*malformed viewed_at.*id 1 \("last week"',
        ),
        ("view", changed(VIEWS, 6, post_id=99), "6 of 10 view rows .*unknown post"),
        ("view", changed(VIEWS, 6, viewed_at="2199-01-01"), "6 of 10 view rows .*later than the fetch.*at 2199-01-01"),
        ("view", changed(VIEWS, 6, viewed_at="2001-01-01"), "6 of 10 view rows .*older than the oldest post"),
        ("view", [*VIEWS[:4], *(row | {"id": None} for row in VIEWS[4:])], "6 of 10 view rows .*unusable id"),
        ("post", changed(POSTS, 6, created_at="soon"), "6 of 10 post rows .*malformed created_at"),
        ("user", changed(USERS, 6, username=None), "6 of 10 user rows .*malformed username"),
    ],
)
def test_a_table_mostly_left_out_for_one_reason_is_refused_and_the_old_tables_stay(
    tmp_path: Path, table: str, rows: list[Json], said: str
) -> None:
    output = tmp_path / "clean"
    clean(keep(tmp_path / "good"), output)
    before = {path.name: path.read_bytes() for path in output.iterdir()}
    bad = keep(tmp_path / "bad", **{table: rows})
    with pytest.raises(CleanError, match=said) as caught:
        clean(bad, output)
    assert "--accept-losses" in str(caught.value)
    assert {path.name: path.read_bytes() for path in output.iterdir()} == before
    clean(bad, output, accept_losses=True)
    assert {path.name: path.read_bytes() for path in output.iterdir()} != before


def test_half_of_a_table_may_be_left_out(tmp_path: Path) -> None:
    found = findings(keep(tmp_path / "raw", view=changed(VIEWS, 5, viewed_at="last week")), tmp_path)
    assert found["view", "malformed viewed_at: dropped"] == 5


def test_the_only_event_of_a_verb_may_be_an_orphan(tmp_path: Path) -> None:
    like = {"id": 1, "user_id": 1, "post_id": 99, "liked_at": "2026-01-10 07:20:55"}
    assert findings(keep(tmp_path / "raw", like=[like]), tmp_path)["like", "unknown post: dropped"] == 1
    assert len(read_interactions(tmp_path)) == 10


def test_the_only_event_of_a_verb_may_be_malformed(tmp_path: Path) -> None:
    like = {"id": 1, "user_id": 1, "post_id": 1, "liked_at": "0000-00-00 00:00:00"}
    assert findings(keep(tmp_path / "raw", like=[like]), tmp_path)["like", "malformed liked_at: dropped"] == 1


def test_a_small_table_of_which_nothing_can_be_read_is_refused(tmp_path: Path) -> None:
    posts: list[Json] = [row | {"created_at": "soon"} for row in POSTS[:2]]
    with pytest.raises(CleanError, match=r"2 of 2 post rows .*malformed created_at"):
        clean(keep(tmp_path / "raw", post=posts), tmp_path / "clean")


def test_an_event_that_the_upstream_s_own_clock_has_passed_is_not_later_than_the_fetch(tmp_path: Path) -> None:
    with RawStore(tmp_path / "raw") as store:
        store.keep_page("post", 1, list(POSTS))
        store.keep_page("user", 1, list(USERS))
        views = changed(VIEWS, 1, viewed_at="2199-01-01")
        store.keep_page("view", 1, views, upstream_time=datetime(2199, 1, 2, tzinfo=UTC))
        store.keep_page("like", 1, [], upstream_time=datetime(1999, 1, 1, tzinfo=UTC))
    clean(tmp_path / "raw", tmp_path)
    assert len(read_interactions(tmp_path)) == 10


def test_an_empty_table_does_not_replace_one_with_rows(tmp_path: Path) -> None:
    output = tmp_path / "clean"
    clean(keep(tmp_path / "good"), output)
    with pytest.raises(CleanError, match=r"interactions\.parquet, which holds 10"):
        clean(keep(tmp_path / "empty", view=[]), output)
    assert len(read_interactions(output)) == 10
    clean(keep(tmp_path / "empty", view=[]), output, accept_losses=True)
    assert len(read_interactions(output)) == 0


def test_the_command_ends_with_an_error_unless_losses_are_accepted(tmp_path: Path) -> None:
    keep(tmp_path / "raw.sqlite", view=changed(VIEWS, 6, viewed_at="last week"))
    refused = CliRunner().invoke(app, ["clean", "--data", str(tmp_path)])
    assert isinstance(refused.exception, CleanError)
    accepted = CliRunner().invoke(app, ["clean", "--data", str(tmp_path), "--accept-losses"])
    assert accepted.exit_code == 0, accepted.output


@pytest.mark.parametrize(
    ("changes", "is_servable"),
    [
        ({}, True),
        ({"is_locked": 0, "is_available_in_public_feed": 1}, True),
        ({"is_locked": "false", "is_available_in_public_feed": "yes"}, True),
        ({"is_locked": None, "is_available_in_public_feed": None}, True),
        ({"is_locked": "", "is_available_in_public_feed": ""}, True),
        ({"is_available_in_public_feed": 0}, False),
        ({"is_available_in_public_feed": "no"}, False),
        ({"is_locked": "True"}, False),
        ({"is_locked": 1.0}, False),
    ],
)
def test_only_an_explicit_no_hides_a_post(tmp_path: Path, changes: dict[str, Json], is_servable: bool) -> None:
    clean(keep(tmp_path / "raw", post=changed(POSTS, 10, **changes)), tmp_path)
    assert set(read_posts(tmp_path)["is_servable"]) == {is_servable}


def test_every_table_reads_the_same_values_in_other_forms_to_the_same_rows(tmp_path: Path) -> None:
    clean(keep(tmp_path / "raw"), tmp_path / "plain")
    posts = [row | {"id": str(row["id"]), "created_at": f"{row['created_at']}.0", "is_locked": "0"} for row in POSTS]
    posts = [row | {"category": {"id": "2.0", "name": "Vible"}, "view_count": "0"} for row in posts]
    users = [row | {"id": float(str(row["id"])), "is_verified": "no"} for row in USERS]
    views = [
        row
        | {
            "id": f"{row['id']}",
            "user_id": float(str(row["user_id"])),
            "post_id": str(row["post_id"]),
            "viewed_at": str(row["viewed_at"]).replace(" ", "T") + "Z",
        }
        for row in VIEWS
    ]
    clean(keep(tmp_path / "other", post=posts, user=users, view=views), tmp_path / "other forms")
    for read in (read_posts, read_users, read_interactions):
        pd.testing.assert_frame_equal(read(tmp_path / "other forms"), read(tmp_path / "plain"))


@pytest.mark.parametrize("count", [2**64, 1e300, -5, "1e300"])
def test_a_counter_out_of_range_is_clipped_and_counted(tmp_path: Path, count: Json) -> None:
    found = findings(keep(tmp_path / "raw", post=changed(POSTS, 1, view_count=count)), tmp_path)
    assert found["post", "view_count out of range: clipped"] == 1
    assert read_posts(tmp_path)["view_count"].max() in {0, MOST_COUNTED}


def test_events_with_a_wrong_clock_are_left_out_and_nothing_else_changes(tmp_path: Path) -> None:
    clean(keep(tmp_path / "raw"), tmp_path / "without")
    soon = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    wrong: list[Json] = [
        VIEWS[0] | {"id": 100 + number, "viewed_at": at}
        for number, at in enumerate(["2099-01-01 00:00:00", soon, 86_400_001])
    ]
    found = findings(keep(tmp_path / "other", view=[*VIEWS, *wrong]), tmp_path / "with")
    assert found["view", "later than the fetch: dropped"] == 2
    assert found["view", "older than the oldest post: dropped"] == 1
    pd.testing.assert_frame_equal(read_interactions(tmp_path / "with"), read_interactions(tmp_path / "without"))


def test_a_post_from_the_future_is_as_new_as_the_fetch(tmp_path: Path) -> None:
    found = findings(keep(tmp_path / "raw", post=changed(POSTS, 1, created_at="2099-01-01")), tmp_path)
    assert found["post", "created after the fetch: taken as created at the fetch"] == 1
    assert read_posts(tmp_path)["created_at"].max() <= pd.Timestamp.now(tz="UTC")


def test_posts_and_users_that_a_complete_fetch_no_longer_lists_are_left_out(tmp_path: Path) -> None:
    raw = keep(tmp_path / "raw")
    with RawStore(raw) as store:
        store.keep_page("post", 1, POSTS[1:])  # the fetch is cut off here: nothing is known to be gone
    clean(raw, tmp_path)
    assert len(read_posts(tmp_path)) == 10
    with RawStore(raw) as store:
        store.finish("post")
        store.keep_page("user", 1, USERS[:-1])
        store.finish("user")
        store.keep_page("view", 1, [])
        store.finish("view")
    found = findings(raw, tmp_path)
    assert found["post", "deleted upstream: dropped"] == found["user", "deleted upstream: dropped"] == 1
    assert found["view", "post or user deleted upstream: left out, stays in the raw store"] == 2
    assert (len(read_posts(tmp_path)), len(read_users(tmp_path)), len(read_interactions(tmp_path))) == (9, 9, 8)
    keep(raw)
    clean(raw, tmp_path)
    assert (len(read_posts(tmp_path)), len(read_interactions(tmp_path))) == (10, 10)


def test_an_upstream_that_suddenly_lists_no_posts_is_not_believed(tmp_path: Path) -> None:
    raw = keep(tmp_path / "raw")
    clean(raw, tmp_path)
    with RawStore(raw) as store:
        store.keep_page("post", 1, [])
        store.finish("post")
    with pytest.raises(CleanError, match=r"10 of 10 post rows .*deleted upstream"):
        clean(raw, tmp_path)


@pytest.mark.parametrize("tables", [{"post": []}, {"user": []}, {"post": [], "user": [], "view": []}])
def test_tables_without_rows_are_cleaned_all_the_same(tmp_path: Path, tables: dict[str, list[Json]]) -> None:
    clean(keep(tmp_path / "raw", **tables), tmp_path, accept_losses=True)
    assert len(read_interactions(tmp_path)) == 0
