"""Towers are trained once for the same data, settings and code."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from pipeline import month_towers
from pipeline.month_towers import kept_towers, towers_key
from pipeline.trained_towers import FACTS_FILE, TrainedTowers
from pipeline.training_config import TrainingConfig
from tests.pipeline.live_evaluation.made_up_log import Met, made_up_log
from tests.pipeline.live_evaluation.random_logs import restless_towers

PAST = made_up_log([Met(0, 0, 0), Met(1, 1, 10)])
CONFIG = TrainingConfig()


class Training:
    """In place of a training: counts its runs."""

    def __init__(self) -> None:
        self.checkpoints: list[Path] = []

    def __call__(self, checkpoint: Path) -> TrainedTowers:
        self.checkpoints.append(checkpoint)
        checkpoint.write_bytes(b"state")
        return restless_towers()


def test_a_second_run_reads_the_towers_of_the_first(tmp_path: Path) -> None:
    training = Training()
    first = kept_towers(tmp_path / "towers", PAST, CONFIG, training)
    second = kept_towers(tmp_path / "towers", PAST, CONFIG, training)
    assert len(training.checkpoints) == 1
    assert not training.checkpoints[0].exists()  # it is of no use any more
    for one, other in zip(first.user_tower.parameters(), second.user_tower.parameters(), strict=True):
        assert torch.equal(one, other)


def test_towers_that_were_not_written_to_the_end_are_trained_again(tmp_path: Path) -> None:
    training = Training()
    kept_towers(tmp_path, PAST, CONFIG, training)
    (tmp_path / towers_key(PAST, CONFIG) / FACTS_FILE).unlink()
    kept_towers(tmp_path, PAST, CONFIG, training)
    assert len(training.checkpoints) == 2


def test_an_interrupted_training_finds_its_state_where_it_left_it(tmp_path: Path) -> None:
    states: list[bool] = []

    def interrupted(checkpoint: Path) -> TrainedTowers:
        states.append(checkpoint.exists())
        checkpoint.write_bytes(b"state")
        raise KeyboardInterrupt

    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            kept_towers(tmp_path, PAST, CONFIG, interrupted)
    assert states == [False, True]


def test_the_key_changes_with_data_settings_and_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key = towers_key(PAST, CONFIG)
    assert towers_key(made_up_log([Met(0, 0, 0), Met(1, 1, 10)]), CONFIG) == key
    assert towers_key(made_up_log([Met(0, 0, 0), Met(1, 1, 11)]), CONFIG) != key
    assert towers_key(PAST, replace(CONFIG, epochs=4)) != key
    (tmp_path / "model.py").write_text("other code", encoding="utf-8")
    monkeypatch.setattr(month_towers.two_tower, "__path__", [str(tmp_path)])
    assert towers_key(PAST, CONFIG) != key


def test_only_those_used_last_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(month_towers, "_MOST_KEPT", 2)
    training = Training()
    for seed in (1, 2, 1, 3):
        kept_towers(tmp_path, PAST, replace(CONFIG, seed=seed), training)
    kept = {path.name for path in tmp_path.iterdir()}
    assert kept == {towers_key(PAST, replace(CONFIG, seed=seed)) for seed in (1, 3)}


def test_towers_that_nobody_needs_again_leave_nothing(tmp_path: Path) -> None:
    training = Training()
    for _ in range(2):
        kept_towers(tmp_path, PAST, CONFIG, training, keeps=False)
    assert len(training.checkpoints) == 2
    assert list(tmp_path.iterdir()) == []
