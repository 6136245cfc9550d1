"""The history of a person at a moment is that of a dataset which ends there."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.live_evaluation.live_histories import LiveHistories
from tests.pipeline.live_evaluation.made_up_log import Met, day_of, made_up_log
from tests.pipeline.live_evaluation.random_logs import DAY, events


@settings(max_examples=40, deadline=None)
@given(log=events(0, 33 * DAY, max_size=30), asked=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 34 * 24))))
def test_verbs_strengths_and_order_are_those_of_the_events_before_the_moment(
    log: list[Met], asked: list[tuple[int, int]]
) -> None:
    dataset = made_up_log(log)
    users = np.array([user for user, _ in asked], dtype=np.int64)
    days = np.array([day_of(hour * 60) for _, hour in asked], dtype=np.float64)
    found = LiveHistories(dataset.events, user_count=4, post_count=5).at(users, days, crowd_days=days)
    assert len(found.offsets) == len(asked) + 1
    for number, (user, day) in enumerate(zip(users, days, strict=True)):
        wanted = dataset.until(float(day)).pairs
        own, theirs = (slice(*pairs.offsets[row : row + 2]) for pairs, row in ((found, number), (wanted, user)))
        assert found.post_rows[own].tolist() == wanted.post_rows[theirs].tolist()
        assert found.verbs[own].tolist() == wanted.verbs[theirs].tolist()
        assert found.days[own].tolist() == wanted.days[theirs].tolist()
        assert np.allclose(found.strengths[own], wanted.strengths[theirs], atol=1e-6)
