"""The stages before training, over a workspace, which load no torch; each shows its progress and prints its result."""

from dataclasses import dataclass
from pathlib import Path

from rich.text import Text

from cli.file_faults import refuse_unwritable
from cli.one_writer import only_writer, only_writer_if_there
from cli.progress import console, progress_bar
from cli.result_rows import print_rows
from mood_encoder.runtime import Runtime
from pipeline.clean import clean
from pipeline.embed import embed_posts
from pipeline.fetch import fetch
from pipeline.foreign.errors import ImportSourceError
from pipeline.forgotten import Forgotten
from pipeline.raw_store import RawStore
from pipeline.upstream import UpstreamClient
from pipeline.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Upstream:
    """The upstream API's base URL, the two secrets that it asks for, and a name if its address changes."""

    url: str
    flic_token: str
    resonance_algorithm: str
    name: str | None = None


def fetch_stage(workspace: Workspace, upstream: Upstream) -> None:
    """Upstream API to raw store; ImportSourceError if the clean tables were imported from files."""
    if workspace.is_imported:
        raise ImportSourceError(
            f"{workspace.clean} holds imported tables: fetch into another directory with --data OTHER"
        )
    with (
        only_writer(workspace.directory),
        UpstreamClient(
            upstream.url, flic_token=upstream.flic_token, resonance_algorithm=upstream.resonance_algorithm
        ) as client,
        RawStore(workspace.raw) as store,
        progress_bar("fetch", unit="rows") as advance,
    ):
        forgotten = Forgotten.read(workspace.forgotten)
        report = fetch(client, store, source=upstream.name, forgotten=forgotten, progress=advance)
    print_rows("Fetched", report.rows())
    for warning in report.warnings:
        console.print(Text.assemble(("warning:", "yellow"), f" {warning}"), soft_wrap=True)


def clean_stage(workspace: Workspace, *, accept_losses: bool = False) -> None:
    """Raw store to clean tables."""
    with only_writer(workspace.directory), progress_bar("clean", unit="interactions read and sorted") as advance:
        report = clean(
            workspace.raw,
            workspace.clean,
            accept_losses=accept_losses,
            progress=lambda done, total, note: advance(done, note, total=total),
        )
    print_rows("Cleaned", report.rows())


def embed_stage(
    workspace: Workspace,
    encoder_directory: Path,
    *,
    runtime: Runtime = Runtime.OPENVINO,
    half_precision: bool = False,
    processes: int = 1,
) -> None:
    """Post texts to text embeddings, in so many processes."""
    refuse_unwritable(workspace.text_cache, workspace.text_embeddings.parent)
    with only_writer_if_there(workspace.directory), progress_bar("embed", unit="new texts") as advance:
        report = embed_posts(
            workspace.clean,
            workspace.text_cache,
            workspace.text_embeddings,
            encoder_directory=encoder_directory,
            runtime=runtime,
            half_precision=half_precision,
            processes=processes,
            progress=lambda done, total: advance(done, total=total),
        )
    console.print(f"Embedded {report.embedded} texts, reused {report.reused} ({report.dimension} dimensions).")
