"""The training settings that a command line names: of a file or suited to the data, with options that override them."""

from dataclasses import replace
from pathlib import Path

import typer

from cli.progress import error_console
from pipeline.training_config import Objective, TrainingConfig
from pipeline.workspace import Workspace


def candidates_of(
    data: Path, paths: list[Path], objective: Objective | None, epochs: int | None, seed: int | None
) -> dict[str, TrainingConfig]:
    """The settings of the files by their names without suffix, which the report names them by."""
    from pipeline.evaluate import DEFAULT_NAME

    named: dict[str, Path] = {}
    for path in paths:
        if path.stem == DEFAULT_NAME:
            raise typer.BadParameter(
                f"--candidate {path}: {DEFAULT_NAME!r} names the settings of --config; rename the file"
            )
        if path.stem in named:
            raise typer.BadParameter(
                f"--candidate {named[path.stem]} and {path} would both be named {path.stem!r}: rename one of the files"
            )
        named[path.stem] = path
    return {name: training_config(data, path, objective, epochs, seed) for name, path in named.items()}


def training_config(
    data: Path, path: Path | None, objective: Objective | None, epochs: int | None, seed: int | None
) -> TrainingConfig:
    """The settings of the file, or those that suit the data, overridden by the command line."""
    config = told_settings(Workspace(data)) if path is None else TrainingConfig.read(path)
    return replace(
        config,
        objective=config.objective if objective is None else objective,
        epochs=config.epochs if epochs is None else epochs,
        seed=config.seed if seed is None else seed,
    )


def told_settings(workspace: Workspace) -> TrainingConfig:
    """The settings that suit the data; says on stderr what was chosen and why: stdout may be for JSON."""
    from pipeline.suited_settings import suited_settings

    suited = suited_settings(workspace.clean)
    error_console.print(suited.sentence, highlight=False, soft_wrap=True)
    return suited.config
