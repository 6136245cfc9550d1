"""`moodfeed evaluate --live`: replay the newest months of the log, and rank at each moment."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import typer
from rich.console import Console

from cli.file_faults import refuse_unwritable
from cli.live_evaluation_table import WIDE_COLUMNS, coverage_line, live_tables, verdict_lines
from cli.one_writer import only_writer
from cli.progress import console, printing_to_stderr, progress_bar, training_bar, working
from cli.stop_signals import StoppedError, stop_request
from pipeline.dataset import Dataset, read_dataset
from pipeline.live_evaluation.evaluate_live import evaluate_live
from pipeline.live_evaluation.live_results import LiveEvaluation
from pipeline.month_towers import kept_towers
from pipeline.train import TrainingStoppedError, train
from pipeline.trained_towers import TrainedTowers
from pipeline.training_config import TrainingConfig
from pipeline.training_run import TrainingRun
from pipeline.workspace import Workspace


def evaluate_live_command(
    workspace: Workspace, config: TrainingConfig, *, months: int, device: str, wide: bool, as_json: bool
) -> None:
    """Print the tables and the verdicts, or with ``as_json`` the document alone; progress then goes to stderr."""
    if as_json:
        with printing_to_stderr():
            evaluation = live_evaluation_stage(workspace, config, months=months, device=device)
        typer.echo(evaluation.as_json(), nl=False)
        return
    evaluation = live_evaluation_stage(workspace, config, months=months, device=device)
    width = max(console.width, WIDE_COLUMNS) if wide else console.width
    for table in live_tables(evaluation, wide=wide):
        Console(file=console.file, width=width).print(table)
    for line in (coverage_line(evaluation), *verdict_lines(evaluation)):
        console.print(line, highlight=False, soft_wrap=True)


def live_evaluation_stage(
    workspace: Workspace, config: TrainingConfig, *, months: int, device: str = "cpu"
) -> LiveEvaluation:
    """Train each month's towers if they are not kept from an earlier run, replay the months, and write the results.

    StoppedError at SIGTERM or Ctrl-C during a training: the same call resumes.
    """
    refuse_unwritable(workspace.live_evaluation.parent, workspace.evaluation_towers)
    with working("read the data"):
        dataset = read_dataset(workspace.clean, workspace.text_embeddings)
    held = ExitStack()

    def towers_of(past: Dataset, date: str) -> TrainedTowers:
        held.enter_context(only_writer(workspace.evaluation_towers))  # data that are refused leave no directory
        return kept_towers(
            workspace.evaluation_towers,
            past,
            config,
            lambda checkpoint: _train(past, config, device=device, checkpoint=checkpoint, date=date),
        )

    with held:
        evaluation = evaluate_live(dataset, towers_of, months=months, showing=_showing)
        evaluation.write(workspace.live_evaluation)
    return evaluation


def _train(past: Dataset, config: TrainingConfig, *, device: str, checkpoint: Path, date: str) -> TrainedTowers:
    with stop_request() as request, training_bar(f"train on data before {date}", epochs=config.epochs) as bar:
        try:
            return train(
                past,
                config,
                run=TrainingRun(
                    device=device,
                    checkpoint=checkpoint,
                    on_batch=bar.on_batch,
                    on_resume=bar.on_resume,
                    should_stop=request.is_made,
                ),
            )
        except TrainingStoppedError as stopped:
            raise StoppedError(f"the evaluation's training {stopped}", request.signal_number) from None


@contextmanager
def _showing(date: str) -> Iterator[Callable[[int, int], None]]:
    with progress_bar(f"replay the month from {date}", unit="rankings") as update:
        yield lambda done, total: update(done, total=total)
