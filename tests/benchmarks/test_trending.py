"""The trend that the index gives live is the one that `evaluate --live` computes from the whole log."""

from pathlib import Path

import pytest

from benchmarks.trending import main, rows
from pipeline.workspace import Workspace
from scripts.made_up_workspace import write_made_up_workspace


def test_trends_asked_live_are_those_of_the_live_evaluation(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_made_up_workspace(Workspace(tmp_path), posts=60, users=40, events=900)
    live, of_bundle = rows(tmp_path, months=1)
    assert live.measured == pytest.approx(live.beside, abs=0.005)
    assert 0 < of_bundle.measured <= live.measured
    main([str(tmp_path), "--months", "1"])
    assert f"{live.measured:.4g} NDCG@10" in capsys.readouterr().out
