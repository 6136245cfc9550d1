"""A disk that fills up at any byte, has no inode left, or turns read-only: one clear line, and the old bundle stays.

Real file systems: a tmpfs is mounted, which takes root; elsewhere these tests are skipped and say so.
"""

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bundle.directory import current_bundle, open_bundle, point_current_at
from bundle.manifest import BundleError
from bundle.root_lock import LOCK_NAME
from bundle.stored_bundles import bundle_ids
from cli.__main__ import main
from pipeline.publish import publish, roll_back, stored_bundles, write_and_publish
from tests.faults.outcomes import record_outcome
from tests.tiny_bundle import MANIFEST, tiny_files, write_tiny_bundle

PAGE = 4096  # bytes
Action = Callable[[Path, Path], object]  # of a root and of a bundle elsewhere

ACTIONS: dict[str, Action] = {
    "export": lambda root, source: write_and_publish(root, MANIFEST, write_files=tiny_files(1), sidecar={}),
    "publish": publish,
}


@contextmanager
def mounted(directory: Path, options: str) -> Iterator[Path]:
    directory.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", directory]
    if shutil.which("mount") is None or subprocess.run(command, capture_output=True, check=False).returncode != 0:
        pytest.skip("mounting a tmpfs is not permitted here: needs root")
    try:
        yield directory
    finally:
        subprocess.run(["umount", "--lazy", directory], check=True)


def seen(root: Path) -> dict[str, str]:
    """What lies in a root, and where its links lead."""
    return {path.name: str(path.readlink()) if path.is_symlink() else "" for path in root.iterdir()}


def root_on(disk: Path) -> Path:
    root = disk / "bundles"
    point_current_at(root, write_tiny_bundle(root).name)
    (root / LOCK_NAME).touch()
    return root


def attempt(action: Action, root: Path, source: Path) -> str:
    """What a BundleError says, empty if there is none."""
    try:
        action(root, source)
    except BundleError as error:
        return str(error)
    return ""


def fill(disk: Path, *, free: int) -> None:
    """Leave so many bytes free."""
    (disk / "ballast").write_bytes(b"")
    (disk / "ballast").write_bytes(bytes(max(shutil.disk_usage(disk).free - free, 0)))


@pytest.mark.parametrize("action", ACTIONS)
def test_a_disk_that_fills_up_at_any_page_leaves_the_old_bundle_and_no_debris(tmp_path: Path, action: str) -> None:
    source = write_tiny_bundle(tmp_path / "elsewhere", seed=1)
    refusals = wrong = 0
    with mounted(tmp_path / "disk", "size=1m") as disk:
        root = root_on(disk)
        before, old = seen(root), current_bundle(root).name
        for pages in range(100):
            fill(disk, free=pages * PAGE)
            said = attempt(ACTIONS[action], root, source)
            if not said:
                break
            refusals += 1
            is_clear = "No space left on device" in said and "\n" not in said
            wrong += not is_clear or seen(root) != before or open_bundle(current_bundle(root)).bundle_id != old
        assert open_bundle(current_bundle(root)).bundle_id == source.name
    record_outcome(
        f"the disk is full during: {action}",
        injected=f"a tmpfs with 0 to {refusals - 1} free pages, a load of `current` after each attempt",
        requests=refusals,
        answered=refusals - wrong,
        wrong=wrong,
    )
    assert wrong == 0
    assert refusals > 15


@pytest.mark.parametrize("action", ACTIONS)
def test_a_disk_without_inodes_leaves_the_old_bundle_and_no_debris(tmp_path: Path, action: str) -> None:
    source = write_tiny_bundle(tmp_path / "elsewhere", seed=1)
    refusals = 0
    with mounted(tmp_path / "disk", "size=2m,nr_inodes=200") as disk:
        root = root_on(disk)
        before, old = seen(root), current_bundle(root).name
        ballast = [disk / f"ballast {number}" for number in range(200)]
        used = []
        for path in ballast:
            try:
                path.touch()
            except OSError:
                break
            used.append(path)
        while "No space left on device" in attempt(ACTIONS[action], root, source):
            refusals += 1
            # Where only the links find no place, the bundle lies there whole: the next attempt has less to do.
            assert seen(root).items() - before.items() <= {(source.name, "")}
            assert {open_bundle(root / name).bundle_id for name in bundle_ids(root)} <= {old, source.name}
            assert open_bundle(current_bundle(root)).bundle_id == old
            used.pop().unlink()
        assert open_bundle(current_bundle(root)).bundle_id == source.name
    assert refusals > 15


@pytest.mark.parametrize("action", [*ACTIONS, "rollback"])
def test_a_read_only_disk_is_one_clear_line_and_what_is_on_it_still_loads(tmp_path: Path, action: str) -> None:
    source = write_tiny_bundle(tmp_path / "elsewhere", seed=1)
    actions = ACTIONS | {"rollback": lambda root, source: roll_back(root, current_bundle(root))}
    with mounted(tmp_path / "disk", "size=1m") as disk:
        root = root_on(disk)
        before = seen(root)
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
        with pytest.raises(BundleError, match="Read-only file system") as caught:
            actions[action](root, source)
        assert "\n" not in str(caught.value)
        assert seen(root) == before
        open_bundle(current_bundle(root))
        assert len(stored_bundles(root)) == 1
    record_outcome(f"the disk is read-only during: {action}", injected="a tmpfs remounted", requests=1, answered=1)


def test_the_command_shows_a_full_disk_as_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    source = write_tiny_bundle(tmp_path / "elsewhere", seed=1)
    with mounted(tmp_path / "disk", "size=1m") as disk:
        root = root_on(disk)
        fill(disk, free=5 * PAGE)
        monkeypatch.setattr(sys, "argv", ["moodfeed", "publish", str(source), "--bundles", str(root), "--no-reload"])
        with pytest.raises(SystemExit) as ended:
            main()
    error = capsys.readouterr().err
    assert ended.value.code == 1
    assert error.count("\n") == 1
    assert "No space left on device" in error
