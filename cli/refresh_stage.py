"""One round of a refresh, in a file of its own because it loads torch."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from cli.data_stages import Upstream, clean_stage, embed_stage, fetch_stage
from cli.progress import console, working
from cli.score_stage import score_stage
from cli.validation import validate_stage
from mood_encoder.encoder_files import default_encoder_directory
from pipeline.publish import Published
from pipeline.refresh import refresh
from pipeline.workspace import Workspace


def refresh_stage(
    workspace: Workspace,
    bundles: Path,
    *,
    upstream: Upstream | None,
    collect: Callable[[], None],
    encoder_directory: Path | None,
    accept_losses: bool,
    accept_invalid: bool,
    keep: int,
) -> Published | None:
    """Fetch if there is an upstream, collect, embed what is new, and publish; None if nothing has changed."""
    started = time.monotonic()
    encoder = encoder_directory or default_encoder_directory()
    if upstream is not None and not workspace.is_imported:
        fetch_stage(workspace, upstream)
        clean_stage(workspace, accept_losses=accept_losses)
    collect()
    validate_stage(workspace, bundles, accept_invalid=accept_invalid)
    score_stage(workspace)
    embed_stage(workspace, encoder)
    with working("refresh") as note:
        published = refresh(
            workspace,
            bundles,
            encoder_directory=encoder,
            sidecar={"created_at": datetime.now(UTC).isoformat(timespec="seconds")},
            keep=keep,
            on_wait=lambda: note(f"waiting for another process that is changing {bundles}"),
        )
    if published is None:
        console.print("Nothing has changed: the current bundle stays.")
        return None
    seconds = time.monotonic() - started
    console.print(
        f"Bundle {published.bundle_id} is current in {bundles}: the same towers, refreshed in {seconds:.0f} s.",
        highlight=False,
        soft_wrap=True,
    )
    return published
