"""A simulated world that is split: half of the people see half of the posts, with exploration or without.

What is simulated is the world and the ranking; which post a page explores is chosen by the code that serves.

- A post has a direction, uniform among unit vectors of 8 numbers, and a quality from Beta(1, 6): few are liked much.
  A person has a direction. A person likes a post that they see with the probability quality * (1 + cosine) / 2.
- The ranking is the cosine plus a weight times the popularity: the logarithm of the likes of the last 7
  days, 1 for the most liked post, counted once a day. So it knows everybody's taste,
  learns a post's quality from likes alone, and keeps a post without likes behind. Nobody sees a post twice.
- Posts of before the first day start with likes as the ranking gave them in a week without exploration. Then new posts
  come every day.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from post_index_service.exploration import Candidates, Exploration, with_explored
from post_index_service.impressions import MOST_IMPRESSIONS, NEW_DAYS
from post_index_service.ranking import Ranked

PAGE_SIZE = 10
_DIMENSIONS = 8
_QUALITY = (1.0, 6.0)
_TREND_DAYS = 7
_WARM_DAYS = 7


@dataclass(frozen=True, slots=True)
class Size:
    """Of one arm: people, days, pages that people drawn by chance ask for each day, old posts, and new ones a day."""

    people: int = 8_000
    days: int = 28
    pages_a_day: int = 500
    old_posts: int = 300
    new_posts_a_day: int = 50


@dataclass(slots=True)
class Outcome:
    """What became of an arm: int64 [new posts] positives, and counts of pages and of what they explored."""

    positives: NDArray[np.int64]
    pages: int = 0
    impressions: int = 0
    likes: int = 0
    explored: int = 0
    most_on_a_page: int = 0

    def past(self, positives: int) -> int:
        """How many new posts got more positives."""
        return int((self.positives > positives).sum())


@dataclass(frozen=True, slots=True)
class Arm:
    """Half of the posts, of which the first ones are old, and half of the people: unit rows [posts or people, 8].

    ``born`` int64 [posts] is the day from which on a post is there.
    """

    posts: NDArray[np.float32]
    qualities: NDArray[np.float64]
    born: NDArray[np.int64]
    people: NDArray[np.float32]
    pages_a_day: int
    popularity_weight: float

    def run(self, *, share: float, seed: int, days: int) -> Outcome:
        """Let the people ask for pages; after the days without exploration, a ``share`` of the pages explores."""
        return _Run(self, share, np.random.default_rng(seed)).run(days)


def two_arms(seed: int, size: Size) -> tuple[Arm, Arm]:
    """A world, split in two halves by chance."""
    random = np.random.default_rng(seed)
    count = size.old_posts + size.new_posts_a_day * size.days
    born = np.concatenate([np.full(size.old_posts, -_WARM_DAYS), np.repeat(np.arange(size.days), size.new_posts_a_day)])

    def arm() -> Arm:
        qualities = random.beta(*_QUALITY, size=count)
        return Arm(_directions(random, count), qualities, born, _directions(random, size.people), size.pages_a_day, 1.0)

    return arm(), arm()


def _directions(random: np.random.Generator, count: int) -> NDArray[np.float32]:
    vectors = random.normal(size=(count, _DIMENSIONS)).astype(np.float32)
    unit: NDArray[np.float32] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit


@dataclass(slots=True)
class _Run:
    arm: Arm
    share: float
    random: np.random.Generator
    impressions: NDArray[np.int64] = field(init=False)
    likes: NDArray[np.int64] = field(init=False)  # [days, posts]
    liked: NDArray[np.int64] = field(init=False)  # [posts], on all days together
    was_shown: NDArray[np.bool_] = field(init=False)  # [people, posts]

    def run(self, days: int) -> Outcome:
        count = len(self.arm.posts)
        self.impressions = np.zeros(count, np.int64)
        self.likes = np.zeros((_WARM_DAYS + days, count), np.int64)
        self.liked = np.zeros(count, np.int64)
        self.was_shown = np.zeros((len(self.arm.people), count), np.bool_)
        outcome = Outcome(np.zeros(0, np.int64))
        for day in range(-_WARM_DAYS, days):
            self._day(day, outcome)
        outcome.positives = self.liked[self.arm.born >= 0]
        return outcome

    def _day(self, day: int, outcome: Outcome) -> None:
        at = day + _WARM_DAYS
        there = np.flatnonzero(self.arm.born <= day)
        recent = self.likes[max(0, at - _TREND_DAYS) : at, there].sum(axis=0)
        popularity = (np.log1p(recent) / np.log1p(max(1, recent.max()))).astype(np.float32)
        is_new = (self.arm.born[there] >= 0) & (self.arm.born[there] > day - NEW_DAYS)
        for person in self.random.integers(len(self.arm.people), size=self.arm.pages_a_day):
            closeness = self.arm.posts[there] @ self.arm.people[person]
            is_left = ~self.was_shown[person, there]
            page, count = self._page(
                closeness + self.arm.popularity_weight * popularity, is_left, is_new, there, has_begun=day >= 0
            )
            likes = self.random.random(len(page)) < self.arm.qualities[there[page]] * (1 + closeness[page]) / 2
            self.was_shown[person, there[page]] = True
            self.impressions[there[page]] += 1
            self.likes[at, there[page]] += likes
            self.liked[there[page]] += likes
            if day >= 0:
                outcome.pages += 1
                outcome.impressions += len(page)
                outcome.likes += int(likes.sum())
                outcome.explored += count
                outcome.most_on_a_page = max(outcome.most_on_a_page, count)

    def _page(
        self,
        numbers: NDArray[np.float32],
        is_left: NDArray[np.bool_],
        is_new: NDArray[np.bool_],
        there: NDArray[np.int64],
        *,
        has_begun: bool,
    ) -> tuple[NDArray[np.int64], int]:
        """The rows of the page among those that are there, and how many of them are explored."""
        ranked = _best(numbers, np.flatnonzero(is_left), PAGE_SIZE)
        if not (has_begun and self.share):
            return ranked.rows, 0

        def candidates(_: Exploration) -> Candidates:
            few = np.flatnonzero(is_left & is_new & (self.impressions[there] < MOST_IMPRESSIONS))
            best = _best(numbers, few, 200)
            return Candidates(best, self.liked[there[best.rows]], self.impressions[there[best.rows]])

        found, explored = with_explored(
            ranked,
            Exploration(self.share, int(self.random.integers(2**63))),
            limit=PAGE_SIZE,
            movable=(0, int(is_left.sum())),
            candidates=candidates,
        )
        return found.rows, len(explored)


def _best(numbers: NDArray[np.float32], rows: NDArray[np.int64], count: int) -> Ranked:
    if 0 < count < len(rows):
        rows = rows[np.argpartition(-numbers[rows], count)[:count]]
    rows = rows[np.argsort(-numbers[rows], kind="stable")]
    return Ranked(rows, numbers[rows], numbers[rows])
