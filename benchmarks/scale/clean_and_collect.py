"""What `moodfeed clean` and `moodfeed collect` take: fetched rows to clean tables, then a store's log beside them."""

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.scale.made_up_events import Size
from benchmarks.scale.resident_memory import Cost, run_watched
from pipeline.workspace import Workspace

_GIB = 2**30


def clean_and_collect(
    directory: Path, size: Size, *, most_bytes: int | None = None, keep: bool = False
) -> Iterator[dict[str, Any]]:
    """Clean so many fetched events, and collect as many recorded ones; CommandError for the first stage that fails.

    The raw store and the log are made unless they are there. What no later stage reads is deleted.
    """
    workspace = Workspace(directory / "data")
    store = workspace.directory / "store.sqlite"
    workspace.directory.mkdir(parents=True, exist_ok=True)
    numbers = ["--events", str(size.events), "--people", str(size.people), "--posts", str(size.posts)]
    for stage, file, maker in (
        ("clean", workspace.raw, "benchmarks.scale.made_up_raw_rows"),
        ("collect", store, "benchmarks.scale.made_up_store"),
    ):
        if not file.exists():
            run_watched([sys.executable, "-m", maker, str(file), *numbers])
        command = [sys.executable, "-m", "cli", stage, "--data", str(workspace.directory)]
        yield row_of(stage, size.events, run_watched(command, most_bytes=most_bytes))
        if not keep:
            file.unlink()
    if not keep:
        shutil.rmtree(directory)


def row_of(stage: str, events: int, cost: Cost) -> dict[str, Any]:
    """The cost of a stage as a row of the table."""
    return {
        "stage": stage,
        "events": events,
        "seconds": cost.seconds,
        "processor_s": cost.processor_seconds,
        "gib": cost.peak_bytes / _GIB,
    }
