"""Every file of a bundle, damaged in every way: a loader names it, a publish refuses it, what is current stays.

With --run-faults it is a real bundle of a hundred megabytes each time. Else one kind of damage is done to that, and the
others to a tiny one, which has the same files.
"""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from bundle.directory import current_bundle, open_bundle, point_current_at
from bundle.manifest import BundleError, read_manifest
from pipeline.publish import publish, roll_back
from tests.faults.outcomes import record_outcome
from tests.tiny_bundle import write_tiny_bundle

Damage = Callable[[Path, Path], None]  # the file, and the directory of another bundle


def truncate(path: Path, other: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) - 2])  # a manifest without its last line end is still the whole manifest


def empty(path: Path, other: Path) -> None:
    path.write_bytes(b"")


def flip(path: Path, position: float) -> None:
    """Flip the lowest bit of the byte at a position in 0..1 of the file."""
    content = bytearray(path.read_bytes())
    content[round(position * (len(content) - 1))] ^= 1
    path.write_bytes(content)


def replace_by_directory(path: Path, other: Path) -> None:
    path.unlink()
    path.mkdir()


def replace_by_dangling_link(path: Path, other: Path) -> None:
    path.unlink()
    path.symlink_to("nowhere")


def replace_by_circle(path: Path, other: Path) -> None:
    path.unlink()
    path.symlink_to(path.name)


def swap(path: Path, other: Path) -> None:
    """The other bundle's file of that name, or its manifest where it has none or the same."""
    names = [path.name, f"{path.parent.name}/{path.name}", "manifest.json"]
    content = path.read_bytes()
    others = [(other / name).read_bytes() for name in names if (other / name).is_file()]
    path.write_bytes(next(found for found in others if found != content))


DAMAGES: dict[str, Damage] = {
    "truncated": truncate,
    "empty": empty,
    "a bit flipped at the start": lambda path, other: flip(path, 0),
    "a bit flipped in the middle": lambda path, other: flip(path, 0.5),
    "a bit flipped at the end": lambda path, other: flip(path, 1),
    "missing": lambda path, other: path.unlink(),
    "another bundle's": swap,
    "a directory": replace_by_directory,
    "a link to nowhere": replace_by_dangling_link,
    "a link to itself": replace_by_circle,
}

ALWAYS_OF_A_REAL_BUNDLE = "a bit flipped in the middle"


@pytest.fixture
def original(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The bundle that is damaged in a copy."""
    damage = request.node.callspec.params.get("damage") if hasattr(request.node, "callspec") else None
    if damage == ALWAYS_OF_A_REAL_BUNDLE or request.config.getoption("--run-faults"):
        return current_bundle(request.getfixturevalue("small_bundles"))
    return write_tiny_bundle(tmp_path / "original", seed=1)


@pytest.fixture
def root(original: Path, tmp_path: Path) -> Path:
    """A tiny bundle is current, and a copy of the original lies beside it, of links, so that it costs nothing."""
    root = tmp_path / "bundles"
    point_current_at(root, write_tiny_bundle(root).name)
    shutil.copytree(original, root / original.name, copy_function=os.link)
    return root


def damaged_copy(root: Path, name: str, damage: Damage) -> Path:
    """Damage one file of the copy, never the one it was linked from."""
    current = current_bundle(root)
    copy = next(path for path in root.iterdir() if len(path.name) == 64 and path.resolve() != current)
    content = (copy / name).read_bytes()
    (copy / name).unlink()
    (copy / name).write_bytes(content)
    damage(copy / name, current)
    return copy


def mend(root: Path, directory: Path, name: str, original: Path) -> None:
    path = directory / name
    if path.is_dir() and not path.is_symlink():
        path.rmdir()
    path.unlink(missing_ok=True)
    os.link(original / name, path)


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_named_and_its_bundle_neither_loads_nor_is_published(
    root: Path, original: Path, damage: str
) -> None:
    before = current_bundle(root)
    names = ["manifest.json", *read_manifest(original).files]
    assert len(names) > 15
    wrong = []
    for name in names:
        directory = damaged_copy(root, name, DAMAGES[damage])
        for attempt in (open_bundle, lambda path: publish(root, path), lambda path: roll_back(root, path)):
            try:
                attempt(directory)
            except BundleError as error:
                if name not in str(error) and not (name == "manifest.json" and error.path == directory):
                    wrong.append(f"{name}: {error}")
            else:
                wrong.append(f"{name}: taken for sound")
        if current_bundle(root) != before:
            wrong.append(f"{name}: current has moved")
            point_current_at(root, before.name)
        mend(root, directory, name, original)
    record_outcome(
        f"a bundle's file is {damage}",
        injected=f"each of the {len(names)} files of a real bundle, loaded, published and rolled back to",
        requests=3 * len(names),
        answered=0,
        failed=3 * len(names) - len(wrong),
        wrong=len(wrong),
    )
    assert wrong == []
    open_bundle(directory)


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_sidecar_harms_nobody(root: Path, damage: str) -> None:
    directory = damaged_copy(root, "sidecar.json", DAMAGES[damage])
    publish(root, directory)
    assert open_bundle(current_bundle(root)).bundle_id == directory.name


def test_a_file_that_nobody_listed_harms_nobody(root: Path) -> None:
    directory = damaged_copy(root, "sidecar.json", lambda path, other: None)
    (directory / "extra.safetensors").write_bytes(b"anything")
    publish(root, directory)
    assert open_bundle(current_bundle(root)).bundle_id == directory.name


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("nowhere", "points at no bundle"),
        ("current", "points at no bundle"),
        (".", "points outside"),
        ("../elsewhere", "points outside"),
    ],
)
def test_a_current_link_that_leads_to_no_bundle_here_is_refused_and_the_next_publish_mends_it(
    tmp_path: Path, target: str, reason: str
) -> None:
    root = tmp_path / "bundles"
    directory = write_tiny_bundle(root)
    (tmp_path / "elsewhere").symlink_to(write_tiny_bundle(tmp_path / "other", seed=1))
    (root / "current").symlink_to(target)
    with pytest.raises(BundleError, match=reason):
        current_bundle(root)
    publish(root, directory)
    assert current_bundle(root) == directory.resolve()
    assert not os.path.lexists(root / "previous")


def test_a_circle_of_links_is_no_bundle(tmp_path: Path) -> None:
    (tmp_path / "circle").symlink_to("circle")
    with pytest.raises(BundleError, match="leads back to itself"):
        open_bundle(tmp_path / "circle")
