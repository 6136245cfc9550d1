"""The interactions: which user met which post when, and what signs they left."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sample_api.tastes import DAYS, Posts, Users, affinity

_FEATURED_AT_ONCE = 18
_FEATURED_DAYS = (14.0, 45.0)
_FEATURED_SHARE = 0.40  # of the posts that a user meets are featured ones; the others come by taste and freshness


@dataclass(frozen=True, slots=True)
class Event:
    """One row of an event endpoint; ``rating_percent`` is 0 unless the verb is rating."""

    verb: str
    user: int
    post: int
    day: float
    rating_percent: int = 0


@dataclass(frozen=True, slots=True)
class Attention:
    """What the platform shows to everyone: featured posts come and go, topics trend."""

    featured: NDArray[np.int64]  # [features]
    starts: NDArray[np.float64]  # days
    ends: NDArray[np.float64]
    draw: NDArray[np.float64]
    phases: NDArray[np.float64]  # [topics]

    def featured_weights(self, day: float) -> NDArray[np.float64]:
        """How strongly each featured post draws users at a moment, strongest when new: [features]."""
        age = (day - self.starts) / (self.ends - self.starts)
        return np.where((age >= 0) & (age <= 1), self.draw * (1.0 - 0.6 * age), 0.0)

    def trend(self, day: float) -> NDArray[np.float64]:
        """How fashionable each topic is at a moment: [topics]."""
        return 0.5 * np.sin(2 * np.pi * (day / 150.0 + self.phases))


def make_attention(random: np.random.Generator, posts: Posts) -> Attention:
    """Featured posts follow each other over the whole period; most are young, and each is featured at most once."""
    alive = np.flatnonzero(~posts.is_dead)
    featured, starts, ends = [], [], []
    free = set(alive.tolist())
    count = max(4, round(_FEATURED_AT_ONCE * min(1.0, len(alive) / 400)))
    for _ in range(count):
        day = -random.uniform(0, _FEATURED_DAYS[1])
        while day < DAYS:
            length = random.uniform(*_FEATURED_DAYS)
            candidates = np.array([post for post in free if posts.created[post] <= max(day, 10)])
            if not len(candidates):
                break
            youth = np.exp((posts.created[candidates] - max(day, 10)) / 25.0) + 1e-3
            weights = youth * posts.appeal[candidates]
            post = int(random.choice(candidates, p=weights / weights.sum()))
            free.discard(post)
            featured.append(post)
            starts.append(max(day, posts.created[post]))
            ends.append(max(day, posts.created[post]) + length)
            day += length
    return Attention(
        np.array(featured, dtype=np.int64),
        np.array(starts),
        np.array(ends),
        random.lognormal(0, 0.6, size=len(featured)),
        random.random(int(posts.topics.max()) + 1),
    )


def make_events(random: np.random.Generator, users: Users, posts: Posts, attention: Attention) -> list[Event]:
    """Events ascending by time; every post that is not dead has at least one."""
    likings = affinity(users, posts)
    rating_means = np.clip(random.lognormal(2.95, 0.55, size=len(users.events)), 4, 80)
    events: list[Event] = []
    for user in range(len(users.events)):
        met: set[int] = set()
        left = int(users.events[user])
        days = list(users.sessions[user])
        for _ in range(4 * left):
            if left <= 0:
                break
            day = days.pop(0) if days else float(random.choice(users.sessions[user])) + random.exponential(0.02)
            day = min(day, DAYS - 1e-3)
            post = _meet(random, day, likings[user], posts=posts, attention=attention, met=met)
            if post is None:
                continue
            met.add(post)
            signs = _signs(random, likings[user, post], bool(users.is_rater[user]), left)
            seconds = 0.0
            for verb in signs:
                percent = 0
                if verb == "rating":
                    percent = int(
                        np.clip(
                            rating_means[user] * np.exp(0.35 * likings[user, post] + random.normal(0, 0.45) - 0.3),
                            1,
                            100,
                        )
                    )
                events.append(Event(verb, user, post, min(day + seconds / 86_400, DAYS - 1e-4), percent))
                seconds += random.uniform(2, 40)
            left -= len(signs)
    events.sort(key=lambda event: event.day)
    return _touch_every_living_post(random, events, posts, likings)


def _meet(
    random: np.random.Generator,
    day: float,
    tastes: NDArray[np.float64],
    *,
    posts: Posts,
    attention: Attention,
    met: set[int],
) -> int | None:
    """The post that a user meets at a moment; None if there is none left that they have not met."""
    exists = (posts.created <= day) & ~posts.is_dead
    if met:
        exists[list(met)] = False
    liking = tastes + attention.trend(day)[posts.topics]
    if random.random() < _FEATURED_SHARE:
        weights = attention.featured_weights(day) * exists[attention.featured]
        weights = weights * np.exp(0.45 * liking[attention.featured])
        if weights.sum() > 0:
            return int(attention.featured[random.choice(len(weights), p=weights / weights.sum())])
    freshness = np.exp(-(day - posts.created) / 14.0) + 0.02
    weights = exists * posts.appeal * freshness * np.exp(1.3 * liking)
    if weights.sum() <= 0:
        return None
    return int(random.choice(len(weights), p=weights / weights.sum()))


def _signs(random: np.random.Generator, liking: float, is_rater: bool, left: int) -> list[str]:
    """The signs that a user leaves on a post: mostly a view, often a rating, sometimes a like without a view."""
    like = random.random() < 0.138 * np.exp(0.35 * min(liking, 3.0)) / 1.2
    rate = is_rater and random.random() < 0.68
    view = random.random() < (0.50 if like else 0.62 if rate else 1.0)
    signs = ["view"] * bool(view) + ["rating"] * bool(rate) + ["like"] * bool(like)
    if like and random.random() < 0.13:
        signs += ["inspire"] * int(random.choice([1, 2]))
    if not signs:
        signs = ["view"]
    return signs[-left:] if len(signs) > left else signs


def _touch_every_living_post(
    random: np.random.Generator, events: list[Event], posts: Posts, likings: NDArray[np.float64]
) -> list[Event]:
    """Give each living post without events a view of an often viewed post, at a time when the post existed."""
    counts = np.bincount([event.post for event in events], minlength=len(posts.created))
    pairs = {(event.user, event.post) for event in events}
    for post in np.flatnonzero((counts == 0) & ~posts.is_dead):
        candidates = [
            row
            for row, event in enumerate(events)
            if event.verb == "view"
            and event.day > posts.created[post]
            and counts[event.post] > 8
            and (event.user, int(post)) not in pairs
        ]
        if not candidates:
            continue
        weights = np.array([np.exp(likings[events[row].user, post]) for row in candidates])
        row = candidates[int(random.choice(len(candidates), p=weights / weights.sum()))]
        event = events[row]
        counts[event.post] -= 1
        counts[post] += 1
        pairs.add((event.user, int(post)))
        events[row] = Event("view", event.user, int(post), event.day)
    return events
