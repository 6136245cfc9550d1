"""An evaluation is read at 80 columns and in a pipe: no figure is cut short."""

import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from cli import stages
from cli.__main__ import app
from cli.evaluation_table import WIDE_COLUMNS, ablation_table, cold_start_table, evaluation_table
from pipeline.ablate import Ablation
from pipeline.cold_start import ColdStart
from pipeline.evaluation import Evaluation, Metrics
from pipeline.ranking import Estimate
from tests.pipeline.by_hand.tiny_dataset import tiny_dataset

METRICS = Metrics(
    recall_at_10=Estimate(0.0998, 0.0971, 0.1026),
    ndcg_at_10=Estimate(0.0556, 0.0539, 0.0573),
    hit_rate_at_10=Estimate(0.2115, 0.2076, 0.2154),
    in_category_recall_at_10=Estimate(0.3115, 0.3076, 0.3154),
    in_category_ndcg_at_10=Estimate(0.1243, 0.1216, 0.1270),
    coverage_at_10=0.592,
    distinct_feeds=0.75,
)
EVALUATION = Evaluation(
    methods={
        "two-tower": METRICS,
        "hybrid (item-kNN + content)": replace(METRICS, ndcg_at_10=Estimate(0.01, 0.009, 0.011)),
    },
    split="the last five weeks, from 2026-09-26, are held back",
    test_users=129,
    test_users_seen_before=25,
    test_posts=10,
    test_posts_seen_before=5,
    ndcg_by_history_length=(),
    recall_by_post_age=(),
    recall_by_post_meetings=(),
    epochs=(),
    data_fingerprint="00",
)
NARROW = ("0.0998", ".0971-.1026", "0.0556", ".0539-.0573", "0.3115", ".3076-.3154", "0.1243", ".1216-.1270")
ONLY_WIDE = ("0.2115", ".2076-.2154", "0.592", "0.750")


def shown(width: int, *, wide: bool) -> str:
    output = io.StringIO()
    Console(file=output, width=width).print(evaluation_table(EVALUATION, wide=wide))
    return output.getvalue()


def test_every_figure_is_whole_at_80_columns_with_its_interval_below() -> None:
    text = shown(80, wide=False)
    assert max(map(len, text.splitlines())) <= 80
    assert "…" not in text
    for figure in (*NARROW, "hybrid (item-kNN +", "content)", "Recall@10", "in category"):
        assert figure in text
    lines = text.splitlines()
    row = next(number for number, line in enumerate(lines) if "two-tower" in line)
    assert "0.0998" in lines[row]
    assert ".0971-.1026" in lines[row + 1]


def test_wide_has_a_line_a_method_and_every_metric() -> None:
    text = shown(WIDE_COLUMNS, wide=True)
    line = next(line for line in text.splitlines() if "two-tower" in line)
    for figure in (*NARROW, *ONLY_WIDE):
        assert figure in line


def test_ablations_and_cold_starts_are_whole_at_80_columns_too() -> None:
    estimates = (METRICS.recall_at_10, METRICS.ndcg_at_10)
    in_category = (METRICS.in_category_recall_at_10, METRICS.in_category_ndcg_at_10)
    ablation = Ablation("plain two-tower: pooled history, text, in-batch softmax", *estimates, *in_category, 7, 1011.4)
    cold = ColdStart("other posts, among all, in the same run", "content-based (BERT)", 47602, *estimates)
    for table in (ablation_table([ablation]), cold_start_table([cold])):
        output = io.StringIO()
        Console(file=output, width=80).print(table)
        text = output.getvalue()
        assert "…" not in text
        assert all(figure in text for figure in NARROW[:4])


def test_an_evaluation_of_other_data_is_left_out_and_said(tmp_path: Path) -> None:
    dataset = tiny_dataset([(0, 0, "view", 1.0)])
    assert stages._evaluation_of(dataset, tmp_path / "evaluation.json") is None
    EVALUATION.write(tmp_path / "evaluation.json")
    with stages.console.capture() as said:
        assert stages._evaluation_of(dataset, tmp_path / "evaluation.json") is None
    assert "measured other data" in said.get()
    own = replace(EVALUATION, data_fingerprint=dataset.fingerprint())
    own.write(tmp_path / "evaluation.json")
    assert stages._evaluation_of(dataset, tmp_path / "evaluation.json") == own


@pytest.fixture
def evaluated(monkeypatch: pytest.MonkeyPatch) -> None:
    """The stage without its training, which other tests run."""

    def stage(
        workspace: object, config: object, *, show: Callable[[Evaluation], None], **options: object
    ) -> Evaluation:
        stages.console.print("progress")
        show(EVALUATION)
        return EVALUATION

    monkeypatch.setattr(stages, "evaluate_stage", stage)


@pytest.mark.usefixtures("evaluated")
def test_in_a_pipe_no_figure_is_cut_short() -> None:
    output = CliRunner().invoke(app, ["evaluate"]).stdout
    assert all(figure in output for figure in NARROW)
    wide = CliRunner().invoke(app, ["evaluate", "--wide"]).stdout
    assert all(figure in wide for figure in (*NARROW, *ONLY_WIDE))


@pytest.mark.usefixtures("evaluated")
def test_json_has_stdout_for_itself() -> None:
    result = CliRunner().invoke(app, ["evaluate", "--json"])
    assert json.loads(result.stdout)["methods"]["two-tower"]["recall_at_10"]["mean"] == 0.0998
    assert "progress" in result.stderr
