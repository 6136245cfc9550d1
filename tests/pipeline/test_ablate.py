import json
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.ablate import ABLATIONS, ablate, write_ablations
from pipeline.dataset import Dataset
from pipeline.training_config import TrainingConfig


@pytest.mark.parametrize("name", ABLATIONS)
def test_every_variant_trains_and_is_ranked(dataset: Dataset, name: str) -> None:
    heard: list[str] = []
    (row,) = ablate(
        dataset,
        TrainingConfig(epochs=1),
        only=lambda found: found == name,
        on_row=lambda row: heard.append(row.name),
    )
    assert heard == [name]
    assert row.epochs == 1
    assert 0 <= row.ndcg_at_10.low <= row.ndcg_at_10.mean <= row.ndcg_at_10.high <= 1


def test_the_table_is_written_whole(dataset: Dataset, tmp_path: Path) -> None:
    rows = ablate(dataset, TrainingConfig(epochs=1), only=lambda name: "the predecessor" in name)
    write_ablations(rows, tmp_path / "ablation.json")
    (written,) = json.loads((tmp_path / "ablation.json").read_text(encoding="utf-8"))
    assert written["name"] == rows[0].name
    assert written["recall_at_10"]["mean"] == rows[0].recall_at_10.mean
    assert [path.name for path in tmp_path.iterdir()] == ["ablation.json"]


def test_a_variant_without_text_is_ranked_without_text(dataset: Dataset) -> None:
    """Whatever the texts say: neither training nor the ranking after it looks at them."""
    shuffled = replace(
        dataset, text=dataset.text[::-1].copy(), posts=dataset.posts.assign(summary_text="one word for all")
    )
    rows = [
        ablate(data, TrainingConfig(epochs=1), only=lambda name: name == "history of ids, BCE")
        for data in (dataset, shuffled)
    ]
    assert rows[0][0].ndcg_at_10 == rows[1][0].ndcg_at_10
    assert rows[0][0].in_category_ndcg_at_10 == rows[1][0].in_category_ndcg_at_10
