"""A new bundle of the same towers over today's tables; none if the tables have not changed."""

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pandas as pd

from bundle.directory import Bundle, current_bundle, open_bundle
from bundle.file_names import MOOD_ENCODER
from bundle.manifest import Json
from bundle.stored_bundles import DEFAULT_KEEP
from mood_encoder.encoder_files import encoder_files
from mood_encoder.sentence_transformers_files import max_tokens_of
from pipeline.dataset import Dataset, DatasetError, read_dataset
from pipeline.export import export
from pipeline.publish import Published
from pipeline.refreshed_towers import refreshed_towers
from pipeline.validation_report import ValidationReport
from pipeline.whole_files import write_whole_text
from pipeline.workspace import Workspace


def refresh(
    workspace: Workspace,
    bundles: Path,
    *,
    encoder_directory: Path,
    sidecar: Mapping[str, Json],
    keep: int = DEFAULT_KEEP,
    on_wait: Callable[[], None] | None = None,
) -> Published | None:
    """Publish the current bundle's towers over the clean tables and text embeddings; None if nothing has changed.

    The new bundle has no offline metrics: those of its towers are in the bundle that they were trained for.
    BundleError without a current bundle; DatasetError if the texts were embedded with another encoder than its.
    """
    bundle = open_bundle(current_bundle(bundles))
    _refuse_other_encoder(bundle, encoder_directory)
    dataset = read_dataset(workspace.clean, workspace.text_embeddings)
    if is_made_of(workspace, bundle.bundle_id, dataset):
        return None
    published = export(
        dataset,
        refreshed_towers(bundle, dataset),
        None,
        encoder_directory=encoder_directory,
        blend=bundle.manifest.blend,
        bundles=bundles,
        sidecar=sidecar,
        validation=ValidationReport.read(workspace.clean),
        keep=keep,
        on_wait=on_wait,
    )
    note_made_of(workspace, published.bundle_id, dataset)
    return published


def is_made_of(workspace: Workspace, bundle_id: str, dataset: Dataset) -> bool:
    """Whether a bundle was made of these tables, as noted when it was published."""
    try:
        noted = json.loads(workspace.published.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return bool(noted == {"bundle_id": bundle_id, "tables": _digest(dataset)})


def note_made_of(workspace: Workspace, bundle_id: str, dataset: Dataset) -> None:
    """Note which tables a published bundle was made of."""
    document = {"bundle_id": bundle_id, "tables": _digest(dataset)}
    write_whole_text(workspace.published, json.dumps(document, indent=2) + "\n")


def _digest(dataset: Dataset) -> str:
    """SHA-256 of all that a bundle holds of the tables; the position of the log is none of it."""
    digest = hashlib.sha256(dataset.fingerprint().encode())
    for table in (dataset.posts, dataset.users):
        digest.update(pd.util.hash_pandas_object(table.astype(str), index=False).to_numpy().tobytes())
    return digest.hexdigest()


def _refuse_other_encoder(bundle: Bundle, encoder_directory: Path) -> None:
    for file in encoder_files(encoder_directory):
        entry = bundle.manifest.files.get(f"{MOOD_ENCODER}/{file.name}")
        with file.open("rb") as content:
            found = hashlib.file_digest(content, "sha256").hexdigest()
        if entry is None or entry.sha256 != found or bundle.manifest.max_tokens != max_tokens_of(encoder_directory):
            raise DatasetError(
                f"the towers of bundle {bundle.bundle_id[:12]} were trained with another encoder than "
                f"{encoder_directory}: pass that one with --encoder, or run `moodfeed build`"
            )
