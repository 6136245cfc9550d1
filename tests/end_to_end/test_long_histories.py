"""`moodfeed import` and `moodfeed run` on files like other people's: long histories, and much of the rest missing."""

from pathlib import Path

import pytest

from scripts.made_up_ratings import Variant, write_ratings
from tests.end_to_end.test_import import moodfeed


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("variant", "said"),
    [
        (Variant.FULL, "timestamps over four weeks or more, and texts of 100% of 60 posts"),
        (Variant.NO_CLOCK, "an order without timestamps, and texts of 100% of 60 posts"),
        (Variant.NO_ORDER, "no order: each person's rows are sorted by post"),
        (Variant.NO_TEXTS, "ids alone, as few posts have a text"),
        (Variant.NO_CATEGORIES, "and texts of 100% of 60 posts"),
        (Variant.IMPLICIT, "ids alone, as few posts have a text"),
    ],
)
def test_files_that_lack_something_lead_to_a_feed_too(tmp_path: Path, variant: Variant, said: str) -> None:
    write_ratings(tmp_path / "their files", variant, people=25, films=60, seed=3)
    data = tmp_path / "data"
    moodfeed("import", tmp_path / "their files", "--data", data)
    run = moodfeed("run", "--once", "--data", data, "--bundles", tmp_path / "bundles")
    assert "Settings: those for long histories" in run.stderr
    assert said in run.stderr
    assert "EASE (collaborative)" in run.stdout
    assert "RANKING_USER" in run.stdout
