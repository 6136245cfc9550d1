"""Steps from one post to the next within a session, counted up to a moment: which post follows which."""

import numpy as np
from numpy.typing import NDArray

from bundle.post_steps import FARTHEST
from pipeline.dataset import Dataset
from pipeline.live_evaluation.sessions import first_signs, session_numbers

_NEWEST_STEPS = 10_000  # of all people: they say how steps go through a category's order


class Steps:
    """Knows all steps with their moments, and counts those before a moment.

    A step is two pairs of one person that follow each other in a session; its moment is that of the second. A
    category's post order is that of creation (``first_signs``), posts of the same moment in the order of their ids.
    ``sources`` and ``followers`` int64 [steps] are the rows of the posts, ascending by source, then by time.
    """

    def __init__(self, dataset: Dataset) -> None:
        pairs, sessions = dataset.pairs, session_numbers(dataset.pairs)
        firsts = np.flatnonzero(np.diff(sessions) == 0)
        sources, followers = pairs.post_rows[firsts].astype(np.int64), pairs.post_rows[firsts + 1].astype(np.int64)
        days = pairs.days[firsts + 1]
        self._post_count = len(dataset.post_ids)
        self._categories = dataset.category_rows
        self._places = _places_in_category(dataset)

        by_source = np.lexsort((days, sources))
        self.sources, self.followers, self._days = sources[by_source], followers[by_source], days[by_source]
        self._offsets = np.concatenate([[0], np.cumsum(np.bincount(sources, minlength=self._post_count))])

        distances = self._places[followers] - self._places[sources]
        is_near = (self._categories[followers] == self._categories[sources]) & (np.abs(distances) <= FARTHEST)
        by_time = np.argsort(days, kind="stable")
        self._distances = np.where(is_near, distances, 0)[by_time]  # 0: to another category, or far away
        self._ordered_days = days[by_time]

    def follower_counts(self, post: int, *, day: float) -> NDArray[np.float64]:
        """How often each post followed the given one before a day: float64 [posts]."""
        start, end = self._offsets[post], self._offsets[post + 1]
        end = start + int(np.searchsorted(self._days[start:end], day))
        return np.bincount(self.followers[start:end], minlength=self._post_count).astype(np.float64)

    def shares_by_distance(self, *, day: float) -> NDArray[np.float64]:
        """The share of the newest 10,000 steps before a day that went -20 to 20 places on: float64 [41], 0 at 0."""
        end = int(np.searchsorted(self._ordered_days, day))
        distances = self._distances[max(end - _NEWEST_STEPS, 0) : end]
        shares = np.bincount(distances + FARTHEST, minlength=2 * FARTHEST + 1) / max(len(distances), 1)
        shares[FARTHEST] = 0.0
        return np.asarray(shares)

    def order_shares(self, post: int, *, day: float) -> NDArray[np.float64]:
        """The share of the newest 10,000 steps before a day that went as far, in places of the category's order.

        float64 [posts]; 0 for posts of other categories, more than 20 places away, and for the post itself.
        """
        shares = self.shares_by_distance(day=day)
        away = self._places - self._places[post]
        is_near = (self._categories == self._categories[post]) & (np.abs(away) <= FARTHEST)
        return np.where(is_near, shares[np.clip(away, -FARTHEST, FARTHEST) + FARTHEST], 0.0)


def _places_in_category(dataset: Dataset) -> NDArray[np.int64]:
    """Each post's place in the order of its category: int64 [posts]. Posts made later come later and move none."""
    order = np.lexsort((dataset.post_ids, first_signs(dataset), dataset.category_rows))
    categories = dataset.category_rows[order]
    starts = np.searchsorted(categories, categories)  # where each one's category begins
    places = np.empty(len(order), dtype=np.int64)
    places[order] = np.arange(len(order)) - starts
    return places
