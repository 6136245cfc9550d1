"""The training settings that suit the size of a workspace's data, where no file of settings is named."""

from pathlib import Path

from pipeline.tables import INTERACTIONS_FILE, row_count
from pipeline.training_config import TrainingConfig

LARGE_FROM = 1_000_000  # interactions
LARGE = TrainingConfig(batch_size=1024, learning_rate=3e-3, packs_histories=True, threads=2, validation_share=0.005)
"""The settings of configs/large.toml; docs/scale.md has the measurements."""


def suited_settings(clean_directory: Path) -> TrainingConfig:
    """``LARGE`` for a million interactions or more, else the defaults; the defaults too if there is no table yet."""
    return LARGE if row_count(clean_directory / INTERACTIONS_FILE) >= LARGE_FROM else TrainingConfig()
