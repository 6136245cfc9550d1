"""Progress where there is no terminal: when lines come, and what they say."""

import math

import pytest

from cli.progress import months_bar, training_bar
from cli.progress_lines import EVERY_SECONDS, ProgressLines, in_words
from pipeline.trained_towers import EpochReport


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def written() -> list[str]:
    return []


def test_a_line_comes_at_least_every_half_minute_and_not_at_every_step(clock: Clock, written: list[str]) -> None:
    lines = ProgressLines("train", write=written.append, unit="epochs", total=3, clock=clock)
    times = []
    for step in range(800):
        clock.now += 0.25
        lines.update(step / 800)
        times += [clock.now] * (len(written) - len(times))
    assert len(times) == int(200 / EVERY_SECONDS)
    assert EVERY_SECONDS <= 30
    assert max(later - earlier for earlier, later in zip([1000.0, *times], times, strict=False)) <= 30


def test_a_line_says_what_is_done_for_how_long_and_what_is_left(clock: Clock, written: list[str]) -> None:
    lines = ProgressLines("train (softmax)", write=written.append, unit="epochs", total=3, clock=clock)
    lines.update(0.0, "loss 7.0123")
    clock.now += 130
    lines.update(0.5, "loss 6.5000")
    assert written == [
        "train (softmax): 0.5 of 3 epochs, 2 min 10 s so far, about 10 min 50 s left, loss 6.5000",
    ]


def test_what_is_left_follows_the_pace_of_this_run_and_not_what_an_earlier_one_did(
    clock: Clock, written: list[str]
) -> None:
    lines = ProgressLines("train", write=written.append, unit="epochs", total=3, clock=clock)
    clock.now += 10
    lines.update(2.0)
    clock.now += 60
    lines.update(2.5)
    assert written == ["train: 2.5 of 3 epochs, 1 min 10 s so far, about 1 min 0 s left"]


def test_work_that_is_silent_is_reported_by_the_clock_alone(clock: Clock, written: list[str]) -> None:
    lines = ProgressLines("export", write=written.append, clock=clock)
    lines.tick()
    assert written == []
    clock.now += EVERY_SECONDS
    lines.tick()
    lines.tick()
    lines.update(note="writing files")
    clock.now += EVERY_SECONDS
    lines.tick()
    lines.finish()
    assert written == ["export: 20 s so far", "export: 40 s so far, writing files", "export: done in 40 s"]


def test_a_count_without_an_end_has_no_estimate(clock: Clock, written: list[str]) -> None:
    lines = ProgressLines("fetch", write=written.append, unit="rows", clock=clock)
    lines.update(100, "posts")
    clock.now += 30
    lines.update(1234567, "users")
    assert written == ["fetch: 1234567 rows, 30 s so far, users"]


def test_a_total_may_become_known_later(clock: Clock, written: list[str]) -> None:
    lines = ProgressLines("embed", write=written.append, unit="new texts", clock=clock)
    lines.update(0, total=1000)
    clock.now += 30
    lines.update(250)
    assert written == ["embed: 250 of 1000 new texts, 30 s so far, about 1 min 30 s left"]


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.4, "0 s"), (59.4, "59 s"), (59.6, "1 min 0 s"), (125, "2 min 5 s"), (4325, "1 h 12 min")]
)
def test_times_are_given_as_people_say_them(seconds: float, words: str) -> None:
    assert in_words(seconds) == words


def test_an_epoch_with_nothing_to_validate_on_says_so_instead_of_nan(capsys: pytest.CaptureFixture[str]) -> None:
    with training_bar("train", epochs=1) as bar:
        bar.on_epoch(EpochReport(1, 2.5, math.nan, math.nan, 0.0, validated=0))
    shown = capsys.readouterr().out
    assert "epoch 1: training loss 2.5000, nothing held back to validate on" in shown
    assert "nan" not in shown


def test_an_evaluation_names_its_months_and_counts_the_epochs_of_all(capsys: pytest.CaptureFixture[str]) -> None:
    with months_bar("evaluate", epochs=3) as bar:
        bar.on_month(1, 2, "2026-09-25")
        bar.on_batch(1.5, 7.0)
        bar.on_month(2, 2, "2026-08-26")
        bar.on_resume(2, 7, 9)
    assert capsys.readouterr().out.splitlines()[:3] == [
        "month 1 of 2: learn from before 2026-09-25",
        "month 2 of 2: learn from before 2026-08-26",
        "Resuming the interrupted training in epoch 2, after step 7 of 9.",
    ]


def test_an_evaluation_of_one_split_without_a_date_names_no_month(capsys: pytest.CaptureFixture[str]) -> None:
    with months_bar("evaluate", epochs=3) as bar:
        bar.on_month(1, 1, "")
    assert "month" not in capsys.readouterr().out
