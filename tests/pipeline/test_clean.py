import json
from pathlib import Path

import pandas as pd
import pytest

from pipeline.clean import CleanError, clean
from pipeline.foreign.formats import Wanted, recognise
from pipeline.foreign.import_files import import_files
from pipeline.raw_store import RawStore
from pipeline.summary_text import read_summary
from pipeline.tables import TableError, read_interactions, read_posts, read_users
from pipeline.upstream import Json
from pipeline.workspace import Workspace

POST: dict[str, Json] = {
    "id": 1,
    "category": {"id": 2, "name": "Vible"},
    "title": "a title",
    "video_link": "https://video.example/1",
    "thumbnail_url": "",
    "is_locked": False,
    "is_available_in_public_feed": True,
    "created_at": 1_700_000_000_000,
    "username": "ana",
    "post_summary": [],
}
USER: dict[str, Json] = {"id": 1, "username": "ana"}
VIEW: dict[str, Json] = {"id": 1, "user_id": 1, "post_id": 1, "viewed_at": "2026-01-10 07:20:55"}


def store_of(path: Path, **tables: list[Json]) -> Path:
    with RawStore(path) as store:
        for name, rows in ({"post": [POST], "user": [USER], "view": [VIEW]} | tables).items():
            store.keep_page(name, 1, rows)
    return path


def findings(path: Path, output: Path) -> dict[tuple[str, str], int]:
    return {(item.table, item.reason): item.count for item in clean(path, output).findings}


def test_a_sound_row_of_each_table_is_kept_typed(tmp_path: Path) -> None:
    clean(store_of(tmp_path / "raw"), tmp_path)
    post = read_posts(tmp_path).iloc[0]
    assert (post["post_id"], post["category_id"], post["is_servable"]) == (1, 2, True)
    assert post["created_at"] == pd.Timestamp(1_700_000_000, unit="s", tz="UTC")
    event = read_interactions(tmp_path).iloc[0]
    assert event["at"] == pd.Timestamp("2026-01-10 07:20:55", tz="UTC")
    assert pd.isna(event["rating_percent"])


@pytest.mark.parametrize(
    ("change", "is_servable"),
    [
        ({}, True),
        ({"is_locked": True}, False),
        ({"is_available_in_public_feed": False}, False),
        ({"video_link": " "}, False),
        ({"is_locked": None}, True),
    ],
)
def test_only_open_public_posts_with_a_video_are_servable(
    tmp_path: Path, change: dict[str, Json], is_servable: bool
) -> None:
    clean(store_of(tmp_path / "raw", post=[POST | change]), tmp_path)
    assert read_posts(tmp_path)["is_servable"].tolist() == [is_servable]


@pytest.mark.parametrize("category", [[], None, {"id": "x"}, {"id": 0, "name": "none"}, {"name": "no id"}])
def test_a_post_without_a_category_is_kept_and_counted(tmp_path: Path, category: Json) -> None:
    found = findings(store_of(tmp_path / "raw", post=[POST | {"category": category}]), tmp_path)
    assert found["post", "no category: served only in feeds over all categories"] == 1
    assert read_posts(tmp_path)["category_id"].isna().all()


def test_orphans_duplicates_and_malformed_rows_are_counted_with_their_reason(tmp_path: Path) -> None:
    views = [
        VIEW,
        VIEW | {"id": 2},
        VIEW | {"id": 3, "post_id": 99},
        VIEW | {"id": 4, "user_id": 99},
        VIEW | {"id": 5, "viewed_at": "0000-00-00 00:00:00"},
        VIEW | {"id": 6, "user_id": "one"},
        VIEW | {"id": None},
        "no row at all",
    ]
    ratings = [
        VIEW | {"id": 1, "rated_at": VIEW["viewed_at"], "rating_percent": percent}
        for percent in (0, 101, "nine", 50, 60, 70)
    ]
    ratings = [row | {"id": number} for number, row in enumerate(ratings)]
    found = findings(store_of(tmp_path / "raw", view=views, rating=ratings), tmp_path)
    assert found["view", "duplicate user, post and moment: kept once"] == 1
    assert found["view", "unknown post: dropped"] == 1
    assert found["view", "unknown user: dropped"] == 1
    assert found["view", "malformed viewed_at: dropped"] == 1
    assert found["view", "malformed user_id: dropped"] == 1
    assert found["view", "unusable id: dropped"] == 2
    assert found["rating", "malformed rating_percent: dropped"] == 3
    assert found["rating", "duplicate user, post and moment: kept once"] == 2
    assert len(read_interactions(tmp_path)) == 2


def test_of_two_accounts_with_one_username_the_busier_answers(tmp_path: Path) -> None:
    users: list[Json] = [USER | {"id": number} for number in (1, 2, 3)]
    views: list[Json] = [
        VIEW | {"id": number, "user_id": 2, "viewed_at": f"2026-01-1{number} 00:00:00"} for number in (1, 2)
    ]
    found = findings(store_of(tmp_path / "raw", user=users, view=[VIEW | {"id": 9}, *views]), tmp_path)
    answers = read_users(tmp_path).set_index("user_id")["answers"]
    assert answers.to_dict() == {1: False, 2: True, 3: False}
    assert found["user", "username shared with a more active account: not reachable by name"] == 2


def test_of_equally_busy_accounts_the_smallest_id_answers(tmp_path: Path) -> None:
    clean(store_of(tmp_path / "raw", user=[USER | {"id": 5}, USER | {"id": 4}], view=[]), tmp_path)
    assert read_users(tmp_path).set_index("user_id")["answers"].to_dict() == {4: True, 5: False}


def test_the_report_lies_beside_the_tables(tmp_path: Path) -> None:
    clean(store_of(tmp_path / "raw", post=[POST, POST | {"id": 2, "created_at": "yesterday"}]), tmp_path)
    report = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert report["kept"] == {"post": 1, "user": 1, "interaction": 1}
    assert {
        "table": "post",
        "reason": "malformed created_at: dropped",
        "count": 1,
        "examples": ['id 2 ("yesterday")'],
    } in report["findings"]


def test_nothing_fetched_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(CleanError, match="moodfeed fetch"):
        clean(tmp_path / "raw.sqlite", tmp_path)


def test_every_raw_row_of_the_sample_is_kept_or_accounted_for(small_workspace: Workspace) -> None:
    report = json.loads((small_workspace.clean / "report.json").read_text(encoding="utf-8"))
    left_out = sum(
        item["count"] for item in report["findings"] if item["table"] in {"view", "like", "inspire", "rating"}
    )
    with RawStore(small_workspace.raw) as store:
        stored = sum(store.count(name) for name in ("view", "like", "inspire", "rating"))
    assert stored == report["kept"]["interaction"] + left_out


@pytest.mark.parametrize(
    ("file", "column", "value", "reason"),
    [
        ("interactions.parquet", "rating_percent", 0, "must be"),
        ("interactions.parquet", "verb", "hate", "must be one of"),
        ("interactions.parquet", "user_id", None, "is null"),
        ("posts.parquet", "title", None, "is null"),
        ("posts.parquet", "post_id", "x7", "is not int64"),
    ],
)
def test_a_broken_row_of_a_table_is_named_by_file_row_and_field(
    small_workspace: Workspace, tmp_path: Path, file: str, column: str, value: object, reason: str
) -> None:
    table = pd.read_parquet(small_workspace.clean / file)
    broken = table[column].astype(object)
    broken.iloc[3] = value
    if isinstance(value, str):
        broken = broken.astype(str)
    table[column] = broken
    if column == "rating_percent":
        table.loc[3, "verb"] = "rating"
    table.to_parquet(tmp_path / file)
    with pytest.raises(TableError, match=rf"{file}, row 3, field {column}: {reason}"):
        (read_posts if file.startswith("posts") else read_interactions)(tmp_path)


def test_a_missing_table_says_so(tmp_path: Path) -> None:
    with pytest.raises(TableError, match=r"posts\.parquet is missing"):
        read_posts(tmp_path)


@pytest.mark.parametrize(
    ("emotions", "words"),
    [
        ({"mood": ["calm_water", "reflective"]}, "calm water, reflective"),
        (["hope", "joy", "hope"], "hope, joy"),
        ({"hopeful": True, "angry": False, "tone": "warm"}, "hopeful, warm"),
        ({"deep": {"deeper": [{"deepest": "longing"}]}}, "longing"),
        (None, ""),
        ("plain", "plain"),
        ({"count": 3}, ""),
    ],
)
def test_emotions_are_read_in_every_shape(emotions: Json, words: str) -> None:
    assert read_summary({"emotions": emotions}).mood == words


@pytest.mark.parametrize(
    "summary", [[], None, "text", {}, {"description": "Error generating description: Request timed out."}]
)
def test_an_empty_summary_is_empty_text(summary: Json) -> None:
    assert read_summary(summary).description == ""


def test_a_description_loses_its_markdown() -> None:
    text = read_summary(
        {"description": "# Title\n\n- **bold** words\n- [a link](https://example.com) `code`"}
    ).description
    assert text == "Title bold words a link code"


def test_keywords_come_heaviest_first() -> None:
    keywords: Json = [{"keyword": "light", "weight": 1}, {"keyword": "heavy", "weight": 9}, {"weight": 3}, "bare"]
    assert read_summary({"keywords": keywords}).keywords == "heavy; light; bare"


def test_tables_of_before_external_ids_and_positions_are_read(tmp_path: Path) -> None:
    source = tmp_path / "in.csv"
    source.write_text("user,post,time\nanna,7,1758348933\n", encoding="utf-8")
    import_files(recognise([source], Wanted()), tmp_path / "clean")
    for file, column in (("posts.parquet", "external_id"), ("interactions.parquet", "position")):
        path = tmp_path / "clean" / file
        pd.read_parquet(path).drop(columns=column).to_parquet(path)
    assert read_posts(tmp_path / "clean")["external_id"].isna().all()
    assert len(read_interactions(tmp_path / "clean")) == 1
