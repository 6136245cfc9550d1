"""A made-up raw store and log are what `clean` and `collect` read, with rows of every kind that they leave out."""

from pathlib import Path

from benchmarks.scale.made_up_events import Size
from benchmarks.scale.made_up_raw_rows import write_raw_store
from benchmarks.scale.made_up_store import write_store
from pipeline.clean import clean
from pipeline.collect import collect
from pipeline.raw_events import MOMENT_KEYS
from pipeline.raw_store import RawStore
from pipeline.workspace import Workspace
from store.sql_store import open_store

SIZE = Size(30_000, 2_000, 1_000)


def test_a_made_up_raw_store_has_rows_of_every_fault_and_few_of_each(tmp_path: Path) -> None:
    write_raw_store(tmp_path / "raw.sqlite", SIZE)
    report = clean(tmp_path / "raw.sqlite", tmp_path / "clean")
    reasons = {item.reason.split(":")[0]: item.count for item in report.findings if item.table == "view"}
    assert reasons.keys() == {
        "unusable id", "malformed viewed_at", "malformed user_id", "malformed post_id", "unknown post", "unknown user",
        "post or user deleted upstream", "later than the fetch", "older than the oldest post",
        "duplicate user, post and moment",
    }  # fmt: skip
    assert max(reasons.values()) < 100
    assert 0.97 * SIZE.events < report.kept["interaction"] < SIZE.events
    with RawStore(tmp_path / "raw.sqlite") as store:
        rows = sum(store.count(verb) for verb in MOMENT_KEYS)
    left_out = sum(
        item.count for item in report.findings if item.table in MOMENT_KEYS and "unusable" not in item.reason
    )
    assert rows == report.kept["interaction"] + left_out


def test_a_made_up_log_is_collected_and_half_of_its_people_are_new(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    write_raw_store(workspace.raw, SIZE)
    clean(workspace.raw, workspace.clean)
    write_store(tmp_path / "store.sqlite", SIZE)
    with open_store(f"sqlite:///{tmp_path / 'store.sqlite'}") as store:
        report = collect(workspace, store)
    assert report.position == SIZE.people + SIZE.events
    assert 0.97 * SIZE.events < report.kept < SIZE.events
    assert 0.3 * SIZE.people < report.people_added < 0.6 * SIZE.people
    assert report.left_out.keys() == {"unknown post: waits in the store", "not interested: no part of a history"}
