"""What the platform serves: in each category a short list that everybody is led through, and then the posts in order."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sample_api.latent import CATEGORY_SIZES
from sample_api.sizes import DAYS
from sample_api.uploads import Posts

CATEGORY_IDS = tuple(CATEGORY_SIZES)
LIST_LENGTH = 24

# What makes a post be served: what it has for ever, what its neighbours share, what it has for months, what it has for
# this week (lists only), and that it is new.
_BASE, _SHARED, _CHUNK = 1.0, 1.2, 6
_SLOW, _SLOW_MEMORY = 2.0, 0.955
_WEEKLY = 0.9
_YOUTH, _YOUTH_DAYS = 2.0, 25.0
_SERVED, _LEAST_SERVED = 0.22, 30  # share, and number at least, of a category's posts that are served at a time


@dataclass(frozen=True, slots=True)
class Feeds:
    """The feeds of each day and category: ``group = day * categories + place of the category``.

    ``lists`` [groups, LIST_LENGTH] hold rows of posts, -1 where a category has too few. ``served`` holds the rows of the
    posts that are served, oldest first: those of a group from ``starts[group]`` on, ``counts[group]`` of them.
    """

    lists: NDArray[np.int32]
    served: NDArray[np.int32]
    starts: NDArray[np.int64]
    counts: NDArray[np.int64]
    keys: NDArray[np.int64]  # group * posts + row of each served post, ascending


def make_feeds(random: np.random.Generator, posts: Posts) -> Feeds:
    """A post that is served stays so for months; each week shuffles a part of the lists."""
    count = len(posts.created)
    places = places_of(posts.categories)
    rows_of_place = [np.flatnonzero(places == place) for place in range(len(CATEGORY_IDS))]
    shared = np.empty(count)
    for rows in rows_of_place:
        shared[rows] = random.normal(size=len(rows) // _CHUNK + 1)[np.arange(len(rows)) // _CHUNK]
    base = _BASE * random.gumbel(size=count) + _SHARED * shared
    slow = random.normal(size=count)
    weekly = np.zeros(count)
    lists = np.full((DAYS * len(CATEGORY_IDS), LIST_LENGTH), -1, dtype=np.int32)
    served = []
    for day in range(DAYS):
        if day % 7 == 0:
            slow = _SLOW_MEMORY * slow + np.sqrt(1 - _SLOW_MEMORY**2) * random.normal(size=count)
            weekly = _WEEKLY * random.gumbel(size=count)
        age = day - posts.created
        lasting = base + _SLOW * slow + _YOUTH * np.exp(-np.maximum(age, 0) / _YOUTH_DAYS)
        for place, all_rows in enumerate(rows_of_place):
            rows = all_rows[: np.searchsorted(posts.created[all_rows], day)]
            kept = min(max(round(_SERVED * len(rows)), _LEAST_SERVED), len(rows))
            best = rows[np.argsort(-lasting[rows], kind="stable")[:kept]]
            served.append(np.sort(best))
            top = best[np.argsort(-(lasting + weekly)[best], kind="stable")[:LIST_LENGTH]]
            lists[day * len(CATEGORY_IDS) + place, : len(top)] = top
    counts = np.array([len(rows) for rows in served])
    joined = np.concatenate(served)
    return Feeds(
        lists,
        joined.astype(np.int32),
        np.cumsum(counts) - counts,
        counts,
        np.repeat(np.arange(len(counts)), counts) * count + joined,
    )


def places_of(categories: NDArray[np.int64]) -> NDArray[np.int64]:
    """The places of categories in CATEGORY_IDS."""
    numbers = np.array(CATEGORY_IDS)
    order = np.argsort(numbers)
    return np.asarray(order[np.searchsorted(numbers[order], categories)])
