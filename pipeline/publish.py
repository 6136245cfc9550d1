"""Choose the bundle that is served: publish one, roll back to the previous one, and remove old ones.

Every change to the root of bundles holds its lock from the first file to the last link. So changes never interleave,
and the leftovers of a crash can be told from the files of a running writer.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from safetensors import SafetensorError

from bundle import root_lock
from bundle.canary_embeddings import CanaryEmbeddings
from bundle.directory import (
    CURRENT_NAME,
    PREVIOUS_NAME,
    Bundle,
    copy_bundle,
    open_bundle,
    previous_bundle,
    remove_debris,
    write_bundle,
)
from bundle.index_posts import IndexPosts
from bundle.known_users import HistoryPosts, KnownUsers
from bundle.manifest import BundleError, Json, Manifest, read_manifest
from bundle.post_steps import PostSteps
from bundle.post_trends import PostTrends
from bundle.stored_bundles import DEFAULT_KEEP, bundle_ids, created_at, make_current
from two_tower.numpy_towers import NumpyTowers

SHORTEST_PREFIX = 6  # digits of an id
_PREFIX = re.compile(r"[0-9a-f]{1,64}")


@dataclass(frozen=True, slots=True)
class Published:
    """The new bundle, and the ids of the old ones that were removed."""

    directory: Path
    removed: tuple[str, ...] = ()

    @property
    def bundle_id(self) -> str:
        """64 hexadecimal digits."""
        return self.directory.name


@dataclass(frozen=True, slots=True)
class StoredBundle:
    """A bundle under the root, with unverified files; ``size`` is the total of its files in bytes."""

    bundle_id: str
    created_at: datetime
    manifest: Manifest
    size: int


@dataclass(frozen=True, slots=True)
class BrokenBundle:
    """A directory that is named like a bundle but is not a valid one, and the reason."""

    bundle_id: str
    reason: str


@contextmanager
def locked(root: Path, *, on_wait: Callable[[], None] | None = None) -> Iterator[None]:
    """Hold the root's lock as ``root_lock.locked`` does; a BundleError also for what safetensors could not write."""
    with root_lock.locked(root, on_wait=on_wait):
        try:
            yield
        except SafetensorError as error:
            raise BundleError(root, f"cannot be written ({error}): `current` is unchanged") from error


def write_and_publish(
    root: Path,
    manifest: Manifest,
    *,
    write_files: Callable[[Path], None],
    sidecar: Mapping[str, Json],
    write_beside: Callable[[Path], None] | None = None,
    publish_it: bool = True,
    keep: int = DEFAULT_KEEP,
    on_wait: Callable[[], None] | None = None,
) -> Published:
    """Write a new bundle and make it current, unless ``publish_it`` is false; parameters as in write_bundle.

    ``write_beside`` writes into the finished bundle, whose directory has its id as name, what the manifest does not
    list, as the sidecar. BundleError if it cannot be written or fails verification; the old one stays current.
    """
    with locked(root, on_wait=on_wait):
        remove_debris(root)
        directory = write_bundle(root, manifest, write_files=write_files, sidecar=sidecar)
        if write_beside:
            write_beside(directory)
        if not publish_it:
            return Published(directory)
        check_bundle(open_bundle(directory))
        return _make_current(root, directory.name, keep=keep)


def publish(
    root: Path,
    directory: Path,
    *,
    keep: int = DEFAULT_KEEP,
    on_wait: Callable[[], None] | None = None,
    before: Callable[[Bundle], None] | None = None,
) -> Published:
    """Make a bundle current, copied under the root first if it lies elsewhere, and remove all but the last ``keep``.

    BundleError if it fails verification, and what is called ``before`` raises; the old one then stays current.
    """
    with locked(root, on_wait=on_wait):
        remove_debris(root)
        bundle = open_bundle(directory)
        check_bundle(bundle)
        if bundle.directory.parent != root.resolve():
            copy_bundle(bundle, root)  # opens the copy before it shows
        if before:
            before(bundle)
        return _make_current(root, bundle.bundle_id, keep=keep)


def roll_back(
    root: Path,
    directory: Path | None = None,
    *,
    on_wait: Callable[[], None] | None = None,
    before: Callable[[Bundle], None] | None = None,
) -> Published:
    """Make the previous bundle current again, or the one in ``directory``; the one just left becomes the previous.

    BundleError if there is no previous bundle, or it fails verification, and what is called ``before`` raises; the
    current one then stays current.
    """
    if not root.is_dir():
        raise BundleError(root, "is not a directory of bundles: pass another with --bundles")
    with locked(root, on_wait=on_wait):
        remove_debris(root)
        target = directory or previous_bundle(root)
        if target is None:
            raise BundleError(root / PREVIOUS_NAME, "does not point to a bundle: pass an id from `moodfeed bundles`")
        if directory is None and (root / CURRENT_NAME).resolve() == target:
            raise BundleError(
                root / PREVIOUS_NAME,
                "points to the current bundle, as after an interrupted publish: pass an id from `moodfeed bundles`",
            )
        bundle = open_bundle(target)
        if bundle.directory.parent != root.resolve():
            raise BundleError(target, f"is not in {root}: add it with `moodfeed publish`")
        check_bundle(bundle)
        if before:
            before(bundle)
        return _make_current(root, bundle.bundle_id, keep=None)


def check_bundle(bundle: Bundle) -> None:
    """Read every file as the serving processes do; BundleError names the first invalid one.

    What needs torch comes last, so most invalid bundles are refused before it is loaded.
    """
    from mood_encoder.openvino_encoder import OpenVinoEncoder  # noqa: PLC0415 - loads OpenVINO

    count = len(IndexPosts.read(bundle).posts)
    PostTrends.read(bundle, count=count)
    PostSteps.read(bundle, count=count)
    KnownUsers.read(bundle)
    HistoryPosts.read(bundle)
    CanaryEmbeddings.read(bundle)
    NumpyTowers.read(bundle)
    OpenVinoEncoder.read(bundle)

    from mood_encoder.torch_encoder import TorchEncoder  # noqa: PLC0415 - torch takes seconds to import
    from two_tower.torch_towers import TorchTowers  # noqa: PLC0415

    TorchTowers.read(bundle)
    TorchEncoder.read(bundle)


def find_bundle(root: Path, text: str) -> Path:
    """Resolve the first digits of an id under the root, or a path, to the directory of a bundle.

    BundleError if no bundle or more than one matches.
    """
    if not _PREFIX.fullmatch(text):
        return Path(text)
    ids = bundle_ids(root)
    found = [bundle_id for bundle_id in ids if bundle_id.startswith(text)]
    if not found and Path(text).is_dir():
        return Path(text)
    if len(text) < SHORTEST_PREFIX:
        raise BundleError(root, f"{text} is too short for an id: pass at least {SHORTEST_PREFIX} digits")
    if not found:
        raise BundleError(root, f"holds no bundle whose id begins with {text}; `moodfeed bundles` lists the {len(ids)}")
    if len(found) > 1:
        raise BundleError(root, f"holds {len(found)} bundles whose id begins with {text}: {', '.join(found)}")
    return root / found[0]


def stored_bundles(root: Path) -> tuple[StoredBundle | BrokenBundle, ...]:
    """The bundles under the root, newest first."""
    return tuple(_stored(root / bundle_id) for bundle_id in bundle_ids(root))


def _make_current(root: Path, bundle_id: str, *, keep: int | None) -> Published:
    """Point ``current`` at a verified bundle and remove old ones; ``keep`` None removes none."""
    return Published(root / bundle_id, make_current(root, bundle_id, keep=keep))


def _stored(directory: Path) -> StoredBundle | BrokenBundle:
    try:
        manifest = read_manifest(directory)
        size = sum(path.stat().st_size for path in directory.rglob("*") if path.is_file())
        return StoredBundle(directory.name, created_at(directory), manifest, size)
    except BundleError as error:
        return BrokenBundle(directory.name, str(error))
    except OSError as error:
        return BrokenBundle(directory.name, f"cannot be read: {error}")
