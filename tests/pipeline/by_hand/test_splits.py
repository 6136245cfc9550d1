"""Each split of a dozen events: where the cut runs, who is tested, and what is left to learn from."""

from collections.abc import Sequence
from dataclasses import replace
from zlib import crc32

import numpy as np
import pytest

from pipeline.dataset import Dataset
from pipeline.splits import (
    Split,
    cold_posts,
    month_starts,
    rolling_splits,
    split_at,
    split_by_time,
    split_cold_posts,
    split_cold_users,
    split_last,
    without,
)
from tests.pipeline.by_hand.tiny_dataset import Event, tiny_dataset


def drawn_ids(one_in: int, *, are_drawn: Sequence[bool]) -> list[int]:
    """Ascending ids of which those are drawn that should be."""
    ids: list[int] = []
    number = 0
    for is_drawn in are_drawn:
        number += 1
        while (crc32(str(number).encode()) % one_in == 0) is not is_drawn:
            number += 1
        ids.append(number)
    return ids


def history(dataset: Dataset, user_row: int) -> list[int]:
    offsets = dataset.pairs.offsets
    return dataset.pairs.post_rows[offsets[user_row] : offsets[user_row + 1]].tolist()


def histories(dataset: Dataset) -> list[list[int]]:
    return [history(dataset, row) for row in range(len(dataset.user_ids))]


def targets(split: Split) -> dict[int, list[int]]:
    return {int(row): posts.tolist() for row, posts in zip(split.user_rows, split.targets, strict=True)}


EVENTS: tuple[Event, ...] = (
    (0, 0, "view", 1.0),
    (0, 1, "view", 9.0),
    (0, 1, "like", 30.0),  # the pair again, after the cut
    (0, 2, "view", 10.0),
    (0, 3, "view", 50.0),
    (1, 4, "view", 20.0),  # user 1 has but one post
    (2, 1, "view", 5.0),
    (2, 0, "like", 6.0),
)


def test_the_split_by_time_cuts_at_a_moment_which_belongs_to_the_later_part() -> None:
    dataset = tiny_dataset(EVENTS)
    test_days = dataset.end_day - 10.0
    assert dataset.end_day - test_days == 10.0  # no rounding between: the event of day 10 lies on the cut
    split = split_by_time(dataset, test_days=test_days)
    assert histories(split.past) == [[0, 1], [], [1, 0], []]
    assert split.shown is split.past
    assert targets(split) == {0: [2, 3], 1: [4]}
    assert split.past.event_days.max() == 9.0
    assert split.describes == "the last 40 days held back"


def test_a_post_that_was_met_before_the_cut_is_no_target_though_it_is_met_again() -> None:
    split = split_by_time(tiny_dataset(EVENTS), test_days=25.0)
    assert targets(split) == {0: [3]}
    assert split.past.pairs.verbs[1] == 0  # user 0 only viewed post 1 then


def test_the_split_by_time_holds_back_five_weeks() -> None:
    split = split_by_time(
        tiny_dataset([(0, 0, "view", 0.0), (0, 1, "view", 14.9), (0, 2, "view", 15.1), (1, 3, "view", 50.0)])
    )
    assert targets(split) == {0: [2], 1: [3]}
    assert split.describes == "the last 35 days held back"


MONTHS: tuple[Event, ...] = (
    (0, 0, "view", 0.0),
    (0, 1, "view", 30.0),
    (1, 0, "view", 60.0),
    (1, 2, "view", 90.0),
    (2, 3, "view", 100.0),
    (2, 1, "view", 130.0),
)


def test_older_splits_are_a_month_apart_and_hold_back_five_weeks_each() -> None:
    splits = rolling_splits(tiny_dataset(MONTHS, posts=6), months=6)
    end = 130.0 + 1e-6
    days = [split.day for split in splits]
    assert days == pytest.approx([end - 35, end - 35 - 30.4, end - 35 - 2 * 30.4])  # the next has no four weeks of past
    assert [targets(split) for split in splits] == [
        {2: [3, 1]},  # from day 95
        {1: [2]},  # from day 64.6 to 99.6
        {1: [0]},  # from day 34.2 to 69.2
    ]
    assert [split.past.event_days.max() for split in splits] == [90.0, 60.0, 30.0]
    assert [split.describes for split in splits] == [
        "the last 35 days held back",
        "the 35 days from 1970-03-06 held back",
        "the 35 days from 1970-02-04 held back",
    ]


def test_four_weeks_of_interactions_before_a_month_are_enough_and_less_is_not() -> None:
    enough = tiny_dataset([(0, 0, "view", 0.0), (0, 1, "view", 28.0), (1, 2, "view", 100.0)])
    less = tiny_dataset([(0, 0, "view", 0.5), (0, 1, "view", 28.0), (1, 2, "view", 100.0)])
    assert month_starts(enough, months=1) == (enough.end_day - 35,)
    assert month_starts(less, months=1) == ()


def test_data_without_times_has_no_months_whatever_numbers_stand_for_its_days() -> None:
    assert month_starts(tiny_dataset(MONTHS), months=2) != ()
    assert month_starts(replace(tiny_dataset(MONTHS), is_timed=False), months=2) == ()


def test_the_newest_month_is_the_split_by_time() -> None:
    dataset = tiny_dataset(MONTHS)
    (newest,) = rolling_splits(dataset, months=1)
    assert newest.day == split_by_time(dataset).day
    assert targets(newest) == targets(split_by_time(dataset))


def test_a_month_in_which_nobody_met_a_post_first_is_the_end() -> None:
    events = [(0, 0, "view", 0.0), (0, 1, "view", 60.0), (1, 3, "view", 90.0), (1, 2, "view", 200.0)]
    dataset = tiny_dataset(events)
    assert len(rolling_splits(dataset, months=6)) == 1
    older = split_at(dataset, dataset.end_day - 35 - 3 * 30.4)  # from day 73.8: it has a past and somebody to test
    assert older.past.has_clock
    assert targets(older) == {1: [3]}


def test_candidates_are_the_posts_made_before_the_split_or_met_before_it() -> None:
    created = [0.0, 9.9, 10.0, 90.0, 50.0]
    # Post 4 was met before its time of creation.
    events = [(0, 4, "view", 5.0), (1, 0, "view", 2.0), (0, 0, "view", 12.0)]
    split = split_at(tiny_dataset(events, created_days=created), 10.0)
    assert split.candidates is not None
    assert split.candidates.tolist() == [True, True, False, False, True]


def test_the_split_of_the_last_interaction_holds_back_the_post_met_last_of_two_or_more() -> None:
    split = split_last(tiny_dataset(EVENTS))
    assert targets(split) == {0: [3], 2: [0]}
    assert histories(split.past) == [[0, 1, 2], [4], [1], []]
    assert split.shown is split.past
    assert len(split.past.event_days) == len(EVENTS) - 2
    assert split.describes == "each person's last interaction held back"


def test_what_is_left_out_of_a_pair_are_all_its_events() -> None:
    dataset = tiny_dataset(EVENTS)
    is_dropped = np.zeros(len(dataset.pairs), dtype=np.bool_)
    is_dropped[[1, 4]] = True  # user 0 with post 1, user 1 with post 4
    left = without(dataset, is_dropped)
    assert histories(left) == [[0, 2, 3], [], [1, 0], []]
    assert left.event_days.tolist() == [1.0, 5.0, 6.0, 10.0, 50.0]


def test_cold_posts_are_one_in_twenty_by_their_id() -> None:
    ids = drawn_ids(20, are_drawn=[True, False, False, True, False])
    dataset = tiny_dataset((), post_ids=ids)
    assert cold_posts(dataset).tolist() == [True, False, False, True, False]
    many = tiny_dataset((), posts=4000, text=np.zeros((4000, 1)))
    assert cold_posts(many).sum() == pytest.approx(200, abs=60)


COLD_EVENTS: tuple[Event, ...] = (
    (0, 1, "view", 1.0),
    (0, 0, "view", 2.0),  # ends with the cold post
    (1, 0, "view", 3.0),
    (1, 1, "view", 4.0),  # ends with another one
    (2, 0, "view", 5.0),  # has met nothing else
    (3, 0, "view", 6.0),
    (3, 3, "view", 7.0),  # ends with a cold post, and has a history of another cold post alone
)


def test_of_a_cold_post_nothing_is_learnt_and_it_is_the_target_of_those_with_a_history_left() -> None:
    ids = drawn_ids(20, are_drawn=[True, False, False, True, False])
    split = split_cold_posts(tiny_dataset(COLD_EVENTS, post_ids=ids))
    assert targets(split) == {0: [0]}
    assert histories(split.past) == [[1], [], [], []]
    assert split.shown is split.past
    assert split.describes == "each person's last interaction held back, and all of every twentieth post"


@pytest.mark.parametrize(("shown", "expected"), [(1, [3]), (2, [2, 3]), (3, [1, 2, 3]), (9, [0, 1, 2, 3])])
def test_of_a_cold_user_nothing_is_learnt_and_the_last_posts_before_the_target_are_shown(
    shown: int, expected: list[int]
) -> None:
    events = [
        *((0, post, "view", float(post)) for post in range(5)),
        *((1, post, "view", 10.0 + post) for post in range(3)),
        (2, 1, "view", 20.0),  # cold, with one post alone: not tested
        *((3, post, "view", 30.0 + post) for post in (2, 4)),  # cold, with two posts
    ]
    ids = drawn_ids(10, are_drawn=[True, False, True, True])
    split = split_cold_users(tiny_dataset(events, user_ids=ids), shown_interactions=shown)
    assert targets(split) == {0: [4], 3: [4]}
    assert histories(split.past) == [[], [0, 1], [], []]
    assert history(split.shown, 0) == expected
    assert history(split.shown, 1) == [0, 1][-shown:]
    assert history(split.shown, 3) == [2]
    assert split.describes == f"every tenth person unknown to training, showing {shown} interactions"


@pytest.mark.parametrize(
    "split_of", [split_by_time, split_last, split_cold_posts, lambda data: split_cold_users(data, shown_interactions=1)]
)
def test_a_dataset_without_events_has_nobody_to_test(split_of: "type[Split]") -> None:
    split = split_of(tiny_dataset(()))
    assert len(split.user_rows) == len(split.targets) == 0
