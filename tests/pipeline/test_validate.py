"""Clean tables are checked before anything is trained on them; each test breaks sound tables in one way."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from bundle.directory import open_bundle
from bundle.verbs import VERBS
from cli.subcommands import app
from cli.validation import validate_stage
from pipeline.drift import DataProfile, drift, profile_of_bundle, profile_of_tables
from pipeline.table_checks import TABLES
from pipeline.tables import (
    POST_COUNTS,
    USER_COUNTS,
    TableError,
    read_interactions,
    read_posts,
    read_users,
    write_posts,
    write_users,
)
from pipeline.validate import InvalidTablesError, refuse_errors, validate
from pipeline.validation_report import Finding, Level, ValidationReport
from pipeline.workspace import Workspace
from tests.pipeline.interaction_rows import write_interactions
from tests.tiny_bundle import write_tiny_bundle

POSTS, USERS, EVENTS = 40, 30, 2000
START = pd.Timestamp("2026-01-01 08:00:07", tz="UTC")


def write_sound_tables(directory: Path) -> None:
    posts = pd.DataFrame({"post_id": np.arange(1, POSTS + 1)}).assign(
        video_link="https://video.example/1", title="a title", thumbnail_url="thumb", owner_username="ana",
        category_id=2, category_name="Vible", created_at=START - pd.Timedelta(days=90), average_rating=50.0,
        is_servable=True, description="a description", keywords="calm; sea", mood_text="calm", content_text="sea",
        summary_text="a calm sea", **dict.fromkeys(POST_COUNTS, 0),
    )  # fmt: skip
    users = pd.DataFrame({"user_id": np.arange(1, USERS + 1)}).assign(is_verified=False, user_type="", answers=True)
    users = users.assign(username=[f"user{number}" for number in users["user_id"]], **dict.fromkeys(USER_COUNTS, 0))
    number = np.arange(EVENTS)
    events = pd.DataFrame(
        {
            "user_id": number % USERS + 1,
            "post_id": number * 7 % POSTS + 1,
            "verb": np.where(number % 5 == 0, "like", "view"),
            "at": START + pd.to_timedelta(number * 11, unit="min"),
            "rating_percent": None,
        }
    )
    write_posts(posts, directory)
    write_users(users, directory)
    write_interactions(events, directory)


def events_changed(directory: Path, change: Callable[[pd.DataFrame], pd.DataFrame]) -> ValidationReport:
    write_interactions(change(read_interactions(directory)), directory)
    return validate(directory)


def raw_changed(directory: Path, table: str, change: Callable[[pd.DataFrame], pd.DataFrame]) -> ValidationReport:
    """Write a table that our own writer would refuse."""
    path = directory / TABLES[table]
    change(pd.read_parquet(path)).to_parquet(path)
    return validate(directory)


@pytest.fixture
def tables(tmp_path: Path) -> Path:
    write_sound_tables(tmp_path)
    return tmp_path


def only(findings: tuple[Finding, ...]) -> Finding:
    assert len(findings) == 1, findings
    return findings[0]


def test_valid_tables_have_neither_errors_nor_warnings(tables: Path) -> None:
    report = validate(tables)
    assert report.findings == ()
    assert report.rows == {"post": POSTS, "user": USERS, "interaction": EVENTS}
    refuse_errors(report, tables)
    written = json.loads((tables / "validation.json").read_text(encoding="utf-8"))
    assert (written["errors"], written["warnings"]) == (0, 0)


def test_missing_values_and_ranges_are_stated(tables: Path) -> None:
    write_posts(read_posts(tables).assign(title=["", *["a title"] * (POSTS - 1)], upvote_count=range(POSTS)), tables)
    report = validate(tables)
    assert [(item.table, item.column, item.count, item.of) for item in report.missing if item.column == "title"] == [
        ("post", "title", 1, POSTS)
    ]
    found = next(item for item in report.ranges if item.column == "upvote_count")
    assert (found.low, found.high) == ("0", str(POSTS - 1))


@pytest.mark.parametrize("column", ["summary_text", "video_link"])
def test_a_column_that_feeds_need_and_that_is_mostly_missing_is_a_warning(tables: Path, column: str) -> None:
    write_posts(read_posts(tables).assign(**{column: ""}), tables)
    warning = only(validate(tables).warnings)
    assert warning.what == f"{column} is mostly missing"
    assert warning.count == POSTS


@pytest.mark.parametrize(
    ("table", "change", "what"),
    [
        ("post", lambda frame: frame.assign(view_count=-1), "view_count fails greater_than_or_equal_to(0)"),
        ("post", lambda frame: frame.assign(category_id=0), "category_id fails in_range"),
        ("post", lambda frame: frame.assign(average_rating=101.0), "average_rating fails in_range"),
        ("post", lambda frame: frame.assign(video_link=None), "video_link fails not_nullable"),
        ("post", lambda frame: frame.assign(post_id="x"), "post_id fails"),
        ("post", lambda frame: frame.drop(columns="title"), "columns are missing: title"),
        ("post", lambda frame: frame.assign(post_id=7), "post_id is not unique"),
        ("user", lambda frame: frame.assign(user_id=7), "user_id is not unique"),
        ("user", lambda frame: frame.assign(username=" "), "username fails not_blank"),
        ("interaction", lambda frame: frame.assign(verb="hate"), "verb fails isin"),
        ("interaction", lambda frame: frame.assign(rating_percent=101), "rating_percent fails in_range"),
        ("interaction", lambda frame: frame.assign(post_id=10**6), "post_id is not in the table of posts"),
        ("interaction", lambda frame: frame.assign(user_id=10**6), "user_id is not in the table of users"),
    ],
)
def test_an_invalid_row_is_an_error_that_stops_the_build(
    tables: Path, table: str, change: Callable[[pd.DataFrame], pd.DataFrame], what: str
) -> None:
    report = raw_changed(tables, table, change)
    assert any(error.what.startswith(what) for error in report.errors), report.findings
    with pytest.raises(InvalidTablesError, match="training is refused"):
        refuse_errors(report, tables)


def test_tables_without_a_post_to_serve_are_an_error(tables: Path) -> None:
    write_posts(read_posts(tables).assign(is_servable=False), tables)
    assert only(validate(tables).errors).what.startswith("no post can be served")


def test_interactions_without_users_are_an_error(tables: Path, tmp_path: Path) -> None:
    write_users(read_users(tables)[:0], tables)
    bundle = open_bundle(write_tiny_bundle(tmp_path / "bundles"))
    assert only(validate(tables, published=bundle).errors).what == "there are interactions but no users"


def test_no_interactions_and_no_users_are_a_warning_because_moods_still_serve(tables: Path) -> None:
    write_users(read_users(tables)[:0], tables)
    report = events_changed(tables, lambda events: events[:0])
    assert report.errors == ()
    assert only(report.warnings).what.startswith("there are no interactions")


def test_more_events_in_a_minute_than_a_person_makes_are_a_warning(tables: Path) -> None:
    def hurry(events: pd.DataFrame) -> pd.DataFrame:
        at = START + pd.to_timedelta(np.arange(100) * 100, unit="ms")
        posts = np.arange(100) % POSTS + 1
        burst = pd.DataFrame({"user_id": 9, "post_id": posts, "verb": "view", "at": at, "rating_percent": None})
        return pd.concat([events.astype({"rating_percent": object}), burst.astype({"rating_percent": object})])

    warning = only(events_changed(tables, hurry).warnings)
    assert (warning.table, warning.count, warning.of) == ("user", 1, USERS)
    assert "user_id 9: 10" in warning.example


def test_dates_without_a_time_give_no_warning_of_too_many_events_in_a_minute(tables: Path) -> None:
    report = events_changed(tables, lambda events: events.assign(at=events["at"].dt.floor("D")))
    assert not [item for item in report.findings if "one minute" in item.what]


def test_a_post_and_a_person_with_a_large_share_of_all_events_are_warnings(tables: Path) -> None:
    report = events_changed(
        tables,
        lambda events: events.assign(
            user_id=np.where(np.arange(EVENTS) % 3 == 0, 1, events["user_id"]),
            post_id=np.where(np.arange(EVENTS) % 3 == 1, 1, events["post_id"]),
        ),
    )
    assert {(item.table, item.example) for item in report.warnings} == {("user", "user_id 1"), ("post", "post_id 1")}
    assert report.errors == ()


def test_a_person_with_most_of_all_events_is_an_error(tables: Path) -> None:
    is_hers = np.random.default_rng(0).random(EVENTS) < 0.7
    report = events_changed(tables, lambda events: events.assign(user_id=np.where(is_hers, 1, events["user_id"])))
    assert "% of all events" in only(report.errors).what


def test_two_people_may_share_the_events_unequally(tables: Path) -> None:
    report = events_changed(tables, lambda events: events.assign(user_id=np.where(np.arange(EVENTS) % 9, 1, 2)))
    assert report.errors == ()


def test_events_before_their_post_was_made_are_counted(tables: Path) -> None:
    late = START + pd.Timedelta(days=8)
    posts = read_posts(tables)
    write_posts(posts.assign(created_at=posts["created_at"].where(posts["post_id"] != 3, late)), tables)
    warning = only(validate(tables).warnings)
    assert warning.what == "events more than a day before their post was created"
    assert warning.example.startswith("post_id 3")
    write_posts(posts.assign(created_at=START + pd.Timedelta(days=365)), tables)
    assert only(validate(tables).errors).what == "events more than a day before their post was created"


def test_repeated_events_are_counted(tables: Path) -> None:
    warning = only(events_changed(tables, lambda events: pd.concat([events, events[:12]])).warnings)
    assert (warning.count, warning.of) == (12, EVENTS + 12)


def test_one_event_years_after_all_others_is_a_warning(tables: Path) -> None:
    def late(events: pd.DataFrame) -> pd.DataFrame:
        events.loc[5, "at"] = pd.Timestamp("2099-01-01", tz="UTC")
        return events

    assert "check the clock" in only(events_changed(tables, late).warnings).what


def test_of_too_many_events_the_activity_of_a_sample_of_people_is_compared(
    tables: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.table_checks.MOST_COMPARED", EVENTS // 3)
    report = validate(tables)
    assert (report.one_person_in, report.findings) == (4, ())
    assert report.rows["interaction"] == EVENTS
    repeated = events_changed(tables, lambda events: pd.concat([events, events]))
    assert 0 < only(repeated.warnings).count < EVENTS


def test_the_data_of_a_bundle_is_no_drift_from_itself(tmp_path: Path) -> None:
    profile = profile_of_bundle(open_bundle(write_tiny_bundle(tmp_path)))
    assert profile.categories == {0: 1, 2: 2, 7: 2}
    assert drift(profile, profile) == ()


def profile(**changes: object) -> DataProfile:
    facts: dict[str, object] = {
        "counts": {"servable_posts": 100, "users": 50, "interactions": 1000},
        "categories": {2: 60, 7: 40},
        "verbs": np.array([0.7, 0.2, 0.0, 0.1]),
        "median_history": 10.0,
    }
    return DataProfile(**(facts | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"counts": {"servable_posts": 20, "users": 50, "interactions": 1000}}, "servable posts: 20, but"),
        ({"counts": {"servable_posts": 100, "users": 50, "interactions": 9000}}, "interactions: 9000, but"),
        ({"categories": {2: 30, 7: 70}}, "30% of the posts are in other categories"),
        ({"verbs": np.array([0.2, 0.7, 0.0, 0.1])}, "the distribution of verbs has shifted by 50%"),
        ({"median_history": 2.0}, "the median person has 2 posts, was 10"),
    ],
)
def test_what_has_moved_far_from_the_published_data_is_a_warning(changes: dict[str, object], what: str) -> None:
    warning = only(drift(profile(**changes), profile()))
    assert warning.level is Level.WARNING
    assert warning.what.startswith(what)


def test_a_category_that_is_gone_is_named() -> None:
    assert "category 9 with 1 posts" in [
        item.example for item in drift(profile(), profile(categories={2: 60, 7: 39, 9: 1}))
    ]


def test_the_verb_of_a_pair_is_its_strongest() -> None:
    found = profile_of_tables(
        {
            "user_id": np.array([1, 1, 1, 2]),
            "post_id": np.array([5, 5, 6, 5]),
            "verb": np.array([VERBS.index(verb) for verb in ("inspire", "view", "rating", "like")], dtype=np.int8),
        },
        {"is_servable": np.array([True, False]), "category_id": np.array([4, 4])},
        {"answers": np.array([True, False])},
    )
    assert dict(zip(VERBS, found.verbs.round(2).tolist(), strict=True)) == {
        "view": 0.0, "like": 0.33, "inspire": 0.33, "rating": 0.33,
    }  # fmt: skip
    assert (found.categories, found.counts["users"], found.median_history) == ({4: 1}, 1, 1.5)


def test_a_bundle_that_cannot_be_read_is_a_warning(tables: Path, tmp_path: Path) -> None:
    bundle = open_bundle(write_tiny_bundle(tmp_path / "bundles"))
    assert validate(tables, published=bundle).warnings  # a tiny bundle is of other data
    bundle.path("users.safetensors").write_bytes(b"damaged")
    warning = only(validate(tables, published=bundle).warnings)
    assert warning.what.startswith("the published bundle cannot be read")


def test_a_missing_table_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(TableError, match=r"posts\.parquet is missing: run `moodfeed clean`"):
        validate(tmp_path)


def test_the_stage_stops_a_build_unless_told_to_go_on(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    write_sound_tables(workspace.clean)
    write_posts(read_posts(workspace.clean).assign(is_servable=False), workspace.clean)
    with pytest.raises(InvalidTablesError, match="--accept-invalid"):
        validate_stage(workspace, tmp_path / "bundles")
    assert len(validate_stage(workspace, tmp_path / "bundles", accept_invalid=True).errors) == 1


def test_the_command_shows_a_report_and_ends_with_1_if_there_are_errors(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    write_sound_tables(workspace.clean)
    arguments = ["validate", "--data", str(tmp_path), "--bundles", str(tmp_path / "bundles")]
    sound = CliRunner().invoke(app, arguments)
    assert sound.exit_code == 0, sound.output
    assert "0 errors, 0 warnings" in sound.output
    write_posts(read_posts(workspace.clean).assign(is_servable=False), workspace.clean)
    broken = CliRunner().invoke(app, [*arguments, "--json"])
    assert broken.exit_code == 1
    assert json.loads(broken.stdout)["errors"] == 1
