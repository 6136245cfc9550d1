"""What there was before a moment: the data of a month's training."""

import numpy as np

from tests.pipeline.live_evaluation.made_up_log import Met, day_of, made_up_log

DAY = 1440
LOG = made_up_log(
    [Met(0, 4, DAY), Met(0, 1, 2 * DAY), Met(0, 4, 3 * DAY, "like"), Met(1, 3, 9 * DAY), Met(1, 4, 9 * DAY)],
    created_minutes=[0, 5 * DAY, 10 * DAY, 8 * DAY, 0],
    categories=[7, 7, 3, 9, 9],
)


def test_posts_made_later_are_gone_and_the_others_keep_their_interactions_under_new_rows() -> None:
    past = LOG.made_before(8.0)  # the moment at which post 4 (row 3) is made belongs to the future
    assert past.post_ids.tolist() == [1, 2, 5]
    assert past.event_posts.tolist() == [2, 1, 2]
    assert past.pairs.post_rows.tolist() == [2, 1]
    assert past.user_ids.tolist() == LOG.user_ids.tolist()
    assert past.category_ids.tolist() == [7, 9]
    assert past.category_rows.tolist() == [1, 1, 2]
    assert np.array_equal(past.text, LOG.text[[0, 1, 4]])
    assert past.texts == [LOG.texts[row] for row in (0, 1, 4)]


def test_a_post_that_was_met_before_it_was_made_is_as_old_as_its_first_meeting() -> None:
    past = LOG.made_before(4.0)
    assert past.post_ids.tolist() == [1, 2, 5]
    assert past.created_days.tolist() == [0, day_of(2 * DAY), 0]


def test_before_everything_there_is_nothing_but_the_oldest_posts() -> None:
    past = LOG.made_before(0.5)
    assert past.post_ids.tolist() == [1, 5]
    assert len(past.events) == len(past.pairs) == 0
