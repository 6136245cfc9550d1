from pathlib import Path

import pytest

from pipeline.evaluation import EvaluationError
from pipeline.live_evaluation.live_results import LiveEvaluation
from tests.pipeline.live_document import live_document


def test_a_live_evaluation_reads_back_with_its_variants_in_the_order_of_knowledge(tmp_path: Path) -> None:
    path = tmp_path / "live_evaluation.json"
    path.write_text(live_document("mine"), encoding="utf-8")
    found = LiveEvaluation.read_of(path, fingerprint="mine")
    assert found is not None
    assert found.session_start.variants == ("frozen", "daily", "daily, live history", "live")
    assert found.session_start.everybody.methods["two-tower"]["live"].ndcg_at_10.mean == 0.3
    assert found.next_post.verdict.standing == "level"


def test_no_live_evaluation_or_one_of_other_data_is_none(tmp_path: Path) -> None:
    path = tmp_path / "live_evaluation.json"
    assert LiveEvaluation.read_of(path, fingerprint="mine") is None
    path.write_text(live_document("other"), encoding="utf-8")
    assert LiveEvaluation.read_of(path, fingerprint="mine") is None


def test_a_broken_live_evaluation_names_the_command_that_makes_one(tmp_path: Path) -> None:
    path = tmp_path / "live_evaluation.json"
    path.write_text("{}", encoding="utf-8")
    with pytest.raises(EvaluationError, match="moodfeed evaluate --live"):
        LiveEvaluation.read_of(path, fingerprint="mine")
