"""The directory of bundles: open, write, copy and remove a bundle, and make one current.

``bundles/<bundle_id>/`` holds ``manifest.json``, the files that it lists with their hashes, and what depends on the
time: ``sidecar.json`` and the report. The bundle id is the sha256 of the manifest without that field. As the manifest
lists the sha256 of its files, the id fixes every byte that is served. ``bundles/current`` is a relative symbolic link
to a bundle, and ``bundles/previous`` to the one that was current before it.
"""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from bundle.file_names import MANIFEST_NAME, REPORT, SIDECAR_NAME
from bundle.manifest import BundleError, FileEntry, Json, Manifest, digest_of, read_manifest

CURRENT_NAME = "current"
PREVIOUS_NAME = "previous"
INCOMPLETE_PREFIX = ".incomplete-"  # of a directory that is being written or removed
_HASHING_THREADS = 2


@dataclass(frozen=True, slots=True)
class Bundle:
    """An opened bundle: its files have the hashes of the manifest."""

    directory: Path
    bundle_id: str
    manifest: Manifest

    def path(self, name: str) -> Path:
        """The path of a file; BundleError if the manifest does not list it."""
        if name not in self.manifest.files:
            raise BundleError(self.directory / name, "is not listed in the manifest")
        return self.directory / name


def open_bundle(directory: Path) -> Bundle:
    """Read the manifest and verify every file; BundleError names the first that is missing, truncated or altered."""
    manifest = read_manifest(directory)
    directory = directory.resolve()
    with ThreadPoolExecutor(_HASHING_THREADS) as threads:
        list(threads.map(lambda item: _verify_file(directory / item[0], item[1]), manifest.files.items()))
    return Bundle(directory=directory, bundle_id=directory.name, manifest=manifest)


def current_bundle(root: Path) -> Path:
    """The directory that the link ``current`` under ``root`` points at.

    BundleError if it points at no directory, or at one outside ``root``: only what was published here is served.
    """
    link = root / CURRENT_NAME
    directory = _directory_at(link)
    if directory is None:
        raise BundleError(
            link, "points at no bundle: make one with `moodfeed export`, or name another root with --bundles"
        )
    if directory.parent != root.resolve():
        raise BundleError(
            link, f"points outside the root, at {directory}: copy it here with `moodfeed publish {directory}`"
        )
    return directory


def previous_bundle(root: Path) -> Path | None:
    """The directory of the previous bundle; None if there is none."""
    directory = _directory_at(root / PREVIOUS_NAME)
    return directory if directory and directory.parent == root.resolve() else None


def made_at(directory: Path) -> float:
    """When a bundle was made, in seconds since 1970, as its sidecar says, which is not verified; else 0."""
    try:
        sidecar = json.loads((directory / SIDECAR_NAME).read_bytes())
        return datetime.fromisoformat(sidecar["created_at"]).timestamp()
    except (OSError, ValueError, KeyError, TypeError):
        return 0.0


def write_bundle(
    root: Path, manifest: Manifest, *, write_files: Callable[[Path], None], sidecar: Mapping[str, Json]
) -> Path:
    """Write a bundle under ``root`` and return its directory. A crash at any moment leaves no partial bundle visible.

    ``write_files`` writes the files into the directory that it is given. Then the manifest and the sidecar are added,
    everything is synced, and the directory is renamed to its bundle id in one step. A whole bundle of the same id is
    left as it is, since the same id means the same bytes; a damaged one is replaced.
    """
    root.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=INCOMPLETE_PREFIX, dir=root))
    try:
        write_files(temporary)
        paths = sorted(path for path in temporary.rglob("*") if path.is_file())
        document = asdict(manifest) | {
            "files": {str(path.relative_to(temporary)): asdict(_entry_of(path)) for path in paths}
        }
        if not manifest.log_position:
            del document["log_position"]
        bundle_id = digest_of(document)
        destination = root / bundle_id
        if is_whole(destination):
            return destination
        _write_json(temporary / MANIFEST_NAME, {"bundle_id": bundle_id} | document)
        _write_json(temporary / SIDECAR_NAME, dict(sidecar))
        _install(temporary, destination)
        return destination
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def copy_bundle(source: Bundle, root: Path) -> Path:
    """Copy an opened bundle under ``root`` and return its directory there; crashes and repetition as in write_bundle.

    Only the manifest, the files that it lists, the sidecar and the report are copied. The copy is verified before it
    gets its name; BundleError if it differs from ``source``.
    """
    root.mkdir(parents=True, exist_ok=True)
    destination = root / source.bundle_id
    if is_whole(destination):
        return destination
    temporary = Path(tempfile.mkdtemp(prefix=INCOMPLETE_PREFIX, dir=root))
    try:
        copy = temporary / source.bundle_id  # open_bundle compares the name with the id
        report = (source.directory / REPORT).parent
        beside = [source.directory / SIDECAR_NAME, *sorted(report.glob("*"))]
        names = dict.fromkeys((*source.manifest.files, MANIFEST_NAME))
        names |= dict.fromkeys(str(path.relative_to(source.directory)) for path in beside if path.is_file())
        for name in names:
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source.directory / name, copy / name)
        open_bundle(copy)
        _install(copy, destination)
        return destination
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def install_bundle(directory: Path, destination: Path) -> None:
    """Verify a bundle in a hidden directory and give it its place, in one step; BundleError if it is not whole.

    The last part of both paths is the bundle id. A crash at any moment leaves no partial bundle visible.
    """
    open_bundle(directory)
    _install(directory, destination)


def is_whole(directory: Path) -> bool:
    """Whether a directory is a bundle whose files have the hashes of its manifest."""
    try:
        open_bundle(directory)
    except BundleError:
        return False
    return True


def remove_bundle(directory: Path) -> None:
    """Remove a bundle; a crash leaves it whole or out of sight, never half of it under its id."""
    shutil.rmtree(_set_aside(directory))


def remove_debris(root: Path, *, but: str = "") -> None:
    """Remove what a crash left under ``root``, but for the entry of the name ``but``.

    The caller must know that no other process is writing there.
    """
    for path in root.iterdir():
        if path.name == but:
            continue
        if path.name.startswith(INCOMPLETE_PREFIX) and path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif path.name.startswith((_link_prefix(CURRENT_NAME), _link_prefix(PREVIOUS_NAME))) and path.is_symlink():
            path.unlink()


def point_current_at(root: Path, bundle_id: str) -> None:
    """Make ``current`` point at a bundle of ``root``, in one step, and ``previous`` at the bundle that was current.

    ``previous`` moves first: a crash between the two leaves both at the old bundle, which is still served. Both links
    are created before either moves, so that a full disk moves neither.
    """
    replaced = _directory_at(root / CURRENT_NAME)
    targets = {CURRENT_NAME: bundle_id}
    if (
        replaced and replaced.parent == root.resolve()
    ):  # otherwise `current` pointed at no bundle here, and `previous` stays
        if replaced.name == bundle_id:
            return
        targets = {PREVIOUS_NAME: replaced.name} | targets
    made: dict[Path, Path] = {}
    try:
        for name, target in targets.items():
            new = root / f"{_link_prefix(name)}{os.getpid()}"
            new.unlink(missing_ok=True)
            new.symlink_to(target)
            made[new] = root / name
        for new, moved in made.items():
            new.rename(moved)
            _sync(root)
    finally:
        for new in made:
            new.unlink(missing_ok=True)


def _link_prefix(name: str) -> str:
    return f".{name}-"


def _directory_at(link: Path) -> Path | None:
    """The directory that a link leads to, through any further links; None if it leads to none."""
    try:
        directory = link.resolve(strict=True)
    except (OSError, RuntimeError):  # a broken link, or a cycle of links
        return None
    return directory if directory.is_dir() else None


def _set_aside(path: Path) -> Path:
    """Move a path into a new hidden directory, in one step, and return that directory."""
    temporary = Path(tempfile.mkdtemp(prefix=INCOMPLETE_PREFIX, dir=path.parent))
    path.rename(temporary / path.name)
    return temporary


def _install(directory: Path, destination: Path) -> None:
    """Sync a whole bundle and give it its name; a damaged bundle of that name is replaced."""
    for path in [*directory.rglob("*"), directory]:
        path.chmod(0o755 if path.is_dir() else 0o644)
        _sync(path)
    damaged = _set_aside(destination) if os.path.lexists(destination) else None
    directory.rename(destination)
    _sync(destination.parent)
    if damaged:
        shutil.rmtree(damaged)


def _verify_file(path: Path, entry: FileEntry) -> None:
    try:
        if not path.is_file():
            raise BundleError(path, "is missing")
        found = _entry_of(path) if path.stat().st_size == entry.size else FileEntry("", path.stat().st_size)
    except (OSError, ValueError) as error:
        raise BundleError(path, f"cannot be read: {error}") from error
    if found.size != entry.size:
        verb = "truncated" if found.size < entry.size else "too long"
        raise BundleError(path, f"is {verb}: {found.size} bytes, the manifest says {entry.size}")
    if found.sha256 != entry.sha256:
        raise BundleError(path, "was altered: its sha256 is not the manifest's")


def _entry_of(path: Path) -> FileEntry:
    with path.open("rb") as file:
        return FileEntry(sha256=hashlib.file_digest(file, "sha256").hexdigest(), size=path.stat().st_size)


def _write_json(path: Path, document: Mapping[str, Json]) -> None:
    path.write_text(
        json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8"
    )


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
