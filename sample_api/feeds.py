"""What the platform serves: in each category a short list that everybody is led through, and then the posts in order."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sample_api.latent import CATEGORY_SIZES
from sample_api.sizes import DAYS
from sample_api.uploads import Posts

WEEK_DAYS = 7
LIST_LENGTH = 24
CATEGORY_IDS = tuple(CATEGORY_SIZES)

_BASE = 1.0  # weights of what makes a list: what a post has for ever,
_SLOW, _SLOW_MEMORY = 0.8, 0.9  # what it has for months,
_WEEKLY = 0.8  # what it has for this week,
_YOUTH, _YOUTH_DAYS = 0.8, 30.0  # and that it is new


@dataclass(frozen=True, slots=True)
class Feeds:
    """``lists`` [weeks, categories, LIST_LENGTH] hold rows of posts, -1 where a category has too few.

    ``in_category`` are the rows of the posts of each category, oldest first; ``created`` [posts] days.
    """

    lists: NDArray[np.int64]
    in_category: tuple[NDArray[np.int64], ...]
    created: NDArray[np.float64]


def make_feeds(random: np.random.Generator, posts: Posts) -> Feeds:
    """A post's place in a list is mostly lasting; each week shuffles a part."""
    count, weeks = len(posts.created), -(-DAYS // WEEK_DAYS)
    base = _BASE * random.gumbel(size=count)
    slow = random.normal(size=count)
    in_category = tuple(np.flatnonzero(posts.categories == number) for number in CATEGORY_IDS)
    lists = np.full((weeks, len(CATEGORY_IDS), LIST_LENGTH), -1)
    for week in range(weeks):
        slow = _SLOW_MEMORY * slow + np.sqrt(1 - _SLOW_MEMORY**2) * random.normal(size=count)
        age = week * WEEK_DAYS - posts.created
        youth = _YOUTH * np.exp(-np.maximum(age, 0) / _YOUTH_DAYS)
        score = base + _SLOW * slow + _WEEKLY * random.gumbel(size=count) + youth
        score[age < 0] = -np.inf
        for number, rows in enumerate(in_category):
            best = rows[np.argsort(-score[rows], kind="stable")[:LIST_LENGTH]]
            best = best[score[best] > -np.inf]
            lists[week, number, : len(best)] = best
    return Feeds(lists, in_category, posts.created)
