"""A month is replayed: live equals frozen where nothing has happened since, and the best method is that of the log."""

import numpy as np
from numpy.typing import NDArray

from bundle.blend import Blend
from pipeline.live_evaluation.live_model import LiveModel
from pipeline.live_evaluation.months import Month
from pipeline.live_evaluation.replay import METHODS, Log, Replayed, replay
from pipeline.live_evaluation.variants import Variant
from tests.pipeline.live_evaluation.made_up_log import Met, made_up_log
from tests.pipeline.live_evaluation.random_logs import CATEGORIES, DAY, LONG_AGO, SPLIT_DAY, restless_towers

MONTH = Month(SPLIT_DAY, SPLIT_DAY + 35)
BEFORE = (
    *LONG_AGO,
    Met(0, 1, 20 * DAY),
    Met(0, 3, 20 * DAY + 5),
    Met(1, 2, 25 * DAY),
    Met(1, 3, 25 * DAY + 5),
    Met(2, 3, 29 * DAY),
)


class Wanted:
    """In place of a model: one post is always first."""

    blend = Blend()

    def __init__(self, post: int) -> None:
        self.post = post
        self.asked: list[tuple[float, float]] = []

    def scores(
        self, user_rows: NDArray[np.int64], *, crowd_days: NDArray[np.float64], person_days: NDArray[np.float64]
    ) -> NDArray[np.float32]:
        self.asked += zip(crowd_days.tolist(), person_days.tolist(), strict=True)
        scores = np.zeros((len(user_rows), 5), dtype=np.float32)
        scores[:, self.post] = 1
        return scores


def of(replayed: NDArray[np.float64], moment: int, method: str, variant: Variant) -> list[float]:
    return replayed[moment, METHODS.index(method), tuple(Variant).index(variant)].tolist()


def test_live_equals_frozen_when_nothing_has_happened_since_the_split() -> None:
    """The first event is half a day after the split: counts decay alike, and none leaves the month of popularity."""
    events = [Met(1, 1, DAY), *BEFORE[len(LONG_AGO) :], Met(3, 2, 30 * DAY + 720)]
    found = replay(Log(made_up_log(events, categories=CATEGORIES)), MONTH, Wanted(2))
    assert len(found.moments) == 1
    for values in (found.session_starts, found.next_posts):
        of_variants = values[0].transpose(1, 0, 2)
        for variant in of_variants:
            assert variant[:, 0].tolist() == of_variants[0, :, 0].tolist()


def test_the_live_model_equals_the_frozen_one_at_the_split() -> None:
    log = made_up_log([*BEFORE, Met(0, 2, 30 * DAY), Met(3, 2, 30 * DAY)], categories=CATEGORIES)
    model = LiveModel(restless_towers(), past=log.made_before(SPLIT_DAY), dataset=log)
    found = replay(Log(log), MONTH, model)
    assert len(found.moments) == 2
    assert (found.next_posts == found.next_posts[:, :, :1]).all()


def test_a_case_is_measured_by_its_own_targets() -> None:
    log = made_up_log([*BEFORE, Met(3, 4, 31 * DAY), Met(3, 2, 31 * DAY + 5)], categories=CATEGORIES)
    found = replay(Log(log), MONTH, Wanted(2))
    best = 1 / (1 + 1 / np.log2(3))  # one of two targets is first, the other is somewhere among the five
    ndcg, hit, recall = of(found.session_starts, 0, "two-tower", Variant.LIVE)
    assert ndcg > best
    assert (hit, recall) == (1.0, 1.0)
    assert of(found.next_posts, 0, "two-tower", Variant.LIVE)[0] < 1
    assert of(found.next_posts, 1, "two-tower", Variant.LIVE) == [1.0, 1.0, 1.0]
    assert np.isnan(found.session_starts[1]).all()


def test_a_post_that_is_not_made_yet_gives_no_case() -> None:
    log = made_up_log([*BEFORE, Met(3, 4, 31 * DAY)], created_minutes=[0, 0, 0, 0, 31 * DAY])
    found = replay(Log(log), MONTH, Wanted(4))
    assert np.isnan(found.next_posts).all()
    assert np.isnan(found.session_starts).all()


def test_a_post_made_since_is_in_reach_of_the_variants_that_know_of_it() -> None:
    created = [0, 0, 0, 0, 31 * DAY + 60]
    log = made_up_log([*BEFORE, Met(3, 4, 31 * DAY + 120), Met(2, 4, 32 * DAY + 60)], created_minutes=created)
    found = replay(Log(log), MONTH, Wanted(4))
    first, second = ([of(found.next_posts, row, "two-tower", variant)[0] for variant in Variant] for row in (0, 1))
    assert first == [0.0, 0.0, 0.0, 1.0]
    assert second == [0.0, 1.0, 1.0, 1.0]


def test_a_post_that_the_person_has_met_is_no_candidate() -> None:
    log = made_up_log([*BEFORE, Met(0, 4, 31 * DAY)])
    met = replay(Log(log), MONTH, Wanted(3))  # user 0 has met post 3, and 0 and 1: posts 2 and 4 are left
    assert of(met.next_posts, 0, "two-tower", Variant.LIVE)[0] >= 1 / np.log2(3)


def test_the_model_is_asked_for_what_each_variant_knows() -> None:
    model = Wanted(2)
    replay(Log(made_up_log([*BEFORE, Met(3, 2, 31 * DAY + 720)])), MONTH, model)
    assert model.asked == [(30.0, 30.0), (31.0, 31.0), (31.0, 31.5), (31.5, 31.5)]


def test_a_baseline_that_learns_from_today_is_ahead_where_everybody_does_the_same_today() -> None:
    events = [*BEFORE, *(Met(user, 4, 33 * DAY + user * 60) for user in range(4))]
    found = replay(Log(made_up_log(events, created_minutes=[0, 0, 0, 0, 30 * DAY])), MONTH, Wanted(0))
    live, frozen = (
        [of(found.next_posts, row, "trend of 3 days", variant)[0] for row in range(4)]
        for variant in (Variant.LIVE, Variant.FROZEN)
    )
    assert live[1:] == [1.0, 1.0, 1.0]
    assert frozen == [0.0] * 4


def test_progress_counts_every_moment_and_variant() -> None:
    heard: list[tuple[int, int]] = []
    log = Log(made_up_log([*BEFORE, Met(3, 4, 31 * DAY), Met(3, 2, 31 * DAY + 5)]))
    found: Replayed = replay(log, MONTH, Wanted(2), on_ranked=lambda done, total: heard.append((done, total)))
    assert heard == [(number, 2 * len(Variant)) for number in range(1, 2 * len(Variant) + 1)]
    assert len(found.moments) == 2
