"""The benchmark of shards, on few posts."""

import re
from pathlib import Path

import pytest

from benchmarks.scale import shards
from benchmarks.scale.index_bundle import CATEGORIES, sizes_of_categories


def test_an_index_of_shards_is_measured_and_answers_as_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--posts", "3000", "--tower", "8", "--text", "12", "--searches", "10", "--shards", "1", "2"]
    monkeypatch.setattr("sys.argv", ["shards", *options, "--output", str(tmp_path)])
    shards.main()
    table = (tmp_path / "shards-3000.md").read_text(encoding="utf-8")
    assert table in capsys.readouterr().out
    rows = re.findall(r"^\| (.*?) \| 100.0 \| 100.0 \|$", table, re.MULTILINE)
    assert "by user in a category" in rows
    assert len(rows) == 7


def test_the_categories_have_all_posts() -> None:
    sizes = sizes_of_categories(1_000_000)
    assert (len(sizes), int(sizes.sum())) == (CATEGORIES, 1_000_000)
