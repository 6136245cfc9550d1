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
_GOLDEN, _MIXED = (5**0.5 - 1) / 2, 10  # multiples of the first are spread evenly over 0..1; mixed among so many posts
_SLOW, _SLOW_MEMORY = 2.6, 0.99
_CHUNK, _CHUNK_SHARE = 5, 0.6
_WEEKLY, _RANK_WEIGHT = 1.0, 1.8  # a week draws the post of rank r to the top of the list with weight r ** -1.8
_PINNED, _PIN_DAYS = (1, 2, 4), 21  # places of a list that posts from below it hold for three weeks
_FORGOTTEN = 0.76  # share of posts that nobody finds who is not served them
_YOUTH, _YOUTH_DAYS = 2.9, 12.0
_SERVED, _LEAST_SERVED = 0.15, 20  # share, and number at least, of a category's posts that are served at a time


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
    """A post that is served stays so for months; each week draws the lists anew, and pinned posts stay for three.

    Ranks decide rather than values, so that the lists of every seed are equally steady.
    """
    count = len(posts.created)
    places = places_of(posts.categories)
    rows_of_place = [np.flatnonzero(places == place) for place in range(len(CATEGORY_IDS))]
    chunks = _chunks(posts, rows_of_place)
    base = _BASE * _spread_gumbel(random, rows_of_place, count)
    slow, slow_chunks = random.normal(size=count), random.normal(size=int(chunks.max()) + 1)
    months = weekly = np.zeros(count)
    lists = np.full((DAYS * len(CATEGORY_IDS), LIST_LENGTH), -1, dtype=np.int32)
    served = []
    pins = [np.zeros(0, dtype=np.int64)] * len(CATEGORY_IDS)
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
            chance = weekly[best] - _RANK_WEIGHT * np.log1p(np.arange(len(best)))
            top = best[np.argsort(-chance, kind="stable")[:LIST_LENGTH]]
            if (day + 5 * place) % _PIN_DAYS == 0 or not len(pins[place]):
                pins[place] = random.permutation(best[~np.isin(best, top)])[: len(_PINNED)]
            top = _with_pins(_neighbours_together(top, chunks), pins[place])
            lists[day * len(CATEGORY_IDS) + place, : len(top)] = top
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


def _spread_gumbel(
    random: np.random.Generator, rows_of_place: list[NDArray[np.int64]], count: int
) -> NDArray[np.float64]:
    """Gumbel values of which every stretch of a category has about the same: no category has a lone favourite."""
    values = np.empty(count)
    for rows in rows_of_place:
        number = np.arange(len(rows))
        mixed = number[np.lexsort((random.random(len(rows)), number // _MIXED))]
        least = 0.25 / max(len(rows), 1)
        quantiles = np.clip((mixed * _GOLDEN + random.random()) % 1, least, 1 - least)
        values[rows] = -np.log(-np.log(quantiles))
    return values


def _later(random: np.random.Generator, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """A week later: the same distribution, and the memory as correlation."""
    return np.asarray(_SLOW_MEMORY * values + np.sqrt(1 - _SLOW_MEMORY**2) * random.normal(size=len(values)))


def _neighbours_together(top: NDArray[np.int64], chunks: NDArray[np.int64]) -> NDArray[np.int64]:
    """A list in which the posts of a run follow its best one, the newest first."""
    _, first, inverse = np.unique(chunks[top], return_index=True, return_inverse=True)
    return top[np.lexsort((-top, first[inverse]))]


def _with_pins(top: NDArray[np.int64], pins: NDArray[np.int64]) -> NDArray[np.int64]:
    """The list with the pinned posts at their places; a list of all served posts has none."""
    rest = top[~np.isin(top, pins)]
    places = np.minimum(np.array(_PINNED[: len(pins)], dtype=np.int64) - np.arange(len(pins)), len(rest))
    return np.insert(rest, places, pins)[:LIST_LENGTH]


def places_of(categories: NDArray[np.int64]) -> NDArray[np.int64]:
    """The places of categories in CATEGORY_IDS."""
    numbers = np.array(CATEGORY_IDS)
    order = np.argsort(numbers)
    return np.asarray(order[np.searchsorted(numbers[order], categories)])
