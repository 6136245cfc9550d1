"""The made-up events: what is written in pieces is the same each time, in order, and as unequal as it should be."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from benchmarks.scale import made_up_events
from benchmarks.scale.made_up_events import Size, write_events

SIZE = Size(30_000, 2_000, 500)


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(made_up_events, "_ROWS_AT_ONCE", 7_000)
    write_events(tmp_path / "one", SIZE)
    return tmp_path / "one"


def test_a_seed_gives_the_same_files_and_another_seed_others(written: Path, tmp_path: Path) -> None:
    write_events(tmp_path / "same", SIZE)
    write_events(tmp_path / "other", SIZE, seed=1)
    for name in ("interactions.parquet", "posts.parquet"):
        one = pq.read_table(written / name)
        assert one.equals(pq.read_table(tmp_path / "same" / name))
        assert not one.equals(pq.read_table(tmp_path / "other" / name))


def test_events_ascend_over_half_a_year_in_pieces_of_the_file(written: Path) -> None:
    file = pq.ParquetFile(written / "interactions.parquet")
    assert file.metadata.num_row_groups == 5
    seconds = file.read(["timestamp"])["timestamp"].to_numpy()
    assert len(seconds) == SIZE.events
    assert (np.diff(seconds) >= 0).all()
    assert 180 < np.ptp(seconds) / 86_400 <= 182


def test_few_posts_have_many_events_and_nobody_has_all(written: Path) -> None:
    events = pq.read_table(written / "interactions.parquet").to_pandas()
    counts = events["item_id"].value_counts().to_numpy()
    assert counts[:50].sum() > 0.5 * len(events)
    assert events["user_id"].value_counts().max() < 0.05 * len(events)
    assert set(events["item_id"]) <= set(pq.read_table(written / "posts.parquet")["item_id"].to_pylist())
    assert events["rating"].notna().sum() == (events["event"] == "rating").sum() > 0
