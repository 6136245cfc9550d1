"""The tables of the documents are written between markers, and the documents hold them."""

from pathlib import Path

import pytest

from pipeline.live_evaluation.live_results import LiveEvaluation
from scripts.write_quality import QUALITY, README, live_table, write_between
from tests.pipeline.live_document import live_document


@pytest.mark.parametrize(("document", "names"), [(QUALITY, ["sample", "live"]), (README, ["verdicts"])])
def test_each_document_holds_its_markers_once(document: Path, names: list[str]) -> None:
    text = document.read_text(encoding="utf-8")
    for name in names:
        assert text.count(f"<!-- {name} -->\n") == text.count(f"<!-- end of {name} -->") == 1


def test_what_stands_between_the_markers_is_replaced_and_the_rest_stays(tmp_path: Path) -> None:
    document = tmp_path / "document.md"
    document.write_text("before\n<!-- one -->\nold\n<!-- end of one -->\nafter\n", encoding="utf-8")
    write_between(document, "one", "\n| new |\n")
    write_between(document, "one", "\n| newer |\n")
    assert document.read_text(encoding="utf-8") == "before\n<!-- one -->\n| newer |\n<!-- end of one -->\nafter\n"


def test_a_live_evaluation_is_a_table_for_each_kind_of_moment(tmp_path: Path) -> None:
    path = tmp_path / "live_evaluation.json"
    path.write_text(live_document("mine"), encoding="utf-8")
    live = LiveEvaluation.read_of(path, fingerprint="mine")
    assert live is not None
    text = live_table(live)
    assert "| at a session's start | frozen | daily | daily, live history | live |" in text
    assert "| **two-tower** | **.100** | **.200** | **.250** | **.300** |" in text
    assert "Beside the live baseline category x trend, the live model is behind." in text
