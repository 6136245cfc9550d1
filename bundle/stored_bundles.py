"""Which bundles a directory holds, by age, and which are removed when another becomes current."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path

from bundle.directory import current_bundle, point_current_at, previous_bundle, remove_bundle
from bundle.file_names import SIDECAR_NAME
from bundle.manifest import BundleError
from bundle.root_lock import reason_of

DEFAULT_KEEP = 5
_ID = re.compile(r"[0-9a-f]{64}")


def bundle_ids(root: Path) -> tuple[str, ...]:
    """The ids under the root, newest first, valid or not; () if there is no root."""
    try:
        directories = [path for path in root.iterdir() if _ID.fullmatch(path.name) and path.is_dir()]
    except FileNotFoundError:
        return ()
    return tuple(path.name for path in sorted(directories, key=lambda path: (created_at(path), path.name))[::-1])


def created_at(directory: Path) -> datetime:
    """The creation time of a bundle from its sidecar, else the modification time of its directory."""
    try:
        moment = datetime.fromisoformat(json.loads((directory / SIDECAR_NAME).read_bytes())["created_at"])
    except (OSError, ValueError, TypeError, KeyError, RecursionError):  # the sidecar is not verified
        return datetime.fromtimestamp(directory.stat().st_mtime, UTC)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def make_current(root: Path, bundle_id: str, *, keep: int | None) -> tuple[str, ...]:
    """Point ``current`` at a verified bundle and remove all but the newest ``keep``, if any; returns what was removed.

    Neither the current bundle nor the previous one is removed. BundleError if an old one cannot be.
    """
    point_current_at(root, bundle_id)
    if keep is None:
        return ()
    try:
        kept = {current_bundle(root), previous_bundle(root)}
        old = [name for name in bundle_ids(root)[keep:] if (root / name).resolve() not in kept]
        for name in old:
            remove_bundle(root / name)
    except OSError as error:
        raise BundleError(
            root, f"{bundle_id} is current, but old bundles could not be removed ({reason_of(error)})"
        ) from error
    return tuple(old)
