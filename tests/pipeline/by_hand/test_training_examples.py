"""Batches of seven examples: what stands in them, what must not, and how often sampling brings each post in."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from pipeline.dataset import Dataset
from pipeline.training_config import TrainingConfig
from pipeline.training_examples import Batch, Examples, Plan, TargetShares
from tests.pipeline.by_hand.tiny_dataset import INSPIRE, LIKE, VIEW, Event, tiny_dataset
from two_tower.features import numeric_features

EVENTS: tuple[Event, ...] = (
    (0, 0, "view", 0.0),  # pair 0
    (0, 1, "like", 7.0),
    (0, 2, "view", 14.0),
    (0, 3, "view", 42.0),
    (1, 1, "view", 1.0),  # pair 4
    (1, 0, "inspire", 10.0),
    (2, 2, "view", 21.0),  # pair 6
)
CREATED = (0.0, 0.0, 0.0, 0.0, 30.0)
CATEGORIES = (1, 1, 2, None, 2)
CONFIG = TrainingConfig(
    batch_size=2,
    uniform_negatives=100,
    snapshot_days=7.0,
    serving_days=14.0,
    live_share=1.0,
    validation_share=0.0,
    history_length=50,
)
WORDS = np.array([[1, 0], [2, 0], [3, 1], [0, 0], [4, 4]], dtype=np.int32)


@cache
def _usual_dataset() -> Dataset:
    return dataset_of()


def dataset_of(events: Sequence[Event] = EVENTS, **options: object) -> Dataset:
    return tiny_dataset(events, **({"created_days": CREATED, "categories": CATEGORIES} | options))


def examples_of(dataset: Dataset | None = None, **changes: object) -> Examples:
    return Examples(
        dataset or _usual_dataset(),
        replace(CONFIG, **changes),
        WORDS,
        device="cpu",
        random=np.random.default_rng(0),
    )


def plan_of(rows: Sequence[int], *, snapshot: int) -> Plan:
    return Plan(snapshot, np.array(rows), TargetShares.of(np.arange(5)))


def batch_of(examples: Examples, rows: Sequence[int], *, snapshot: int, seed: int = 0) -> Batch:
    return examples.batch(plan_of(rows, snapshot=snapshot), np.random.default_rng(seed))


def catalogue_rows(batch: Batch, chosen: torch.Tensor) -> list[int]:
    """Rows of the dataset's posts, for rows of ``batch.posts``."""
    return batch.posts.post_rows[chosen].tolist()


def histories(batch: Batch) -> list[list[int]]:
    """The posts of each example's history, oldest first."""
    return [
        catalogue_rows(batch, rows[is_event])
        for rows, is_event in zip(batch.history.rows, batch.history.is_event, strict=True)
    ]


def test_the_candidates_are_the_targets_and_the_drawn_posts_each_once() -> None:
    batch = batch_of(examples_of(), [1, 2, 6], snapshot=0)
    assert catalogue_rows(batch, batch.candidates) == [0, 1, 2, 3]  # post 4 is of day 30
    assert batch.labels.tolist() == [1, 2, 2]
    assert len(batch) == 3


def test_a_target_is_a_candidate_though_it_was_not_drawn() -> None:
    examples = examples_of(uniform_negatives=1)
    for seed in range(20):
        batch = batch_of(examples, [3, 6], snapshot=0, seed=seed)
        candidates = catalogue_rows(batch, batch.candidates)
        assert [candidates[label] for label in batch.labels.tolist()] == [3, 2]
        assert candidates == sorted(set(candidates))
        assert len(candidates) <= 3


@pytest.mark.parametrize(("snapshot", "is_there"), [(2, False), (3, True)])
def test_a_post_is_drawn_once_a_bundle_of_the_snapshot_could_serve_beside_it(snapshot: int, is_there: bool) -> None:
    examples = examples_of(dataset_of(created_days=(0.0, 0.0, 0.0, 0.0, 35.0)))  # day 21 + 14 days of serving
    batch = batch_of(examples, [0], snapshot=snapshot)
    assert (4 in catalogue_rows(batch, batch.candidates)) is is_there


def test_only_posts_that_somebody_met_are_drawn_where_the_configuration_says_so() -> None:
    every, met = (batch_of(examples_of(uniform_negatives_met=choice), [0], snapshot=6) for choice in (False, True))
    assert catalogue_rows(every, every.candidates) == [0, 1, 2, 3, 4]
    assert catalogue_rows(met, met.candidates) == [0, 1, 2, 3]


def test_as_many_posts_are_drawn_as_the_configuration_says_none_of_them_twice() -> None:
    examples, counts = examples_of(uniform_negatives=3), np.zeros(5)
    for seed in range(60):
        batch = batch_of(examples, [0], snapshot=6, seed=seed)
        drawn = set(catalogue_rows(batch, batch.candidates)) - {0}
        assert len(drawn) in {2, 3}
        counts[list(drawn)] += 1
    assert counts[1:].min() > 20  # 36 of 60 are expected, three standard deviations are 11


def test_the_negative_of_an_example_is_one_of_the_drawn_posts() -> None:
    examples = examples_of(uniform_negatives=1)
    for seed in range(20):
        batch = batch_of(examples, [2, 6, 2], snapshot=0, seed=seed)  # all of post 2
        others = [row for row in catalogue_rows(batch, batch.candidates) if row != 2] or [2]
        candidates = catalogue_rows(batch, batch.candidates)
        assert [candidates[place] for place in batch.negatives.tolist()] == others * 3


def test_negatives_vary_over_the_drawn_posts() -> None:
    batch = batch_of(examples_of(), [1] * 40, snapshot=0)
    assert set(batch.negatives.tolist()) == {0, 1, 2, 3}
    assert len(batch.negatives) == 40


def test_without_drawn_posts_the_negatives_come_from_the_targets() -> None:
    batch = batch_of(examples_of(uniform_negatives=0), [1, 2] * 10, snapshot=0)
    assert catalogue_rows(batch, batch.candidates) == [1, 2]
    assert set(batch.negatives.tolist()) == {0, 1}


def test_what_stands_in_the_history_is_known_and_so_never_a_negative() -> None:
    batch = batch_of(examples_of(), [0, 1, 3, 5, 6], snapshot=0)
    assert catalogue_rows(batch, batch.candidates) == [0, 1, 2, 3]
    assert batch.is_known.tolist() == [
        [False, False, False, False],  # the first post of user 0
        [True, False, False, False],
        [True, True, True, False],
        [False, True, False, False],  # the second post of user 1, after post 1
        [False, False, False, False],
    ]


def test_what_is_known_but_not_drawn_is_a_post_of_the_batch_and_no_candidate() -> None:
    batch = batch_of(examples_of(uniform_negatives=0), [3], snapshot=0)
    assert batch.posts.post_rows.tolist() == [0, 1, 2, 3]
    assert catalogue_rows(batch, batch.candidates) == [3]
    assert histories(batch) == [[0, 1, 2]]
    assert batch.is_known.tolist() == [[False]]


def test_a_live_example_sees_all_that_came_before_it_and_not_itself() -> None:
    batch = batch_of(examples_of(live_share=1.0), [0, 1, 2, 3, 5], snapshot=0)
    assert histories(batch) == [[], [0], [0, 1], [0, 1, 2], [1]]


def test_any_other_example_sees_what_came_before_the_snapshot() -> None:
    examples = examples_of(live_share=0.0)
    assert examples.snapshots.tolist() == [0, 7, 14, 21, 28, 35, 42, 49]
    assert histories(batch_of(examples, [3, 5], snapshot=1)) == [[0], [1]]  # day 7 itself is not before day 7
    assert histories(batch_of(examples, [3, 5], snapshot=2)) == [[0, 1], [1]]
    assert histories(batch_of(examples, [3, 5], snapshot=0)) == [[], []]


def test_an_example_belongs_to_the_newest_snapshot_up_to_its_own_moment() -> None:
    """Days 0, 7, 14, 42 and 1, 10, 21 of the pairs, snapshots every seven days: none of the future."""
    assert examples_of().snapshots_of(np.arange(7), lags=0.0).tolist() == [0, 1, 2, 6, 0, 1, 3]
    assert examples_of().snapshots_of(np.array([3, 5]), lags=np.array([0.5, 4.0])).tolist() == [5, 0]


def test_an_example_never_sees_itself_or_later_though_the_snapshot_is_later() -> None:
    batch = batch_of(examples_of(live_share=0.0), [0, 1, 2, 4], snapshot=7)
    assert histories(batch) == [[], [0], [0, 1], []]


def test_the_live_share_decides_how_many_examples_are_live() -> None:
    batch = batch_of(examples_of(live_share=0.25), [3] * 400, snapshot=1)
    lengths = [len(history) for history in histories(batch)]
    assert set(lengths) == {1, 3}
    assert lengths.count(3) == pytest.approx(100, abs=4 * np.sqrt(400 * 0.25 * 0.75))


def test_a_history_is_as_wide_as_the_longest_at_most_as_configured_at_least_one() -> None:
    assert batch_of(examples_of(), [3, 0], snapshot=0).history.rows.shape == (2, 3)
    assert batch_of(examples_of(history_length=2), [3, 0], snapshot=0).history.rows.shape == (2, 2)
    assert histories(batch_of(examples_of(history_length=2), [3, 0], snapshot=0)) == [[1, 2], []]
    assert batch_of(examples_of(), [0], snapshot=0).history.rows.shape == (1, 1)


def test_a_history_holds_verbs_strengths_and_ages_at_the_moment_of_the_example() -> None:
    history = batch_of(examples_of(), [3], snapshot=0).history
    assert history.verbs.tolist() == [[0, 1, 0]]
    np.testing.assert_allclose(history.strengths.numpy(), [[VIEW, LIKE, VIEW]], rtol=1e-6)
    np.testing.assert_allclose(history.ages.numpy(), [np.log1p([42.0, 35.0, 28.0]) / 5], rtol=1e-6)


def test_an_example_has_its_user_its_strength_and_its_weight() -> None:
    batch = batch_of(examples_of(user_balance=0.5), [5, 1, 6], snapshot=0)
    assert batch.user_rows.tolist() == [1, 0, 2]
    np.testing.assert_allclose(batch.strengths.numpy(), [INSPIRE, LIKE, VIEW], rtol=1e-6)
    time_decay = np.exp((np.array([10.0, 7.0, 21.0]) - 42.0) / 90.0)
    strengths = np.array([1.5, 1.3, 0.7])
    np.testing.assert_allclose(batch.weights.numpy(), strengths * time_decay / np.sqrt([2, 4, 1]), rtol=1e-5)


@pytest.mark.parametrize(("balance", "divisors"), [(0.0, [1, 1]), (1.0, [2, 4])])
def test_the_balance_decides_between_examples_and_users(balance: float, divisors: list[int]) -> None:
    weights = batch_of(examples_of(user_balance=balance, time_decay_days=20.0), [5, 1], snapshot=0).weights.numpy()
    time_decay = np.exp((np.array([10.0, 7.0]) - 42.0) / 20.0)
    np.testing.assert_allclose(weights, np.array([1.5, 1.3]) * time_decay / divisors, rtol=1e-5)


@pytest.mark.parametrize("snapshot", [0, 1, 3])
def test_popularity_is_as_it_stood_at_the_snapshot(snapshot: int) -> None:
    dataset = dataset_of()
    batch = batch_of(examples_of(dataset), [3], snapshot=snapshot)
    expected = numeric_features(
        7.0 * snapshot,
        event_rows=dataset.event_posts,
        event_days=dataset.event_days,
        created_days=dataset.created_days,
        category_rows=dataset.category_rows,
        category_count=3,
    )
    np.testing.assert_array_equal(batch.numeric.numpy(), expected[catalogue_rows(batch, batch.candidates)])


def test_a_batch_holds_what_its_posts_are() -> None:
    text = [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0], [7.0, 8.0], [9.0, 10.0]]
    dataset = dataset_of(text=text)
    posts = batch_of(examples_of(dataset, uniform_negatives=0), [2, 3], snapshot=0).posts  # of users 0: posts 0 to 3
    assert posts.post_rows.tolist() == [0, 1, 2, 3]
    assert posts.text.tolist() == text[:4]
    assert posts.words.tolist() == WORDS[:4].tolist()
    assert posts.category_rows.tolist() == [1, 1, 2, 0]


LATER: tuple[Event, ...] = ((3, 4, "inspire", 33.0), (3, 0, "like", 36.0))


@pytest.mark.parametrize("live_share", [0.0, 1.0])
def test_an_event_after_the_snapshot_changes_nothing_in_the_batch(live_share: float) -> None:
    both = [examples_of(dataset_of(events), live_share=live_share) for events in (EVENTS, (*EVENTS, *LATER))]
    for snapshot in range(5):  # day 28 at the latest
        assert_equal_batches(*(batch_of(examples, [1, 2, 5, 6], snapshot=snapshot) for examples in both))


def test_the_examples_own_later_events_do_not_reach_its_history() -> None:
    events = (*EVENTS[:4], (0, 4, "inspire", 41.0), *EVENTS[4:])  # of user 0, between the examples of days 14 and 42
    for live_share in (0.0, 1.0):
        known = [
            batch_of(examples_of(dataset_of(data), live_share=live_share), [1, 2], snapshot=1)
            for data in (EVENTS, events)
        ]
        assert histories(known[0]) == histories(known[1])
        assert torch.equal(known[0].numeric, known[1].numeric)
        assert torch.equal(known[0].is_known, known[1].is_known)


def assert_equal_batches(first: Batch, second: Batch) -> None:
    for name in ("user_rows", "candidates", "labels", "negatives", "is_known", "strengths", "weights", "numeric"):
        assert torch.equal(getattr(first, name), getattr(second, name)), name
    assert torch.equal(first.log_expected, second.log_expected)
    for one, other in zip((*first.history, *first.posts), (*second.history, *second.posts), strict=True):
        assert torch.equal(one, other)


def test_the_same_draw_gives_the_same_batch_and_another_draw_another_one() -> None:
    examples = examples_of(uniform_negatives=2)
    assert_equal_batches(batch_of(examples, [1, 6], snapshot=0), batch_of(examples, [1, 6], snapshot=0))
    drawn = {tuple(batch_of(examples, [1], snapshot=0, seed=seed).candidates.tolist()) for seed in range(9)}
    assert len(drawn) > 1


FREQUENCY = np.array([0.5, 0.25, 0.25, 0.0, 0.0])
TARGETS = TargetShares(np.array([0, 1, 2]), np.array([2, 1, 1]), 4)
PAIRS_OF_POSTS = np.array([0, 1, 2])  # of user 0: pair r is of post r


def test_the_logq_correction_is_the_probability_of_a_target_or_a_draw() -> None:
    examples = examples_of(uniform_negatives=2)  # of the four posts that are there at day 0
    batch = examples.batch(Plan(0, np.array([0, 1, 2]), TARGETS), np.random.default_rng(5))
    no_target = (1 - FREQUENCY) ** 3
    expected = 1 - no_target * 0.5
    candidates = catalogue_rows(batch, batch.candidates)
    np.testing.assert_allclose(batch.log_expected.numpy(), np.log(expected[candidates]), rtol=1e-6)


def test_a_post_that_no_draw_can_bring_is_expected_as_a_target_alone() -> None:
    examples = examples_of(dataset_of(created_days=(0.0, 0.0, 40.0, 0.0, 30.0)), uniform_negatives=3)
    batch = examples.batch(Plan(0, np.array([2, 0]), TARGETS), np.random.default_rng(5))
    assert catalogue_rows(batch, batch.candidates) == [0, 1, 2, 3]
    expected = [1, 1, 1 - 0.75**2, 1]
    np.testing.assert_allclose(batch.log_expected.numpy(), np.log(expected), atol=1e-6)


def test_where_no_post_is_there_yet_nothing_is_drawn_and_a_target_is_expected_as_one_alone() -> None:
    examples = examples_of(dataset_of(created_days=(30.0,) * 5))  # and snapshot 0 is served until day 14
    batch = examples.batch(Plan(0, np.array([3]), TargetShares.of(np.arange(5))), np.random.default_rng(5))
    assert catalogue_rows(batch, batch.candidates) == [3]
    np.testing.assert_allclose(batch.log_expected.numpy(), [np.log(0.2)], rtol=1e-6)


def test_a_probability_of_0_has_a_finite_logarithm() -> None:
    examples = examples_of(uniform_negatives=0)
    batch = examples.batch(Plan(0, np.array([3]), TARGETS), np.random.default_rng(0))  # shares that lie
    np.testing.assert_allclose(batch.log_expected.numpy(), [np.log(1e-9)], rtol=1e-6)


def test_the_logq_correction_is_how_often_each_post_is_a_candidate() -> None:
    examples = examples_of(uniform_negatives=1)
    random = np.random.default_rng(11)
    draws, counts, said = 1500, np.zeros(5), np.zeros(5)
    for _ in range(draws):
        rows = random.choice(PAIRS_OF_POSTS, size=2, p=FREQUENCY[:3])
        batch = examples.batch(Plan(0, rows, TARGETS), random)
        candidates = catalogue_rows(batch, batch.candidates)
        counts[candidates] += 1
        said[candidates] = np.exp(batch.log_expected.numpy())
    assert said[4] == counts[4] == 0  # not there yet
    # Four standard deviations of a share of ``draws``: 1 in 16,000 for each of four posts, and the seed is fixed.
    tolerance = 4 * np.sqrt(said * (1 - said) / draws)
    assert (np.abs(counts / draws - said) <= tolerance).all()
    # Popular posts are no more likely by the draw, rare ones are no less: without either part the share would be off.
    assert np.abs(counts / draws - (1 - (1 - FREQUENCY) ** 2))[:4].min() > tolerance.max()
    assert np.abs(counts / draws - 0.25)[:3].min() > tolerance.max()


def rows_of(plans: list[Plan]) -> list[int]:
    return sorted(int(row) for plan in plans for row in plan.rows)


def test_plans_hold_each_example_once_beside_others_of_its_snapshot() -> None:
    examples = examples_of(serving_days=14.0)
    for seed in range(10):
        plans = examples.plans(np.arange(7), np.random.default_rng(seed))
        assert rows_of(plans) == list(range(7))
        for plan in plans:
            days = examples.dataset.pairs.days[plan.rows]
            start = examples.snapshots[plan.snapshot]
            assert (days >= start).all()
            assert (days - 14 < start + 7).all()


def test_an_example_of_the_day_of_a_snapshot_is_its_own_where_nothing_is_served_later() -> None:
    examples = examples_of(serving_days=0.0, batch_size=100)
    plans = examples.plans(np.arange(7), np.random.default_rng(0))
    assert {plan.snapshot: sorted(plan.rows.tolist()) for plan in plans} == {
        0: [0, 4],
        1: [1, 5],
        2: [2],
        3: [6],
        6: [3],
    }
    assert len(plans) == 5


def test_the_lag_of_an_example_is_spread_over_the_days_of_serving() -> None:
    examples = examples_of(serving_days=28.0)
    counts = np.zeros(8)
    for seed in range(400):
        (plan,) = examples.plans(np.array([3]), np.random.default_rng(seed))  # day 42
        counts[plan.snapshot] += 1
    assert counts[[0, 1, 6, 7]].sum() <= 1  # a lag of 0 alone gives snapshot 6
    assert counts[2:6] == pytest.approx([100] * 4, abs=4 * np.sqrt(400 * 0.25 * 0.75))


def test_what_lies_before_the_first_snapshot_takes_the_first() -> None:
    plans = examples_of(serving_days=14.0).plans(np.array([0, 4]), np.random.default_rng(0))  # days 0 and 1
    assert {plan.snapshot for plan in plans} == {0}


@pytest.mark.parametrize(("batch_size", "sizes"), [(100, [7]), (3, [3, 4]), (2, [1, 2, 2, 2]), (5, [7]), (1, [1] * 7)])
def test_a_snapshot_is_cut_into_batches_of_about_the_size(batch_size: int, sizes: list[int]) -> None:
    examples = examples_of(snapshot_days=100.0, serving_days=0.0, batch_size=batch_size)
    plans = examples.plans(np.arange(7), np.random.default_rng(0))
    assert sorted(len(plan.rows) for plan in plans) == sizes


def test_the_frequency_of_a_post_is_its_share_of_the_snapshots_examples() -> None:
    examples = examples_of(snapshot_days=100.0, serving_days=0.0)
    for plan in examples.plans(np.arange(7), np.random.default_rng(0)):
        np.testing.assert_allclose(plan.targets.at(np.arange(5)), np.array([2, 2, 2, 1, 0]) / 7)
    by_week = examples_of(serving_days=0.0, batch_size=100).plans(np.arange(7), np.random.default_rng(0))
    np.testing.assert_allclose(
        next(plan.targets.at(np.arange(5)) for plan in by_week if plan.snapshot == 1), np.array([0.5, 0.5, 0, 0, 0])
    )


def test_examples_and_batches_come_in_a_drawn_order() -> None:
    examples = examples_of(serving_days=0.0, batch_size=2, snapshot_days=7.0)

    def order(seed: int) -> tuple[tuple[int, ...], ...]:
        return tuple(tuple(plan.rows.tolist()) for plan in examples.plans(np.arange(7), np.random.default_rng(seed)))

    assert order(0) == order(0)
    orders = [order(seed) for seed in range(12)]
    assert len({tuple(min(map(sorted, plans))) for plans in orders}) == 1  # the same batches
    assert len({tuple(map(frozenset, plans)) for plans in orders}) > 1  # in another order
    assert len({next(rows for rows in plans if 0 in rows) for plans in orders}) == 2  # and in themselves


@pytest.mark.parametrize(("share", "held_out"), [(0.0, 0), (0.3, 2), (0.5, 4), (1.0, 7)])
def test_validation_and_training_share_no_example_and_leave_none_out(share: float, held_out: int) -> None:
    examples = examples_of(validation_share=share)
    assert len(examples.validation_rows) == held_out
    assert sorted([*examples.validation_rows, *examples.training_rows]) == list(range(7))
    for rows in (examples.validation_rows, examples.training_rows):
        assert rows.tolist() == sorted(rows)


def test_which_examples_validate_is_drawn() -> None:
    dataset, config = dataset_of(), replace(CONFIG, validation_share=0.3)

    def held_out(seed: int) -> tuple[int, ...]:
        examples = Examples(dataset, config, WORDS, device="cpu", random=np.random.default_rng(seed))
        return tuple(examples.validation_rows.tolist())

    assert held_out(1) == held_out(1)
    assert len({held_out(seed) for seed in range(9)}) > 3


def test_where_there_is_no_clock_every_example_is_live_and_popularity_says_nothing() -> None:
    days = tuple((user, post, verb, day / 10) for user, post, verb, day in EVENTS)
    examples = examples_of(dataset_of(days), live_share=0.0)
    batch = batch_of(examples, [1, 2, 3], snapshot=0)
    assert histories(batch) == [[0], [0, 1], [0, 1, 2]]
    assert not batch.numeric.any()


def test_live_histories_hold_what_came_before_each_example() -> None:
    found = examples_of(live_share=0.0).live_histories(np.array([3, 0, 5]))
    assert found.rows.tolist() == [[0, 1, 2], [0, 0, 0], [0, 0, 1]]
    assert found.is_event.tolist() == [[True] * 3, [False] * 3, [False, False, True]]


def test_a_dataset_without_events_has_no_examples() -> None:
    examples = examples_of(dataset_of(()))
    assert examples.snapshots.tolist() == [0.0]
    assert examples.plans(np.zeros(0, dtype=np.int64), np.random.default_rng(0)) == []
    empty: NDArray[np.int64] = examples.training_rows
    assert len(empty) == len(examples.validation_rows) == 0
