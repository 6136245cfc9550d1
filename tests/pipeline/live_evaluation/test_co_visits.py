"""Co-visits against a count by hand over every person."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pipeline.live_evaluation.co_visits import CoVisits, ranges
from pipeline.live_evaluation.crowd_counts import Crowd
from pipeline.live_evaluation.replay import Log
from tests.pipeline.live_evaluation.made_up_log import Met, day_of, made_up_log


def test_ranges_are_laid_one_after_the_other() -> None:
    assert ranges(np.array([3, 9, 1]), np.array([5, 9, 4])).tolist() == [3, 4, 1, 2, 3]
    assert ranges(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)).tolist() == []


@given(
    met=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 4), st.integers(0, 30)), max_size=25),
    user=st.integers(0, 3),
    minute=st.integers(0, 31),
)
def test_closeness_counts_everybody_who_met_both_posts_before_the_moment(
    met: list[tuple[int, int, int]], user: int, minute: int
) -> None:
    dataset = made_up_log([Met(*each) for each in met])
    day = day_of(minute)
    of_post = {post: {person for person, other, at in met if other == post and at < minute} for post in range(5)}
    history = Log(dataset).history(user, day)
    wanted = [
        sum(
            len(of_post[post] & of_post[int(last)]) / np.sqrt(max(len(of_post[post]), 1) * len(of_post[int(last)]))
            for last in history
        )
        for post in range(5)
    ]
    counts = Crowd(dataset).at(day)
    found = CoVisits(dataset.pairs, post_count=5).closeness(history, counts.people, day=day)
    assert np.allclose(found, wanted)


def test_only_the_last_ten_posts_of_a_history_are_compared() -> None:
    events = [Met(0, post, post) for post in range(11)] + [Met(1, 0, 20), Met(1, 11, 21), Met(2, 1, 20), Met(2, 12, 21)]
    dataset = made_up_log(events, posts=13)
    counts = Crowd(dataset).at(1.0)
    closeness = CoVisits(dataset.pairs, post_count=13).closeness(np.arange(11), counts.people, day=1.0)
    assert closeness[11] == 0  # it was met with post 0 alone, which is eleven posts ago
    assert closeness[12] > 0
