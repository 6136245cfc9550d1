"""Which bundle is current, which is previous, which go, and whom a person means by a few digits."""

import json
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bundle.directory import current_bundle, open_bundle, point_current_at, previous_bundle
from bundle.manifest import BundleError
from pipeline.publish import (
    BrokenBundle,
    StoredBundle,
    bundle_ids,
    created_at,
    find_bundle,
    locked,
    publish,
    roll_back,
    stored_bundles,
    write_and_publish,
)
from tests.tiny_bundle import MANIFEST, tiny_files, write_tiny_bundle


def links(root: Path) -> tuple[str, str]:
    """The names of the current and of the previous bundle."""
    previous = previous_bundle(root)
    return current_bundle(root).name, previous.name if previous else ""


def many(root: Path, count: int) -> list[Path]:
    """Tiny bundles, oldest first."""
    return [write_tiny_bundle(root, seed=seed, created_at=f"2026-01-{seed + 1:02}T00:00:00Z") for seed in range(count)]


def test_publishing_moves_current_and_remembers_the_one_before(tmp_path: Path) -> None:
    first, second = many(tmp_path, 2)
    publish(tmp_path, first)
    assert links(tmp_path) == (first.name, "")
    assert publish(tmp_path, second).bundle_id == second.name
    assert links(tmp_path) == (second.name, first.name)


def test_publishing_what_is_current_changes_nothing(tmp_path: Path) -> None:
    first, second = many(tmp_path, 2)
    for directory in (first, second, second):
        publish(tmp_path, directory)
    assert links(tmp_path) == (second.name, first.name)


def test_a_bundle_from_elsewhere_is_copied_with_sidecar_and_report_and_without_strangers(tmp_path: Path) -> None:
    source = write_tiny_bundle(tmp_path / "elsewhere")
    (source / "report").mkdir()
    (source / "report" / "report.html").write_text("a page", encoding="utf-8")
    (source / "a stranger").write_text("not listed", encoding="utf-8")
    published = publish(tmp_path / "new" / "root", source)
    shutil.rmtree(source)
    assert open_bundle(published.directory).bundle_id == source.name
    assert created_at(published.directory) == datetime(2026, 1, 1, tzinfo=UTC)
    assert not (published.directory / "a stranger").exists()
    assert (published.directory / "report" / "report.html").read_text(encoding="utf-8") == "a page"
    assert links(tmp_path / "new" / "root") == (source.name, "")


def test_a_sound_bundle_from_elsewhere_mends_a_damaged_copy_here(tmp_path: Path) -> None:
    source = write_tiny_bundle(tmp_path / "elsewhere")
    (write_tiny_bundle(tmp_path / "root") / "words.jsonl").write_bytes(b"damaged")
    open_bundle(publish(tmp_path / "root", source).directory)


def test_a_rollback_goes_back_and_a_second_one_forward_again(tmp_path: Path) -> None:
    first, second = many(tmp_path, 2)
    publish(tmp_path, first)
    publish(tmp_path, second)
    assert roll_back(tmp_path).bundle_id == first.name
    assert links(tmp_path) == (first.name, second.name)
    assert roll_back(tmp_path).bundle_id == second.name
    assert links(tmp_path) == (second.name, first.name)


def test_a_rollback_to_a_named_bundle_makes_the_one_it_leaves_the_previous(tmp_path: Path) -> None:
    first, second, third = many(tmp_path, 3)
    for directory in (first, second, third):
        publish(tmp_path, directory)
    roll_back(tmp_path, first)
    assert links(tmp_path) == (first.name, third.name)


def test_a_rollback_without_a_previous_bundle_says_what_to_do(tmp_path: Path) -> None:
    publish(tmp_path, write_tiny_bundle(tmp_path))
    with pytest.raises(BundleError, match="does not point to a bundle: pass an id"):
        roll_back(tmp_path)


def test_a_rollback_after_a_publish_that_was_cut_off_between_the_links_says_so(tmp_path: Path) -> None:
    only = write_tiny_bundle(tmp_path)
    publish(tmp_path, only)
    (tmp_path / "previous").symlink_to(only.name)
    with pytest.raises(BundleError, match="points to the current bundle"):
        roll_back(tmp_path)


def test_a_rollback_makes_no_root_where_there_is_none(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="not a directory of bundles"):
        roll_back(tmp_path / "misspelt")
    assert not (tmp_path / "misspelt").exists()


def test_a_rollback_to_a_damaged_bundle_is_refused_and_current_stays(tmp_path: Path) -> None:
    first, second = many(tmp_path, 2)
    publish(tmp_path, first)
    publish(tmp_path, second)
    (first / "words.jsonl").write_bytes(b"damaged")
    with pytest.raises(BundleError, match=r"words\.jsonl"):
        roll_back(tmp_path)
    assert links(tmp_path) == (second.name, first.name)


def test_a_rollback_to_a_bundle_elsewhere_is_refused(tmp_path: Path) -> None:
    publish(tmp_path / "root", write_tiny_bundle(tmp_path / "root"))
    with pytest.raises(BundleError, match="is not in"):
        roll_back(tmp_path / "root", write_tiny_bundle(tmp_path / "elsewhere", seed=1))


def test_the_newest_stay_and_the_rest_go(tmp_path: Path) -> None:
    bundles = many(tmp_path, 6)
    publish(tmp_path, bundles[4], keep=6)
    published = publish(tmp_path, bundles[5], keep=3)
    assert set(published.removed) == {path.name for path in bundles[:3]}
    assert set(bundle_ids(tmp_path)) == {path.name for path in bundles[3:]}


def test_current_and_previous_stay_however_old_they_are(tmp_path: Path) -> None:
    bundles = many(tmp_path, 6)
    publish(tmp_path, bundles[1], keep=6)
    publish(tmp_path, bundles[0], keep=1)
    assert set(bundle_ids(tmp_path)) == {path.name for path in (bundles[0], bundles[1], bundles[5])}


def test_what_is_no_bundle_is_never_removed(tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "read me").touch()
    published = publish(tmp_path, many(tmp_path, 3)[2], keep=1)
    assert len(published.removed) == 2
    assert (tmp_path / "notes").is_dir()
    assert (tmp_path / "read me").is_file()


def test_the_debris_of_a_crash_goes_with_the_next_publish(tmp_path: Path) -> None:
    directory = write_tiny_bundle(tmp_path)
    shutil.copytree(directory, tmp_path / ".incomplete-abc")
    (tmp_path / ".current-123").symlink_to(directory.name)
    (tmp_path / ".previous-123").symlink_to("nowhere")
    publish(tmp_path, directory)
    assert {path.name for path in tmp_path.iterdir()} == {directory.name, "current", ".lock"}


def test_writing_without_publishing_leaves_current_where_it_is(tmp_path: Path) -> None:
    old = write_tiny_bundle(tmp_path)
    publish(tmp_path, old)
    written = write_and_publish(tmp_path, MANIFEST, write_files=tiny_files(1), sidecar={}, publish_it=False)
    assert links(tmp_path) == (old.name, "")
    assert open_bundle(written.directory).bundle_id != old.name


def test_what_is_written_beside_knows_the_id_and_is_there_before_the_bundle_is_current(tmp_path: Path) -> None:
    seen: list[tuple[bool, bool]] = []

    def write_beside(directory: Path) -> None:
        (directory / "beside").write_text(directory.name, encoding="utf-8")
        seen.append((open_bundle(directory).bundle_id == directory.name, (tmp_path / "current").exists()))

    written = write_and_publish(
        tmp_path, MANIFEST, write_files=tiny_files(1), sidecar={}, write_beside=write_beside, publish_it=False
    )
    assert seen == [(True, False)]
    assert "beside" not in open_bundle(written.directory).manifest.files


def test_a_bundle_that_is_written_but_cannot_be_read_back_is_not_published(tmp_path: Path) -> None:
    old = write_tiny_bundle(tmp_path)
    publish(tmp_path, old)

    def write_files(directory: Path) -> None:
        tiny_files(1)(directory)
        (directory / "categories.jsonl").write_bytes(b"null\n")

    with pytest.raises(BundleError, match=r"categories\.jsonl"):
        write_and_publish(tmp_path, MANIFEST, write_files=write_files, sidecar={})
    assert links(tmp_path) == (old.name, "")


@pytest.mark.parametrize("name", ["mood_encoder/config.json", "user_tower.safetensors", "users.safetensors"])
def test_a_bundle_that_lacks_a_file_of_its_kind_is_refused_though_its_hashes_are_right(
    tmp_path: Path, name: str
) -> None:
    def write_files(directory: Path) -> None:
        tiny_files()(directory)
        (directory / name).unlink()

    with pytest.raises(BundleError, match="is not listed in the manifest") as caught:
        write_and_publish(tmp_path, MANIFEST, write_files=write_files, sidecar={})
    assert str(caught.value.path).endswith(name)


def test_the_first_digits_of_an_id_name_a_bundle(tmp_path: Path) -> None:
    first, second = many(tmp_path, 2)
    assert find_bundle(tmp_path, first.name[:6]) == first
    assert find_bundle(tmp_path, second.name) == second


def test_too_few_digits_unknown_and_ambiguous_ones_are_refused(tmp_path: Path) -> None:
    ids = ["abcdef" + digit * 58 for digit in "12"]
    for name in ids:
        (tmp_path / name).mkdir()
    with pytest.raises(BundleError, match="at least 6 digits"):
        find_bundle(tmp_path, "abcde")
    with pytest.raises(BundleError, match="no bundle whose id begins with 123456"):
        find_bundle(tmp_path, "123456")
    with pytest.raises(BundleError, match="2 bundles whose id begins with abcdef") as caught:
        find_bundle(tmp_path, "abcdef")
    assert all(name in str(caught.value) for name in ids)


def test_what_is_no_id_is_a_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("facade").mkdir()
    assert find_bundle(tmp_path / "root", "facade") == Path("facade")
    assert find_bundle(tmp_path / "root", "some/where") == Path("some/where")


def test_the_list_is_newest_first_and_says_of_a_broken_one_what_is_wrong(tmp_path: Path) -> None:
    first, second = many(tmp_path, 2)
    (first / "manifest.json").write_text("{", encoding="utf-8")
    newer, older = stored_bundles(tmp_path)
    assert isinstance(newer, StoredBundle)
    assert (newer.bundle_id, newer.manifest.counts) == (second.name, MANIFEST.counts)
    assert newer.size == sum(path.stat().st_size for path in second.rglob("*") if path.is_file())
    assert isinstance(older, BrokenBundle)
    assert "manifest.json: cannot be read as JSON" in older.reason


def test_a_root_that_is_not_there_has_no_bundles(tmp_path: Path) -> None:
    assert stored_bundles(tmp_path / "nowhere") == ()


@pytest.mark.parametrize("content", [b"", b"[]", b"\xff", b'{"created_at": 3}', b'{"created_at": "soon"}', b"[" * 9999])
def test_a_sidecar_may_be_anything_and_then_the_directory_gives_the_age(tmp_path: Path, content: bytes) -> None:
    directory = write_tiny_bundle(tmp_path)
    (directory / "sidecar.json").write_bytes(content)
    assert created_at(directory).timestamp() == pytest.approx(directory.stat().st_mtime, abs=0.001)


def test_whoever_comes_second_waits_and_is_told_so(tmp_path: Path) -> None:
    directory = write_tiny_bundle(tmp_path)
    is_waiting = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        with locked(tmp_path):
            second = pool.submit(publish, tmp_path, directory, on_wait=is_waiting.set)
            assert is_waiting.wait(60)
            assert not (tmp_path / "current").exists()
            assert not second.done()
        assert second.result(60).bundle_id == directory.name


def test_publishing_alone_nobody_waits(tmp_path: Path) -> None:
    waits: list[str] = []
    publish(tmp_path, write_tiny_bundle(tmp_path), on_wait=lambda: waits.append("waited"))
    assert waits == []


def test_many_publishing_and_rolling_back_at_once_leave_one_whole_current_bundle(tmp_path: Path) -> None:
    root = tmp_path / "root"
    sources = many(tmp_path / "elsewhere", 4)
    point_current_at(root, write_tiny_bundle(root, seed=9).name)
    with ThreadPoolExecutor(4) as pool:
        for result in [pool.submit(publish, root, source, keep=1) for source in sources * 3]:
            result.result(120)
    current, previous = links(root)
    assert current != previous
    assert {current, previous} <= {source.name for source in sources}
    assert {path.name for path in root.iterdir()} - set(bundle_ids(root)) == {"current", "previous", ".lock"}
    for name in bundle_ids(root):
        open_bundle(root / name)


def test_a_current_that_is_a_directory_of_its_own_is_refused_in_one_line(tmp_path: Path) -> None:
    directory = write_tiny_bundle(tmp_path)
    shutil.copytree(directory, tmp_path / "current")
    with pytest.raises(BundleError, match="cannot be written") as caught:
        publish(tmp_path, directory)
    assert "\n" not in str(caught.value)
    assert (
        json.loads((tmp_path / "current" / "manifest.json").read_text(encoding="utf-8"))["bundle_id"] == directory.name
    )
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".current")]
