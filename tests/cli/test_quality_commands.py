"""The commands of docs/quality.md that train on and serve MicroLens, run on a small set of the same form."""

import re
import shlex
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from bundle.directory import current_bundle, open_bundle
from bundle.index_posts import IndexPosts
from cli.__main__ import app

ROOT = Path(__file__).parents[2]
NOT_RUN_HERE = {
    "moodfeed evaluate": "trains twice as long; tests/pipeline/test_evaluate.py runs the stage",
    "moodfeed run": "stays until Ctrl-C; tests/end_to_end runs it on another bundle",
    "grpcurl": "needs the processes of the line before",
}


def commands() -> list[str]:
    blocks = re.findall(r"^```sh\n(.*?)^```", (ROOT / "docs" / "quality.md").read_text(), re.DOTALL | re.MULTILINE)
    return [line for block in blocks for line in block.splitlines() if line.strip()]


@pytest.fixture
def microlens(tmp_path: Path) -> Path:
    """Thirty people who met five of forty posts each, in four categories."""
    random = np.random.default_rng(0)
    directory = tmp_path / "microlens"
    directory.mkdir()
    rows = [
        (user, int(post), position)
        for user in range(1, 31)
        for position, post in enumerate(random.choice(np.arange(1, 41), size=5, replace=False))
    ]
    pd.DataFrame(rows, columns=["user_id", "post_id", "position"]).to_parquet(directory / "interactions.parquet")
    pd.DataFrame(
        {
            "post_id": range(1, 41),
            "title": [f"a calm film about number {number}" for number in range(40)],
            "hashtags": [["film"]] * 40,
            "category_id": [1 + number % 4 for number in range(40)],
            "category": [f"category {number % 4}" for number in range(40)],
        }
    ).to_parquet(directory / "posts.parquet")
    return directory


def test_the_commands_train_with_the_shipped_settings_and_export_what_was_learnt(
    microlens: Path, tmp_path: Path
) -> None:
    run = [line for line in commands() if not any(mark in line for mark in NOT_RUN_HERE)]
    assert len(run) == 4
    output = ""
    for command in run:
        line = command.replace("PATH", str(microlens)).replace("configs/", f"{ROOT}/configs/")
        line = line.replace("data/microlens", str(tmp_path / "data"))
        line = line.replace("bundles/microlens", str(tmp_path / "b"))
        name, *arguments = shlex.split(line)
        assert name == "moodfeed"
        done = CliRunner().invoke(app, arguments, catch_exceptions=False)
        assert done.exit_code == 0, done.output
        output = done.output
    assert "has no offline metrics" in output
    bundle = open_bundle(current_bundle(tmp_path / "b"))
    assert len(IndexPosts.read(bundle).post_ids) == 40
    assert bundle.manifest.tower["taste_from_mean"] == 0
    assert bundle.manifest.offline_metrics == {}


def test_every_exception_is_still_a_command_of_the_page() -> None:
    assert all(any(mark in line for line in commands()) for mark in NOT_RUN_HERE)
