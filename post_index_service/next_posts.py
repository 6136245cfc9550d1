"""What is expected to follow a post within a session: what followed it so far, and what comes near it in its category.

The steps are those that the bundle holds, and those of the log since, as of an epoch.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bundle.blend import Blend
from bundle.index_posts import IndexPosts
from bundle.post_steps import FARTHEST, PostSteps
from post_index_service.codes import Rows
from post_index_service.trends import Epoch


class NextPosts(NamedTuple):
    """``numbers`` int64 of posts, ascending, and what is expected of each in addition, above 0: float64 ``shares``.

    A post of the bundle has the number of its row, another one the number after them under which it is counted.
    """

    numbers: Rows
    shares: NDArray[np.float64]


NO_NEXT_POSTS = NextPosts(np.zeros(0, dtype=np.int64), np.zeros(0))


class PostSequence:
    """The posts of one bundle, one after the other."""

    def __init__(self, posts: IndexPosts, steps: PostSteps, blend: Blend) -> None:
        self._steps, self._blend = steps, blend
        self._categories = posts.category_ids
        # The posts ascend by category, so a category fills the same places as its rows.
        order = np.lexsort((posts.post_ids, posts.created_ms, posts.category_ids))
        self._in_order = order.astype(np.int32)
        self._places = np.empty(len(order), dtype=np.int32)
        self._places[order] = np.arange(len(order), dtype=np.int32)

    def after(self, number: int, epoch: Epoch) -> NextPosts:
        """What is expected to follow a post, as of an epoch."""
        followers, counts = self._followed(number)
        live = epoch.steps.followers(number, position=epoch.position)
        near, shares = self._near(number)
        numbers, places = np.unique(np.concatenate([followers, live, near]), return_inverse=True)
        of_followers = len(followers) + len(live)
        followed = np.concatenate([counts, np.ones(len(live))])
        expected = self._blend.next_shares(
            _summed(followed, places[:of_followers], len(numbers)), _summed(shares, places[of_followers:], len(numbers))
        )
        is_expected = expected > 0
        return NextPosts(numbers[is_expected], expected[is_expected])

    def _followed(self, number: int) -> tuple[Rows, NDArray[np.float64]]:
        """What followed a post in the bundle, and how often."""
        steps = self._steps
        if number >= len(steps.offsets) - 1:
            return np.zeros(0, dtype=np.int64), np.zeros(0)
        span = slice(steps.offsets[number], steps.offsets[number + 1])
        return steps.followers[span].astype(np.int64), steps.counts[span].astype(np.float64)

    def _near(self, number: int) -> tuple[Rows, NDArray[np.float64]]:
        """The posts near a post in the order of its category, and the share of steps that go as far."""
        if number >= len(self._places):
            return np.zeros(0, dtype=np.int64), np.zeros(0)
        place = int(self._places[number])
        first, last = max(place - FARTHEST, 0), min(place + FARTHEST + 1, len(self._places))
        rows = self._in_order[first:last].astype(np.int64)
        shares = self._steps.order_shares[first - place + FARTHEST : last - place + FARTHEST].astype(np.float64)
        is_near = self._categories[rows] == self._categories[number]
        return rows[is_near], shares[is_near]


def _summed(values: NDArray[np.float64], places: Rows, count: int) -> NDArray[np.float64]:
    return np.bincount(places, weights=values, minlength=count).astype(np.float64)
