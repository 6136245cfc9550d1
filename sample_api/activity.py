"""Who met which post when and left what: all arrays of a world, before they are served as rows."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sample_api.admins import make_admin_visits
from sample_api.feeds import Feeds, make_feeds
from sample_api.people import People, Visits, make_people, make_visits
from sample_api.signs import Signs, make_signs
from sample_api.sizes import DAYS, Sizes
from sample_api.uploads import Posts, make_posts
from sample_api.walks import Steps, walk

_LAST_MOMENT = DAYS - 1e-4


@dataclass(frozen=True, slots=True)
class Events:
    """The events of one verb by time. All [events]; ``rating`` is 0 unless the verb is rating."""

    user: NDArray[np.int64]
    post: NDArray[np.int64]
    day: NDArray[np.float64]
    rating: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Activity:
    """Everything that happened, and to whom."""

    posts: Posts
    people: People
    feeds: Feeds
    views: Events
    likes: Events
    inspires: Events
    ratings: Events


def simulate(random: np.random.Generator, sizes: Sizes) -> Activity:
    """Upload, arrive, walk, leave signs."""
    posts = make_posts(random, sizes)
    people = make_people(random, sizes)
    feeds = make_feeds(random, posts)
    signs = make_signs(random, people)
    pairs = np.bincount(signs.user, minlength=len(people.budget))
    visits = _joined(make_admin_visits(random, people, pairs, posts), make_visits(random, people, pairs))
    steps = walk(random, visits, people=people, posts=posts, feeds=feeds)
    return Activity(posts, people, feeds, *_events(random, steps, signs, pairs))


def _joined(admins: Visits, others: Visits) -> Visits:
    """All visits; admins come first, as they do among people."""
    return Visits(
        np.concatenate([admins.user, others.user]),
        np.concatenate([admins.day, others.day]),
        np.concatenate([admins.length, others.length]),
        np.concatenate([admins.category, others.category]),
        np.concatenate([admins.batch, others.batch]),
    )


def _events(
    random: np.random.Generator, steps: Steps, signs: Signs, pairs: NDArray[np.int64]
) -> tuple[Events, Events, Events, Events]:
    """The n-th step of a person gets their n-th signs; a second sign comes seconds after the first."""
    walked = np.bincount(steps.user, minlength=len(pairs))
    number = np.arange(len(steps.user)) - np.repeat(np.cumsum(walked) - walked, walked)
    sign = (np.cumsum(pairs) - pairs)[steps.user] + number
    first = np.minimum(steps.day, _LAST_MOMENT - 30 / 86_400)
    viewed, rating = signs.viewed[sign], signs.rating[sign]
    late_view = viewed & ~signs.view_comes_first[sign]
    late_sign = viewed & ~late_view
    wait = random.uniform(1, 6, size=len(sign)) / 86_400
    sign_day = first + late_sign * wait
    inspires = np.repeat(np.arange(len(sign)), signs.inspires[sign])
    none = np.zeros(len(sign), dtype=np.int64)
    inspire_day = sign_day[inspires] + random.uniform(1, 20, size=len(inspires)) / 86_400
    return (
        _by_time(steps, first + late_view * wait, none, np.flatnonzero(viewed)),
        _by_time(steps, sign_day, none, np.flatnonzero(signs.liked[sign])),
        _by_time(steps, inspire_day, none, inspires, days_of_rows=True),
        _by_time(steps, sign_day, rating, np.flatnonzero(rating)),
    )


def _by_time(
    steps: Steps,
    day: NDArray[np.float64],
    rating: NDArray[np.int64],
    rows: NDArray[np.int64],
    *,
    days_of_rows: bool = False,
) -> Events:
    days = day if days_of_rows else day[rows]
    order = np.argsort(days, kind="stable")
    chosen = rows[order]
    return Events(steps.user[chosen], steps.post[chosen], days[order], rating[chosen])
