"""How people walk through what is served: visit by visit, step by step, never twice to one post."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sample_api.feeds import CATEGORY_IDS, LIST_LENGTH, WEEK_DAYS, Feeds
from sample_api.people import People, Visits, draw_categories
from sample_api.uploads import Posts

_LED = (0.62, 0.45, 0.40)  # share of first visits, of later ones and of changes of category that begin in the list
_FROM_THE_TOP = 0.75
_LIST_STEPS = 10.0  # mean number of steps in a list
_SKIP_IN_LIST, _SKIPPED_IN_LIST = 0.22, 2.0
_SKIP_IN_ORDER, _SKIPPED_IN_ORDER = 0.62, 12.0
_BACKWARDS = 0.7  # share of walks that go to older posts
_BY_AGE = 0.55  # share of walks in order that begin at an age rather than anywhere
_AGE_DAYS = 45.0
_BACK_TO_OWN = 0.45  # of the changes of category go back to the one that the person came for
_SECONDS, _SECONDS_SPREAD = 8.0, 0.9
_MOST_SECONDS = 900.0
_ROUNDS = 8


@dataclass(frozen=True, slots=True)
class Steps:
    """Meetings of a person and a post, grouped by person and ordered by time. All [steps]."""

    user: NDArray[np.int64]
    post: NDArray[np.int64]
    day: NDArray[np.float64]


def walk(random: np.random.Generator, visits: Visits, *, people: People, posts: Posts, feeds: Feeds) -> Steps:
    """Give every step of every visit a post; steps for which none is left are dropped."""
    visit = np.repeat(np.arange(len(visits.user)), visits.length)
    is_first = np.diff(visit, prepend=-1) != 0
    day = visits.day[visit] + _running(_gaps(random, len(visit)), is_first) / 86_400
    user = visits.user[visit]
    fresh = visits.batch[visit] >= 0
    changes = ~is_first & ~fresh & (random.random(len(visit)) < people.switch_rate[user])
    begins = is_first | changes
    segment = np.cumsum(begins) - 1
    heads = np.flatnonzero(begins)
    category = visits.category[visit[heads]].copy()
    changed = changes[heads]
    category[changed] = np.where(
        random.random(int(changed.sum())) < _BACK_TO_OWN,
        people.category[user[heads[changed]]],
        draw_categories(random, int(changed.sum())),
    )
    place = _places_of(category)
    available = _available(feeds, place, day[heads])
    place = np.where(available > 0, place, 0)
    available = np.where(available > 0, available, _available(feeds, place, day[heads]))
    led = _list_places(random, begins, segment, _share_led(visits, visit[heads], changed))
    week = np.minimum(day[heads] / WEEK_DAYS, len(feeds.lists) - 1).astype(np.int64)
    listed = feeds.lists[week[segment], place[segment], np.minimum(led, LIST_LENGTH - 1)]
    in_list = (led < LIST_LENGTH) & (listed >= 0) & ~fresh
    index = _order_places(random, begins, segment, in_list, _starts(random, feeds, place, day[heads], available))
    index %= np.maximum(available, 1)[segment]
    post = np.where(in_list, listed, _in_order(feeds, place[segment], index))
    looked = np.flatnonzero(fresh)
    post[looked] = _looked_at(random, posts, visits.batch[visit[looked]], is_first[looked])
    usable = (available > 0)[segment] | fresh
    usable &= posts.created[post] < day
    post, usable = _without_repeats(random, user, post, usable=usable, posts=posts, feeds=feeds, day=day)
    return Steps(user[usable], post[usable], day[usable])


def _gaps(random: np.random.Generator, count: int) -> NDArray[np.float64]:
    return np.minimum(_SECONDS * np.exp(_SECONDS_SPREAD * random.normal(size=count)), _MOST_SECONDS)


def _running(values: NDArray[np.float64] | NDArray[np.int64], begins: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The running sum, which is 0 again at each beginning."""
    total = np.cumsum(values)
    heads = np.flatnonzero(begins)
    return np.asarray(total - np.repeat(total[heads], np.diff(heads, append=len(values))))


def _places_of(category: NDArray[np.int64]) -> NDArray[np.int64]:
    numbers = np.array(CATEGORY_IDS)
    order = np.argsort(numbers)
    return np.asarray(order[np.searchsorted(numbers[order], category)])


def _available(feeds: Feeds, place: NDArray[np.int64], day: NDArray[np.float64]) -> NDArray[np.int64]:
    """How many posts of a category exist at a moment."""
    found = np.zeros(len(place), dtype=np.int64)
    for number, rows in enumerate(feeds.in_category):
        here = place == number
        found[here] = np.searchsorted(feeds.created[rows], day[here])
    return found


def _share_led(visits: Visits, visit: NDArray[np.int64], changed: NDArray[np.bool_]) -> NDArray[np.float64]:
    is_new = np.diff(visits.user, prepend=-1) != 0
    return np.where(changed, _LED[2], np.where(is_new[visit], _LED[0], _LED[1]))


def _list_places(
    random: np.random.Generator, begins: NDArray[np.bool_], segment: NDArray[np.int64], share: NDArray[np.float64]
) -> NDArray[np.int64]:
    """The place in the list at each step; LIST_LENGTH or more where a person is not in it."""
    count = len(share)
    away = random.random(count) >= share
    start = np.where(random.random(count) < _FROM_THE_TOP, 0, random.geometric(1 / 5, size=count))
    steps = random.geometric(1 / _LIST_STEPS, size=count)
    skips = random.random(len(segment)) < _SKIP_IN_LIST
    ahead = 1 + np.where(skips, random.geometric(1 / _SKIPPED_IN_LIST, size=len(segment)), 0)
    number = _running(np.ones(len(segment), dtype=np.int64), begins)
    place = start[segment] + _running(ahead, begins).astype(np.int64)
    return np.where(away[segment] | (number >= steps[segment]), LIST_LENGTH, place)


def _starts(
    random: np.random.Generator,
    feeds: Feeds,
    place: NDArray[np.int64],
    day: NDArray[np.float64],
    available: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Where walks in order begin: at the posts of some age, or anywhere."""
    before = day - random.exponential(_AGE_DAYS, size=len(day))
    by_age = np.maximum(_available(feeds, place, before) - 1, 0)
    anywhere = (random.random(len(day)) * np.maximum(available, 1)).astype(np.int64)
    return np.where((random.random(len(day)) < _BY_AGE) & (by_age > 0), by_age, anywhere)


def _order_places(
    random: np.random.Generator,
    begins: NDArray[np.bool_],
    segment: NDArray[np.int64],
    in_list: NDArray[np.bool_],
    starts: NDArray[np.int64],
) -> NDArray[np.int64]:
    skips = random.random(len(segment)) < _SKIP_IN_ORDER
    ahead = 1 + np.where(skips, random.geometric(1 / _SKIPPED_IN_ORDER, size=len(segment)), 0)
    ahead[in_list] = 0
    direction = np.where(random.random(len(starts)) < _BACKWARDS, -1, 1)
    return np.asarray(starts[segment] + direction[segment] * _running(ahead, begins).astype(np.int64))


def _in_order(feeds: Feeds, place: NDArray[np.int64], index: NDArray[np.int64]) -> NDArray[np.int64]:
    lengths = np.array([len(rows) for rows in feeds.in_category])
    joined = np.concatenate(feeds.in_category)
    return np.asarray(joined[(np.cumsum(lengths) - lengths)[place] + np.minimum(index, lengths[place] - 1)])


def _looked_at(
    random: np.random.Generator, posts: Posts, batch: NDArray[np.int64], begins: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """The posts of a batch one after the other, some left out."""
    if not len(batch):
        return np.zeros(0, dtype=np.int64)
    order = np.argsort(posts.batches, kind="stable")
    sizes = np.bincount(posts.batches)
    ahead = 1 + (random.random(len(batch)) < 0.3) * random.geometric(0.5, size=len(batch))
    number = _running(ahead, begins).astype(np.int64) % sizes[batch]
    return np.asarray(order[(np.cumsum(sizes) - sizes)[batch] + number])


def _without_repeats(
    random: np.random.Generator,
    user: NDArray[np.int64],
    post: NDArray[np.int64],
    *,
    usable: NDArray[np.bool_],
    posts: Posts,
    feeds: Feeds,
    day: NDArray[np.float64],
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Where a person has met the post, they go on to a neighbour in the category; after some tries they stop."""
    rank = np.zeros(len(feeds.created), dtype=np.int64)
    place = _places_of(posts.categories)
    for rows in feeds.in_category:
        rank[rows] = np.arange(len(rows))
    usable = usable.copy()
    post = post.copy()
    for attempt in range(_ROUNDS + 1):
        _, first = np.unique(user * len(rank) + post, return_index=True)
        again = np.ones(len(post), dtype=bool)
        again[first] = False
        again &= usable
        if attempt == _ROUNDS:
            usable &= ~again
            break
        rows = np.flatnonzero(again)
        if not len(rows):
            break
        there = place[post[rows]]
        available = np.maximum(_available(feeds, there, day[rows]), 1)
        moved = rank[post[rows]] - random.geometric(1 / (2.0 + 3 * attempt), size=len(rows))
        post[rows] = _in_order(feeds, there, moved % available)
    return post, usable
