"""The training loop on seven examples: its rates, its steps, which epoch is kept, and what validation measures."""

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from pipeline import held_out, trained_towers
from pipeline import train as training
from pipeline.batch_loss import TrainingError, weighted_mean
from pipeline.checkpoint import CheckpointError
from pipeline.compared_users import ByHistory, ById, ByPooledHistory, by_history, by_id, by_pooled_history
from pipeline.dataset import Dataset
from pipeline.held_out import rank_held_out
from pipeline.losses import softmax_loss
from pipeline.row_optimizer import RowAdamW
from pipeline.train import MakeUsers, TrainingStoppedError, fit, learning_rate_at, train
from pipeline.trained_towers import EpochReport, kept_epoch
from pipeline.training_config import TrainingConfig
from pipeline.training_examples import Batch, Examples
from pipeline.training_run import TrainingRun
from tests.pipeline.by_hand.test_training_examples import EVENTS, dataset_of
from tests.pipeline.by_hand.tiny_dataset import Event, tiny_dataset
from two_tower.model import HistoryTensors, PostTensors, UserTower

CONFIG = TrainingConfig(
    epochs=2,
    batch_size=2,
    snapshot_days=100.0,
    serving_days=0.0,
    uniform_negatives=2,
    validation_share=0.3,
    representation_dimension=8,
    popularity_dimension=4,
    history_length=4,
    warm_up=0.25,
    learning_rate=0.01,
)


# The rate of a step.


@pytest.mark.parametrize(
    ("done", "rate"),
    [
        (0.0, 0.25 * 1.0),  # half of 0.1 done in the middle of the step, of 0.2 of rising
        (0.1, 0.75 * (0.01 + 0.495 * (1 + math.cos(0.1 * math.pi)))),
        (0.2, 0.01 + 0.495 * (1 + math.cos(0.2 * math.pi))),
        (0.5, 0.01 + 0.495),
        (1.0, 0.01),
    ],
)
def test_the_rate_rises_in_the_warm_up_and_falls_by_a_cosine_to_one_percent(done: float, rate: float) -> None:
    config = TrainingConfig(learning_rate=0.5, warm_up=0.2)
    assert learning_rate_at(done, config, step_share=0.1) == pytest.approx(0.5 * rate, rel=1e-9)


def test_without_a_warm_up_the_first_rate_is_the_highest() -> None:
    config = TrainingConfig(learning_rate=0.5, warm_up=0.0)
    assert learning_rate_at(0.0, config, step_share=0.1) == pytest.approx(0.5)


class RecordingAdamW(torch.optim.AdamW):
    """Writes down with what each step is made."""

    made: "list[RecordingAdamW]"

    def __init__(self, parameters: Sequence[nn.Parameter], **options: float) -> None:
        super().__init__(parameters, **options)
        self.rates: list[float] = []
        self.gradients: list[float] = []
        type(self).made.append(self)

    def step(self, closure: None = None) -> None:
        super().step(closure)
        parameters = [parameter for group in self.param_groups for parameter in group["params"]]
        gradients = [parameter.grad.norm() for parameter in parameters if parameter.grad is not None]
        self.rates.append(self.param_groups[0]["lr"])
        self.gradients.append(float(torch.stack(gradients).norm()))


class RecordingRowAdamW(RowAdamW):
    """Writes down the norm of the gradients of each step."""

    made: "list[RecordingRowAdamW]"

    def __init__(self, modules: Sequence[nn.Module], **settings: Any) -> None:
        super().__init__(modules, **settings)
        self.norms: list[float] = []
        self.rates: list[float] = []
        type(self).made.append(self)

    def step(self, learning_rate: float) -> None:
        self.norms.append(math.hypot(*(float(gradient.norm()) for gradient in self.gradients())))
        self.rates.append(learning_rate)
        super().step(learning_rate)


@pytest.fixture
def row_optimizers(monkeypatch: pytest.MonkeyPatch) -> list[RecordingRowAdamW]:
    RecordingRowAdamW.made = []
    monkeypatch.setattr(training, "RowAdamW", RecordingRowAdamW)
    return RecordingRowAdamW.made


@pytest.fixture
def optimizers(monkeypatch: pytest.MonkeyPatch) -> list[RecordingAdamW]:
    RecordingAdamW.made = []
    monkeypatch.setattr(torch.optim, "AdamW", RecordingAdamW)
    return RecordingAdamW.made


def test_every_step_has_the_rate_of_its_place_in_the_run(
    optimizers: list[RecordingAdamW], row_optimizers: list[RecordingRowAdamW]
) -> None:
    heard: list[float] = []
    fit(dataset_of(), CONFIG, run=TrainingRun(on_batch=lambda done, _: heard.append(done)))
    (optimizer,) = optimizers
    steps = 2  # of five training examples, two at a time: round(5 / 2)
    places = [(epoch + step / steps) / 2 for epoch in range(2) for step in range(steps)]
    assert heard == [2 * place for place in places]
    assert optimizer.rates == [learning_rate_at(place, CONFIG, step_share=0.25) for place in places]
    assert row_optimizers[0].rates == optimizer.rates
    assert optimizer.defaults["weight_decay"] == CONFIG.weight_decay
    assert optimizer.defaults["lr"] == CONFIG.learning_rate


def test_a_gradient_is_cut_to_a_norm_of_one(
    optimizers: list[RecordingAdamW], row_optimizers: list[RecordingRowAdamW]
) -> None:
    fit(dataset_of(), CONFIG, loss_of=lambda *given: 1000 * softmax_loss(*given))
    fit(dataset_of(), replace(CONFIG, temperature=100.0))
    steep, flat = (
        [math.hypot(*norms) for norms in zip(optimizer.gradients, tables.norms, strict=True)]
        for optimizer, tables in zip(optimizers, row_optimizers, strict=True)
    )
    assert max(steep) == pytest.approx(1.0, rel=1e-3)
    assert max(flat) < 0.9


def test_both_towers_learn(optimizers: list[RecordingAdamW], row_optimizers: list[RecordingRowAdamW]) -> None:
    fitted = fit(dataset_of(), CONFIG)
    parameters = {id(parameter) for group in optimizers[0].param_groups for parameter in group["params"]}
    parameters |= {id(parameter) for parameter in row_optimizers[0].parameters}
    for module in (fitted.users, fitted.post_tower):
        assert {id(parameter) for parameter in module.parameters()} <= parameters


# Which epoch is kept.


def report(epoch: int, ndcg: float, *, validated: int = 1000) -> EpochReport:
    return EpochReport(epoch, 1.0, 1.0, 0.0, ndcg, validated)


def reports_of(*ndcgs: float, validated: int = 1000) -> list[EpochReport]:
    return [report(number, ndcg, validated=validated) for number, ndcg in enumerate(ndcgs, start=1)]


@pytest.mark.parametrize(
    ("ndcgs", "validated", "kept"),
    [
        ((0.1, 0.3, 0.2), 1000, 2),
        ((0.3, 0.1, 0.3), 1000, 3),  # of equal ones the later
        ((0.3, 0.1, 0.2), 999, 3),  # too few to tell epochs apart
        ((0.3, 0.1, 0.2), 1000, 1),
        ((0.3,), 1000, 1),
    ],
)
def test_the_epoch_of_the_highest_ndcg_is_kept(ndcgs: tuple[float, ...], validated: int, kept: int) -> None:
    assert kept_epoch(reports_of(*ndcgs, validated=validated)).epoch == kept


@pytest.mark.parametrize(
    ("ndcgs", "patience", "is_spent"),
    [
        ((), 1, False),
        ((), 0, False),
        ((0.3,), 1, False),
        ((0.3, 0.2), 2, False),
        ((0.3, 0.2, 0.1), 2, True),
        ((0.3, 0.2, 0.1), 3, False),
        ((0.3, 0.2, 0.1, 0.2), 2, True),
        ((0.3, 0.2, 0.1, 0.4), 2, False),
    ],
)
def test_training_stops_after_as_many_epochs_without_a_better_one_as_patience_says(
    ndcgs: tuple[float, ...], patience: int, is_spent: bool
) -> None:
    assert training._is_spent(reports_of(*ndcgs), patience) is is_spent


def test_the_loop_stops_where_patience_ends() -> None:
    assert len(fit(dataset_of(), replace(CONFIG, epochs=5, patience=0)).epochs) == 1
    assert len(fit(dataset_of(), replace(CONFIG, epochs=3, patience=1)).epochs) == 3  # few are held out: last is best


def test_the_towers_of_the_best_epoch_are_returned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trained_towers, "_FEWEST_VALIDATED", 1)
    states: list[dict[str, Tensor]] = []
    path = tmp_path / "checkpoint"
    config = replace(CONFIG, epochs=6, learning_rate=0.5, temperature=0.2, validation_share=0.5, seed=0)
    fitted = fit(
        dataset_of(), config, run=TrainingRun(checkpoint=path, on_epoch=lambda _: states.append(load_file(path)))
    )
    best = kept_epoch(fitted.epochs).epoch
    assert 1 <= best < len(fitted.epochs), [epoch.validation_ndcg_at_10 for epoch in fitted.epochs]
    for prefix, module in (("user_tower", fitted.users), ("post_tower", fitted.post_tower)):
        for name, tensor in module.state_dict().items():
            assert torch.equal(tensor, states[best - 1][f"{prefix}.{name}"])
        assert not module.training
    assert not all(torch.equal(states[best - 1][name], tensor) for name, tensor in states[-1].items())


# What comes of a run.


def test_the_towers_have_the_shape_of_the_data_and_the_configuration() -> None:
    config = replace(
        CONFIG,
        id_dropout=0.25,
        history_id_dropout=0.5,
        word_dropout=0.125,
        dropout=0.0625,
        new_post_bonus=0.5,
        taste_from_mean=2.0,
        order_decay=0.75,
    )
    fitted = fit(dataset_of(), config)
    shape = fitted.config
    assert (shape.text_dimension, shape.post_count, shape.category_count) == (5, 5, 3)
    assert shape.word_count == len(fitted.vocabulary)
    assert (shape.tower_dimension, shape.representation_dimension, shape.history_length) == (13, 8, 4)
    assert (fitted.post_tower.id_dropout, fitted.post_tower.word_dropout) == (0.25, 0.125)
    assert fitted.post_tower.history_id_dropout == 0.5
    assert {module.p for module in fitted.users.modules() if isinstance(module, nn.Dropout)} == {0.0625}
    assert (shape.new_post_bonus, shape.taste_from_mean, shape.newcomers_follow_trend) == (0.5, 2.0, True)
    assert shape.order_decay == 0.75
    assert fitted.users.tower.mean_scale is not None


def test_newcomers_follow_the_trend_only_where_there_is_a_clock() -> None:
    days = tuple((user, post, verb, day / 10) for user, post, verb, day in EVENTS)
    assert not fit(dataset_of(days), replace(CONFIG, epochs=1)).config.newcomers_follow_trend


def test_the_epochs_are_reported_as_they_end() -> None:
    heard: list[EpochReport] = []
    losses: list[float] = []
    fitted = fit(
        dataset_of(),
        replace(CONFIG, batch_size=100),
        run=TrainingRun(on_epoch=heard.append, on_batch=lambda _, loss: losses.append(loss)),
    )
    assert list(fitted.epochs) == heard
    assert [item.epoch for item in heard] == [1, 2]
    assert [item.training_loss for item in heard] == losses  # an epoch is one batch
    assert [item.validated for item in heard] == [2, 2]  # round(0.3 * 7)


def test_each_batch_tells_its_own_loss_and_the_share_that_is_done() -> None:
    """The loss of an epoch is the mean of the losses of its batches, weighted by their sizes."""
    heard: list[tuple[float, float]] = []
    config = replace(CONFIG, epochs=1, batch_size=3)
    epoch = fit(dataset_of(), config, run=TrainingRun(on_batch=lambda *heard_of: heard.append(heard_of))).epochs[0]
    assert [done for done, _ in heard] == [0.0, 0.5]  # five training rows
    (_, first), (_, second) = heard
    assert first != second
    assert any(abs(epoch.training_loss - (size * first + (5 - size) * second) / 5) < 1e-5 for size in (2, 3))


def test_a_loss_that_is_not_finite_names_its_epoch_and_step() -> None:
    calls: list[int] = []

    def wrong_at_the_fourth(*arguments: object) -> Tensor:
        calls.append(1)
        loss: Tensor = softmax_loss(*arguments)  # type: ignore[arg-type]
        return loss * float("nan") if len(calls) == 4 else loss

    with pytest.raises(TrainingError, match="epoch 2, step 1"):  # of two steps, then the held-out pairs
        fit(dataset_of(), replace(CONFIG, epochs=2, batch_size=3), loss_of=wrong_at_the_fourth)


def test_training_is_what_it_was_when_these_numbers_were_written_down() -> None:
    """Seeds, optimizer, clipping and dropout in one: whoever means to change them writes down the new numbers.

    The texts vary most in one direction and least in another. Where they vary alike in all of them, principal
    components are any basis, and another processor finds another one.
    """
    config = replace(CONFIG, epochs=3, temperature=0.2)
    found = fit(dataset_of(text=TEXTS_OF_ONE_BASIS), config).epochs
    np.testing.assert_allclose([epoch.training_loss for epoch in found], GOLDEN_TRAINING, rtol=1e-3)
    np.testing.assert_allclose([epoch.validation_loss for epoch in found], GOLDEN_VALIDATION, rtol=1e-3)


TEXTS_OF_ONE_BASIS = [[3, 0.5, 0.1, 0], [0.2, 2, 0.3, 0.1], [0.4, 0.1, 1, 0.2], [0.1, 0.6, 0.2, 0.4], [-1, -1, 0, 0.1]]
GOLDEN_TRAINING = [1.178093, 1.161801, 1.217173]
GOLDEN_VALIDATION = [1.474219, 1.402475, 1.358392]


@pytest.mark.parametrize(
    ("make_users", "module"), [(by_history, ByHistory), (by_pooled_history, ByPooledHistory), (by_id, ById)]
)
def test_each_way_to_encode_users_has_its_module(make_users: MakeUsers, module: type[nn.Module]) -> None:
    fitted = fit(dataset_of(), replace(CONFIG, epochs=1), make_users=make_users)
    assert type(fitted.users) is module


def test_a_loss_that_is_given_replaces_that_of_the_objective() -> None:
    def one(users: Tensor, posts: Tensor, batch: Batch, config: TrainingConfig) -> Tensor:
        return (users * 0).sum() + 1.0 + (posts * 0).sum()

    assert [epoch.training_loss for epoch in fit(dataset_of(), CONFIG, loss_of=one).epochs] == [1.0, 1.0]


def test_training_gives_the_user_tower_and_the_data_that_it_has_learnt_from() -> None:
    towers = train(dataset_of(), replace(CONFIG, epochs=1))
    assert towers.data_fingerprint == dataset_of().fingerprint()
    assert type(towers.user_tower) is UserTower
    assert not towers.user_tower.training


def test_a_run_that_was_cut_off_goes_on_as_if_it_had_not_been(tmp_path: Path) -> None:
    def cut(epoch: EpochReport) -> None:
        if epoch.epoch == 2:
            raise KeyboardInterrupt

    config, path, epochs = replace(CONFIG, epochs=3), tmp_path / "checkpoint", []
    with pytest.raises(KeyboardInterrupt):
        fit(dataset_of(), config, run=TrainingRun(checkpoint=path, on_epoch=cut))
    resumed = fit(
        dataset_of(), config, run=TrainingRun(checkpoint=path, on_epoch=lambda report: epochs.append(report.epoch))
    )
    assert epochs == [3]
    assert resumed.epochs == fit(dataset_of(), config).epochs
    other = fit(dataset_of(), replace(config, seed=9), run=TrainingRun(checkpoint=path))
    assert other.epochs == fit(dataset_of(), replace(config, seed=9)).epochs


@pytest.mark.parametrize("threads", [1, 3])
def test_arithmetic_is_reproducible_during_training_and_as_before_after_it(threads: int) -> None:
    torch.set_num_threads(2)
    seen: list[tuple[int, bool]] = []
    fit(
        dataset_of(),
        replace(CONFIG, epochs=1, threads=threads),
        run=TrainingRun(
            on_epoch=lambda _: seen.append((torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()))
        ),
    )
    assert seen == [(threads, True)]
    assert (torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()) == (2, False)


def test_a_mean_of_losses_counts_each_by_its_examples() -> None:
    assert weighted_mean([(1.0, 3), (5.0, 1)]) == 2.0
    assert math.isnan(weighted_mean([]))


# What validation measures.


class ScoresByPost(nn.Module):
    """In place of the post tower: embeds each post as its own score, and remembers the popularity it was shown."""

    def __init__(self, scores: Sequence[float]) -> None:
        super().__init__()
        self.scores = torch.tensor(scores).unsqueeze(1)
        self.shown: list[Tensor] = []

    def represent(self, posts: PostTensors) -> Tensor:
        return self.scores[posts.post_rows]

    def forward(self, representations: Tensor, numeric: Tensor) -> Tensor:
        self.shown.append(numeric)
        return representations


class Everybody(nn.Module):
    """In place of the users: all alike; remembers who was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[list[int]] = []

    def forward(self, representations: Tensor, history: HistoryTensors, user_rows: Tensor) -> Tensor:
        self.asked.append(user_rows.tolist())
        return torch.ones(len(user_rows), 1)


MEETINGS: tuple[Event, ...] = (
    (0, 0, "view", 0.0),  # first of all: rank 0
    (0, 3, "view", 7.0),  # after post 0, before 1 and 2: rank 2
    (0, 12, "view", 20.0),  # after ten others
    (1, 5, "view", 1.0),  # rank 5
    (1, 10, "view", 42.0),  # after 0 to 9 without post 5: rank 9
    (2, 11, "view", 13.5),  # after eleven others; the snapshot of day 14 is the future
)
BEST_FIRST = [float(-row) for row in range(14)]


def validation_examples(events: Sequence[Event] = MEETINGS) -> Examples:
    dataset = tiny_dataset(events, posts=14)
    config = replace(CONFIG, validation_share=1.0, snapshot_days=7.0)
    words = np.zeros((14, 1), dtype=np.int32)
    return Examples(dataset, config, words, device="cpu", random=np.random.default_rng(0))


def test_validation_ranks_each_meeting_among_what_its_user_had_not_met_before() -> None:
    recall, ndcg = rank_held_out(Everybody(), ScoresByPost(BEST_FIRST), validation_examples())
    assert recall == pytest.approx(4 / 6)
    gains = [1 / math.log2(rank + 2) for rank in (0, 2, 5, 9)]
    assert ndcg == pytest.approx(sum(gains) / 6, rel=1e-6)


def test_validation_counts_ties_against_the_meeting() -> None:
    scores = [*BEST_FIRST[:4], -3.0, -3.0, *BEST_FIRST[6:]]  # posts 3, 4 and 5 are tied
    _, ndcg = rank_held_out(Everybody(), ScoresByPost(scores), validation_examples())
    gains = [1 / math.log2(rank + 2) for rank in (0, 4, 5, 9)]
    assert ndcg == pytest.approx(sum(gains) / 6, rel=1e-6)


def test_validation_looks_at_the_popularity_of_each_meetings_day() -> None:
    examples, posts, users = validation_examples(), ScoresByPost(BEST_FIRST), Everybody()
    rank_held_out(users, posts, examples)
    # Days 0 and 1, then 7 and 13.5, then 20, then 42; pairs in order of user.
    assert users.asked == [[0, 1], [0, 2], [0], [1]]
    assert len(posts.shown) == 4
    for shown, snapshot in zip(posts.shown, (0, 1, 2, 6), strict=True):
        assert torch.equal(shown, examples.numeric(snapshot, np.arange(14)))
    assert len({tuple(shown.flatten().tolist()) for shown in posts.shown}) == 4


def test_validation_takes_meetings_evenly_where_there_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(held_out, "_MOST_VALIDATED", 3)
    users = Everybody()
    recall, _ = rank_held_out(users, ScoresByPost(BEST_FIRST), validation_examples())
    assert sorted(row for rows in users.asked for row in rows) == [
        0,
        0,
        2,
    ]  # pairs 0, 2 and 5 of six: ranks 0, 10 and 11
    assert recall == pytest.approx(1 / 3)
    assert fit(dataset_of(), replace(CONFIG, epochs=1, validation_share=0.7)).epochs[0].validated == 3


def test_validation_in_pieces_is_validation(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = rank_held_out(Everybody(), ScoresByPost(BEST_FIRST), validation_examples())
    monkeypatch.setattr(held_out, "_VALIDATED_AT_ONCE", 1)
    users = Everybody()
    assert rank_held_out(users, ScoresByPost(BEST_FIRST), validation_examples()) == whole
    assert users.asked == [[0], [1], [0], [2], [0], [1]]


def test_without_meetings_there_is_nothing_to_measure() -> None:
    recall, ndcg = rank_held_out(Everybody(), ScoresByPost(BEST_FIRST), validation_examples(()))
    assert math.isnan(recall)
    assert ndcg == 0.0


@pytest.fixture(scope="module")
def many_meetings() -> Dataset:
    return tiny_dataset(
        [(user, post, "view", float(post)) for user in range(83) for post in range(60)], posts=60, users=83
    )


def test_at_most_4096_meetings_are_validated(many_meetings: Dataset) -> None:
    config = replace(CONFIG, epochs=1, batch_size=1000, validation_share=0.9)
    assert fit(many_meetings, config).epochs[0].validated == 4096


# A run that is interrupted.


def weights_of(fitted: training.Fitted) -> list[Tensor]:
    return [*fitted.users.state_dict().values(), *fitted.post_tower.state_dict().values()]


INTERRUPTED = replace(CONFIG, epochs=3, temperature=0.2)
STEPS = 2  # of each epoch


@pytest.mark.parametrize("stopped_after", range(1, 3 * STEPS + 1))
def test_a_run_that_is_stopped_after_any_step_ends_as_one_that_was_not(stopped_after: int, tmp_path: Path) -> None:
    path, steps, resumed = tmp_path / "checkpoint", [], []

    def should_stop() -> bool:
        return len(steps) >= stopped_after

    with pytest.raises(TrainingStoppedError) as stopped:
        fit(
            dataset_of(),
            INTERRUPTED,
            run=TrainingRun(checkpoint=path, on_batch=lambda *_: steps.append(1), should_stop=should_stop),
        )
    epoch, step = divmod(stopped_after - 1, STEPS)
    assert str(stopped.value) == (
        f"stopped in epoch {epoch + 1} after step {step + 1} of 2: run the same command again to resume"
    )
    left: list[float] = []
    again = fit(
        dataset_of(),
        INTERRUPTED,
        run=TrainingRun(
            checkpoint=path, on_batch=lambda done, _: left.append(done), on_resume=lambda *where: resumed.append(where)
        ),
    )
    assert resumed == [(epoch + 1, step + 1, STEPS)]
    assert len(left) == 3 * STEPS - stopped_after
    whole = fit(dataset_of(), INTERRUPTED)
    assert again.epochs == whole.epochs
    assert all(torch.equal(one, other) for one, other in zip(weights_of(again), weights_of(whole), strict=True))


def test_a_run_that_is_killed_goes_on_from_its_last_save_and_saves_come_every_two_minutes(tmp_path: Path) -> None:
    path, saved, now = tmp_path / "checkpoint", [], [0.0]

    def a_minute_later(*_: float) -> None:
        now[0] += 61.0
        saved.append(path.exists())
        if len(saved) == 4:
            raise MemoryError  # as good as a kill: nothing is saved at this step

    config = replace(CONFIG, epochs=1, batch_size=1, temperature=0.2)
    with pytest.raises(MemoryError):
        fit(dataset_of(), config, run=TrainingRun(checkpoint=path, on_batch=a_minute_later, clock=lambda: now[0]))
    assert saved == [False, False, True, True]  # after the second step
    resumed: list[tuple[int, ...]] = []
    again = fit(dataset_of(), config, run=TrainingRun(checkpoint=path, on_resume=lambda *where: resumed.append(where)))
    assert resumed == [(1, 2, 5)]
    whole = fit(dataset_of(), config)
    assert all(torch.equal(one, other) for one, other in zip(weights_of(again), weights_of(whole), strict=True))


def test_a_run_without_a_checkpoint_says_that_nothing_is_saved() -> None:
    with pytest.raises(TrainingStoppedError, match="after step 1 of 2: nothing is saved"):
        fit(dataset_of(), CONFIG, run=TrainingRun(should_stop=lambda: True))


def test_a_checkpoint_that_is_damaged_is_named(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint"
    path.write_bytes(b"no tensors at all")
    with pytest.raises(CheckpointError, match=r"checkpoint cannot be read .*: delete it"):
        fit(dataset_of(), CONFIG, run=TrainingRun(checkpoint=path))
