"""The settings that a training takes where no file of settings is named."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.suited_settings import LARGE, LARGE_FROM, suited_settings
from pipeline.tables import INTERACTIONS_FILE
from pipeline.training_config import TrainingConfig

LARGE_FILE = Path(__file__).parents[2] / "configs" / "large.toml"


def test_the_settings_for_large_data_are_those_of_their_file() -> None:
    assert TrainingConfig.read(LARGE_FILE) == LARGE


@pytest.mark.parametrize(("rows", "wanted"), [(LARGE_FROM - 1, TrainingConfig()), (LARGE_FROM, LARGE)])
def test_a_million_interactions_are_trained_with_the_settings_for_large_data(
    tmp_path: Path, rows: int, wanted: TrainingConfig
) -> None:
    pq.write_table(pa.table({"user_id": pa.repeat(1, rows)}), tmp_path / INTERACTIONS_FILE)
    assert suited_settings(tmp_path) == wanted


def test_without_a_table_the_settings_are_the_defaults(tmp_path: Path) -> None:
    assert suited_settings(tmp_path) == TrainingConfig()
