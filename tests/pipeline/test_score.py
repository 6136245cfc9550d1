from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pipeline.score
from pipeline.foreign.formats import Wanted, recognise
from pipeline.foreign.import_files import import_files
from pipeline.score import score, score_frame
from pipeline.tables import TableError
from tests.pipeline.interaction_rows import write_interactions
from two_tower.interaction_strengths import STRENGTHS

MOMENT = pd.Timestamp("2026-01-01", tz="UTC")


def frame(*rows: tuple[int, int, str, int | None]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["user_id", "post_id", "verb", "rating_percent"])
    table["at"] = [MOMENT + pd.Timedelta(hours=number) for number in range(len(table))]
    return table.astype({"rating_percent": "Int16"})


def event_strengths(interactions: pd.DataFrame) -> "pd.Series[float]":
    """The strength of each event: that of a pair with no other event."""
    alone = score_frame(interactions.assign(post_id=range(len(interactions))))
    return alone.set_index("post_id")["strength"].reindex(range(len(interactions)))


def strength_of(*verbs: str) -> float:
    return float(score_frame(frame(*((1, 1, verb, None) for verb in verbs)))["strength"].iloc[0])


def test_a_stronger_verb_gives_a_stronger_pair() -> None:
    assert strength_of("view") < strength_of("like") < strength_of("inspire") <= 1


def test_more_kinds_of_signs_add_up_and_repeats_do_not() -> None:
    assert strength_of("view", "like") > strength_of("like")
    assert strength_of("view", "view") == strength_of("view")


def test_a_rating_is_read_beside_what_its_user_gives_otherwise() -> None:
    mild = [(1, post, "rating", 90) for post in range(10)] + [(1, 10, "rating", 50)]
    strict = [(2, post, "rating", 10) for post in range(10)] + [(2, 10, "rating", 50)]
    table = frame(*mild, *strict)
    strengths = event_strengths(table)
    fifty = strengths[table["post_id"] == 10].tolist()
    assert fifty[0] < STRENGTHS["rating"] < fifty[1]


def test_a_single_rating_says_little() -> None:
    table = frame(*((user, 1, "rating", 20) for user in range(2, 30)), (1, 1, "rating", 60))
    many = frame(*((1, post, "rating", 20) for post in range(2, 30)), (1, 1, "rating", 60))
    assert event_strengths(table).iloc[-1] < event_strengths(many).iloc[-1]


def test_a_pair_keeps_its_strongest_verb_its_moments_and_its_count() -> None:
    pair = score_frame(frame((1, 1, "view", None), (1, 1, "inspire", None), (1, 1, "view", None))).iloc[0]
    assert (pair["verb"], pair["event_count"]) == ("inspire", 3)
    assert pair["first_at"] == MOMENT
    assert pair["last_at"] == MOMENT + pd.Timedelta(hours=2)


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(1, 4), st.integers(1, 4), st.sampled_from(list(STRENGTHS)), st.integers(1, 100)),
        min_size=1,
        max_size=40,
    )
)
def test_every_pair_has_one_strength_between_0_and_1(rows: list[tuple[int, int, str, int]]) -> None:
    table = frame(*((user, post, verb, percent if verb == "rating" else None) for user, post, verb, percent in rows))
    scores = score_frame(table)
    assert len(scores) == len({row[:2] for row in rows})
    assert np.isfinite(scores["strength"]).all()
    assert scores["strength"].between(0, 1).all()


def write_tables(table: pd.DataFrame, directory: Path) -> Path:
    directory.mkdir()
    write_interactions(table, directory)
    return directory


@settings(deadline=None, max_examples=20)
@given(
    st.lists(
        st.tuples(st.integers(-3, 3), st.integers(1, 4), st.sampled_from(list(STRENGTHS)), st.integers(1, 100)),
        max_size=30,
    ),
    st.integers(1, 40),
)
def test_a_table_on_disk_scored_some_people_at_a_time_gives_the_same_as_a_frame(
    rows: list[tuple[int, int, str, int]], at_once: int
) -> None:
    table = frame(*((user, post, verb, percent if verb == "rating" else None) for user, post, verb, percent in rows))
    with TemporaryDirectory() as directory, pytest.MonkeyPatch.context() as patch:
        patch.setattr(pipeline.score, "_EVENTS_AT_ONCE", at_once)
        path = Path(directory) / "scores.parquet"
        report = score(write_tables(table, Path(directory) / "clean"), path)
        found = pd.read_parquet(path)
    expected = score_frame(table)
    assert (report.events, report.pairs) == (len(table), len(expected))
    assert (
        found[["user_id", "post_id", "verb"]].to_numpy().tolist()
        == expected[["user_id", "post_id", "verb"]].to_numpy().tolist()
    )
    assert found["strength"].to_numpy() == pytest.approx(expected["strength"].to_numpy(), abs=1e-6)
    assert (found["first_at"].to_numpy() == expected["first_at"].to_numpy()).all()
    assert (found["last_at"].to_numpy() == expected["last_at"].to_numpy()).all()


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("verb", "hate", "row 1, field verb: must be one of view, like, inspire, rating"),
        ("user_id", None, "row 1, field user_id: is null"),
        ("at", None, "row 1, field at: is null"),
        ("rating_percent", 50, "row 1, field rating_percent: must be null unless the verb is rating"),
    ],
)
def test_a_malformed_row_on_disk_is_named(tmp_path: Path, column: str, value: object, message: str) -> None:
    directory = write_tables(frame((1, 1, "view", None), (1, 2, "view", None)), tmp_path / "clean")
    path = directory / "interactions.parquet"
    table = pd.read_parquet(path)
    table[column] = table[column].astype(object)
    table.loc[1, column] = value
    if column == "at":
        table[column] = pd.to_datetime(table[column], utc=True)
    table.to_parquet(path)
    with pytest.raises(TableError, match=f"interactions.parquet, {message}"):
        score(directory, tmp_path / "scores.parquet")
    assert not (tmp_path / "scores.parquet").exists()


def test_a_set_without_a_clock_gets_positions_instead_of_moments(tmp_path: Path) -> None:
    source = tmp_path / "in.csv"
    source.write_text("user,post\n1,7\n1,8\n", encoding="utf-8")
    import_files(recognise([source], Wanted()), tmp_path / "clean")
    score(tmp_path / "clean", tmp_path / "scores.parquet")
    scores = pd.read_parquet(tmp_path / "scores.parquet")
    assert scores["first_at"].isna().all()
    assert scores[["post_id", "first_position", "last_position"]].to_numpy().tolist() == [[7, 0, 0], [8, 1, 1]]
