"""How people walk through what is served: visit by visit, step by step, never twice to one post."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sample_api.feeds import CATEGORY_IDS, LIST_LENGTH, Feeds, places_of
from sample_api.people import People, Visits, draw_categories
from sample_api.sizes import DAYS
from sample_api.uploads import Posts

_LED = (0.92, 0.82, 0.70)  # share of first visits, of later ones and of changes of category that begin in the list
_SHORT, _LED_IF_SHORT = 4, 0.55  # visits of so few steps follow a link to some post more often
_FROM_THE_TOP, _START_IN_LIST = 0.92, 5.0
_LIST_STEPS = 30.0  # mean number of steps in a list
_SKIP_IN_LIST, _SKIPPED_IN_LIST = 0.15, 1.6
_SKIP_IN_ORDER, _SKIPPED_IN_ORDER = 0.40, 5.0
_BACKWARDS = 0.7  # share of walks that go to older posts
_BY_AGE = 0.5  # share of walks in order that begin at an age rather than anywhere
_AGE_DAYS = 60.0
_BACK_TO_OWN = 0.60  # of the changes of category go back to the one that the person came for
_SECONDS, _SECONDS_SPREAD, _MOST_SECONDS = 8.0, 0.9, 900.0
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
    gaps = _SECONDS * np.exp(_SECONDS_SPREAD * random.normal(size=len(visit)))
    day = visits.day[visit] + _running(np.minimum(gaps, _MOST_SECONDS), is_first) / 86_400
    user = visits.user[visit]
    looks = visits.batch[visit] >= 0
    changes = ~is_first & ~looks & (random.random(len(visit)) < people.switch_rate[user])
    begins = is_first | changes
    segment = np.cumsum(begins) - 1
    heads = np.flatnonzero(begins)
    group = _groups(random, visits, people, visit=visit[heads], day=day[heads], changed=changes[heads], feeds=feeds)
    led = _list_places(random, begins, segment, _share_led(visits, visit[heads], changes[heads]))
    post = feeds.lists[group[segment], np.minimum(led, LIST_LENGTH - 1)].astype(np.int64)
    in_order = (led >= LIST_LENGTH) | (post < 0)
    index = _order_places(random, begins, segment, ~in_order, _starts(random, posts, feeds, group, day[heads]))
    post[in_order] = _served(feeds, group[segment[in_order]], index[in_order])
    post[looks] = _looked_at(random, posts, visits.batch[visit[looks]], is_first[looks])
    usable = (posts.created[post] < day) & (looks | (feeds.counts[group] > 0)[segment])
    post, usable = _without_repeats(random, user, post, usable=usable, group=group[segment], feeds=feeds, posts=posts)
    return Steps(user[usable], post[usable], day[usable])


def _running(values: NDArray[np.float64] | NDArray[np.int64], begins: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The running sum, which is 0 again at each beginning."""
    total = np.cumsum(values)
    heads = np.flatnonzero(begins)
    return np.asarray(total - np.repeat(total[heads], np.diff(heads, append=len(values))))


def _groups(
    random: np.random.Generator,
    visits: Visits,
    people: People,
    *,
    visit: NDArray[np.int64],
    day: NDArray[np.float64],
    changed: NDArray[np.bool_],
    feeds: Feeds,
) -> NDArray[np.int64]:
    """The feed that each segment of a visit walks; where a category has no posts yet, that of the first category."""
    category = visits.category[visit]
    back = random.random(len(visit)) < _BACK_TO_OWN
    others = np.where(back, people.category[visits.user[visit]], draw_categories(random, len(visit)))
    place = places_of(np.where(changed, others, category))
    first = np.minimum(day.astype(np.int64), DAYS - 1) * len(CATEGORY_IDS)
    return np.where(feeds.counts[first + place] > 0, first + place, first)


def _share_led(visits: Visits, visit: NDArray[np.int64], changed: NDArray[np.bool_]) -> NDArray[np.float64]:
    is_new = np.diff(visits.user, prepend=-1) != 0
    share = np.where(changed, _LED[2], np.where(is_new[visit], _LED[0], _LED[1]))
    return np.where(visits.length[visit] <= _SHORT, _LED_IF_SHORT * share, share)


def _list_places(
    random: np.random.Generator, begins: NDArray[np.bool_], segment: NDArray[np.int64], share: NDArray[np.float64]
) -> NDArray[np.int64]:
    """The place in the list at each step; LIST_LENGTH or more where a person is not in it."""
    count = len(share)
    away = random.random(count) >= share
    start = np.where(random.random(count) < _FROM_THE_TOP, 0, random.geometric(1 / _START_IN_LIST, size=count))
    steps = random.geometric(1 / _LIST_STEPS, size=count)
    skips = random.random(len(segment)) < _SKIP_IN_LIST
    ahead = 1 + np.where(skips, random.geometric(1 / _SKIPPED_IN_LIST, size=len(segment)), 0)
    number = _running(np.ones(len(segment), dtype=np.int64), begins)
    place = start[segment] + _running(ahead, begins).astype(np.int64)
    return np.asarray(np.where(away[segment] | (number >= steps[segment]), LIST_LENGTH, place))


def _starts(
    random: np.random.Generator, posts: Posts, feeds: Feeds, group: NDArray[np.int64], day: NDArray[np.float64]
) -> NDArray[np.int64]:
    """Where walks in order begin: at the posts of some age, or anywhere."""
    count = np.maximum(feeds.counts[group], 1)
    row = np.searchsorted(posts.created, day - random.exponential(_AGE_DAYS, size=len(day)))
    by_age = np.searchsorted(feeds.keys, group * len(posts.created) + row) - feeds.starts[group] - 1
    anywhere = (random.random(len(day)) * count).astype(np.int64)
    return np.asarray(np.where((random.random(len(day)) < _BY_AGE) & (by_age >= 0), by_age, anywhere))


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


def _served(feeds: Feeds, group: NDArray[np.int64], index: NDArray[np.int64]) -> NDArray[np.int64]:
    """The posts of feeds at indices that begin anew at the end."""
    places = feeds.starts[group] + index % np.maximum(feeds.counts[group], 1)
    return np.asarray(feeds.served[np.minimum(places, len(feeds.served) - 1)], dtype=np.int64)


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


def _older(random: np.random.Generator, posts: Posts, feeds: Feeds, post: NDArray[np.int64]) -> NDArray[np.int64]:
    """An older post of the same category, served or not; from the oldest on, the walk begins anew where it was."""
    found = post.copy()
    places = places_of(posts.categories[post])
    for place, archive in enumerate(feeds.archive):
        here = np.flatnonzero(places == place)
        older = np.searchsorted(archive, post[here])
        here, older = here[older > 0], older[older > 0]
        found[here] = archive[(older - random.geometric(0.12, size=len(older))) % np.maximum(older, 1)]
    return found


def _without_repeats(
    random: np.random.Generator,
    user: NDArray[np.int64],
    post: NDArray[np.int64],
    *,
    usable: NDArray[np.bool_],
    group: NDArray[np.int64],
    feeds: Feeds,
    posts: Posts,
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Where a person has met the post, they go on in the feed, then to older posts; after some tries they stop."""
    usable = usable.copy()
    count = len(posts.created)
    for attempt in range(_ROUNDS + 1):
        _, first = np.unique(user * count + post, return_index=True)
        again = usable.copy()
        again[first] = False
        if attempt == _ROUNDS:
            usable &= ~again
            break
        rows = np.flatnonzero(again)
        if not len(rows):
            break
        if attempt >= _ROUNDS // 2:
            post[rows] = _older(random, posts, feeds, post[rows])
            continue
        place = np.searchsorted(feeds.keys, group[rows] * count + post[rows]) - feeds.starts[group[rows]]
        post[rows] = _served(feeds, group[rows], place - random.geometric(1 / (2.0 + 3 * attempt), size=len(rows)))
    return post, usable
