from zlib import crc32

import numpy as np

from pipeline.dataset import Dataset
from pipeline.splits import (
    Split,
    cold_posts,
    split_by_time,
    split_cold_posts,
    split_cold_users,
    split_last,
)


def history(dataset: Dataset, user_row: int) -> list[int]:
    offsets = dataset.pairs.offsets
    return dataset.pairs.post_rows[offsets[user_row] : offsets[user_row + 1]].tolist()


def assert_nothing_shown_is_a_target(split: Split) -> None:
    for user_row, targets in zip(split.user_rows, split.targets, strict=True):
        assert len(targets)
        assert not set(history(split.shown, user_row)) & set(targets.tolist())


def test_the_split_by_time_learns_from_before_a_moment_and_asks_for_what_came_after(dataset: Dataset) -> None:
    split = split_by_time(dataset)
    day = dataset.end_day - 35
    assert split.past.event_days.max() < day <= dataset.event_days.max()
    assert len(split.past.events) == (dataset.event_days < day).sum()
    assert_nothing_shown_is_a_target(split)


def test_the_split_of_the_last_interaction_holds_back_one_post_of_each_user_with_two(dataset: Dataset) -> None:
    split = split_last(dataset)
    lengths = np.diff(dataset.pairs.offsets)
    assert split.user_rows.tolist() == np.flatnonzero(lengths >= 2).tolist()
    for user_row, targets in zip(split.user_rows, split.targets, strict=True):
        assert [*history(split.shown, user_row), *targets] == history(dataset, user_row)
    assert len(split.past.pairs) == len(dataset.pairs) - len(split.user_rows)


def test_nobody_met_a_cold_post_before_it_is_asked_for(dataset: Dataset) -> None:
    split = split_cold_posts(dataset)
    drawn = [crc32(str(post_id).encode()) % 20 == 0 for post_id in dataset.post_ids]
    assert cold_posts(dataset).tolist() == drawn
    assert not np.isin(np.flatnonzero(drawn), split.past.event_posts).any()
    assert len(split.user_rows)
    assert all(drawn[post] for targets in split.targets for post in targets)
    assert (np.diff(split.shown.pairs.offsets)[split.user_rows] > 0).all()
    assert_nothing_shown_is_a_target(split)


def test_training_knows_no_cold_user_and_each_shows_only_the_last_posts_before_the_target(dataset: Dataset) -> None:
    split = split_cold_users(dataset, shown_interactions=3)
    assert len(split.user_rows)
    for user_row, targets in zip(split.user_rows, split.targets, strict=True):
        assert crc32(str(dataset.user_ids[user_row]).encode()) % 10 == 0
        assert history(split.past, user_row) == []
        *before, last = history(dataset, user_row)
        assert targets.tolist() == [last]
        assert history(split.shown, user_row) == before[-3:]
