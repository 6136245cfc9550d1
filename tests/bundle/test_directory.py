import hashlib
import json
import re
from pathlib import Path

import pytest

from bundle.directory import current_bundle, open_bundle, point_current_at, write_bundle
from bundle.manifest import BundleError, Canary, Manifest

MANIFEST = Manifest(
    tower_dimension=4,
    text_dimension=8,
    max_tokens=128,
    user_weight=0.5,
    tower={"tower_dimension": 4, "new_post_bonus": 0.1},
    counts={"posts": 2},
    offline_metrics={"random": {"ndcg_at_10": 0.01}},
    library_versions={"numpy": "2"},
    canaries=(Canary(username="ana", mood="😢", category_id=None, post_ids=(2, 1), scores=(0.5, 0.25)),),
)


def write(root: Path, *, content: bytes = b"some bytes", created_at: str = "now") -> Path:
    def write_files(directory: Path) -> None:
        (directory / "one.bin").write_bytes(content)
        (directory / "folder").mkdir()
        (directory / "folder" / "two.bin").write_bytes(b"two")

    return write_bundle(root, MANIFEST, write_files=write_files, sidecar={"created_at": created_at})


def test_what_was_written_is_read_back(tmp_path: Path) -> None:
    bundle = open_bundle(write(tmp_path))
    assert bundle.manifest.canaries == MANIFEST.canaries
    assert bundle.manifest.tower == MANIFEST.tower
    assert bundle.path("folder/two.bin").read_bytes() == b"two"


def test_the_same_content_has_the_same_id_whenever_it_is_made(tmp_path: Path) -> None:
    first = write(tmp_path / "a", created_at="today")
    second = write(tmp_path / "b", created_at="tomorrow")
    assert first.name == second.name
    assert (first / "manifest.json").read_bytes() == (second / "manifest.json").read_bytes()


def test_other_content_has_another_id(tmp_path: Path) -> None:
    assert write(tmp_path, content=b"a").name != write(tmp_path, content=b"b").name


def test_writing_the_same_bundle_again_keeps_the_one_that_is_there(tmp_path: Path) -> None:
    first = write(tmp_path, created_at="today")
    sidecar = (first / "sidecar.json").read_bytes()
    assert write(tmp_path, created_at="tomorrow") == first
    assert (first / "sidecar.json").read_bytes() == sidecar


def test_writing_a_bundle_whose_copy_here_is_damaged_mends_it(tmp_path: Path) -> None:
    directory = write(tmp_path)
    (directory / "one.bin").write_bytes(b"damaged!!!")
    open_bundle(write(tmp_path))


def test_a_crash_while_writing_leaves_nothing_behind_and_the_old_bundle_current(tmp_path: Path) -> None:
    old = write(tmp_path)
    point_current_at(tmp_path, old.name)

    def crash(directory: Path) -> None:
        (directory / "one.bin").write_bytes(b"half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_bundle(tmp_path, MANIFEST, write_files=crash, sidecar={})
    assert {path.name for path in tmp_path.iterdir()} == {old.name, "current"}
    assert open_bundle(current_bundle(tmp_path)).bundle_id == old.name


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda path: path.unlink(), "is missing"),
        (lambda path: path.write_bytes(path.read_bytes()[:-1]), "is truncated"),
        (lambda path: path.write_bytes(path.read_bytes() + b"x"), "is too long"),
        (lambda path: path.write_bytes(bytes([path.read_bytes()[0] ^ 1]) + path.read_bytes()[1:]), "was altered"),
    ],
)
@pytest.mark.parametrize("name", ["one.bin", "folder/two.bin"])
def test_a_damaged_file_is_named_with_the_reason(tmp_path: Path, name: str, damage, reason: str) -> None:
    directory = write(tmp_path)
    damage(directory / name)
    with pytest.raises(BundleError, match=reason) as caught:
        open_bundle(directory)
    assert caught.value.path == directory / name


def test_an_altered_manifest_is_refused(tmp_path: Path) -> None:
    directory = write(tmp_path)
    manifest = json.loads((directory / "manifest.json").read_text(encoding="utf-8"))
    manifest["user_weight"] = 0.6
    (directory / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    with pytest.raises(BundleError, match="was altered"):
        open_bundle(directory)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff"])
def test_a_manifest_that_is_no_json_object_is_refused(tmp_path: Path, content: bytes) -> None:
    directory = write(tmp_path)
    (directory / "manifest.json").write_bytes(content)
    with pytest.raises(BundleError, match=r"manifest\.json"):
        open_bundle(directory)


def test_a_bundle_under_another_name_is_refused(tmp_path: Path) -> None:
    directory = write(tmp_path)
    with pytest.raises(BundleError, match="name must be the bundle id"):
        open_bundle(directory.rename(tmp_path / ("0" * 64)))


def test_no_current_bundle_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="moodfeed export"):
        current_bundle(tmp_path)


def test_current_can_be_pointed_elsewhere(tmp_path: Path) -> None:
    first, second = write(tmp_path, content=b"a"), write(tmp_path, content=b"b")
    point_current_at(tmp_path, first.name)
    point_current_at(tmp_path, second.name)
    assert current_bundle(tmp_path) == second.resolve()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"tower_dimension": 0}, "field tower_dimension: 0 is not in 1"),
        ({"text_dimension": 70_000}, "field text_dimension: 70000 is not in 1"),
        ({"text_dimension": "many"}, "field text_dimension"),
        ({"user_weight": -1}, "field user_weight: -1"),
        ({"metric": "cosine"}, "field metric: 'cosine'"),
        (
            {"canaries": [{"username": "ana", "mood": "", "category_id": None, "post_ids": [1], "scores": []}]},
            "field canaries.0: there is not one finite score for each post",
        ),
        ({"files": {"../one.bin": {"sha256": "0", "size": 1}}}, "'../one.bin' is not the name of a file in the bundle"),
        ({"files": {"/one.bin": {"sha256": "0", "size": 1}}}, "'/one.bin' is not the name of a file in the bundle"),
        ({"files": {"one.bin": {"sha256": "0", "size": -1}}}, "'one.bin' is not the name of a file in the bundle"),
        ({"format_version": 3}, "has format version 3, this program reads 8: export again"),
        ({"max_tokens": 2}, "field max_tokens: 2 is below 3"),
    ],
)
def test_a_fact_out_of_range_is_named_though_the_id_is_right(
    tmp_path: Path, change: dict[str, object], reason: str
) -> None:
    directory = write(tmp_path)
    document = json.loads((directory / "manifest.json").read_bytes()) | change
    del document["bundle_id"]
    canonical = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    bundle_id = hashlib.sha256(canonical.encode()).hexdigest()
    (directory / "manifest.json").write_text(json.dumps({**document, "bundle_id": bundle_id}), encoding="utf-8")
    with pytest.raises(BundleError, match=re.escape(reason)):
        open_bundle(directory.rename(tmp_path / bundle_id))


def test_a_manifest_too_deep_to_read_is_refused(tmp_path: Path) -> None:
    directory = write(tmp_path)
    (directory / "manifest.json").write_bytes(b"[" * 100_000)
    with pytest.raises(BundleError, match="cannot be read as JSON"):
        open_bundle(directory)


def test_a_manifest_with_a_number_that_is_none_is_refused(tmp_path: Path) -> None:
    directory = write(tmp_path)
    (directory / "manifest.json").write_text('{"bundle_id": "x", "user_weight": NaN}', encoding="utf-8")
    with pytest.raises(BundleError, match="cannot be read as JSON"):
        open_bundle(directory)
