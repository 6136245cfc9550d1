"""Settings chosen on older months by methods whose ranking is known."""

import numpy as np
import pytest

from pipeline.chosen_settings import choose, halves
from pipeline.ranking import Recommender
from pipeline.splits import Split, rolling_splits, split_last
from pipeline.training_config import TrainingConfig
from tests.pipeline.by_hand.tiny_dataset import Event, tiny_dataset

EVENTS: tuple[Event, ...] = (
    (0, 0, "view", 0.0),
    (0, 1, "view", 30.0),
    (1, 0, "view", 60.0),
    (1, 2, "view", 90.0),
    (1, 4, "view", 97.0),  # in the newest month, and in the five weeks of the one before
    (2, 3, "view", 100.0),
    (2, 1, "view", 130.0),
)
GOOD, BAD = TrainingConfig(seed=1), TrainingConfig(seed=2)


@pytest.mark.parametrize(("months", "judged"), [(1, 1), (2, 1), (3, 2), (6, 3)])
def test_the_newer_half_judges_and_the_older_half_chooses(months: int, judged: int) -> None:
    splits = [Split(*[None] * 4, describes=str(number)) for number in range(months)]  # type: ignore[arg-type]
    newer, older = halves(splits)
    assert [split.describes for split in (*newer, *older)] == [str(number) for number in range(months)]
    assert len(newer) == judged


def test_the_best_on_the_older_months_is_chosen_and_no_target_of_a_judged_month_is_looked_at() -> None:
    dataset = tiny_dataset(EVENTS)
    newest, *older = rolling_splits(dataset, months=3)
    assert [split.targets[0].tolist() for split in (newest, older[0])] == [[4], [2, 4]]
    seen: list[tuple[str, list[int]]] = []

    def learn(split: Split, config: TrainingConfig, name: str) -> Recommender:
        seen.append((name, split.targets[0].tolist()))
        scores = np.zeros((1, 5), dtype=np.float32)
        scores[0, split.targets[0]] = 1.0 if config is GOOD else -1.0
        return lambda _, user_rows: np.repeat(scores, len(user_rows), axis=0)

    chosen = choose(dataset, {"bad": BAD, "good": GOOD}, older, learn=learn)
    assert (chosen.name, chosen.config) == ("good", GOOD)
    assert chosen.ndcg_at_10["good"] == 1.0 > chosen.ndcg_at_10["bad"]
    assert seen == [("chosen-1-bad", [2]), ("chosen-1-good", [2]), ("chosen-2-bad", [0]), ("chosen-2-good", [0])]
    assert chosen.describes == (
        f"good was chosen on the months from 1970-02-04 to 1970-03-06 (NDCG@10: bad {chosen.ndcg_at_10['bad']:.3f}, "
        "good 1.000), which are not judged"
    )


def test_a_split_without_times_chooses_nothing() -> None:
    dataset = tiny_dataset(EVENTS)
    with pytest.raises(ValueError, match="by time alone"):
        choose(dataset, {"good": GOOD}, [split_last(dataset)], learn=lambda *_: pytest.fail("nothing to learn"))
