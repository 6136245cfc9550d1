from pathlib import Path

import pytest

from pipeline.training_config import TrainingConfig, TrainingConfigError

CONFIGS = Path(__file__).parents[2] / "configs"


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*.toml")), ids=lambda path: path.name)
def test_every_shipped_file_of_settings_can_be_read(path: Path) -> None:
    assert TrainingConfig.read(path) != TrainingConfig()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("epochs = 'many'", "epochs is 'many', it must be a int"),
        ("epoch = 3", "unknown field epoch"),
        ("objective = 'best'", "objective must be one of softmax"),
        ("users = 'all'", "users must be one of transformer"),
        ("epochs = ", "is no TOML"),
    ],
)
def test_a_wrong_file_of_settings_is_told_by_its_field(tmp_path: Path, text: str, reason: str) -> None:
    (tmp_path / "config.toml").write_text(text)
    with pytest.raises(TrainingConfigError, match=reason):
        TrainingConfig.read(tmp_path / "config.toml")


def test_a_missing_file_of_settings_is_named(tmp_path: Path) -> None:
    with pytest.raises(TrainingConfigError, match=r"none\.toml is missing"):
        TrainingConfig.read(tmp_path / "none.toml")


def test_what_a_file_does_not_set_has_its_default(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("epochs = 9\ndropout = 0")
    found = TrainingConfig.read(tmp_path / "config.toml")
    assert (found.epochs, found.dropout) == (9, 0)
    assert found.batch_size == TrainingConfig().batch_size
