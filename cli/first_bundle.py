"""Choose the data of the first bundle: the user's own data, or the sample if there is none."""

from pathlib import Path

from bundle.directory import CURRENT_NAME
from bundle.manifest import BundleError
from bundle.stored_bundles import bundle_ids
from pipeline.raw_store import RawStore
from pipeline.workspace import Workspace


def refuse_bundles_without_a_current_one(bundles: Path) -> None:
    """BundleError if there are bundles under ``bundles``: none of them is replaced by one made from other data."""
    ids = bundle_ids(bundles)
    if ids:
        raise BundleError(
            bundles / CURRENT_NAME,
            f"points at no bundle, but {bundles} holds {len(ids)}, and the newest is {ids[0][:12]}: make one current "
            f"with `moodfeed publish {ids[0][:12]} --bundles {bundles}`",
        )


def has_fetched_rows(workspace: Workspace, *, sample: str) -> bool:
    """Whether rows of an upstream not named ``sample`` were fetched; RawStoreError for a broken store."""
    if not workspace.raw.exists():
        return False
    with RawStore(workspace.raw) as store:
        return store.source != sample


def sample_data_of(data: Path) -> Path:
    """Where the sample's stage files lie: beside a directory of data, never in it."""
    return Path(f"{data.absolute()}-sample") if data.name in {"", ".."} else data.with_name(f"{data.name}-sample")
