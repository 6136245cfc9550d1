"""The stages that load torch, over a workspace; each shows its progress and prints its result."""

import json
import signal
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from bundle.stored_bundles import DEFAULT_KEEP
from cli.collect_command import collect_if_there_is_a_store
from cli.data_stages import Upstream, clean_stage, embed_stage, fetch_stage
from cli.evaluate_stage import evaluate_stage
from cli.evaluation_table import ablation_table, cold_start_table, estimate_cell
from cli.file_faults import refuse_unwritable
from cli.one_writer import only_writer
from cli.progress import console, training_bar, working
from cli.score_stage import score_stage
from cli.stop_signals import StoppedError, stop_request
from cli.training_settings import told_settings
from cli.validation import validate_stage
from pipeline.ablate import Ablation, ablate, write_ablations
from pipeline.cold_start import ColdStart, measure_cold_posts, measure_cold_users
from pipeline.dataset import Dataset, read_dataset
from pipeline.evaluate import TooLittleDataError
from pipeline.evaluation import Evaluation
from pipeline.live_evaluation.live_results import LiveEvaluation
from pipeline.publish import Published
from pipeline.ranking import CUTOFF
from pipeline.ranks import ALONE, Ranks
from pipeline.train import TrainingStoppedError, train
from pipeline.trained_towers import EpochReport, TrainedTowers
from pipeline.training_config import TrainingConfig
from pipeline.training_run import TrainingRun
from pipeline.validation_report import ValidationReport
from pipeline.workspace import Workspace


def train_stage(
    workspace: Workspace,
    config: TrainingConfig,
    *,
    device: str = "cpu",
    log: Path | None = None,
    ranks: Ranks = ALONE,
    is_left_behind: Callable[[], bool] = lambda: False,
) -> TrainedTowers:
    """All interactions to towers; a JSON line for each epoch is appended to ``log``.

    Of several processes the first writes the files. They stop as at SIGTERM where one of them is left behind.
    BusyDirectoryError if another training of the same objective writes there; other stages may run beside it.
    StoppedError at SIGTERM or Ctrl-C, once the state is saved: the same call resumes.
    """
    refuse_unwritable(
        workspace.checkpoint(config.objective).parent, workspace.towers(config.objective), *([log] if log else [])
    )
    with working("read the data"):
        dataset = _dataset(workspace)
    together = f", in {ranks.size} processes" if ranks.size > 1 else ""
    console.print(f"Training on {len(dataset.pairs):,} interactions in batches of {config.batch_size:,}{together}.")
    started = time.monotonic()
    towers_directory = workspace.towers(config.objective)
    with only_writer(towers_directory) if ranks.is_first else nullcontext():
        with stop_request() as request, training_bar(f"train ({config.objective})", epochs=config.epochs) as bar:

            def on_epoch(report: EpochReport) -> None:
                bar.on_epoch(report)
                if log and ranks.is_first:
                    with log.open("a", encoding="utf-8") as lines:
                        lines.write(json.dumps(asdict(report)) + "\n")

            try:
                towers = train(
                    dataset,
                    config,
                    run=TrainingRun(
                        device=device,
                        checkpoint=workspace.checkpoint(config.objective),
                        on_batch=bar.on_batch,
                        on_epoch=on_epoch,
                        on_resume=bar.on_resume,
                        ranks=ranks,
                        should_stop=lambda: request.is_made() or is_left_behind(),
                    ),
                )
            except TrainingStoppedError as stopped:
                raise StoppedError(f"training {stopped}", request.signal_number or signal.SIGTERM) from None
        if ranks.is_first:
            towers.write(towers_directory)
    if not towers.epochs:
        console.print("No interactions yet: the towers are untrained, and feeds follow moods and categories.")
    console.print(f"Trained {len(towers.epochs)} epochs in {time.monotonic() - started:.0f} s.")
    return towers


def ablate_stage(
    workspace: Workspace, config: TrainingConfig, *, only: str, output: Path | None, device: str
) -> tuple[Ablation, ...]:
    """Variants of the configuration with one setting changed each, trained one by one."""
    if output:
        refuse_unwritable(output.parent)
    dataset = _dataset(workspace)
    with training_bar("ablate", epochs=config.epochs) as bar:
        rows = ablate(
            dataset,
            config,
            only=lambda name: only in name,
            device=device,
            on_batch=lambda name, done, loss: bar.on_batch(done, loss, name),
            on_row=lambda row: console.print(f"{row.name}: NDCG@{CUTOFF}", estimate_cell(row.ndcg_at_10, wide=True)),
        )
    console.print(ablation_table(rows))
    if output:
        write_ablations(rows, output)
    return rows


def cold_start_stage(workspace: Workspace, config: TrainingConfig, *, device: str) -> tuple[ColdStart, ...]:
    """Posts without interactions, and users unknown to training; the model is trained without them."""
    dataset = _dataset(workspace)
    with training_bar("train without the cold posts", epochs=config.epochs) as bar:
        rows = measure_cold_posts(dataset, config, device=device, on_batch=bar.on_batch)
    with training_bar("train without the cold users", epochs=config.epochs) as bar:
        rows += measure_cold_users(dataset, config, device=device, on_batch=bar.on_batch)
    console.print(cold_start_table(rows))
    return rows


def export_stage(
    workspace: Workspace,
    bundles: Path,
    *,
    objective: str,
    encoder_directory: Path,
    publish_it: bool = True,
    with_evaluation: bool = True,
    keep: int = DEFAULT_KEEP,
) -> Published:
    """Towers to a bundle, made current unless ``publish_it`` is false; the newest ``keep`` bundles stay.

    The bundle holds the workspace's evaluation, if there is one of the same data and ``with_evaluation`` is true.
    """
    from pipeline.export import export  # noqa: PLC0415 - loads transformers, which the other stages do without
    from pipeline.refresh import note_made_of  # noqa: PLC0415

    refuse_unwritable(bundles)
    dataset = _dataset(workspace)
    evaluation = _evaluation_of(dataset, workspace.evaluation) if with_evaluation else None
    with working("export") as note:
        exported = export(
            dataset,
            TrainedTowers.read(workspace.towers(objective)),
            evaluation,
            encoder_directory=encoder_directory,
            bundles=bundles,
            live=LiveEvaluation.read_of(workspace.live_evaluation, fingerprint=dataset.fingerprint()),
            validation=_validation_of(dataset, workspace.clean),
            sidecar={"created_at": datetime.now(UTC).isoformat(timespec="seconds")},
            publish_it=publish_it,
            keep=keep,
            on_wait=lambda: note(f"waiting for another process that is changing {bundles}"),
        )
    if evaluation is None:
        console.print("The bundle has no offline metrics; `moodfeed evaluate` before `moodfeed export` adds them.")
    if publish_it:
        note_made_of(workspace, exported.bundle_id, dataset)
        console.print(
            f"Bundle {exported.bundle_id} is current in {bundles}; `moodfeed report` shows where its report is."
        )
    else:
        console.print(f"Bundle {exported.bundle_id} is written to {bundles}; `moodfeed publish` makes it current.")
    return exported


def build_bundle(
    workspace: Workspace,
    bundles: Path,
    *,
    upstream: Upstream,
    encoder_directory: Path,
    accept_losses: bool = False,
    accept_invalid: bool = False,
) -> None:
    """Every stage with its defaults; data too small for an evaluation gives a bundle without metrics."""
    with only_writer(workspace.directory):
        fetch_stage(workspace, upstream)
        clean_stage(workspace, accept_losses=accept_losses)
        collect_if_there_is_a_store(workspace)
        build_from_clean_tables(workspace, bundles, encoder_directory=encoder_directory, accept_invalid=accept_invalid)


def build_from_clean_tables(
    workspace: Workspace, bundles: Path, *, encoder_directory: Path, accept_invalid: bool = False
) -> None:
    """The stages after clean or import, with the training settings that suit the data."""
    config = told_settings(workspace)
    validate_stage(workspace, bundles, accept_invalid=accept_invalid)
    score_stage(workspace)
    embed_stage(workspace, encoder_directory)
    train_stage(workspace, config)
    try:
        evaluate_stage(workspace, config, keeps_towers=False)
        is_evaluated = True
    except TooLittleDataError as error:
        console.print(f"Not evaluated: {error}.")
        is_evaluated = False
    export_stage(
        workspace,
        bundles,
        objective=config.objective,
        encoder_directory=encoder_directory,
        with_evaluation=is_evaluated,
    )


def _evaluation_of(dataset: Dataset, path: Path) -> Evaluation | None:
    """The stored evaluation; None if there is none, or if it measured other data, which is printed."""
    if not path.exists():
        return None
    evaluation = Evaluation.read(path)
    if evaluation.data_fingerprint == dataset.fingerprint():
        return evaluation
    console.print(f"{path} measured other data; the bundle is written without it.", soft_wrap=True)
    return None


def _validation_of(dataset: Dataset, clean: Path) -> ValidationReport | None:
    """What `moodfeed validate` found in these tables; None if it has not seen them."""
    report = ValidationReport.read(clean)
    rows = {"post": len(dataset.post_ids), "user": len(dataset.user_ids), "interaction": len(dataset.events)}
    return report if report and dict(report.rows) == rows else None


def _dataset(workspace: Workspace) -> Dataset:
    return read_dataset(workspace.clean, workspace.text_embeddings)
