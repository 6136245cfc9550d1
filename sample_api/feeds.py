"""What the platform serves: in each category a short list that newcomers are led through, then posts in order."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sample_api.latent import CATEGORY_SIZES
from sample_api.sizes import DAYS
from sample_api.uploads import Posts

CATEGORY_IDS = tuple(CATEGORY_SIZES)
LIST_LENGTH = 40

# What makes a post be served: what it has for ever, what it has for months (a part with its neighbours of the upload),
# what it has for this week (lists only), and that it is new.
_BASE = 2.1
_SLOW, _SLOW_MEMORY = 2.6, 0.976
_CHUNK, _CHUNK_SHARE = 5, 0.6
_WEEKLY = 1.0
_FORGOTTEN = 0.76  # share of posts that nobody finds who is not served them
_YOUTH, _YOUTH_DAYS = 3.2, 12.0
_SERVED, _LEAST_SERVED = 0.16, 20  # share, and number at least, of a category's posts that are served at a time


@dataclass(frozen=True, slots=True)
class Feeds:
    """The feeds of each day and category: ``group = day * categories + place of the category``.

    ``lists`` [groups, LIST_LENGTH] hold rows of posts, -1 where a category has too few. ``served`` holds the rows
    of the posts that are served, oldest first: those of a group from ``starts[group]`` on, ``counts[group]`` of them.
    """

    lists: NDArray[np.int32]
    served: NDArray[np.int32]
    starts: NDArray[np.int64]
    counts: NDArray[np.int64]
    appeal: NDArray[np.float64]  # what a post has for ever, [posts]
    archive: tuple[
        NDArray[np.int64], ...
    ]  # rows of the posts of each category that can be found when they are not served, oldest first
    keys: NDArray[np.int64]  # group * posts + row of each served post, ascending


def make_feeds(random: np.random.Generator, posts: Posts) -> Feeds:
    """A post that is served stays so for months; each week shuffles a part of the lists."""
    count = len(posts.created)
    places = places_of(posts.categories)
    rows_of_place = [np.flatnonzero(places == place) for place in range(len(CATEGORY_IDS))]
    chunks = _chunks(posts, rows_of_place)
    base = _BASE * random.gumbel(size=count)
    slow, slow_chunks = random.normal(size=count), random.normal(size=int(chunks.max()) + 1)
    months = weekly = np.zeros(count)
    lists = np.full((DAYS * len(CATEGORY_IDS), LIST_LENGTH), -1, dtype=np.int32)
    served = []
    for day in range(DAYS):
        if day % 7 == 0:
            slow = _later(random, slow)
            slow_chunks = _later(random, slow_chunks)
            months = np.sqrt(_CHUNK_SHARE) * slow_chunks[chunks] + np.sqrt(1 - _CHUNK_SHARE) * slow
            weekly = _WEEKLY * random.gumbel(size=count)
        age = day - posts.created
        lasting = base + _SLOW * months + _YOUTH * np.exp(-np.maximum(age, 0) / _YOUTH_DAYS)
        for place, all_rows in enumerate(rows_of_place):
            rows = all_rows[: np.searchsorted(posts.created[all_rows], day)]
            kept = min(max(round(_SERVED * len(rows)), _LEAST_SERVED), len(rows))
            best = rows[np.argsort(-lasting[rows], kind="stable")[:kept]]
            served.append(np.sort(best))
            top = best[np.argsort(-(lasting + weekly)[best], kind="stable")[:LIST_LENGTH]]
            lists[day * len(CATEGORY_IDS) + place, : len(top)] = _neighbours_together(top, chunks)
    counts = np.array([len(rows) for rows in served])
    joined = np.concatenate(served)
    return Feeds(
        lists,
        joined.astype(np.int32),
        np.cumsum(counts) - counts,
        counts,
        base,
        tuple(rows[base[rows] >= np.quantile(base[rows], _FORGOTTEN)] if len(rows) else rows for rows in rows_of_place),
        np.repeat(np.arange(len(counts)), counts) * count + joined,
    )


def _chunks(posts: Posts, rows_of_place: list[NDArray[np.int64]]) -> NDArray[np.int64]:
    """Numbers of runs of neighbours in a category: [posts]."""
    chunks = np.empty(len(posts.created), dtype=np.int64)
    start = 0
    for rows in rows_of_place:
        chunks[rows] = start + np.arange(len(rows)) // _CHUNK
        start += len(rows) // _CHUNK + 1
    return chunks


def _later(random: np.random.Generator, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """A week later: the same distribution, and the memory as correlation."""
    return np.asarray(_SLOW_MEMORY * values + np.sqrt(1 - _SLOW_MEMORY**2) * random.normal(size=len(values)))


def _neighbours_together(top: NDArray[np.int64], chunks: NDArray[np.int64]) -> NDArray[np.int64]:
    """A list in which the posts of a run follow its best one, the newest first."""
    _, first, inverse = np.unique(chunks[top], return_index=True, return_inverse=True)
    return top[np.lexsort((-top, first[inverse]))]


def places_of(categories: NDArray[np.int64]) -> NDArray[np.int64]:
    """The places of categories in CATEGORY_IDS."""
    numbers = np.array(CATEGORY_IDS)
    order = np.argsort(numbers)
    return np.asarray(order[np.searchsorted(numbers[order], categories)])
