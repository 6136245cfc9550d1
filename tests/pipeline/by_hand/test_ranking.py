"""Each metric on a handful of targets: caps, ties, what is left out, and intervals."""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline import ranking
from pipeline.dataset import Dataset
from pipeline.ranking import MISSED, Estimate, Recommender, TargetRanks, estimate, measure, rank_targets, top_feeds
from pipeline.splits import Split
from tests.pipeline.by_hand.tiny_dataset import tiny_dataset


def ranks_of(
    users: Sequence[int],
    ranks: Sequence[int],
    category_ranks: Sequence[int] | None = None,
    categories: Sequence[int] | None = None,
) -> TargetRanks:
    return TargetRanks(
        users=np.array(users, dtype=np.int64),
        posts=np.zeros(len(users), dtype=np.int64),
        ranks=np.array(ranks, dtype=np.int64),
        category_ranks=np.array(ranks if category_ranks is None else category_ranks, dtype=np.int64),
        categories=np.array(categories if categories is not None else [1] * len(users), dtype=np.int64),
    )


def gain(*ranks: int) -> float:
    return sum(1 / math.log2(rank + 2) for rank in ranks)


# The metrics of a user.


@pytest.mark.parametrize(("rank", "ndcg"), [(0, 1.0), (1, 1 / math.log2(3)), (9, 1 / math.log2(11)), (10, 0.0)])
def test_one_target_counts_up_to_the_tenth_place(rank: int, ndcg: float) -> None:
    found = measure(ranks_of([0], [rank]))
    assert found.ndcg.tolist() == pytest.approx([ndcg])
    assert found.recall.tolist() == found.hit.tolist() == [float(rank < 10)]


def test_recall_is_the_share_of_targets_found_and_ndcg_is_beside_the_best_order() -> None:
    found = measure(ranks_of([4, 4, 4, 7], [0, 3, 25, 30]))
    assert found.recall.tolist() == pytest.approx([2 / 3, 0.0])
    assert found.hit.tolist() == [1.0, 0.0]
    assert found.ndcg.tolist() == pytest.approx([gain(0, 3) / gain(0, 1, 2), 0.0])


def test_more_targets_than_places_are_measured_against_ten_places() -> None:
    found = measure(ranks_of([0] * 12 + [1] * 12, [*range(12), *range(5, 17)]))
    assert found.ndcg.tolist() == pytest.approx([1.0, gain(5, 6, 7, 8, 9) / gain(*range(10))])
    assert found.recall.tolist() == pytest.approx([1.0, 0.5])


def test_in_category_only_users_with_a_target_that_has_one_are_there() -> None:
    ranks = ranks_of([0, 0, 1, 2], [50, 0, 0, 0], category_ranks=[0, -1, -1, 12])
    found = measure(ranks, in_category=True)
    assert found.recall.tolist() == [1.0, 0.0]  # of users 0 and 2
    assert found.ndcg.tolist() == [1.0, 0.0]
    assert measure(ranks).recall.tolist() == [0.5, 1.0, 1.0]


def test_in_category_each_category_has_a_page_of_its_own() -> None:
    """User 0 finds all of 12 + 2 targets that two pages can hold, user 1 one of two."""
    ranks = ranks_of(
        [0] * 14 + [1] * 2,
        [0] * 16,
        category_ranks=[*range(12), 0, 1, 0, 30],
        categories=[1] * 12 + [2] * 2 + [1, 2],
    )
    found = measure(ranks, in_category=True)
    assert found.recall.tolist() == [1.0, 0.5]
    assert found.ndcg.tolist() == pytest.approx([1.0, 0.5])


def test_nothing_measured_is_nobody() -> None:
    found = measure(ranks_of([], []))
    assert len(found.recall) == len(found.ndcg) == len(found.hit) == 0


# Where a target stands.

CATEGORIES = (1, 1, 2, None, 2, 1)


@pytest.fixture(scope="module")
def shown() -> Dataset:
    """User 0 has met post 0; user 1 posts 1 and 2; user 2 nothing."""
    events = [(0, 0, "view", 0.0), (1, 1, "view", 1.0), (1, 2, "view", 2.0)]
    return tiny_dataset(events, posts=6, users=3, categories=CATEGORIES)


def split_of(shown: Dataset, targets: dict[int, Sequence[int]]) -> Split:
    return Split(
        past=shown,
        shown=shown,
        user_rows=np.array(list(targets), dtype=np.int64),
        targets=tuple(np.array(rows, dtype=np.int64) for rows in targets.values()),
        describes="by hand",
    )


def always(*scores: float) -> Recommender:
    return lambda _, user_rows: np.tile(np.array(scores, dtype=np.float32), (len(user_rows), 1))


def by_user(scores: NDArray[np.float32]) -> Recommender:
    return lambda _, user_rows: scores[user_rows]


BEST_FIRST = always(6, 5, 4, 3, 2, 1)


def test_a_target_stands_after_what_scores_higher_and_was_not_met(shown: Dataset) -> None:
    ranks = rank_targets(split_of(shown, {0: [1, 5], 1: [3], 2: [0, 4]}), BEST_FIRST)
    assert ranks.users.tolist() == [0, 0, 1, 2, 2]
    assert ranks.posts.tolist() == [1, 5, 3, 0, 4]
    assert ranks.ranks.tolist() == [0, 4, 1, 0, 4]
    assert ranks.category_ranks.tolist() == [0, 1, -1, 0, 1]


def test_an_equal_score_counts_against_the_target_and_not_against_itself(shown: Dataset) -> None:
    ranks = rank_targets(split_of(shown, {0: [2], 2: [2]}), always(1, 1, 1, 1, 0, 2))
    assert ranks.ranks.tolist() == [3, 4]  # 1, 3 and 5; for user 2 post 0 too
    assert ranks.category_ranks.tolist() == [0, 0]


def test_among_equal_scores_the_order_of_ties_decides(shown: Dataset) -> None:
    ties = np.array([5, 0, 1, 2, 3, 4])
    split = replace(split_of(shown, {0: [2, 4], 2: [0]}), ties=ties)
    assert rank_targets(split, always(1, 1, 1, 1, 1, 2)).ranks.tolist() == [2, 4, 5]
    feeds = top_feeds(always(1, 1, 1, 1, 1, 2), shown, np.array([2]), ties=ties)
    assert feeds.tolist() == [[5, 1, 2, 3, 4, 0]]


def test_a_target_that_is_no_candidate_is_beyond_every_cutoff(shown: Dataset) -> None:
    candidates = np.array([True, True, False, False, True, True])
    split = replace(split_of(shown, {0: [2], 1: [3, 4]}), candidates=candidates)
    ranks = rank_targets(split, BEST_FIRST)
    assert ranks.ranks.tolist() == [MISSED, MISSED, 1]
    assert ranks.category_ranks.tolist() == [MISSED, -1, 0]  # post 3 has no category


def test_a_feed_holds_candidates_before_all_others(shown: Dataset) -> None:
    feeds = top_feeds(BEST_FIRST, shown, np.array([2]), candidates=np.array([False, False, True, False, True, True]))
    assert feeds[0, :3].tolist() == [2, 4, 5]


def test_only_candidates_stand_before_a_target(shown: Dataset) -> None:
    candidates = np.array([False, True, False, True, True, True])
    ranks = rank_targets(split_of(shown, {0: [5], 2: [5]}), BEST_FIRST, candidates=candidates)
    assert ranks.ranks.tolist() == [3, 3]
    assert ranks.category_ranks.tolist() == [1, 1]


@pytest.mark.parametrize("at_once", [1, 2, 3])
def test_users_are_ranked_alike_however_many_at_once(
    shown: Dataset, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    scores = np.random.default_rng(0).random((3, 6)).astype(np.float32)
    split = split_of(shown, {0: [1, 5], 1: [3], 2: [0, 4]})
    whole = rank_targets(split, by_user(scores))
    feeds = top_feeds(by_user(scores), shown, np.array([2, 0, 1]))
    monkeypatch.setattr(ranking, "_USERS_AT_ONCE", at_once)
    assert rank_targets(split, by_user(scores)).ranks.tolist() == whole.ranks.tolist()
    assert rank_targets(split, by_user(scores)).category_ranks.tolist() == whole.category_ranks.tolist()
    assert top_feeds(by_user(scores), shown, np.array([2, 0, 1])).tolist() == feeds.tolist()


def test_a_recommender_sees_what_is_shown_of_the_test_users(shown: Dataset) -> None:
    asked: list[tuple[bool, list[int]]] = []

    def recommend(dataset: Dataset, user_rows: NDArray[np.int64]) -> NDArray[np.float32]:
        asked.append((dataset is shown, user_rows.tolist()))
        return np.zeros((len(user_rows), 6), dtype=np.float32)

    rank_targets(split_of(shown, {2: [1], 1: [3]}), recommend)
    assert asked == [(True, [2, 1])]


def test_a_split_without_users_has_no_ranks(shown: Dataset) -> None:
    ranks = rank_targets(split_of(shown, {}), BEST_FIRST)
    assert len(ranks.ranks) == len(ranks.category_ranks) == len(ranks.users) == len(ranks.posts) == 0


# The feeds.


def test_a_feed_is_the_best_ten_unseen_posts_in_order() -> None:
    dataset = tiny_dataset([(0, 13, "view", 0.0)], posts=14, users=1)
    feeds = top_feeds(always(*range(14)), dataset, np.array([0]))
    assert feeds.tolist() == [[12, 11, 10, 9, 8, 7, 6, 5, 4, 3]]


def test_the_feeds_of_a_large_catalogue_are_those_of_a_full_sort() -> None:
    dataset = tiny_dataset((), posts=300, users=20, text=np.zeros((300, 1)))
    scores = np.random.default_rng(3).random((20, 300)).astype(np.float32)
    feeds = top_feeds(by_user(scores), dataset, np.arange(20))
    np.testing.assert_array_equal(feeds, np.argsort(-scores, axis=1)[:, :10])


def test_equal_scores_stand_in_one_seeded_order(shown: Dataset) -> None:
    order = np.random.default_rng(0).permutation(6).tolist()
    assert top_feeds(always(1, 1, 1, 1, 1, 1), shown, np.array([2])).tolist() == [order]
    tied = [row for row in order if row not in {0, 4}]
    assert top_feeds(always(0, 1, 1, 1, 2, 1), shown, np.array([2])).tolist() == [[4, *tied, 0]]


def test_equal_scores_at_the_last_place_are_decided_by_the_order_of_ties() -> None:
    """One score more than the others, eleven equal ones and one less: nine of the eleven are shown."""
    dataset = tiny_dataset((), posts=14, users=2, text=np.zeros((14, 1)))
    scores = np.array([[2, 1, 3, *[2] * 10, 0], [2, 1, 3, *[0] * 11]], dtype=np.float32)
    feeds = top_feeds(by_user(scores), dataset, np.arange(2), ties=np.arange(14)[::-1])
    assert feeds.tolist() == [[2, 12, 11, 10, 9, 8, 7, 6, 5, 4], [2, 0, 1, 13, 12, 11, 10, 9, 8, 7]]


def test_feeds_of_nobody_are_none(shown: Dataset) -> None:
    assert top_feeds(BEST_FIRST, shown, np.zeros(0, dtype=np.int64)).shape == (0, 6)


# The interval of a mean.


def test_an_interval_is_the_middle_95_percent_of_a_thousand_resampled_means() -> None:
    values = np.random.default_rng(5).random(40)
    random = np.random.default_rng(0)  # part of the promise: the same values give the same interval
    means = sorted(values[random.integers(40, size=40)].mean() for _ in range(1000))
    found = estimate(values)
    assert found.mean == values.mean()
    assert found.low == pytest.approx(means[24] + 0.975 * (means[25] - means[24]), abs=1e-12)
    assert found.high == pytest.approx(means[974] + 0.025 * (means[975] - means[974]), abs=1e-12)


def test_an_interval_is_as_wide_as_the_normal_approximation_says() -> None:
    found = estimate(np.array([0.0, 1.0] * 200))
    half = 1.96 * 0.5 / math.sqrt(400)
    assert found.low == pytest.approx(0.5 - half, abs=0.007)
    assert found.high == pytest.approx(0.5 + half, abs=0.007)


def test_nobody_has_an_interval_of_zeros() -> None:
    assert estimate(np.zeros(0)) == Estimate(0.0, 0.0, 0.0)
    assert estimate(np.array([0.25])) == Estimate(0.25, 0.25, 0.25)
