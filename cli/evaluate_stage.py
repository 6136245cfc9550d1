"""The evaluation as a stage: it shows its progress, prints tables and verdicts, and writes evaluation.json."""

from collections.abc import Callable, Mapping
from contextlib import ExitStack

from rich.console import Console
from rich.text import Text

from cli.evaluation_table import WIDE_COLUMNS, evaluation_table, months_table
from cli.file_faults import refuse_unwritable
from cli.one_writer import only_writer
from cli.progress import console, months_bar, working
from cli.stop_signals import StoppedError, stop_request
from pipeline.dataset import Dataset, read_dataset
from pipeline.evaluate import evaluate
from pipeline.evaluation import Evaluation, Verdict, blend_line, verdict_line
from pipeline.month_towers import kept_towers
from pipeline.ranking import CUTOFF
from pipeline.train import TrainingStoppedError, train
from pipeline.trained_towers import TrainedTowers
from pipeline.training_config import TrainingConfig
from pipeline.training_run import TrainingRun
from pipeline.workspace import Workspace

_VERDICT_STYLES = {Verdict.AHEAD: "bold green", Verdict.LEVEL: "bold yellow", Verdict.BEHIND: "bold red"}


def evaluate_stage(
    workspace: Workspace,
    config: TrainingConfig,
    *,
    months: int = 1,
    keeps_towers: bool = True,
    candidates: Mapping[str, TrainingConfig] | None = None,
    split_name: str | None = None,
    device: str = "cpu",
    show: Callable[[Evaluation], None] | None = None,
) -> Evaluation:
    """Model and baselines, measured on the same months; ``show`` is by default ``print_evaluation``.

    The towers of the months are kept for later evaluations, also live ones, unless ``keeps_towers`` is false.
    StoppedError at SIGTERM or Ctrl-C, once the state is saved: the same call resumes.
    """
    refuse_unwritable(workspace.evaluation.parent, workspace.evaluation_towers)
    with working("read the data"):
        dataset = read_dataset(workspace.clean, workspace.text_embeddings)
    with ExitStack() as held:
        with stop_request() as request, months_bar("evaluate", epochs=config.epochs) as bar:

            def towers_of(past: Dataset, settings: TrainingConfig) -> TrainedTowers:
                held.enter_context(only_writer(workspace.evaluation_towers))  # data that are refused leave no directory
                return kept_towers(
                    workspace.evaluation_towers,
                    past,
                    settings,
                    lambda checkpoint: train(
                        past,
                        settings,
                        run=TrainingRun(
                            device=device,
                            checkpoint=checkpoint,
                            on_batch=bar.on_batch,
                            on_resume=bar.on_resume,
                            should_stop=request.is_made,
                        ),
                    ),
                    keeps=keeps_towers,
                )

            try:
                evaluation = evaluate(
                    dataset,
                    config,
                    months=months,
                    candidates=candidates,
                    split_name=split_name,
                    towers_of=towers_of,
                    on_month=lambda number, count, split: bar.on_month(number, count, split.label),
                    on_method=bar.note,
                )
            except TrainingStoppedError as stopped:
                raise StoppedError(f"the evaluation's training {stopped}", request.signal_number) from None
        evaluation.write(workspace.evaluation)
    (show or print_evaluation)(evaluation)
    return evaluation


def print_evaluation(evaluation: Evaluation, *, wide: bool = False) -> None:
    """Print the table of all methods, the months, and how the model stands to the best baseline of each group."""
    width = max(console.width, WIDE_COLUMNS) if wide else console.width
    Console(file=console.file, width=width).print(evaluation_table(evaluation, wide=wide))
    if len(evaluation.months) > 1:
        console.print(months_table(evaluation))
    console.print(f"Settings: {evaluation.settings}.", highlight=False)
    if line := blend_line(evaluation):
        console.print(line, highlight=False, soft_wrap=True)
    console.print(f"NDCG@{CUTOFF} beside the best baseline:", highlight=False)
    for group in evaluation.people:
        console.print(Text(verdict_line(group), style=_VERDICT_STYLES[group.verdict]))
