"""The signs that people leave on a post: they say little about each other, and come in any order."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sample_api.people import People

_LIKED, _RATED_BY_RATERS = 0.20, 0.74
_VIEWED_IF_LIKED, _VIEWED_IF_RATED = 0.46, 0.66
_INSPIRED_IF_LIKED = 0.13
_VIEW_COMES_FIRST = 0.65
_RATING_MEDIAN, _RATING_SPREAD = 20.5, 0.75  # of the people's means: lognormal
_OWN_SPREAD = 6.6  # of one person's ratings


@dataclass(frozen=True, slots=True)
class Signs:
    """What a person leaves on each post, grouped by person. All [pairs]; ``rating`` is 0 where there is none."""

    user: NDArray[np.int64]
    viewed: NDArray[np.bool_]
    liked: NDArray[np.bool_]
    rating: NDArray[np.int64]
    inspires: NDArray[np.int64]
    view_comes_first: NDArray[np.bool_]


def make_signs(random: np.random.Generator, people: People) -> Signs:
    """As many pairs for each person as their budget of events pays for."""
    user = np.repeat(np.arange(len(people.budget)), people.budget)
    liked = random.random(len(user)) < _LIKED
    rated = people.is_rater[user] & (random.random(len(user)) < _RATED_BY_RATERS)
    viewed = random.random(len(user)) < np.where(liked, _VIEWED_IF_LIKED, np.where(rated, _VIEWED_IF_RATED, 1.0))
    inspires = np.where(liked & (random.random(len(user)) < _INSPIRED_IF_LIKED), random.integers(1, 3, len(user)), 0)
    spent = np.cumsum(viewed.astype(np.int64) + liked + rated + inspires)
    before = np.concatenate([[0], spent[:-1]])
    start = np.cumsum(people.budget) - people.budget
    before -= before[np.minimum(start, max(len(before) - 1, 0))][user] if len(before) else 0
    left = people.budget[user] - before
    paid = left > 0
    user, liked, rated, viewed, inspires, left = (each[paid] for each in (user, liked, rated, viewed, inspires, left))
    rated &= viewed.astype(np.int64) + 1 <= left
    liked &= viewed.astype(np.int64) + rated + 1 <= left
    inspires = np.minimum(inspires, np.maximum(left - viewed - rated - liked, 0))
    viewed |= ~(liked | rated | (inspires > 0))
    means = _RATING_MEDIAN * np.exp(_RATING_SPREAD * random.normal(size=len(people.budget)))
    percents = np.clip(np.round(np.minimum(means, 92)[user] + _OWN_SPREAD * random.normal(size=len(user))), 1, 100)
    return Signs(
        user,
        viewed,
        liked,
        np.where(rated, percents, 0).astype(np.int64),
        inspires,
        random.random(len(user)) < _VIEW_COMES_FIRST,
    )
