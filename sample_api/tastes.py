"""The hidden properties of users and posts: the ground truth that the API never shows."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sample_api.latent import CATEGORY_SIZES, MOOD_LABELS, TOPICS

DAYS = 425  # fourteen months
TEST_DAYS = 35

_POSTS, _NEVER_TOUCHED = 1251, 416
_USERS, _ACTIVE = 1207, 831
_TEST_USERS, _TEST_USERS_SEEN_BEFORE = 129, 25
_HEAVIEST = 742
_EVENTS = 9781
_QUIET_DAYS = 5  # no posts in the last days, so that even the newest ones had a chance to be met


@dataclass(frozen=True, slots=True)
class Posts:
    """All posts, oldest first. ``topics``, ``moods``, ``categories`` int64 [posts]; ``created`` float64 days [posts].

    ``appeal`` float64 [posts]: how much a post draws by itself; ``is_dead``: no user ever meets it.
    """

    topics: NDArray[np.int64]
    moods: NDArray[np.int64]
    categories: NDArray[np.int64]
    created: NDArray[np.float64]
    appeal: NDArray[np.float64]
    is_dead: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Users:
    """Active users. ``topic_tastes`` float64 [users, topics], ``mood_tastes`` [users, moods], both about -1 to 3.

    ``sessions[i]``: days of the visits of user ``i``; ``events`` int64 [users]: how many events each leaves in all.
    """

    topic_tastes: NDArray[np.float64]
    mood_tastes: NDArray[np.float64]
    sessions: tuple[NDArray[np.float64], ...]
    events: NDArray[np.int64]
    is_rater: NDArray[np.bool_]
    total: int  # all users, including those without events


def make_posts(random: np.random.Generator, scale: float) -> Posts:
    """Each category leans to a few topics and each topic to a few moods, so that neither determines the other."""
    count = max(round(_POSTS * scale), 40)
    sizes = np.array([size for _, size in CATEGORY_SIZES.values()], dtype=np.float64)
    numbers = np.array(list(CATEGORY_SIZES))
    per_category = np.maximum(np.round(sizes / sizes.sum() * count), 1).astype(int)
    per_category[0] += count - per_category.sum()
    categories = random.permutation(np.repeat(numbers, per_category))
    leaning = random.dirichlet(np.full(len(TOPICS), 0.35), size=len(numbers))
    topics = np.array([random.choice(len(TOPICS), p=leaning[np.flatnonzero(numbers == c)[0]]) for c in categories])
    colouring = random.dirichlet(np.full(len(MOOD_LABELS), 0.6), size=len(TOPICS))
    moods = np.array([random.choice(len(MOOD_LABELS), p=0.7 * colouring[t] + 0.3 / len(MOOD_LABELS)) for t in topics])
    created = np.sort(DAYS * random.beta(1.6, 1.1, size=count))
    created *= (DAYS - _QUIET_DAYS) / created[-1]
    is_dead = np.zeros(count, dtype=bool)
    is_dead[random.choice(count, size=round(count * _NEVER_TOUCHED / _POSTS), replace=False)] = True
    return Posts(topics, moods, categories, created, random.lognormal(0.0, 0.6, size=count), is_dead)


def make_users(random: np.random.Generator, scale: float) -> Users:
    """Most users come once and leave within days; a few stay and have events on both sides of the split."""
    active = max(round(_ACTIVE * scale), 20)
    test = max(round(_TEST_USERS * scale), 6)
    stayers = max(round(_TEST_USERS_SEEN_BEFORE * scale), 2)
    events = _activity(random, active, scale)
    by_activity = np.argsort(-events, kind="stable")  # otherwise the order of ties depends on the processor
    busiest = by_activity[: stayers // 3]
    busy = random.choice(by_activity[stayers // 3 : active // 3], size=stayers - stayers // 3, replace=False)
    staying = np.concatenate([busiest, busy])
    others = random.permutation(np.setdiff1d(np.arange(active), staying))
    arriving_late = others[: test - stayers]
    sessions: list[NDArray[np.float64]] = [np.zeros(0)] * active
    for user in range(active):
        visits = max(1, int(np.ceil(events[user] / 12)))
        if user in staying:
            first = random.uniform(DAYS * 0.3, DAYS - TEST_DAYS - 20)
            days = random.uniform(first, DAYS, size=max(visits, 6))
            days[:3] = first, random.uniform(DAYS - TEST_DAYS + 0.5, DAYS - 0.5), DAYS - 0.01
        elif user in arriving_late:
            days = random.uniform(DAYS - TEST_DAYS + 0.1, DAYS - 3) + random.exponential(0.8, size=visits)
        else:
            last = DAYS - TEST_DAYS - 1.5
            wave = random.choice(np.linspace(20, last, 24)) + random.normal(0, 4)
            days = np.clip(wave + random.exponential(2.5, size=visits), 1, last)
        sessions[user] = np.clip(days, 0.5, DAYS - 0.01)  # a stayer's first ones are on both sides of the split
    return Users(
        topic_tastes=_tastes(random, active, len(TOPICS), liked=3),
        mood_tastes=_tastes(random, active, len(MOOD_LABELS), liked=2),
        sessions=tuple(sessions),
        events=events,
        is_rater=random.random(active) < 0.65,
        total=max(round(_USERS * scale), active),
    )


def affinity(users: Users, posts: Posts) -> NDArray[np.float64]:
    """How much each user likes each post: float64 [users, posts]."""
    return users.topic_tastes[:, posts.topics] + 0.7 * users.mood_tastes[:, posts.moods]


def _tastes(random: np.random.Generator, users: int, kinds: int, *, liked: int) -> NDArray[np.float64]:
    tastes = random.normal(0, 0.3, size=(users, kinds))
    for row in tastes:
        row[random.choice(kinds, size=liked, replace=False)] += random.uniform(1.2, 2.6, size=liked)
    return tastes


def _activity(random: np.random.Generator, active: int, scale: float) -> NDArray[np.int64]:
    """A quarter of users leave one event, three quarters at most seven, the busiest hundreds; the median is three."""
    ones, twos, some = (round(share * active) for share in (0.28, 0.26, 0.22))
    few = [np.ones(ones), random.integers(2, 4, size=twos), random.integers(4, 8, size=some)]
    many = np.minimum(8 + random.pareto(0.95, size=active - ones - twos - some) * 8, 0.55 * _HEAVIEST)
    wanted = _EVENTS * scale - sum(part.sum() for part in few) - _HEAVIEST * min(scale * 1.5, 1)
    many = np.maximum(np.minimum(many * wanted / many.sum(), 0.7 * _HEAVIEST), 8)
    many[0] = _HEAVIEST * min(scale * 1.5, 1)
    return random.permutation(np.concatenate([*few, many])).astype(np.int64)
