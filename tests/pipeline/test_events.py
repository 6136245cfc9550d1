"""The events of a table, read by the short and by the long way."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bundle.verbs import VERBS
from pipeline import events as events_module
from pipeline.events import Events, read_events
from pipeline.tables import INTERACTIONS_FILE, TableError, read_interactions
from pipeline.workspace import Workspace
from tests.pipeline.interaction_rows import POST_IDS, USER_IDS, table


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


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ((4, 2, "view", 2, 0), "field user_id: 4 is not in users.parquet"),
        ((10**12, 2, "view", 2, 0), "field user_id: 1000000000000 is not in users.parquet"),
        ((3, 5, "view", 2, 0), "field post_id: 5 is not in posts.parquet"),
    ],
)
def test_an_id_that_has_no_row_is_named_and_not_taken_for_its_neighbour(
    row: tuple[int, int, str, int, int], words: str, tmp_path: Path
) -> None:
    frame = table([(3, 2, "view", 1, 0), row])
    frame.to_parquet(tmp_path / INTERACTIONS_FILE)
    with pytest.raises(TableError, match=words):
        read_events(tmp_path, user_ids=USER_IDS, post_ids=POST_IDS)
    with pytest.raises(TableError, match=words):
        Events.of_frame(frame, user_ids=USER_IDS, post_ids=POST_IDS)


def test_ids_of_another_integer_type_are_converted(tmp_path: Path) -> None:
    frame = table([(3, 2, "view", 1, 0), (5, 4, "rating", 2, 50)])
    frame.astype({"user_id": "int32"}).to_parquet(tmp_path / INTERACTIONS_FILE)
    expected = Events.of_frame(frame, user_ids=USER_IDS, post_ids=POST_IDS)
    assert_equal_events(read_events(tmp_path, user_ids=USER_IDS, post_ids=POST_IDS), expected)
