"""`moodfeed evaluate --live` at 80 columns, in a pipe, as JSON, and on data that it refuses."""

import io
import json
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from cli import live_evaluation_command
from cli.live_evaluation_table import WIDE_COLUMNS, live_tables, verdict_lines
from cli.subcommands import app
from pipeline.dataset import Dataset
from pipeline.evaluation import EvaluationError
from pipeline.live_evaluation.live_results import Asked, LiveEvaluation, LiveGroup, LiveMetrics, LiveMonth, Verdict
from pipeline.live_evaluation.replay import METHODS
from pipeline.live_evaluation.variants import Variant
from pipeline.paired_bootstrap import Difference
from pipeline.ranking import Estimate
from tests.pipeline.live_evaluation.made_up_log import busy_log


def metrics(mean: float) -> LiveMetrics:
    estimate = Estimate(mean, mean - 0.01, mean + 0.01)
    return LiveMetrics(estimate, replace(estimate, mean=mean + 0.002), replace(estimate, mean=mean + 0.003))


def asked(groups: tuple[str, ...], *, standing: str = "behind") -> Asked:
    methods = {
        method: {variant.value: metrics(0.1 + row / 100 + column / 1000) for column, variant in enumerate(Variant)}
        for row, method in enumerate(METHODS)
    }
    return Asked(
        groups={group: LiveGroup(533, 4903, methods) for group in groups},
        verdict=Verdict("blend", Difference(-0.07, -0.08, -0.06), standing),
        ndcg_by_month={},
    )


SESSION_GROUPS = ("all", "new", "with a history")
EVALUATION = LiveEvaluation(
    months=(
        LiveMonth("2026-08-26", "2026-09-30", 97, 17, 200, 900, 100),
        LiveMonth("2026-09-25", "2026-10-30", 129, 25, 230, 1137, 129),
    ),
    session_start=asked(SESSION_GROUPS),
    next_post=asked((*SESSION_GROUPS, "first of a session", "later in a session"), standing="level"),
    data_fingerprint="00",
)


def shown(width: int, *, wide: bool) -> str:
    output = io.StringIO()
    for table in live_tables(EVALUATION, wide=wide):
        Console(file=output, width=width).print(table)
    return output.getvalue()


def test_every_figure_is_whole_at_80_columns() -> None:
    text = shown(80, wide=False)
    assert max(map(len, text.splitlines())) <= 80
    assert "…" not in text
    lines = text.splitlines()
    assert all(any(line.strip().startswith(method) for line in lines) for method in METHODS)
    model = [line.split() for line in lines if line.strip().startswith("two-tower")]
    assert model[0] == ["two-tower", "0.100", "0.101", "0.102", "0.103", "0.105", "0.103", "0.103"]
    assert model[1] == ["two-tower", "0.100", "0.101", "0.102", "0.103", "0.105", "0.103", "0.103", "0.103", "0.103"]


def test_wide_has_a_table_a_group_with_intervals_and_every_metric() -> None:
    text = shown(WIDE_COLUMNS, wide=True)
    assert "…" not in text
    lines = [line for line in text.splitlines() if "two-tower" in line]
    assert len(lines) == len(SESSION_GROUPS) + len(EVALUATION.next_post.groups)
    assert "0.1030 (.0930-.1130)" in lines[0]
    assert "0.1050" in lines[0]
    assert "0.1060" in lines[0]


def test_the_verdict_names_the_best_live_baseline_and_the_interval() -> None:
    start, next_post = map(str, verdict_lines(EVALUATION))
    difference = "the best live baseline, blend, in NDCG@10: -0.0700 (-0.0800 to -0.0600)."
    assert start == f"At a session's start the live model is behind {difference}"
    assert next_post == f"At the next post the live model is level with {difference}"


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Dataset:
    """In place of the tables of a workspace."""
    dataset = busy_log()
    monkeypatch.setattr(live_evaluation_command, "read_dataset", lambda *_: dataset)
    return dataset


@pytest.mark.usefixtures("log")
def test_the_command_trains_replays_prints_and_writes(tmp_path: Path) -> None:
    command = ["evaluate", "--live", "--data", str(tmp_path), "--epochs", "1", "--months", "1"]
    result = CliRunner().invoke(app, command, catch_exceptions=False)
    assert result.exit_code == 0
    for words in ("train on data before", "replay the month from", "Replayed 1 month", "best live baseline"):
        assert words in result.output
    written = LiveEvaluation.read(tmp_path / "live_evaluation.json")

    again = CliRunner().invoke(app, [*command, "--json"], catch_exceptions=False)
    assert json.loads(again.stdout) == json.loads(written.as_json())
    assert "replay the month from" in again.stderr
    assert "train on" not in again.stderr  # the towers are kept


def test_data_without_a_clock_is_refused_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, log: Dataset
) -> None:
    monkeypatch.setattr(live_evaluation_command, "read_dataset", lambda *_: replace(log, is_timed=False))
    result = CliRunner().invoke(app, ["evaluate", "--live", "--data", str(tmp_path)])
    assert isinstance(result.exception, EvaluationError)
    assert "no timestamps" in str(result.exception)
    assert not list(tmp_path.iterdir())


def test_a_split_is_not_for_a_replay(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["evaluate", "--live", "--split", "last", "--data", str(tmp_path)])
    assert result.exit_code == 2
    assert "not for --live" in " ".join(result.output.replace("│", " ").split())
