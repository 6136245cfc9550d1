"""Pairs from arrays beside the scores from tables, and the events of a table by the short and the long way."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bundle.verbs import VERBS, verb_numbers
from pipeline import events as events_module
from pipeline.events import Events, read_events
from pipeline.pairs import Pairs
from pipeline.score import score_frame
from pipeline.tables import INTERACTIONS_FILE, TableError, read_interactions
from pipeline.workspace import Workspace
from tests.pipeline.by_hand.tiny_dataset import moments

USER_IDS, POST_IDS = np.array([3, 5, 8, 13]), np.array([2, 4, 6, 7, 9])

row = st.tuples(
    st.sampled_from(USER_IDS.tolist()),
    st.sampled_from(POST_IDS.tolist()),
    st.sampled_from(VERBS),
    st.integers(0, 50),
    st.integers(1, 100),
)


def table(rows: list[tuple[int, int, str, int, int]]) -> pd.DataFrame:
    frame = pd.DataFrame(
        {
            "user_id": np.array([user for user, *_ in rows], dtype=np.int64),
            "post_id": np.array([post for _, post, *_ in rows], dtype=np.int64),
            "verb": pd.Series([verb for _, _, verb, *_ in rows], dtype="str"),
            "at": moments([day for *_, day, _ in rows]),
            "rating_percent": pd.array(
                [percent if verb == "rating" else None for _, _, verb, _, percent in rows], dtype="Int16"
            ),
        }
    )
    return frame.sort_values(["at", "user_id", "post_id", "verb"], ignore_index=True, kind="stable")


@settings(max_examples=40, deadline=None)
@given(rows=st.lists(row, min_size=1, max_size=40))
def test_pairs_are_what_the_scores_say(rows: list[tuple[int, int, str, int, int]]) -> None:
    frame = table(rows)
    pairs = Pairs.of(
        Events.of_frame(frame, user_ids=USER_IDS, post_ids=POST_IDS),
        user_count=len(USER_IDS),
        post_count=len(POST_IDS),
    )
    scores = score_frame(frame).sort_values(["user_id", "first_at", "post_id"], ignore_index=True)
    assert USER_IDS[pairs.user_rows].tolist() == scores["user_id"].tolist()
    assert POST_IDS[pairs.post_rows].tolist() == scores["post_id"].tolist()
    assert pairs.verbs.tolist() == verb_numbers(scores["verb"].tolist()).tolist()
    np.testing.assert_allclose(pairs.strengths, scores["strength"], rtol=1e-5, atol=1e-6)
    assert moments(pairs.days.tolist()).tolist() == scores["first_at"].tolist()
    lengths = scores["user_id"].value_counts().reindex(USER_IDS, fill_value=0)
    assert np.diff(pairs.offsets).tolist() == lengths.tolist()


def test_no_events_are_no_pairs() -> None:
    pairs = Pairs.of(Events.of_frame(table([]), user_ids=USER_IDS, post_ids=POST_IDS), user_count=4, post_count=5)
    assert len(pairs) == 0
    assert pairs.offsets.tolist() == [0] * 5


def assert_equal_events(first: Events, second: Events) -> None:
    for name in ("user_rows", "post_rows", "verbs", "rating_percents", "days"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))
        assert getattr(first, name).dtype == getattr(second, name).dtype


def test_both_ways_to_read_a_table_give_the_same_events(
    small_workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = read_interactions(small_workspace.clean)
    ids = {"user_ids": np.unique(frame["user_id"]), "post_ids": np.unique(frame["post_id"])}
    long_way = Events.of_frame(frame, **ids)
    monkeypatch.setattr(events_module, "read_interactions", None)  # so that only the short way is left
    assert_equal_events(read_events(small_workspace.clean, **ids), long_way)


@pytest.mark.parametrize("order", [[2, 0, 1, 3], [3, 2, 1, 0]])
def test_rows_in_any_order_are_read_in_the_order_of_time(order: list[int], tmp_path: Path) -> None:
    rows = [(3, 2, "view", 5, 0), (3, 2, "like", 5, 0), (5, 2, "rating", 1, 70), (8, 9, "view", 9, 0)]
    table(rows).iloc[order].to_parquet(tmp_path / INTERACTIONS_FILE)
    found = read_events(tmp_path, user_ids=USER_IDS, post_ids=POST_IDS)
    assert found.days.tolist() == [1, 5, 5, 9]
    assert [VERBS[verb] for verb in found.verbs] == ["rating", "like", "view", "view"]
    assert found.rating_percents.tolist() == [70, 0, 0, 0]


@pytest.mark.parametrize(
    ("column", "values", "reason"),
    [
        ("verb", ["view", "poke"], "row 1, field verb: must be one of"),
        ("verb", ["view", None], "row 1, field verb: is null"),
        ("user_id", [3, None], "row 1, field user_id: is null"),
        ("rating_percent", [None, 101], "row 1, field rating_percent: must be 1 to 100"),
        ("rating_percent", [50, 60], "row 0, field rating_percent: must be null unless"),
    ],
)
def test_a_value_that_is_wrong_is_named_by_row_and_field(
    column: str, values: list[object], reason: str, tmp_path: Path
) -> None:
    written = pa.Table.from_pandas(table([(3, 2, "view", 1, 0), (5, 4, "rating", 2, 50)]), preserve_index=False)
    kind = written.schema.field(column).type
    place = written.schema.get_field_index(column)
    pq.write_table(written.set_column(place, column, pa.array(values, kind)), tmp_path / INTERACTIONS_FILE)
    with pytest.raises(TableError, match=reason):
        read_events(tmp_path, user_ids=USER_IDS, post_ids=POST_IDS)


def test_ids_of_another_integer_type_are_converted(tmp_path: Path) -> None:
    frame = table([(3, 2, "view", 1, 0), (5, 4, "rating", 2, 50)])
    frame.astype({"user_id": "int32"}).to_parquet(tmp_path / INTERACTIONS_FILE)
    expected = Events.of_frame(frame, user_ids=USER_IDS, post_ids=POST_IDS)
    assert_equal_events(read_events(tmp_path, user_ids=USER_IDS, post_ids=POST_IDS), expected)
