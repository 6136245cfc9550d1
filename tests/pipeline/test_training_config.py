from pathlib import Path

import pytest

from pipeline.training_config import Objective, TrainingConfig, TrainingConfigError

CONFIGS = Path(__file__).parents[2] / "configs"


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*.toml")), ids=lambda path: path.name)
def test_every_shipped_file_of_settings_can_be_read(path: Path) -> None:
    assert TrainingConfig.read(path) != TrainingConfig()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("epochs = 'many'", "epochs is 'many', must be a valid integer"),
        ("epochs = 0", "epochs is 0, must be greater than 0"),
        ("epochs = 3.0", "epochs is 3.0, must be a valid integer"),
        ("epochs = true", "epochs is True, must be a valid integer"),
        ("uniform_negatives_met = 1", "uniform_negatives_met is 1, must be a valid boolean"),
        ("dropout = '0.1'", "dropout is '0.1', must be a valid number"),
        ("dropout = 1.5", "dropout is 1.5, must be less than or equal to 1"),
        ("temperature = inf", "temperature is inf, must be a finite number"),
        ("seed = 2026-01-01", "seed is '2026-01-01', must be a valid integer"),
        ("epoch = 3", "unknown key epoch; the keys are objective, seed, epochs"),
        ("objective = 'best'", "objective is 'best', must be 'softmax', 'bce', 'mse' or 'mse-negatives'"),
        ("epochs = ", "is not valid TOML"),
    ],
)
def test_a_wrong_file_of_settings_is_told_by_its_field(tmp_path: Path, text: str, reason: str) -> None:
    (tmp_path / "config.toml").write_text(text, encoding="utf-8")
    with pytest.raises(TrainingConfigError, match=reason):
        TrainingConfig.read(tmp_path / "config.toml")


def test_a_missing_file_of_settings_is_named(tmp_path: Path) -> None:
    with pytest.raises(TrainingConfigError, match=r"none\.toml is missing"):
        TrainingConfig.read(tmp_path / "none.toml")


def test_what_a_file_does_not_set_has_its_default(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("epochs = 9\ndropout = 0\nobjective = 'mse'", encoding="utf-8")
    found = TrainingConfig.read(tmp_path / "config.toml")
    assert (found.epochs, found.objective) == (9, Objective.MSE)
    assert found.dropout == 0
    assert type(found.dropout) is float
    assert found.batch_size == TrainingConfig().batch_size
