"""The bundle: one immutable directory that training hands to serving.

``bundles/<bundle_id>/`` holds ``manifest.json``, the files it lists with their hashes, and ``sidecar.json`` with what
depends on the time. The bundle id is the sha256 of the manifest without that field, and the manifest lists the sha256
of every file, so the id names every byte. ``bundles/current`` is a relative symbolic link to one bundle, and
``bundles/previous`` to the one that was current before it.
"""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

FORMAT_VERSION = 2
MANIFEST_NAME = "manifest.json"
SIDECAR_NAME = "sidecar.json"
CURRENT_NAME = "current"
PREVIOUS_NAME = "previous"

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]


class BundleError(Exception):
    """A bundle cannot be used: says which file and why."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


@dataclass(frozen=True, slots=True)
class FileEntry:
    """What the manifest promises of one file."""

    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class Canary:
    """A request whose answer is known, so that a process can prove itself before it serves.

    ``post_ids`` and ``scores`` are the first posts of the ranking without regard to the user's history; the embeddings
    lie in ``canaries.safetensors`` in the same order.
    """

    username: str
    mood: str
    category_id: int | None
    post_ids: tuple[int, ...]
    scores: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Manifest:
    """The facts of one bundle. Nothing in it depends on the time or the place it was made.

    With a mood and a user, posts are ranked by closeness to the mood plus ``user_weight`` times the user's score.
    """

    tower_dimension: int
    text_dimension: int
    user_weight: float
    tower: Mapping[str, bool | int | float | str]
    counts: Mapping[str, int]
    offline_metrics: Mapping[str, Mapping[str, float]]
    library_versions: Mapping[str, str]
    canaries: tuple[Canary, ...]
    files: Mapping[str, FileEntry] = field(default_factory=dict)
    metric: str = "inner_product"
    format_version: int = FORMAT_VERSION


@dataclass(frozen=True, slots=True)
class Bundle:
    """An opened bundle whose files have the hashes that the manifest promises."""

    directory: Path
    bundle_id: str
    manifest: Manifest

    def path(self, name: str) -> Path:
        """Where a listed file lies; BundleError if the manifest does not list it."""
        if name not in self.manifest.files:
            raise BundleError(self.directory / name, "is not listed in the manifest")
        return self.directory / name


def open_bundle(directory: Path) -> Bundle:
    """Read the manifest and verify every file; BundleError names the first missing, truncated or altered one."""
    directory = directory.resolve()
    manifest_path = directory / MANIFEST_NAME
    try:
        document = json.loads(manifest_path.read_bytes())
    except FileNotFoundError:
        raise BundleError(manifest_path, "is missing: not a bundle, or an incomplete copy of one") from None
    except (OSError, ValueError) as error:
        raise BundleError(manifest_path, f"cannot be read as JSON: {error}") from error
    if not isinstance(document, dict):
        raise BundleError(manifest_path, "is not a JSON object")
    bundle_id = document.pop("bundle_id", None)
    if not isinstance(bundle_id, str) or _digest_of(document) != bundle_id:
        raise BundleError(manifest_path, f"was altered: its content does not hash to its bundle_id {bundle_id}")
    if directory.name != bundle_id:
        raise BundleError(directory, f"holds the bundle {bundle_id}: the directory's name must be the bundle id")
    if document.get("format_version") != FORMAT_VERSION:
        raise BundleError(
            manifest_path,
            f"has format version {document.get('format_version')}, this program reads {FORMAT_VERSION}: export again",
        )
    manifest = _parse_manifest(manifest_path, document)
    for name, entry in manifest.files.items():
        _verify_file(directory / name, entry)
    return Bundle(directory=directory, bundle_id=bundle_id, manifest=manifest)


def current_bundle(root: Path) -> Path:
    """The directory that ``current`` under the bundles' root points at; BundleError if there is none."""
    link = root / CURRENT_NAME
    if not link.is_dir():
        raise BundleError(link, "points at no bundle: make one with `moodfeed export`, or name another --bundles root")
    return link.resolve()


def previous_bundle(root: Path) -> Path | None:
    """The directory that was current before the one that is; None if there is none."""
    link = root / PREVIOUS_NAME
    return link.resolve() if link.is_dir() else None


def write_bundle(
    root: Path, manifest: Manifest, *, write_files: Callable[[Path], None], sidecar: Mapping[str, Json]
) -> Path:
    """Write a bundle under ``root`` and return its directory; a crash at any moment leaves nothing half-visible.

    ``write_files`` puts the files into the directory that it is given; hashes, manifest and sidecar are added here,
    everything is synced, and the directory is renamed to its bundle id in one step. A bundle that is there already
    stays as it is: the same id means the same bytes.
    """
    root.mkdir(parents=True, exist_ok=True)
    workplace = Path(tempfile.mkdtemp(prefix=".incomplete-", dir=root))
    try:
        write_files(workplace)
        paths = sorted(path for path in workplace.rglob("*") if path.is_file())
        document = asdict(manifest) | {
            "files": {str(path.relative_to(workplace)): asdict(_entry_of(path)) for path in paths}
        }
        bundle_id = _digest_of(document)
        destination = root / bundle_id
        if destination.is_dir() and _is_whole(destination):
            return destination
        shutil.rmtree(destination, ignore_errors=True)
        _write_json(workplace / MANIFEST_NAME, {"bundle_id": bundle_id} | document)
        _write_json(workplace / SIDECAR_NAME, dict(sidecar))
        for path in [*workplace.rglob("*"), workplace]:
            path.chmod(0o755 if path.is_dir() else 0o644)
            _sync(path)
        workplace.rename(destination)
        _sync(root)
        return destination
    finally:
        shutil.rmtree(workplace, ignore_errors=True)


def point_current_at(root: Path, bundle_id: str) -> None:
    """Make ``current`` point at a bundle of ``root``, in one step, and ``previous`` at what it pointed at so far.

    ``previous`` is written first: a crash between the two leaves both at the old bundle, which still answers.
    """
    link = root / CURRENT_NAME
    replaced = link.readlink().name if link.is_symlink() else None
    if replaced == bundle_id:
        return
    if replaced is not None:
        _point(root, PREVIOUS_NAME, replaced)
    _point(root, CURRENT_NAME, bundle_id)


def _point(root: Path, name: str, bundle_id: str) -> None:
    link = root / f".{name}-{os.getpid()}"
    link.unlink(missing_ok=True)
    link.symlink_to(bundle_id)
    link.rename(root / name)
    _sync(root)


def _parse_manifest(path: Path, document: Mapping[str, Json]) -> Manifest:
    try:
        return TypeAdapter(Manifest).validate_python(document)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise BundleError(path, f"field {place}: {first['msg']}") from error


def _verify_file(path: Path, entry: FileEntry) -> None:
    if not path.is_file():
        raise BundleError(path, "is missing")
    size = path.stat().st_size
    if size != entry.size:
        verb = "truncated" if size < entry.size else "too long"
        raise BundleError(path, f"is {verb}: {size} bytes, the manifest says {entry.size}")
    if _entry_of(path).sha256 != entry.sha256:
        raise BundleError(path, "was altered: its sha256 is not the manifest's")


def _is_whole(directory: Path) -> bool:
    try:
        open_bundle(directory)
    except BundleError:
        return False
    return True


def _entry_of(path: Path) -> FileEntry:
    with path.open("rb") as file:
        return FileEntry(sha256=hashlib.file_digest(file, "sha256").hexdigest(), size=path.stat().st_size)


def _digest_of(document: Mapping[str, Json]) -> str:
    canonical = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def _write_json(path: Path, document: Mapping[str, Json]) -> None:
    path.write_text(json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n")


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
