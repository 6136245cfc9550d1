from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.dataset import Dataset
from pipeline.ranking import Recommender, TargetRanks, estimate, measure, rank_targets, top_feeds
from pipeline.splits import Split, split_last


@pytest.fixture
def split(dataset: Dataset) -> Split:
    return split_last(dataset)


def always(scores: NDArray[np.floating]) -> Recommender:
    return lambda _, user_rows: np.tile(scores.astype(np.float32), (len(user_rows), 1))


def test_metrics_are_what_their_definitions_say() -> None:
    ranks = TargetRanks(
        users=np.array([0, 0, 1]),
        posts=np.array([1, 19, 15]),
        ranks=np.array([1, 10, 9]),
        category_ranks=np.array([0, -1, -1]),
        categories=np.array([1, 0, 0]),
    )
    found = measure(ranks)
    assert found.recall.tolist() == [0.5, 1]
    assert found.hit.tolist() == [1, 1]
    np.testing.assert_allclose(found.ndcg, [(1 / np.log2(3)) / (1 + 1 / np.log2(3)), 1 / np.log2(11)])
    assert measure(ranks, in_category=True).ndcg.tolist() == [1]


def test_ties_count_against_the_target(split: Split) -> None:
    posts = len(split.past.post_ids)
    ranks = rank_targets(split, always(np.ones(posts)))
    unseen = posts - np.diff(split.shown.pairs.offsets)[split.user_rows]
    assert ranks.ranks.tolist() == (unseen - 1).tolist()


def test_a_target_is_ranked_among_what_the_user_has_not_met_and_in_its_category(split: Split) -> None:
    scores = np.random.default_rng(1).permutation(len(split.past.post_ids))
    ranks = rank_targets(split, always(scores))
    categories = split.past.category_rows
    for user, post, rank, category_rank in zip(
        ranks.users, ranks.posts, ranks.ranks, ranks.category_ranks, strict=True
    ):
        offsets = split.shown.pairs.offsets[split.user_rows[user] :][:2]
        unseen = np.setdiff1d(np.arange(len(scores)), split.shown.pairs.post_rows[slice(*offsets)])
        better = unseen[scores[unseen] > scores[post]]
        assert rank == len(better)
        has_category = categories[post] > 0
        assert category_rank == ((categories[better] == categories[post]).sum() if has_category else -1)


def test_only_candidates_count(split: Split) -> None:
    is_target = np.zeros(len(split.past.post_ids), dtype=np.bool_)
    is_target[np.concatenate(split.targets)] = True
    ranks = rank_targets(split, always(np.ones(len(is_target))), candidates=is_target)
    assert ranks.ranks.max() < is_target.sum()


def test_a_feed_holds_the_best_unseen_posts_in_order(dataset: Dataset) -> None:
    scores = np.random.default_rng(2).permutation(len(dataset.post_ids))
    users = np.flatnonzero(np.diff(dataset.pairs.offsets) > 0)
    for feed, user in zip(top_feeds(always(scores), dataset, users), users, strict=True):
        met = dataset.pairs.post_rows[dataset.pairs.offsets[user] : dataset.pairs.offsets[user + 1]]
        unseen = np.setdiff1d(np.arange(len(scores)), met)
        assert feed.tolist() == unseen[np.argsort(-scores[unseen])][:10].tolist()


def test_an_interval_holds_its_mean_and_narrows_with_more_users() -> None:
    values = np.random.default_rng(3).random(400)
    few, many = estimate(values[:40]), estimate(values)
    for interval in (few, many):
        assert interval.low < interval.mean < interval.high
    assert many.high - many.low < few.high - few.low
    assert estimate(values) == many


def test_a_repeated_split_ranks_alike(split: Split) -> None:
    scores = np.random.default_rng(4).random(len(split.past.post_ids))
    shorter = replace(split, user_rows=split.user_rows[:5], targets=split.targets[:5])
    count = sum(map(len, shorter.targets))
    whole = rank_targets(split, always(scores))
    assert rank_targets(shorter, always(scores)).ranks.tolist() == whole.ranks[:count].tolist()
