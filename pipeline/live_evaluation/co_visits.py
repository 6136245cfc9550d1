"""Which posts were met by the people who met a person's last posts: item-kNN on what was known at a moment."""

import numpy as np
from numpy.typing import NDArray

from pipeline.pairs import Pairs
from two_tower.past_popularity import first_at_least

LAST_POSTS = 10
_NEWEST_PEOPLE = 500  # of a post: those who met it longer ago are left out


class CoVisits:
    """Counts, for any moment, the people who met two posts before it."""

    def __init__(self, pairs: Pairs, *, post_count: int) -> None:
        self._pairs = pairs
        order = np.lexsort((pairs.days, pairs.post_rows))  # by post, then by time
        self._users = pairs.user_rows[order]
        self._days = pairs.days[order]
        self._offsets = np.concatenate([[0], np.cumsum(np.bincount(pairs.post_rows, minlength=post_count))])
        self._post_count = post_count

    def closeness(
        self, history: NDArray[np.integer], people: NDArray[np.float64], *, day: float
    ) -> NDArray[np.float64]:
        """The sum over the last ten posts of ``history`` of the cosine between their people and each post's.

        ``history`` ends with the newest post; ``people`` [posts] counts who met each post before ``day``. float64
        [posts].
        """
        posts = history[-LAST_POSTS:].astype(np.int64)
        starts = self._offsets[posts]
        ends = first_at_least(self._days, starts, self._offsets[posts + 1], day)
        starts = np.maximum(starts, ends - _NEWEST_PEOPLE)
        users = self._users[ranges(starts, ends)]
        weights = np.repeat(1 / np.sqrt(np.maximum(people[posts], 1)), ends - starts)

        firsts = self._pairs.offsets[users]
        ends = first_at_least(self._pairs.days, firsts, self._pairs.offsets[users + 1], day)
        met = self._pairs.post_rows[ranges(firsts, ends)]
        together = np.bincount(met, weights=np.repeat(weights, ends - firsts), minlength=self._post_count)
        return np.asarray(together / np.sqrt(np.maximum(people, 1)), dtype=np.float64)


def ranges(starts: NDArray[np.int64], ends: NDArray[np.int64]) -> NDArray[np.int64]:
    """The numbers of all ``starts[i]:ends[i]``, one after the other."""
    lengths = ends - starts
    shifts = starts - np.concatenate([[0], np.cumsum(lengths)[:-1]]) if len(lengths) else starts
    return np.repeat(shifts, lengths) + np.arange(lengths.sum())
