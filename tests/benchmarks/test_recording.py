"""What `python -m benchmarks.recording` measures, in small."""

from pathlib import Path

from benchmarks.recording import Rows, at_a_rate, at_full_speed, sync_seconds
from store.sql_store import open_store


def test_every_batch_is_recorded_and_timed(tmp_path: Path) -> None:
    rows = Rows(10)
    with open_store(f"sqlite:///{tmp_path}/store.sqlite") as store:
        full = at_full_speed(store, "SQLite", rows, callers=2, seconds=0.001)
        paced = at_a_rate(store, "SQLite", rows, size=10, rate=10_000, seconds=0.01)
        assert store.position() == 10 * (full.batches + paced.batches)
        assert paced.batches == 10
    for row in (full, paced):
        assert 0 < row.p50 <= row.p99 <= row.worst
        assert row.rate > 0
        assert str(row).count("|") == 9
    assert sync_seconds(tmp_path) > 0
