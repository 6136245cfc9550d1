"""A whole live evaluation of a small log."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from pipeline.dataset import Dataset
from pipeline.evaluate import TooLittleDataError
from pipeline.evaluation import EvaluationError
from pipeline.live_evaluation.evaluate_live import evaluate_live
from pipeline.live_evaluation.live_results import LiveEvaluation
from pipeline.live_evaluation.replay import METHODS
from pipeline.live_evaluation.variants import Variant
from pipeline.train import train
from pipeline.trained_towers import TrainedTowers
from pipeline.training_config import TrainingConfig
from tests.pipeline.live_evaluation.made_up_log import Met, busy_log, made_up_log

LOG = busy_log()
pasts: list[tuple[str, Dataset]] = []


def towers_of(past: Dataset, day: str) -> TrainedTowers:
    pasts.append((day, past))
    return train(past, TrainingConfig(epochs=1, representation_dimension=8, popularity_dimension=4))


@pytest.fixture(scope="module")
def evaluation() -> LiveEvaluation:
    pasts.clear()
    return evaluate_live(LOG, towers_of, months=2)


def test_each_month_has_towers_of_its_own_past(evaluation: LiveEvaluation) -> None:
    assert [day for day, _ in pasts] == [month.split for month in evaluation.months]
    for day, past in pasts:
        split_day = (date.fromisoformat(day) - date(1970, 1, 1)).days
        assert past.event_days.max() < split_day + 1
        assert past.created_days.max() < split_day + 1
    assert len(pasts[0][1].post_ids) < len(LOG.post_ids)


def test_groups_cases_and_months_add_up(evaluation: LiveEvaluation) -> None:
    for asked, cases in (
        (evaluation.session_start, [month.sessions for month in evaluation.months]),
        (evaluation.next_post, [month.next_posts for month in evaluation.months]),
    ):
        groups = asked.groups
        assert groups["all"].cases == groups["new"].cases + groups["with a history"].cases == sum(cases)
        assert groups["all"].people == groups["new"].people + groups["with a history"].people
        assert set(groups["all"].methods) == set(METHODS)
        assert all(set(variants) == set(Variant) for variants in groups["all"].methods.values())
    nexts = evaluation.next_post.groups
    assert nexts["all"].cases == nexts["first of a session"].cases + nexts["later in a session"].cases
    assert set(evaluation.session_start.groups) == {"all", "new", "with a history"}
    assert evaluation.data_fingerprint == LOG.fingerprint()


def test_the_months_average_to_the_whole(evaluation: LiveEvaluation) -> None:
    for asked in (evaluation.session_start, evaluation.next_post):
        for method, variants in asked.ndcg_by_month.items():
            for variant, by_month in variants.items():
                mean = np.mean([each for each in by_month if each is not None])
                assert asked.groups["all"].methods[method][variant].ndcg_at_10.mean == pytest.approx(mean)


def test_the_verdict_names_the_best_live_baseline(evaluation: LiveEvaluation) -> None:
    for asked in (evaluation.session_start, evaluation.next_post):
        live = {name: variants[Variant.LIVE].ndcg_at_10.mean for name, variants in asked.groups["all"].methods.items()}
        model = live.pop("two-tower")
        assert asked.verdict.baseline == max(live, key=live.__getitem__)
        difference = asked.verdict.difference
        assert difference.mean == pytest.approx(model - max(live.values()))
        assert difference.low <= difference.mean <= difference.high


def test_the_same_log_and_towers_give_the_same_results(evaluation: LiveEvaluation) -> None:
    assert evaluate_live(LOG, towers_of, months=2) == evaluation


def test_the_results_read_back(evaluation: LiveEvaluation, tmp_path: Path) -> None:
    evaluation.write(tmp_path / "live_evaluation.json")
    assert LiveEvaluation.read(tmp_path / "live_evaluation.json") == evaluation


def test_missing_and_broken_results_name_the_command_that_makes_them(tmp_path: Path) -> None:
    path = tmp_path / "live_evaluation.json"
    with pytest.raises(EvaluationError, match=r"is missing: run `moodfeed evaluate --live`"):
        LiveEvaluation.read(path)
    path.write_text("{}", encoding="utf-8")
    with pytest.raises(EvaluationError, match=r"cannot be read.*`moodfeed evaluate --live` again"):
        LiveEvaluation.read(path)


def test_the_replay_of_each_month_is_shown() -> None:
    shown: dict[str, list[int]] = {}

    @contextmanager
    def showing(day: str) -> Iterator[object]:
        heard = shown.setdefault(day, [])
        yield lambda done, _: heard.append(done)

    evaluation = evaluate_live(LOG, towers_of, months=1, showing=showing)  # type: ignore[arg-type]
    assert list(shown) == [evaluation.months[0].split]
    assert len(shown[evaluation.months[0].split]) >= evaluation.months[0].next_posts * len(Variant)


def test_a_log_without_a_clock_is_refused_before_anything_is_trained() -> None:
    before = len(pasts)
    with pytest.raises(EvaluationError, match="no timestamps"):
        evaluate_live(replace(LOG, is_timed=False), towers_of)
    assert len(pasts) == before


def test_months_in_which_nobody_met_anything_new_are_too_little() -> None:
    day = 1440
    old = [Met(0, 0, 0), Met(0, 1, 28 * day), Met(0, 1, 90 * day, "like")]
    with pytest.raises(TooLittleDataError, match="nobody met a post for the first time"):
        evaluate_live(made_up_log(old), towers_of, months=1)
