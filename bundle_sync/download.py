"""Take a bundle from a bucket into a directory of bundles: nobody sees it there before every byte is verified."""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

from bundle.directory import INCOMPLETE_PREFIX, current_bundle, install_bundle, is_whole
from bundle.file_names import MANIFEST_NAME, REPORT, SIDECAR_NAME
from bundle.manifest import BundleError, FileEntry, Manifest, read_manifest
from bundle_sync.bucket import Bucket, BucketError, Fault

_LARGEST_MANIFEST = 64 * 2**20
_LARGEST_REPORT = 256 * 2**20


def download(bucket: Bucket, bundle_id: str, root: Path, *, go_on: Callable[[], None] = lambda: None) -> Path:
    """The directory of a bundle under ``root``, downloaded if it is not there. The caller holds the lock of ``root``.

    Files arrive in a hidden directory, which a failed download leaves for the next one; a file that a bundle here holds
    too is linked. BucketError if an object cannot be had or is not what the manifest says, BundleError if this program
    does not read such bundles; ``root`` then shows what it showed. ``go_on`` is called after each piece, and may raise.
    """
    destination = root / bundle_id
    if is_whole(destination):
        return destination
    arriving = root / arriving_name(bundle_id) / bundle_id
    arriving.mkdir(parents=True, exist_ok=True)
    manifest = _manifest(bucket, arriving, go_on)
    here = _files_here(root)
    for name, entry in manifest.files.items():
        path = arriving / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and _digest(path) == entry.sha256:
            continue
        if not _link(here.get(entry.sha256), path, entry):
            _fetch(bucket, f"{bundle_id}/{name}", path, largest=entry.size, sha256=entry.sha256, go_on=go_on)
    for name in (SIDECAR_NAME, REPORT):
        _fetch_if_there(bucket, f"{bundle_id}/{name}", arriving / name, go_on)
    install_bundle(arriving, destination)
    arriving.parent.rmdir()
    return destination


def arriving_name(bundle_id: str) -> str:
    """The name under a directory of bundles of what has come of a bundle so far."""
    return f"{INCOMPLETE_PREFIX}{bundle_id}"


def _manifest(bucket: Bucket, arriving: Path, go_on: Callable[[], None]) -> Manifest:
    try:
        return read_manifest(arriving)
    except BundleError:  # not here yet, or not all of it
        name = f"{arriving.name}/{MANIFEST_NAME}"
        _fetch(bucket, name, arriving / MANIFEST_NAME, largest=_LARGEST_MANIFEST, go_on=go_on)
    try:
        return read_manifest(arriving)
    except BundleError as error:
        (arriving / MANIFEST_NAME).unlink()
        raise BucketError(Fault.CORRUPT, f"{bucket.url}/{name} {error.reason}") from None


def _fetch(
    bucket: Bucket, name: str, path: Path, *, largest: int, go_on: Callable[[], None], sha256: str | None = None
) -> None:
    """Write an object to a file; BucketError if it is not the one with this sha256."""
    digest = hashlib.sha256()
    part = _part_of(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with part.open("wb") as file:
        for piece in bucket.pieces(name, largest=largest):
            file.write(piece)
            digest.update(piece)
            go_on()
    if sha256 is not None and digest.hexdigest() != sha256:
        part.unlink()
        raise BucketError(
            Fault.CORRUPT, f"{bucket.url}/{name} is damaged: its sha256 is not the manifest's; publish the bundle again"
        )
    part.replace(path)


def _part_of(path: Path) -> Path:
    """Where what has come of a file so far is written."""
    return path.with_name(f".{path.name}.part")


def _fetch_if_there(bucket: Bucket, name: str, path: Path, go_on: Callable[[], None]) -> None:
    """What the manifest does not list: a bundle is whole without it."""
    try:
        _fetch(bucket, name, path, largest=_LARGEST_REPORT, go_on=go_on)
    except BucketError as error:
        _part_of(path).unlink(missing_ok=True)
        if error.fault is not Fault.MISSING:
            raise


def _files_here(root: Path) -> dict[str, Path]:
    """The files of the current bundle by their sha256: much of a bundle, such as the encoder, is that of the last."""
    try:
        directory = current_bundle(root)
        files = read_manifest(directory).files
    except BundleError:
        return {}
    return {entry.sha256: directory / name for name, entry in files.items()}


def _link(source: Path | None, path: Path, entry: FileEntry) -> bool:
    """Give the same file another name, if it still is what its manifest says; whether that was possible."""
    if source is None or not source.is_file() or _digest(source) != entry.sha256:
        return False
    path.unlink(missing_ok=True)
    _part_of(path).unlink(missing_ok=True)  # of a download that ended before the file was here
    try:
        os.link(source, path)
    except OSError:  # a file system without links
        return False
    return True


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
