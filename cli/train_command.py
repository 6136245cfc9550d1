"""`moodfeed train`: in one process, in several of this machine, or as one of those that torchrun has started."""

import os
from pathlib import Path
from typing import Annotated

import typer

from cli.pipeline_commands import ConfigOption, DataOption, DeviceOption, EpochsOption, ObjectiveOption, SeedOption
from cli.rank_variables import processes_of_the_training
from cli.training_processes import is_rank, printing_once, this_rank, train_in_processes
from cli.training_settings import training_config
from pipeline.workspace import Workspace


def train(
    data: DataOption = Path("data"),
    config: ConfigOption = None,
    objective: ObjectiveOption = None,
    epochs: EpochsOption = None,
    seed: SeedOption = None,
    device: DeviceOption = "cpu",
    processes: Annotated[
        int,
        typer.Option(
            min=1, help="Processes of this machine that divide each batch; with --device cuda each takes a GPU."
        ),
    ] = 1,
    log: Annotated[
        Path | None, typer.Option(help="File to append a JSON line to for each epoch: losses and metrics.")
    ] = None,
) -> None:
    """Train the two towers; resumes an interrupted run."""
    joined = processes_of_the_training() if is_rank() else processes
    with printing_once(processes):
        wanted = training_config(data, config, objective, epochs, seed)  # before torch: a refusal is said at once
        _refuse_another_count(processes, joined)
        _refuse_idle_processes(joined, wanted.batch_size)
        _refuse_device(device, joined)
        if log:
            log.open("a", encoding="utf-8").close()  # an OSError now, and not after the first epoch
        if processes > 1 and not is_rank():
            train_in_processes(processes)
            return
        os.environ.setdefault(
            "OMP_WAIT_POLICY", "PASSIVE"
        )  # read as torch loads: a thread that waits takes no processor
        from cli import stages

        with this_rank(device) as (ranks, own_device, is_left_behind):
            stages.train_stage(
                Workspace(data), wanted, device=own_device, log=log, ranks=ranks, is_left_behind=is_left_behind
            )


def _refuse_device(device: str, processes: int) -> None:
    if processes > 1 and device not in {"cpu", "cuda"}:
        raise typer.BadParameter(
            f"{device!r} is neither cpu nor cuda, with which each of several processes takes a GPU of its own",
            param_hint="--device",
        )


def _refuse_another_count(processes: int, joined: int) -> None:
    if processes not in {1, joined}:
        raise typer.BadParameter(
            f"{processes} are asked for, and torchrun has started {joined}, as the variable WORLD_SIZE says: leave the "
            "option out, or start the command without torchrun",
            param_hint="--processes",
        )


def _refuse_idle_processes(processes: int, batch_size: int) -> None:
    if processes > batch_size:
        raise typer.BadParameter(
            f"{processes} processes cannot divide batches of {batch_size} examples: some would have nothing to do. "
            "Start fewer, or set a larger batch_size in --config"
        )
