from pathlib import Path

import pytest

from bundle.directory import point_current_at
from bundle.manifest import BundleError
from cli.first_bundle import has_fetched_rows, refuse_bundles_without_a_current_one, sample_data_of
from pipeline.raw_store import RawStore, RawStoreError
from pipeline.workspace import Workspace
from tests.tiny_bundle import write_tiny_bundle


def test_bundles_of_which_none_is_current_are_not_replaced(tmp_path: Path) -> None:
    refuse_bundles_without_a_current_one(tmp_path / "nothing there")
    refuse_bundles_without_a_current_one(tmp_path)
    bundle = write_tiny_bundle(tmp_path)
    point_current_at(tmp_path, "0" * 64)
    with pytest.raises(BundleError, match=f"holds 1.*moodfeed publish {bundle.name[:12]} --bundles {tmp_path}"):
        refuse_bundles_without_a_current_one(tmp_path)


def test_rows_of_any_upstream_but_the_sample_are_own_data(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    assert not has_fetched_rows(workspace, sample="sample")
    assert not workspace.raw.exists()
    with RawStore(workspace.raw) as store:
        store.claim("sample")
    assert not has_fetched_rows(workspace, sample="sample")
    assert has_fetched_rows(workspace, sample="another")


def test_a_broken_store_is_an_error_and_not_an_empty_one(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    workspace.raw.write_bytes(b"not a database, but as long as the header of one" * 10)
    with pytest.raises(RawStoreError, match="cannot be used as a raw store"):
        has_fetched_rows(workspace, sample="sample")


@pytest.mark.parametrize(
    ("data", "sample"), [("data", "data-sample"), ("data/own/", "data/own-sample"), ("/data/own", "/data/own-sample")]
)
def test_the_sample_lies_beside_the_data_and_never_in_it(data: str, sample: str) -> None:
    assert sample_data_of(Path(data)) == Path(sample)


def test_a_directory_without_a_name_of_its_own_has_something_beside_it_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    assert sample_data_of(Path()) == tmp_path / "here-sample"
