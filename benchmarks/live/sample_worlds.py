"""Sample worlds as the pipeline reads them: fetched over HTTP, cleaned, scored, and embedded with the real BERT."""

from pathlib import Path

from mood_encoder.encoder_files import default_encoder_directory
from pipeline.clean import clean
from pipeline.dataset import Dataset, read_dataset
from pipeline.embed import embed_posts
from pipeline.fetch import fetch
from pipeline.raw_store import RawStore
from pipeline.score import score
from pipeline.upstream import UpstreamClient
from pipeline.workspace import Workspace
from sample_api.server import SAMPLE_NAME, SAMPLE_RESONANCE_ALGORITHM, SAMPLE_TOKEN, running_sample_api
from sample_api.world import generate_world


def ingested(directory: Path, seed: int, *, scale: float = 1.0) -> Dataset:
    """The dataset of a world; its files go to ``directory``."""
    workspace = Workspace(directory)
    directory.mkdir(parents=True, exist_ok=True)
    with (
        running_sample_api(generate_world(seed, scale=scale)) as url,
        RawStore(workspace.raw) as store,
        UpstreamClient(url, flic_token=SAMPLE_TOKEN, resonance_algorithm=SAMPLE_RESONANCE_ALGORITHM) as client,
    ):
        fetch(client, store, source=SAMPLE_NAME)
    clean(workspace.raw, workspace.clean)
    score(workspace.clean, workspace.scores)
    embed_posts(
        workspace.clean,
        workspace.text_cache,
        workspace.text_embeddings,
        encoder_directory=default_encoder_directory(),
    )
    return read_dataset(workspace.clean, workspace.text_embeddings)
