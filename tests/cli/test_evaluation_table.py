"""An evaluation is read at 80 columns and in a pipe: no figure is cut short."""

import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from cli import evaluate_stage, stages
from cli.evaluation_table import WIDE_COLUMNS, ablation_table, cold_start_table, evaluation_table, months_table
from cli.subcommands import app
from pipeline.ablate import Ablation
from pipeline.baselines import TIMED_BASELINES
from pipeline.cold_start import ColdStart
from pipeline.evaluation import Evaluation, Metrics, Month, PeopleGroup, Verdict
from pipeline.paired_bootstrap import Difference
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
BEST = "implicit ALS (collaborative)"


def group(label: str, model: float, best: float, verdict: Verdict) -> PeopleGroup:
    difference = model - best
    return PeopleGroup(
        label=label,
        cases=129,
        ndcg_at_10={
            "two-tower": Estimate(model, model - 0.01, model + 0.01),
            BEST: Estimate(best, best - 0.01, best + 0.01),
        },
        to_best_baseline={
            "two-tower": Difference(difference, difference - 0.01, difference + 0.01),
            BEST: Difference(0.0, 0.0, 0.0),
        },
        best_baseline=BEST,
        verdict=verdict,
    )


NO_CLOCK = Evaluation(
    methods={"two-tower": METRICS, BEST: replace(METRICS, ndcg_at_10=Estimate(0.01, 0.009, 0.011))},
    people=(group("all", 0.0556, 0.01, Verdict.AHEAD),),
    months=(Month("", 129, 129, 129, 0, {"all": {"two-tower": 0.0556, BEST: 0.01}}),),
    split="each person's last interaction held back",
    settings="none was chosen on this data, so every month is judged",
    test_users=129,
    test_users_seen_before=129,
    test_posts=10,
    test_posts_seen_before=5,
    ndcg_by_history_length=(),
    recall_by_post_age=(),
    recall_by_post_meetings=(),
    epochs=(),
    data_fingerprint="00",
)
EVALUATION = replace(
    NO_CLOCK,
    people=(
        group("all", 0.162, 0.186, Verdict.BEHIND),
        group("new", 0.167, 0.174, Verdict.LEVEL),
        group("with a history", 0.130, 0.1, Verdict.AHEAD),
    ),
    months=tuple(
        Month(f"2026-0{number}-25", 129, 25, 1000, 300, {"all": {"two-tower": 0.162, BEST: 0.186, "random": 0.01}})
        for number in range(9, 3, -1)
    ),
    split="6 months, each 35 days from 2026-04-25 to 2026-09-25 held back",
)
NARROW = ("0.0998", ".0971-.1026", "0.0556", ".0539-.0573", "0.3115", ".3076-.3154", "0.1243", ".1216-.1270")
ONLY_WIDE = ("0.2115", ".2076-.2154", "0.592", "0.750")
GROUPS = ("0.162", ".152-.172", "0.167", ".157-.177", "0.130", ".120-.140", "-.024", "-.034 -.014", "0.124")


def shown(width: int, *, wide: bool, evaluation: Evaluation = EVALUATION) -> str:
    output = io.StringIO()
    Console(file=output, width=width).print(evaluation_table(evaluation, wide=wide))
    return output.getvalue()


def test_every_group_has_its_figure_at_80_columns_with_its_interval_below() -> None:
    text = shown(80, wide=False)
    assert max(map(len, text.splitlines())) <= 80
    assert "…" not in text
    for figure in (*GROUPS, "implicit ALS", "(collaborative)", "NDCG@10", "in category", "history", "best"):
        assert figure in text
    lines = text.splitlines()
    row = next(number for number, line in enumerate(lines) if "two-tower" in line)
    assert "0.162" in lines[row]
    assert ".152-.172" in lines[row + 1]


def test_every_method_of_data_with_a_clock_is_whole_at_80_columns() -> None:
    names = dict.fromkeys(TIMED_BASELINES, METRICS)
    everybody = EVALUATION.people[0]
    people = tuple(
        replace(
            each,
            ndcg_at_10=each.ndcg_at_10 | dict.fromkeys(names, Estimate(0.111, 0.101, 0.121)),
            to_best_baseline=each.to_best_baseline | dict.fromkeys(names, everybody.to_best_baseline["two-tower"]),
        )
        for each in EVALUATION.people
    )
    text = shown(80, wide=False, evaluation=replace(EVALUATION, methods=EVALUATION.methods | names, people=people))
    assert "…" not in text
    for name in TIMED_BASELINES:
        assert all(word in text for word in name.split())


def test_data_with_known_people_alone_has_recall_and_ndcg_with_four_digits() -> None:
    text = shown(80, wide=False, evaluation=NO_CLOCK)
    assert max(map(len, text.splitlines())) <= 80
    assert "…" not in text
    for figure in (*NARROW, "Recall@10", "in category"):
        assert figure in text


@pytest.mark.parametrize("evaluation", [EVALUATION, NO_CLOCK])
def test_wide_has_a_line_a_method_and_every_metric(evaluation: Evaluation) -> None:
    text = shown(WIDE_COLUMNS, wide=True, evaluation=evaluation)
    line = next(line for line in text.splitlines() if "two-tower" in line)
    for figure in ("0.0998", ".0971-.1026", "0.3115", "0.1243", *ONLY_WIDE):
        assert figure in line
    of_everybody = {id(EVALUATION): ("0.1620", "0.1670", "0.1300", "-.0240"), id(NO_CLOCK): ("0.0556", "+.0456")}
    for figure in of_everybody[id(evaluation)]:
        assert figure in line


def test_the_months_stand_newest_first_beside_the_best_baseline() -> None:
    output = io.StringIO()
    Console(file=output, width=80).print(months_table(EVALUATION))
    text = output.getvalue()
    assert max(map(len, text.splitlines())) <= 80
    assert "…" not in text
    dates = [line.split()[0] for line in text.splitlines() if line.strip().startswith("2026")]
    assert dates == ["2026-09-25", "2026-08-25", "2026-07-25", "2026-06-25", "2026-05-25", "2026-04-25"]
    assert "0.186 implicit ALS" in text


def test_the_verdict_of_each_group_is_printed_within_80_columns() -> None:
    with stages.console.capture() as said:
        evaluate_stage.print_evaluation(EVALUATION)
    lines = [" ".join(line.split()) for line in said.get().splitlines()]
    text = " ".join(lines)
    assert "all (129): two-tower .162 is behind implicit ALS (collaborative) .186: -.024 (-.034 to -.014)" in text
    assert "new (129): two-tower .167 is level with implicit ALS (collaborative) .174" in text
    assert "with a history (129): two-tower .130 is ahead of implicit ALS (collaborative) .100" in text
    assert "none was chosen on this data" in text
    assert max(map(len, said.get().splitlines())) <= stages.console.width


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

    monkeypatch.setattr(evaluate_stage, "evaluate_stage", stage)


@pytest.mark.usefixtures("evaluated")
def test_in_a_pipe_no_figure_is_cut_short() -> None:
    output = CliRunner().invoke(app, ["evaluate"]).stdout
    assert all(figure in output for figure in GROUPS)
    wide = CliRunner().invoke(app, ["evaluate", "--wide"]).stdout
    assert all(figure in wide for figure in ("0.0998", *ONLY_WIDE))


@pytest.mark.usefixtures("evaluated")
def test_json_has_stdout_for_itself() -> None:
    result = CliRunner().invoke(app, ["evaluate", "--json"])
    document = json.loads(result.stdout)
    assert document["methods"]["two-tower"]["recall_at_10"]["mean"] == 0.0998
    assert [group["verdict"] for group in document["people"]] == ["behind", "level", "ahead"]
    assert "progress" in result.stderr


@pytest.mark.usefixtures("evaluated")
def test_markdown_has_stdout_for_itself_and_every_table() -> None:
    result = CliRunner().invoke(app, ["evaluate", "--markdown"])
    assert result.stdout.startswith("6 months, each 35 days from 2026-04-25 to 2026-09-25 held back: 129 cases")
    assert "- all (129): two-tower .162 is behind" in result.stdout
    assert "| **two-tower** | **.162 (.152–.172)** | **.167 (.157–.177)** |" in result.stdout
    assert f"| 2026-04-25 | 129 | 25 | 30% | .162 | .186 | {BEST} (.186) |" in result.stdout
    assert "progress" in result.stderr
