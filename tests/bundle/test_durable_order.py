"""What a power cut may leave of a bundle: a kill keeps the page cache, so only the order of the calls can be tested."""

from pathlib import Path

from bundle.directory import CURRENT_NAME, PREVIOUS_NAME, point_current_at
from tests.recorded_disk import Call, recorded_disk
from tests.tiny_bundle import write_tiny_bundle


def renames_of(calls: list[Call]) -> list[int]:
    return [position for position, call in enumerate(calls) if call[0] == "rename"]


def test_every_file_of_a_bundle_is_on_the_disk_before_the_bundle_has_its_name(tmp_path: Path) -> None:
    with recorded_disk() as calls:
        directory = write_tiny_bundle(tmp_path)
    (position,) = renames_of(calls)
    _, workplace, named = calls[position]  # type: ignore[misc]
    assert named == directory
    entries = {workplace, *(workplace / path.relative_to(directory) for path in directory.rglob("*"))}
    assert {call[1] for call in calls[:position]} == entries
    assert calls[position + 1 :] == [("sync", tmp_path)]


def test_each_link_that_moves_is_on_the_disk_before_the_next_one_moves(tmp_path: Path) -> None:
    first, second = (write_tiny_bundle(tmp_path, seed=seed) for seed in (0, 1))
    point_current_at(tmp_path, first.name)
    with recorded_disk() as calls:
        point_current_at(tmp_path, second.name)
    moved = [call[-1] if call[0] == "rename" else call for call in calls]
    assert moved == [
        tmp_path / PREVIOUS_NAME,
        ("sync", tmp_path),
        tmp_path / CURRENT_NAME,
        ("sync", tmp_path),
    ]
    assert (tmp_path / CURRENT_NAME).resolve() == second
    assert (tmp_path / PREVIOUS_NAME).resolve() == first
